//! The type grammar: primitives as text (`decimal(9, 2)`), nested types as documents.
//!
//! Source: Apache Iceberg table specification, "Schemas and Data Types" and "JSON serialization of schemas".

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::schema::NestedField;

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A primitive.
    Primitive(Primitive),
    /// A structure, list or map.
    Nested(Nested),
}

/// A type that has fields of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Nested {
    /// Named fields.
    Struct(StructType),
    /// Elements of one type.
    List(ListType),
    /// Keys and values.
    Map(MapType),
}

/// A structure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StructType {
    /// Its fields, in order.
    pub fields: Vec<NestedField>,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListType {
    /// The id of the element.
    pub element_id: i32,
    /// Its type.
    pub element: Box<Type>,
    /// Whether elements are never null.
    pub element_required: bool,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A map; keys are never null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MapType {
    /// The id of the key.
    pub key_id: i32,
    /// Its type.
    pub key: Box<Type>,
    /// The id of the value.
    pub value_id: i32,
    /// Its type.
    pub value: Box<Type>,
    /// Whether values are never null.
    pub value_required: bool,
    /// Members that this code does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A primitive type. Those from `TimestampNs` on need format version 3, but for the ones marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// `boolean`
    Boolean,
    /// `int`, 32 bits
    Int,
    /// `long`, 64 bits
    Long,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `decimal(precision, scale)`
    Decimal(u8, u8),
    /// `date`
    Date,
    /// `time`, microseconds
    Time,
    /// `timestamp`, microseconds, no zone
    Timestamp,
    /// `timestamptz`, microseconds
    Timestamptz,
    /// `string`
    String,
    /// `uuid`
    Uuid,
    /// `fixed[length]`
    Fixed(u64),
    /// `binary`
    Binary,
    /// `timestamp_ns`
    TimestampNs,
    /// `timestamptz_ns`
    TimestamptzNs,
    /// `unknown`: always null
    Unknown,
    /// `variant`
    Variant,
    /// `geometry`, with its parameters as written
    Geometry(String),
    /// `geography`, with its parameters as written
    Geography(String),
}

/// A text that is no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an Iceberg type")]
pub struct TypeError {
    /// What was given.
    pub text: String,
}

impl Primitive {
    /// The first format version that has this type.
    pub fn since(&self) -> u8 {
        match self {
            Self::TimestampNs
            | Self::TimestamptzNs
            | Self::Unknown
            | Self::Variant
            | Self::Geometry(_)
            | Self::Geography(_) => 3,
            _ => 1,
        }
    }

    /// Whether values are points in time with a time of day.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp | Self::Timestamptz | Self::TimestampNs | Self::TimestamptzNs)
    }
}

const PLAIN: &[(&str, Primitive)] = &[
    ("boolean", Primitive::Boolean),
    ("int", Primitive::Int),
    ("long", Primitive::Long),
    ("float", Primitive::Float),
    ("double", Primitive::Double),
    ("date", Primitive::Date),
    ("time", Primitive::Time),
    ("timestamp", Primitive::Timestamp),
    ("timestamptz", Primitive::Timestamptz),
    ("string", Primitive::String),
    ("uuid", Primitive::Uuid),
    ("binary", Primitive::Binary),
    ("timestamp_ns", Primitive::TimestampNs),
    ("timestamptz_ns", Primitive::TimestamptzNs),
    ("unknown", Primitive::Unknown),
    ("variant", Primitive::Variant),
];

impl FromStr for Primitive {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        if let Some((_, found)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(found.clone());
        }
        let inside = |open: &str, close: char| {
            text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).map(str::trim)
        };
        let parsed = if let Some(length) = inside("fixed[", ']') {
            length.parse().ok().map(Self::Fixed)
        } else if let Some(arguments) = inside("decimal(", ')') {
            decimal(arguments)
        } else if text == "geometry" {
            Some(Self::Geometry(String::new()))
        } else if text == "geography" {
            Some(Self::Geography(String::new()))
        } else if let Some(arguments) = inside("geometry(", ')') {
            Some(Self::Geometry(arguments.to_owned()))
        } else {
            inside("geography(", ')').map(|arguments| Self::Geography(arguments.to_owned()))
        };
        parsed.ok_or_else(|| TypeError { text: text.to_owned() })
    }
}

fn decimal(arguments: &str) -> Option<Primitive> {
    let (precision, scale) = arguments.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(Primitive::Decimal(precision, scale))
}

impl fmt::Display for Primitive {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(precision, scale) => write!(out, "decimal({precision}, {scale})"),
            Self::Fixed(length) => write!(out, "fixed[{length}]"),
            Self::Geometry(arguments) => parameterised(out, "geometry", arguments),
            Self::Geography(arguments) => parameterised(out, "geography", arguments),
            plain => {
                let name = PLAIN.iter().find(|(_, one)| one == plain).map_or("unknown", |(name, _)| name);
                out.write_str(name)
            }
        }
    }
}

fn parameterised(out: &mut fmt::Formatter<'_>, name: &str, arguments: &str) -> fmt::Result {
    match arguments {
        "" => out.write_str(name),
        arguments => write!(out, "{name}({arguments})"),
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Primitive(primitive) => serializer.collect_str(primitive),
            Self::Nested(nested) => nested.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Type;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the name of a primitive type, or a struct, list or map")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Type, E> {
                text.parse().map(Type::Primitive).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Type, A::Error> {
                let nested = Nested::deserialize(MapAccessDeserializer::new(map));
                nested.map(Type::Nested).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives_have_one_text_each() {
        for text in [
            "boolean",
            "int",
            "long",
            "float",
            "double",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "string",
            "uuid",
            "binary",
            "fixed[16]",
            "decimal(9, 2)",
            "timestamp_ns",
            "timestamptz_ns",
            "unknown",
            "variant",
            "geometry",
            "geometry(srid:4326)",
            "geography(srid:4326, spherical)",
        ] {
            assert_eq!(text.parse::<Primitive>().expect(text).to_string(), text);
        }
        assert_eq!("decimal(38,10)".parse(), Ok(Primitive::Decimal(38, 10)));
        for text in
            ["", "strin", "Int", "decimal(39,0)", "decimal(2,3)", "decimal(2)", "fixed[x]", "fixed[1", "list"]
        {
            assert!(text.parse::<Primitive>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = serde_json::from_str::<Type>(
            r#"{"type": "list", "element-id": 3, "element": "texxt", "element-required": true}"#,
        );
        assert!(error.expect_err("no such type").to_string().contains("texxt"));
        assert!(serde_json::from_str::<Type>("7").is_err());
        assert!(serde_json::from_str::<Type>(r#"{"type": "set"}"#).is_err());
    }
}
