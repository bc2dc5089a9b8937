//! Key types, and values read as one.

use std::cmp::Ordering;

use crate::expression::DEFAULT_PARTITION;
use crate::expression::decimal::Decimal;
use crate::layout::Encoding;

/// The declared type of a partition key, as far as comparing goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyType {
    /// `string`, `char(n)`, `varchar(n)`: compared by bytes.
    Text,
    /// `tinyint` … `bigint`, `long`: compared as 64-bit integers.
    Integer,
    /// `decimal(p,s)`: compared exactly.
    Decimal,
    /// `float`, `double`: compared as doubles.
    Double,
    /// `date`: `yyyy-mm-dd`.
    Date,
    /// `timestamp`: `yyyy-mm-dd hh:mm:ss[.fffffffff]`.
    Timestamp,
    /// `boolean`: `true` or `false` in any case.
    Boolean,
    /// Any other type, as declared: it cannot be filtered on.
    Other(String),
}

impl KeyType {
    /// Reads a Hive type.
    pub fn parse(declared: &str) -> KeyType {
        let lower = declared.trim().to_ascii_lowercase();
        let name = lower.split('(').next().unwrap_or_default().trim();
        match name {
            "string" | "char" | "varchar" => KeyType::Text,
            "tinyint" | "smallint" | "int" | "integer" | "bigint" | "long" => KeyType::Integer,
            "decimal" | "numeric" => KeyType::Decimal,
            "float" | "double" | "real" => KeyType::Double,
            "date" => KeyType::Date,
            "timestamp" => KeyType::Timestamp,
            "boolean" => KeyType::Boolean,
            _ => KeyType::Other(declared.to_owned()),
        }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        match self {
            KeyType::Integer | KeyType::Decimal | KeyType::Double => Encoding::Number,
            _ => Encoding::Text,
        }
    }

    /// Reads a value of this type. Errors: why it is none, in Glue's words.
    pub(crate) fn read(&self, text: &str) -> Result<TypedValue, String> {
        let found = match self {
            KeyType::Text => Some(TypedValue::Text(text.to_owned())),
            KeyType::Integer => text.parse().ok().map(TypedValue::Integer),
            KeyType::Decimal => Decimal::parse(text).map(TypedValue::Decimal),
            KeyType::Double => read_double(text).map(TypedValue::Double),
            KeyType::Date => read_date(text).map(TypedValue::Date),
            KeyType::Timestamp => read_timestamp(text),
            KeyType::Boolean => read_boolean(text).map(TypedValue::Boolean),
            KeyType::Other(_) => None,
        };
        found.ok_or_else(|| self.complaint(text))
    }

    fn complaint(&self, text: &str) -> String {
        match self {
            KeyType::Text => format!("\"{text}\" is not a string."),
            KeyType::Integer => format!("\"{text}\" is not an integer."),
            KeyType::Decimal => format!("{text} is not a decimal."),
            KeyType::Double => format!("{text} is not a double."),
            KeyType::Date => format!("{text} is not a date."),
            KeyType::Timestamp => {
                format!("Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff] {text} is not a timestamp.")
            }
            KeyType::Boolean => format!("{text} is not a boolean."),
            KeyType::Other(name) => format!("Unknown type : '{name}'"),
        }
    }

    /// The family's name in Glue's message about `LIKE`; `None` for text, which has it.
    pub(crate) fn without_like(&self) -> Option<&'static str> {
        match self {
            KeyType::Text | KeyType::Other(_) => None,
            KeyType::Integer => Some("Integral"),
            KeyType::Decimal => Some("Decimal"),
            KeyType::Double => Some("Double"),
            KeyType::Date => Some("Date"),
            KeyType::Timestamp => Some("Timestamp"),
            KeyType::Boolean => Some("Boolean"),
        }
    }

    fn kind(&self) -> i64 {
        match self {
            KeyType::Text | KeyType::Other(_) => 0,
            KeyType::Integer => 1,
            KeyType::Decimal => 2,
            KeyType::Double => 4,
            KeyType::Date => 8,
            KeyType::Timestamp => 16,
            KeyType::Boolean => 32,
        }
    }
}

