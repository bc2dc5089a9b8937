//! Protocol Buffers definitions, proto2 and proto3, by the Protocol Buffers language specification. As in Glue there are
//! no groups and no extensions. A definition stands by itself: of imports only Google's well-known types are known.

mod check;
mod columns;
mod lex;
mod options;
mod parse;
mod resolve;

use std::collections::BTreeMap;

use crate::Invalid;

pub(crate) use check::can_read;
pub(crate) use columns::columns;

/// A definition whose type names are resolved.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Without comments and layout.
    pub(crate) canonical: String,
    proto3: bool,
    /// By name, without the package: `Person`, `Person.Address`. Entries of maps are not among them.
    messages: BTreeMap<String, Message>,
    enums: BTreeMap<String, Enum>,
    /// The messages that stand at the top, in the order of the file.
    top: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Message {
    /// In the order of the file.
    fields: Vec<Field>,
    reserved: Reserved,
}

/// Numbers and names that are not to be used (again).
#[derive(Debug, Clone, Default)]
struct Reserved {
    /// With their ends.
    numbers: Vec<(i64, i64)>,
    names: Vec<String>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    number: i64,
    label: Label,
    kind: Kind,
    /// The `oneof` that it belongs to.
    group: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Required,
    Optional,
    /// proto3 without a label.
    Plain,
    Repeated,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Scalar(Scalar),
    /// A name as it is written; gone once the file is resolved.
    Unresolved(String),
    /// A message of this file.
    Message(String),
    /// An enumeration of this file.
    Enum(String),
    /// A well-known type, by its full name.
    Known(String),
    Map(Scalar, Box<Kind>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
}

const SCALARS: [(&str, Scalar); 15] = [
    ("double", Scalar::Double),
    ("float", Scalar::Float),
    ("int32", Scalar::Int32),
    ("int64", Scalar::Int64),
    ("uint32", Scalar::Uint32),
    ("uint64", Scalar::Uint64),
    ("sint32", Scalar::Sint32),
    ("sint64", Scalar::Sint64),
    ("fixed32", Scalar::Fixed32),
    ("fixed64", Scalar::Fixed64),
    ("sfixed32", Scalar::Sfixed32),
    ("sfixed64", Scalar::Sfixed64),
    ("bool", Scalar::Bool),
    ("string", Scalar::String),
    ("bytes", Scalar::Bytes),
];

impl Scalar {
    fn parse(text: &str) -> Option<Scalar> {
        SCALARS.iter().find(|(name, _)| *name == text).map(|(_, scalar)| *scalar)
    }

    fn as_str(self) -> &'static str {
        SCALARS.iter().find(|(_, scalar)| *scalar == self).map_or("", |(name, _)| name)
    }
}

#[derive(Debug, Clone, Default)]
struct Enum {
    /// Name and number, in the order of the file.
    values: Vec<(String, i64)>,
    reserved: Reserved,
    allow_alias: bool,
}

/// Reads a definition.
pub(crate) fn parse(text: &str) -> Result<File, Invalid> {
    let tokens = lex::tokens(text)?;
    let mut parsed = parse::file(&tokens)?;
    resolve::resolve(&mut parsed)?;
    let canonical = lex::canonical(&tokens);
    Ok(File {
        canonical,
        proto3: parsed.proto3,
        messages: parsed.messages,
        enums: parsed.enums,
        top: parsed.top,
    })
}
