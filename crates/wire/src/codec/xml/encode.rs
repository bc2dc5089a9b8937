//! Documents to XML text.

use std::fmt::Write as _;

use crate::call::Document;
use crate::codec::scalar;
use crate::codec::timestamp::Format;
use crate::model::{Kind, Member, Model, Shape};

/// XML text under construction.
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    /// An empty fragment.
    pub(crate) fn new() -> Self {
        Self { out: String::new() }
    }

    /// A document: begins with the XML declaration.
    pub(crate) fn document() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned() }
    }

    /// Opens an element, optionally in a default namespace.
    pub(crate) fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(uri) = namespace {
            self.attribute("xmlns", uri);
        }
        self.out.push('>');
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Writes an element that holds text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, None);
        self.text(text);
        self.close(name);
    }

    /// Writes an element for people: U+FFFD stands for what XML 1.0 cannot hold, so that every parser reads the document.
    pub(crate) fn legible(&mut self, name: &str, text: &str) {
        self.leaf(name, &text.replace(super::is_foreign, "\u{fffd}"));
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        // A parser turns plain line breaks and tabs of an attribute into spaces.
        for part in value.split_inclusive(['\n', '\t']) {
            match part.strip_suffix(['\n', '\t']) {
                None => self.text(part),
                Some(text) => {
                    self.text(text);
                    self.out.push_str(if part.ends_with('\n') { "&#xa;" } else { "&#x9;" });
                }
            }
        }
        self.out.push('"');
    }

    /// Appends character data. Characters that XML 1.0 cannot hold become character references, as S3 writes them.
    pub(crate) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\n' => self.out.push('\n'),
                '\t' => self.out.push('\t'),
                '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.out, "&#x{:x};", u32::from(character));
                }
                plain => self.out.push(plain),
            }
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// Writes the body members of a structure in model order; problems are noted and left out.
pub(crate) fn encode_members(
    writer: &mut Writer,
    model: &Model,
    shape: &Shape,
    document: &Document,
    problems: &mut Vec<String>,
) {
    let Document::Object(object) = document else {
        if !document.is_null() {
            problems.push(format!("{} is no object", shape.name));
        }
        return;
    };
    for name in object.keys().filter(|name| shape.member(name).is_none()) {
        problems.push(format!("{} has no member {name}", shape.name));
    }
    for member in shape.members.iter().filter(|member| member.at.is_none() && !member.attribute) {
        match object.get(member.name) {
            None | Some(Document::Null) => {}
            Some(value) => encode_member(writer, model, member, value, problems),
        }
    }
}

fn encode_member(
    writer: &mut Writer,
    model: &Model,
    member: &Member,
    value: &Document,
    problems: &mut Vec<String>,
) {
    let shape = model.shape(member.shape);
    let name = member.wire_name();
    if !member.flattened && !shape.flattened {
        return encode(writer, model, name, member, value, problems);
    }
    match (&shape.member, value) {
        (Some(item), Document::Array(values)) => {
            for value in values {
                encode(writer, model, name, item, value, problems);
            }
        }
        (None, Document::Object(_)) if shape.kind == Kind::Map => {
            entries(writer, model, name, shape, value, problems);
        }
        _ => problems.push(format!("{} is no list", member.name)),
    }
}

fn encode(
    writer: &mut Writer,
    model: &Model,
    name: &str,
    member: &Member,
    value: &Document,
    problems: &mut Vec<String>,
) {
    let shape = model.shape(member.shape);
    match (shape.kind, value) {
        (Kind::Structure, Document::Object(object)) => {
            writer.out.push('<');
            writer.out.push_str(name);
            if let Some(namespace) = &shape.ns {
                let declared =
                    namespace.prefix.map_or("xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
                writer.attribute(&declared, namespace.uri);
            }
            for attribute in shape.members.iter().filter(|member| member.attribute) {
                if let Some(text) = object.get(attribute.name).and_then(Document::as_str) {
                    writer.attribute(attribute.wire_name(), text);
                }
            }
            writer.out.push('>');
            encode_members(writer, model, shape, value, problems);
            writer.close(name);
        }
        (Kind::List, Document::Array(values)) => {
            writer.open(name, None);
            if let Some(item) = &shape.member {
                for value in values {
                    encode(writer, model, item.wire_name_or("member"), item, value, problems);
                }
            }
            writer.close(name);
        }
        (Kind::Map, Document::Object(_)) => {
            writer.open(name, None);
            entries(writer, model, "entry", shape, value, problems);
            writer.close(name);
        }
        _ => match scalar::write(shape, value, Format::of(member.time.or(shape.time), Format::Iso8601)) {
            Some(text) => writer.leaf(name, &text),
            None => problems.push(format!("{name} ({}) has the wrong type", shape.name)),
        },
    }
}

fn entries(
    writer: &mut Writer,
    model: &Model,
    name: &str,
    shape: &Shape,
    value: &Document,
    problems: &mut Vec<String>,
) {
    let (Some(key), Some(element), Document::Object(object)) = (&shape.key, &shape.value, value) else {
        problems.push(format!("{} is no map", shape.name));
        return;
    };
    for (entry, value) in object {
        writer.open(name, None);
        writer.leaf(key.wire_name_or("key"), entry);
        encode(writer, model, element.wire_name_or("value"), element, value, problems);
        writer.close(name);
    }
}
