//! What each column becomes, and what XML has no form for.

use std::collections::HashMap;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema};

use crate::hive::shown;
use crate::options::XmlOptions;

/// A column, or a field of a structure.
pub(in crate::write) struct Member {
    pub(super) name: String,
    /// The name in the file: without the prefix of attributes.
    pub(super) tag: String,
    pub(super) place: Place,
    pub(super) shape: Shape,
}

/// What a value is of its row's element, or its structure's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Attribute,
    Text,
    Element,
}

/// How a value is written.
pub(in crate::write) enum Shape {
    Scalar,
    Struct(Vec<Member>),
    List(Box<Shape>),
    Map(Box<Shape>),
}

impl Shape {
    /// Whether it may have NULLs that cannot be left out.
    pub(super) fn has_nil(&self) -> bool {
        match self {
            Self::Scalar => false,
            Self::Struct(members) => members.iter().any(|member| member.shape.has_nil()),
            Self::List(_) | Self::Map(_) => true,
        }
    }
}

/// Whether an element or attribute can have the name: one of XML 1.0 without a colon, which stands behind the prefix of a
/// namespace.
pub(super) fn is_name(name: &str) -> bool {
    let is_first = |c: char| {
        matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
            | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}')
    };
    let is_other = |c: char| {
        is_first(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
    };
    let mut characters = name.chars();
    characters.next().is_some_and(is_first) && characters.all(is_other)
}

/// What the columns become. Errors: for people, the first column that XML cannot hold, or what makes the table's files
/// unwritable.
pub(in crate::write) fn check(options: &XmlOptions, schema: &Schema) -> Result<Vec<Member>, String> {
    let (row, root) = (options.row_tag.as_str(), options.root());
    if options.encoding.is_some() {
        return Err("text is written as UTF-8 only".to_owned());
    }
    for (tag, name) in [("rowTag", row), ("rootTag", root)] {
        if !is_name(name) {
            let why =
                "is not the name of an element that could be written: one without a namespace's prefix is";
            return Err(format!("{tag} {name:?} {why}"));
        }
    }
    if row == root {
        return Err(format!(
            "rowTag and rootTag are both {row}: the root would be read as a row; give the table another rootTag"
        ));
    }
    members(options, schema.fields()).map_err(|(path, why)| format!("column {}: {why}", path.join(".")))
}

/// Names from the outermost, and what is wrong.
type Refusal = (Vec<String>, String);

fn members(options: &XmlOptions, fields: &Fields) -> Result<Vec<Member>, Refusal> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    fields
        .iter()
        .map(|field| {
            let name = field.name();
            let at = |why: String| (vec![name.clone()], why);
            if let Some(other) = seen.insert(name.to_lowercase(), name) {
                return Err(at(format!("readers take it and {other} for one; rename or drop one of them")));
            }
            member(options, field).map_err(|(mut path, why)| {
                path.insert(0, name.clone());
                (path, why)
            })
        })
        .collect()
}

fn member(options: &XmlOptions, field: &FieldRef) -> Result<Member, Refusal> {
    let shape = shape(options, field.data_type())?;
    let (place, tag) = placed(options, field.name(), matches!(shape, Shape::Scalar));
    // Readers take an attribute `xmlns` for what it is.
    if place != Place::Text && (!is_name(tag) || (place == Place::Attribute && tag == "xmlns")) {
        let kind = if place == Place::Attribute { "attribute" } else { "element" };
        return Err((Vec::new(), format!("an {kind} of XML cannot be called {tag:?}; rename it")));
    }
    Ok(Member { name: field.name().clone(), tag: tag.to_owned(), place, shape })
}

/// As readers look for it, ignoring case: only single values are attributes or text.
fn placed<'n>(options: &XmlOptions, name: &'n str, is_single: bool) -> (Place, &'n str) {
    let prefix = options.attribute_prefix.as_str();
    if !is_single {
        return (Place::Element, name);
    }
    if name.eq_ignore_ascii_case(&options.value_tag) {
        return (Place::Text, name);
    }
    match name.split_at_checked(prefix.len()) {
        Some((own, rest)) if !prefix.is_empty() && !rest.is_empty() && own.eq_ignore_ascii_case(prefix) => {
            (Place::Attribute, rest)
        }
        _ => (Place::Element, name),
    }
}

fn shape(options: &XmlOptions, data_type: &DataType) -> Result<Shape, Refusal> {
    let within = |item: &FieldRef, what: &str| {
        let shape = shape(options, item.data_type())?;
        if matches!(shape, Shape::List(_)) {
            return Err((
                Vec::new(),
                format!("XML has no form for an array within {what}; use json or parquet, or drop it"),
            ));
        }
        Ok(Box::new(shape))
    };
    match data_type {
        DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            Ok(Shape::Scalar)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Shape::Scalar),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale)
            if *scale >= 0 =>
        {
            Ok(Shape::Scalar)
        }
        number if number.is_integer() || number.is_floating() => Ok(Shape::Scalar),
        DataType::Struct(fields) => members(options, fields).map(Shape::Struct),
        DataType::List(item) => within(item, "an array").map(Shape::List),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 && *pair[0].data_type() == DataType::Utf8 => {
                within(&pair[1], "a map").map(Shape::Map)
            }
            _ => Err((
                Vec::new(),
                "the keys of its maps are no text, which names of elements are; use parquet, or drop it"
                    .to_owned(),
            )),
        },
        other => {
            Err((Vec::new(), format!("{} cannot be written as XML; use parquet, or drop it", shown(other))))
        }
    }
}
