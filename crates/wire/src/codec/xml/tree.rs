//! A small tree of elements, for requests.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::is_foreign;
use crate::codec::Malformed;

/// Deepest nesting of a request; S3's own bodies are at most eight levels deep.
const MAX_DEPTH: usize = 64;

/// An element without its prefix.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// Name without prefix.
    pub(crate) name: String,
    /// Attributes: name without prefix, value. Namespace declarations are left out.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All character data directly inside.
    pub(crate) text: String,
}

impl Element {
    /// The attribute of that name (without prefix).
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn broken(error: impl std::fmt::Display) -> Malformed {
    Malformed::new(error.to_string())
}

/// Parses a whole document into its root element.
pub(crate) fn parse(body: &[u8]) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(body).map_err(broken)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(tag) => {
                if root.is_some() || open.len() >= MAX_DEPTH {
                    return Err(Malformed::new("more than one root element, or too deep nesting"));
                }
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => close(element(&tag)?, &mut open, &mut root)?,
            Event::End(_) => match open.pop() {
                Some(done) => close(done, &mut open, &mut root)?,
                None => return Err(Malformed::new("an end tag without its start")),
            },
            Event::Text(text) => append(&text.xml10_content(), &mut open)?,
            Event::CData(text) => append(&text.xml10_content(), &mut open)?,
            Event::GeneralRef(reference) => append(resolve(&reference)?.encode_utf8(&mut [0; 4]), &mut open)?,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err(Malformed::new("document type declarations are not allowed")),
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(Malformed::new("the document ends inside an element"));
    }
    root.ok_or_else(|| Malformed::new("the document has no root element"))
}

fn element(tag: &BytesStart<'_>) -> Result<Element, Malformed> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(broken)?;
        let name: &str = attribute.key.as_ref();
        if name == "xmlns" || name.starts_with("xmlns:") {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(broken)?;
        check(&value)?;
        attributes.push((local(name).to_owned(), value.into_owned()));
    }
    let name: &str = tag.name().into_inner();
    Ok(Element { name: local(name).to_owned(), attributes, ..Element::default() })
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), Malformed> {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None if root.is_none() => *root = Some(done),
        None => return Err(Malformed::new("more than one root element")),
    }
    Ok(())
}

/// Refuses characters that XML 1.0 cannot hold.
fn check(text: &str) -> Result<(), Malformed> {
    match text.chars().find(|found| is_foreign(*found)) {
        Some(found) => Err(Malformed::new(format!("XML 1.0 has no character U+{:04X}", u32::from(found)))),
        None => Ok(()),
    }
}

fn append(text: &str, open: &mut [Element]) -> Result<(), Malformed> {
    check(text)?;
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Malformed::new("text outside the root element")),
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(character) = reference.resolve_char_ref().map_err(broken)? {
        return Ok(character);
    }
    let name: &str = reference;
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(Malformed::new(format!("unknown entity '{other}'"))),
    }
}
