//! One row as a tree.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::local;
use crate::options::XmlOptions;

/// Elements within one row.
const MAX_DEPTH: usize = 100;

/// An element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Without the prefix of its namespace.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    /// Its own text, of all pieces.
    pub(crate) text: String,
    /// `xsi:nil="true"`.
    pub(crate) is_nil: bool,
    /// Where its content lies in the row's text.
    pub(crate) content: std::ops::Range<usize>,
}

impl Node {
    /// Text that is more than the white space between elements.
    pub(crate) fn has_text(&self) -> bool {
        !self.text.trim().is_empty()
    }

    /// The same without the attributes of it and of all elements within.
    fn without_attributes(mut self) -> Self {
        self.attributes.clear();
        self.children = self.children.into_iter().map(Self::without_attributes).collect();
        self
    }
}

/// Why a row is not well-formed, and the byte of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) message: String,
    pub(crate) at: usize,
}

/// A row's text as `options` say.
pub(crate) fn row(text: &str, options: &XmlOptions) -> Result<Node, BadRow> {
    let node = parse(text)?;
    Ok(if options.leave_out_attributes { node.without_attributes() } else { node })
}

/// Parses a row's text.
pub(crate) fn parse(text: &str) -> Result<Node, BadRow> {
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Node> = Vec::new();
    loop {
        let before = reader.buffer_position() as usize;
        let bad = |message: String, at: usize| BadRow { message, at };
        let event = reader.read_event().map_err(|e| bad(e.to_string(), reader.error_position() as usize))?;
        let after = reader.buffer_position() as usize;
        let done = match event {
            Event::Start(tag) => {
                if stack.len() == MAX_DEPTH {
                    return Err(bad(format!("nested more than {MAX_DEPTH} levels deep"), before));
                }
                stack.push(element(&tag, after).map_err(|message| bad(message, before))?);
                None
            }
            Event::Empty(tag) => {
                let node = element(&tag, after).map_err(|message| bad(message, before))?;
                close(&mut stack, node)
            }
            Event::End(_) => match stack.pop() {
                Some(mut node) => {
                    node.content.end = before;
                    close(&mut stack, node)
                }
                None => return Err(bad("a closing tag closes nothing".to_owned(), before)),
            },
            Event::Text(piece) => append(&mut stack, &piece.xml10_content()),
            Event::CData(piece) => append(&mut stack, &piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = resolve(&reference).map_err(|message| bad(message, before))?;
                append(&mut stack, resolved.encode_utf8(&mut [0; 4]))
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => None,
            Event::Eof => return Err(bad("the row is not closed".to_owned(), before)),
        };
        if let Some(root) = done {
            return Ok(root);
        }
    }
}

/// Hands a finished element to the one around it; the outermost is the result.
fn close(stack: &mut [Node], node: Node) -> Option<Node> {
    match stack.last_mut() {
        Some(parent) => {
            parent.children.push(node);
            None
        }
        None => Some(node),
    }
}

fn append(stack: &mut [Node], text: &str) -> Option<Node> {
    if let Some(node) = stack.last_mut() {
        node.text.push_str(text);
    }
    None
}

fn element(tag: &BytesStart<'_>, content: usize) -> Result<Node, String> {
    let mut node =
        Node { name: local(tag.name().0).to_owned(), content: content..content, ..Node::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.0;
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| format!("attribute {key}: {error} (entities of a DOCTYPE are not expanded)"))?;
        if key == "xsi:nil" {
            node.is_nil = matches!(value.trim(), "true" | "1");
            continue;
        }
        node.attributes.push((local(key).to_owned(), value.into_owned()));
    }
    Ok(node)
}

/// The character that a reference stands for. Errors: an entity that is not one of XML's own.
pub(crate) fn resolve(reference: &BytesRef<'_>) -> Result<char, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        other => Err(format!("the entity &{other}; is not defined (entities of a DOCTYPE are not expanded)")),
    }
}
