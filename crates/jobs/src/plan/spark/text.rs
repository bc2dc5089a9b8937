//! Functions of text that the engine has otherwise: positions from the end, letters by their code.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `substr(text, start, length)`; a start below zero counts from the end, zero is one.
pub(super) fn substr(text: Expr, start: Expr, length: Expr) -> Expr {
    call(Kind::Substr, vec![text, start, length])
}

/// The last letters of a text.
pub(super) fn right(text: Expr, length: Expr) -> Expr {
    call(Kind::Right, vec![text, length])
}

/// The letter of a code, of which the low eight bits count; none below zero.
pub(super) fn chr(code: Expr) -> Expr {
    call(Kind::Chr, vec![code])
}

fn call(kind: Kind, arguments: Vec<Expr>) -> Expr {
    let signature = Signature::any(arguments.len(), Volatility::Immutable);
    ScalarUDF::new_from_impl(Text { kind, signature }).call(arguments)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Substr,
    Right,
    Chr,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Text {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Text {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Substr => "spark_substr",
            Kind::Right => "spark_right",
            Kind::Chr => "spark_chr",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let texts: StringArray = match (self.kind, arrays) {
                (Kind::Substr, [texts, starts, lengths]) => {
                    let numbers = starts.as_primitive::<Int32Type>().iter();
                    let numbers = numbers.zip(lengths.as_primitive::<Int32Type>().iter());
                    let all = texts.as_string::<i32>().iter().zip(numbers);
                    all.map(|(text, (start, length))| Some(part(text?, start?, length?))).collect()
                }
                (Kind::Right, [texts, lengths]) => {
                    let all = texts.as_string::<i32>().iter().zip(lengths.as_primitive::<Int32Type>());
                    all.map(|(text, length)| Some(end(text?, length?))).collect()
                }
                (Kind::Chr, [codes]) => {
                    codes.as_primitive::<Int64Type>().iter().map(|code| Some(letter(code?))).collect()
                }
                _ => return Err(DataFusionError::Internal(format!("arguments of {}", self.name()))),
            };
            Ok(Arc::new(texts) as ArrayRef)
        })
    }
}

fn part(text: &str, start: i32, length: i32) -> String {
    let letters = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = match start {
        1.. => i64::from(start) - 1,
        0 => 0,
        below => letters() + i64::from(below),
    };
    let stop = start.saturating_add(length.into());
    let (from, to) = (usize::try_from(start).unwrap_or(0), usize::try_from(stop).unwrap_or(0));
    text.chars().skip(from).take(to.saturating_sub(from)).collect()
}

fn end(text: &str, length: i32) -> String {
    if length <= 0 { String::new() } else { part(text, -length, i32::MAX) }
}

fn letter(code: i64) -> String {
    match u8::try_from(code & 0xff) {
        Ok(byte) if code >= 0 => char::from(byte).to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_texts() {
        let cases = [
            (("Spark SQL", 5, i32::MAX), "k SQL"),
            (("Spark SQL", -3, i32::MAX), "SQL"),
            (("Spark SQL", 5, 1), "k"),
            (("Spark SQL", 0, 2), "Sp"),
            (("abc", -5, 3), "a"),
            (("abc", 2, -1), ""),
            (("äöü", 2, 1), "ö"),
        ];
        for ((text, start, length), expected) in cases {
            assert_eq!(part(text, start, length), expected, "substr({text}, {start}, {length})");
        }
        assert_eq!(
            (end("abc", 2), end("abc", 9), end("abc", -1)),
            ("bc".into(), "abc".into(), String::new())
        );
        assert_eq!((letter(65), letter(256 + 65), letter(-1)), ("A".into(), "A".into(), String::new()));
    }
}
