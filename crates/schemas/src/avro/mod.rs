//! Avro definitions, by the Avro specification 1.11.

mod columns;
mod parse;
mod resolve;

use serde_json::Value;

pub(crate) use columns::columns;
pub(crate) use parse::parse;
pub(crate) use resolve::can_read;

/// A definition: its named types, and the type of a datum.
#[derive(Debug, Clone)]
pub(crate) struct Avro {
    pub(crate) json: Value,
    named: Vec<Named>,
    root: Type,
}

/// A type where it is used.
#[derive(Debug, Clone)]
struct Type {
    shape: Shape,
    logical: Option<Logical>,
}

#[derive(Debug, Clone)]
enum Shape {
    Primitive(Primitive),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    /// The place in [`Avro::named`].
    Named(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

impl Primitive {
    fn parse(text: &str) -> Option<Primitive> {
        Some(match text {
            "null" => Primitive::Null,
            "boolean" => Primitive::Boolean,
            "int" => Primitive::Int,
            "long" => Primitive::Long,
            "float" => Primitive::Float,
            "double" => Primitive::Double,
            "bytes" => Primitive::Bytes,
            "string" => Primitive::String,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Primitive::Null => "null",
            Primitive::Boolean => "boolean",
            Primitive::Int => "int",
            Primitive::Long => "long",
            Primitive::Float => "float",
            Primitive::Double => "double",
            Primitive::Bytes => "bytes",
            Primitive::String => "string",
        }
    }
}

/// What a value means beyond its shape. Kinds that the specification does not define are left out, as it demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logical {
    Decimal { precision: u64, scale: u64 },
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    LocalTimestampMillis,
    LocalTimestampMicros,
    Duration,
}

/// A record, an enumeration or a fixed.
#[derive(Debug, Clone)]
struct Named {
    /// With the name space.
    full_name: String,
    /// Full names.
    aliases: Vec<String>,
    kind: NamedKind,
}

impl Named {
    /// Without the name space.
    fn short_name(&self) -> &str {
        self.full_name.rsplit('.').next().unwrap_or(&self.full_name)
    }
}

#[derive(Debug, Clone)]
enum NamedKind {
    /// Named, but still being read: a type may hold itself.
    Pending,
    Record(Vec<Field>),
    Enum {
        symbols: Vec<String>,
        default: Option<String>,
    },
    Fixed {
        size: u64,
        logical: Option<Logical>,
    },
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    aliases: Vec<String>,
    kind: Type,
    has_default: bool,
    doc: Option<String>,
}
