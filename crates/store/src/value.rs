//! Values that go into statements.

/// A parameter of a statement or a column of a [`Row`](crate::Row).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL, of whatever type the statement needs there.
    Null,
    /// A 64-bit integer; also booleans, as 0 and 1.
    Int(i64),
    /// A double. Not NaN: SQLite stores NaN as NULL.
    Real(f64),
    /// Text without the character U+0000, which PostgreSQL cannot store (both back ends refuse it).
    Text(String),
    /// Any bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Names the kind of value, for error texts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "int",
            Self::Real(_) => "real",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

macro_rules! from {
    ($($source:ty => $value:ident => $build:expr;)*) => {
        $(impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $build
            }
        })*
    };
}

from! {
    i64 => value => Self::Int(value);
    i32 => value => Self::Int(i64::from(value));
    u32 => value => Self::Int(i64::from(value));
    bool => value => Self::Int(i64::from(value));
    f64 => value => Self::Real(value);
    &str => value => Self::Text(value.to_owned());
    String => value => Self::Text(value);
    &String => value => Self::Text(value.clone());
    Vec<u8> => value => Self::Bytes(value);
    &[u8] => value => Self::Bytes(value.to_vec());
    &Vec<u8> => value => Self::Bytes(value.clone());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Builds an array of [`Value`]s from anything that converts into one: `params![id, "name", None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::Value::from($value)),*] };
}
