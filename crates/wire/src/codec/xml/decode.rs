//! Elements to documents.

use serde_json::Map;

use super::tree::{Element, local};
use crate::call::Document;
use crate::codec::{Malformed, scalar};
use crate::model::{Kind, Member, Model, Shape};

/// Reads a structure's body members out of an element; unknown elements are left out.
pub(crate) fn decode_structure(
    model: &Model,
    shape: &Shape,
    element: &Element,
) -> Result<Document, Malformed> {
    no_text(element)?;
    let mut out = Map::new();
    for member in shape.members.iter().filter(|member| member.at.is_none()) {
        if let Some(value) = decode_member(model, member, element)? {
            out.insert(member.name.to_owned(), value);
        }
    }
    if shape.union && out.len() != 1 {
        return Err(Malformed::new(format!("exactly one member of {} must be set", shape.name)));
    }
    Ok(Document::Object(out))
}

fn decode_member(model: &Model, member: &Member, element: &Element) -> Result<Option<Document>, Malformed> {
    let name = member.wire_name();
    let shape = model.shape(member.shape);
    if member.attribute {
        return element.attribute(local(name)).map(|text| scalar::read(shape, text)).transpose();
    }
    let mut found = element.children.iter().filter(|child| child.name == name);
    if member.flattened || shape.flattened {
        let all: Vec<&Element> = found.collect();
        if all.is_empty() {
            return Ok(None);
        }
        return flattened(model, shape, &all).map(Some);
    }
    let Some(child) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(Malformed::new(format!("{name} appears more than once")));
    }
    decode(model, shape, child).map(Some)
}

fn flattened(model: &Model, shape: &Shape, all: &[&Element]) -> Result<Document, Malformed> {
    match (&shape.member, shape.kind) {
        (Some(item), Kind::List) => {
            let item = model.shape(item.shape);
            all.iter().map(|child| decode(model, item, child)).collect()
        }
        _ => decode_entries(model, shape, all.iter().copied()),
    }
}

fn decode(model: &Model, shape: &Shape, element: &Element) -> Result<Document, Malformed> {
    match shape.kind {
        Kind::Structure => decode_structure(model, shape, element),
        Kind::List => {
            no_text(element)?;
            let Some(item) = &shape.member else { return Ok(Document::Array(Vec::new())) };
            let name = item.wire_name_or("member");
            let item = model.shape(item.shape);
            let items = element.children.iter().filter(|child| child.name == name);
            items.map(|child| decode(model, item, child)).collect()
        }
        Kind::Map => {
            no_text(element)?;
            decode_entries(model, shape, element.children.iter().filter(|child| child.name == "entry"))
        }
        _ if !element.children.is_empty() => Err(Malformed::new(format!("{} holds elements", element.name))),
        // Text keeps its blanks; numbers and the like are trimmed where they are read.
        _ => scalar::read(shape, &element.text),
    }
}

fn decode_entries<'a>(
    model: &Model,
    shape: &Shape,
    entries: impl Iterator<Item = &'a Element>,
) -> Result<Document, Malformed> {
    let (Some(key), Some(value)) = (&shape.key, &shape.value) else {
        return Err(Malformed::new(format!("{} is no map", shape.name)));
    };
    let mut out = Map::new();
    for entry in entries {
        let child = |name: &str| entry.children.iter().find(|child| child.name == name);
        let (Some(name), Some(element)) =
            (child(key.wire_name_or("key")), child(value.wire_name_or("value")))
        else {
            return Err(Malformed::new(format!("an entry of {} lacks its key or value", shape.name)));
        };
        out.insert(name.text.clone(), decode(model, model.shape(value.shape), element)?);
    }
    Ok(Document::Object(out))
}

fn no_text(element: &Element) -> Result<(), Malformed> {
    if element.text.trim().is_empty() {
        return Ok(());
    }
    Err(Malformed::new(format!("{} holds text", element.name)))
}
