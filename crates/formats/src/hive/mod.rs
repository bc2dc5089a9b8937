//! Hive column types: the grammar that the Glue Data Catalog stores, and its mapping to Arrow.
//!
//! Printing gives Glue's spelling: lower case, no white space (`array<struct<a:int,b:decimal(10,2)>>`).

mod arrow_types;
mod choice;
mod hidden;
mod parse;

use std::fmt;

pub use arrow_types::{TypeError, shown};
pub use choice::is_choice;
pub use hidden::is_hidden;
pub(crate) use parse::MAX_NESTING;
pub use parse::ParseError;

/// A Hive type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HiveType {
    /// `boolean`
    Boolean,
    /// `tinyint`, 8 bits
    TinyInt,
    /// `smallint`, 16 bits
    SmallInt,
    /// `int` (also spelt `integer`), 32 bits
    Int,
    /// `bigint` (also spelt `long`), 64 bits
    BigInt,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `decimal(precision,scale)`; `decimal` alone is `decimal(10,0)`
    Decimal(u8, u8),
    /// `string`
    String,
    /// `char(n)`
    Char(u32),
    /// `varchar(n)`
    Varchar(u32),
    /// `binary`
    Binary,
    /// `date`
    Date,
    /// `timestamp`, without a zone
    Timestamp,
    /// `timestamp with local time zone`
    TimestampTz,
    /// `array<element>`
    Array(Box<HiveType>),
    /// `map<key,value>`
    Map(Box<HiveType>, Box<HiveType>),
    /// `struct<name:type,…>`
    Struct(Vec<(String, HiveType)>),
    /// `uniontype<…>`: values of several types, a choice; only of JSON it can be read
    Union(Vec<HiveType>),
}

impl fmt::Display for HiveType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::TinyInt => f.write_str("tinyint"),
            Self::SmallInt => f.write_str("smallint"),
            Self::Int => f.write_str("int"),
            Self::BigInt => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::Varchar(n) => write!(f, "varchar({n})"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamp with local time zone"),
            Self::Array(item) => write!(f, "array<{item}>"),
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{}:{ty}", parse::quoted_if_needed(name))?;
                }
                f.write_str(">")
            }
            Self::Union(types) => {
                f.write_str("uniontype<")?;
                for (i, ty) in types.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{ty}")?;
                }
                f.write_str(">")
            }
        }
    }
}
