//! Digits of numbers as they are written, and whether a binary floating-point number keeps them.

use crate::builder::value;

/// So many digits are written of any `double`: more were never one.
const OF_DOUBLE: usize = 17;

/// A number's digits without zeros at their ends, and the power of ten that the first one stands for. Zero has none.
fn of(text: &[u8]) -> Option<(bool, Vec<u8>, i64)> {
    let negative = text.first() == Some(&b'-');
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let at = text.iter().position(|b| matches!(b, b'e' | b'E'));
    let (mantissa, exponent) = match at {
        Some(at) => (&text[..at], value::int(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let mut digits: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    let leading = digits.iter().take_while(|b| **b == b'0').count();
    digits.drain(..leading);
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let first = (point as i64 - 1 - leading as i64).checked_add(exponent)?;
    let is_zero = digits.is_empty();
    Some((negative && !is_zero, digits, if is_zero { 0 } else { first }))
}

/// Whether two numbers as they are written are not the same number.
pub(super) fn differ(a: &[u8], b: &str) -> bool {
    of(a) != of(b.as_bytes())
}

/// Whether a `double` loses digits: of whole numbers any, of others those that no `double` is written with.
pub(super) fn rounded_by_double(text: &[u8]) -> bool {
    let Some(number) = value::float(text) else { return true };
    let is_short = || of(text).is_some_and(|(_, digits, _)| digits.len() <= OF_DOUBLE);
    let has_fraction = behind_point(text) > 0;
    differ(text, &format!("{number:e}")) && !(has_fraction && is_short())
}

/// How many digits are behind the point.
pub(super) fn behind_point(text: &[u8]) -> i64 {
    of(text).map_or(i64::MAX, |(_, digits, first)| (digits.len() as i64 - 1 - first).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_doubles_keep() {
        for (text, wanted) in [
            ("3.14159265358979", false),
            ("0.10000000000000001", false),
            ("0.1000000000000000055", true),
            ("9007199254740993", true),
            ("9007199254740992", false),
            ("-1e22", false),
            ("123456789012345678901234.5", true),
            ("0.000", false),
        ] {
            assert_eq!(rounded_by_double(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn the_same_number_may_be_written_otherwise() {
        for (a, b, wanted) in [
            ("100", "1e2", false),
            ("+0.0250", "2.5e-2", false),
            ("-0", "0e0", false),
            ("16777217", "1.6777216e7", true),
            ("-1", "1e0", true),
        ] {
            assert_eq!(differ(a.as_bytes(), b), wanted, "{a} {b}");
        }
        assert_eq!((behind_point(b"1.250"), behind_point(b"125e-4"), behind_point(b"120")), (2, 4, 0));
    }
}
