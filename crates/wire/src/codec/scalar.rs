//! Single values as text: in XML elements, form fields, headers, query strings and paths.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Malformed;
use super::timestamp::{self, Format};
use crate::call::Document;
use crate::model::{Kind, Shape};

/// Reads a text as a value of a scalar shape. Structures, lists and maps are malformed here.
pub(crate) fn read(shape: &Shape, text: &str) -> Result<Document, Malformed> {
    let wrong = |what: &str| Malformed::new(format!("'{}' is not {what}", shorten(text)));
    match shape.kind {
        Kind::String => Ok(Document::from(text)),
        Kind::Boolean => match text.trim() {
            "true" | "True" | "TRUE" | "1" => Ok(Document::Bool(true)),
            "false" | "False" | "FALSE" | "0" => Ok(Document::Bool(false)),
            _ => Err(wrong("a boolean")),
        },
        Kind::Integer => match text.trim().parse::<i32>() {
            Ok(number) => Ok(Document::from(number)),
            Err(_) => Err(wrong("an integer")),
        },
        Kind::Long => match text.trim().parse::<i64>() {
            Ok(number) => Ok(Document::from(number)),
            Err(_) => Err(wrong("a long integer")),
        },
        Kind::Double | Kind::Float => match text.trim() {
            special @ ("NaN" | "Infinity" | "-Infinity") => Ok(Document::from(special)),
            plain => match plain.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Document::from(number)),
                _ => Err(wrong("a number")),
            },
        },
        Kind::Timestamp => timestamp::read(text).ok_or_else(|| wrong("a timestamp")),
        Kind::Blob => {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            match STANDARD.decode(&compact) {
                Ok(_) => Ok(Document::from(compact)),
                Err(_) => Err(wrong("base64")),
            }
        }
        Kind::Structure | Kind::List | Kind::Map => Err(wrong("a structure")),
    }
}

/// Writes a scalar document as text; `None` when its type is not the shape's.
pub(crate) fn write(shape: &Shape, value: &Document, time: Format) -> Option<String> {
    match (shape.kind, value) {
        (Kind::Timestamp, _) => timestamp::write(value, time),
        (Kind::String | Kind::Blob | Kind::Double | Kind::Float, Document::String(text)) => {
            Some(text.clone())
        }
        (Kind::Boolean, Document::Bool(flag)) => Some(flag.to_string()),
        (Kind::Integer | Kind::Long | Kind::Double | Kind::Float, Document::Number(number)) => {
            Some(number.to_string())
        }
        _ => None,
    }
}

/// The beginning of a text, for messages.
pub(crate) fn shorten(text: &str) -> &str {
    const LONGEST: usize = 256;
    if text.len() <= LONGEST {
        return text;
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