/// The kind of a value that stands for NULL.
const KIND_NULL: i64 = 64;

/// The set of types that can read a value, as a bit mask that is stored. Without doubles that are no numbers: of what no type
/// reads, these have to be told apart by looking.
pub(crate) fn kinds(text: &str) -> i64 {
    if text == DEFAULT_PARTITION {
        return KIND_NULL;
    }
    if no_number(text).is_some() {
        return 0;
    }
    let types = [
        KeyType::Integer,
        KeyType::Decimal,
        KeyType::Double,
        KeyType::Date,
        KeyType::Timestamp,
        KeyType::Boolean,
    ];
    let readable = types.iter().filter(|key_type| key_type.read(text).is_ok());
    readable.map(KeyType::kind).sum()
}

/// Whether values of a stored kind can be read as a type.
pub(crate) fn readable(kinds: i64, key_type: &KeyType) -> bool {
    *key_type == KeyType::Text || kinds & (key_type.kind() | KIND_NULL) != 0
}

/// A value of one type. Values of different types are never compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TypedValue {
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    Double(f64),
    /// Year, month, day.
    Date((u16, u8, u8)),
    /// Date, second of the day, nanosecond.
    Timestamp((u16, u8, u8), u32, u32),
    Boolean(bool),
}

impl TypedValue {
    /// Compares two values of one type; `None` for different types.
    pub(crate) fn compare(&self, other: &TypedValue) -> Option<Ordering> {
        match (self, other) {
            (TypedValue::Text(a), TypedValue::Text(b)) => Some(a.cmp(b)),
            (TypedValue::Integer(a), TypedValue::Integer(b)) => Some(a.cmp(b)),
            (TypedValue::Decimal(a), TypedValue::Decimal(b)) => Some(a.cmp(b)),
            (TypedValue::Double(a), TypedValue::Double(b)) => Some(compare_doubles(*a, *b)),
            (TypedValue::Date(a), TypedValue::Date(b)) => Some(a.cmp(b)),
            (TypedValue::Timestamp(a, b, c), TypedValue::Timestamp(d, e, f)) => {
                Some((a, b, c).cmp(&(d, e, f)))
            }
            (TypedValue::Boolean(a), TypedValue::Boolean(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

fn read_double(text: &str) -> Option<f64> {
    crate::layout::number(text).or_else(|| no_number(text))
}

/// The doubles that are no numbers, as Java writes them and as our engine names folders. Their stored components
/// are those of text ([`crate::layout`]), and [`kinds`] does not count them, as it never did: what is stored stays true.
fn no_number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" | "inf" => Some(f64::INFINITY),
        _ if BELOW_ALL.contains(&text) => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The spellings of what is less than every number.
pub(crate) const BELOW_ALL: [&str; 2] = ["-Infinity", "-inf"];

/// As Java and Spark do: NaN is equal to itself and greater than everything else.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn read_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// Reads exactly `len` digits.
fn digits(text: &str, len: usize) -> Option<u32> {
    let well_formed = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

fn read_date(text: &str) -> Option<(u16, u8, u8)> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let valid = parts.next().is_none() && (1..=12).contains(&month);
    if !valid || day < 1 || day > days_of(year, month) {
        return None;
    }
    Some((u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn read_timestamp(text: &str) -> Option<TypedValue> {
    let (date, time) = text.split_once(' ')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = digits(parts.next()?, 2).filter(|second| *second < 60)?;
    if parts.next().is_some() || fraction.len() > 9 {
        return None;
    }
    let nanos = digits(&format!("{fraction:0<9}"), 9).filter(|_| !fraction.is_empty())?;
    Some(TypedValue::Timestamp(read_date(date)?, hour * 3600 + minute * 60 + second, nanos))
}
