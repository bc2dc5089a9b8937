//! Values as text, for columns of text: strings and symbols as they are, other scalars as they are written, and what holds
//! others as JSON, so that the functions for JSON work on it. Both encodings give the same text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::cursor::{Cursor, Item, Kind, Parsed};
use super::scalar::Scalar;

/// The text of a scalar other than NULL; `None` of a symbol without one.
pub(super) fn scalar(scalar: &Scalar<'_>) -> Option<String> {
    Some(match scalar {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::BigInt(digits) => digits.as_ref().to_owned(),
        Scalar::Float(value) => float(*value),
        Scalar::Decimal(value) => value.to_string(),
        Scalar::Timestamp(moment) => moment.to_string(),
        Scalar::Text(text) => text.as_ref().to_owned(),
        Scalar::Unknown => return None,
        Scalar::Bytes(bytes) => STANDARD.encode(bytes),
    })
}

fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

/// Appends the container that was begun, and moves behind it.
pub(super) fn container(cursor: &mut Cursor<'_>, kind: Kind, out: &mut String) -> Parsed<()> {
    let (open, close) = if kind == Kind::Struct { ('{', '}') } else { ('[', ']') };
    out.push(open);
    let mut is_first = true;
    loop {
        let item = cursor.next()?;
        if item == Item::End {
            break;
        }
        if !is_first {
            out.push(',');
        }
        is_first = false;
        if kind == Kind::Struct {
            quoted(cursor.name().unwrap_or("$0"), out);
            out.push(':');
        }
        match item {
            Item::Begin(inner) => container(cursor, inner, out)?,
            Item::Scalar(value) => json(&value, out),
            Item::End => {}
        }
    }
    out.push(close);
    Ok(())
}

fn json(value: &Scalar<'_>, out: &mut String) {
    let text = scalar(value);
    match (value, text) {
        (_, None) => out.push_str("null"),
        (Scalar::Float(number), Some(text)) if !number.is_finite() => quoted(&text, out),
        (Scalar::Timestamp(_) | Scalar::Text(_) | Scalar::Bytes(_), Some(text)) => quoted(&text, out),
        (_, Some(text)) => out.push_str(&text),
    }
}

fn quoted(text: &str, out: &mut String) {
    // A string always serialises.
    out.push_str(&serde_json::Value::from(text).to_string());
}
