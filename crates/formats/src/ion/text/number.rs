//! Numbers as Ion's text has them.

use std::borrow::Cow;

use crate::ion::scalar::{Decimal, Scalar, integer};

/// An integer, decimal or float; `None` when `token` is none.
pub(super) fn number(token: &str) -> Option<Scalar<'static>> {
    let (negative, unsigned) = match token.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let lower = unsigned.get(..2).map(str::to_ascii_lowercase);
    match lower.as_deref() {
        Some("0x") => return of_base(negative, &unsigned[2..], 4),
        Some("0b") => return of_base(negative, &unsigned[2..], 1),
        _ => {}
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E', 'd', 'D']) {
        Some(at) => {
            (&unsigned[..at], Some((unsigned.as_bytes()[at].to_ascii_lowercase(), &unsigned[at + 1..])))
        }
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = digits(whole)?;
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let has_fraction = fraction.is_some();
    // `1.` is a decimal.
    let fraction = match fraction {
        None | Some("") => Cow::Borrowed(""),
        Some(text) => digits(text)?,
    };
    let exponent = exponent.map(|(letter, text)| Some((letter, exponent_of(text)?)));
    let sign = if negative { "-" } else { "" };
    match exponent {
        None if !has_fraction => Some(whole_number(sign, &whole)),
        Some(None) => None,
        Some(Some((b'e', exponent))) => {
            format!("{sign}{whole}.{fraction}e{exponent}").parse().ok().map(Scalar::Float)
        }
        other => {
            let exponent = other.flatten().map_or(0, |(_, exponent)| exponent);
            let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
            Some(Scalar::Decimal(Decimal { digits: format!("{sign}{whole}{fraction}"), exponent }))
        }
    }
}

fn whole_number(sign: &str, whole: &str) -> Scalar<'static> {
    let text = format!("{sign}{whole}");
    match text.parse() {
        Ok(value) => Scalar::Int(value),
        Err(_) => Scalar::BigInt(Cow::Owned(text)),
    }
}

/// Digits, perhaps with single underscores between them, without these.
fn digits(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let fits = (0..bytes.len())
        .all(|at| is_digit(at) || (bytes[at] == b'_' && at > 0 && is_digit(at - 1) && is_digit(at + 1)));
    if bytes.is_empty() || !fits {
        return None;
    }
    Some(if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) })
}

fn exponent_of(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Digits of `bits` bits each.
fn of_base(negative: bool, text: &str, bits: u32) -> Option<Scalar<'static>> {
    let mut values = Vec::with_capacity(text.len());
    let mut after_digit = false;
    for byte in text.bytes() {
        if byte == b'_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        values.push(char::from(byte).to_digit(1 << bits)? as u8);
        after_digit = true;
    }
    if !after_digit {
        return None;
    }
    let per_byte = 8 / bits as usize;
    let mut bytes: Vec<u8> = values
        .rchunks(per_byte)
        .map(|chunk| chunk.iter().fold(0, |sum, digit| sum << bits | digit))
        .collect();
    bytes.reverse();
    integer(negative, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_kinds() {
        let shown = |text: &str| match number(text) {
            Some(Scalar::Int(value)) => format!("int {value}"),
            Some(Scalar::BigInt(value)) => format!("big {value}"),
            Some(Scalar::Float(value)) => format!("float {value}"),
            Some(Scalar::Decimal(value)) => format!("decimal {value}"),
            _ => "none".to_owned(),
        };
        for (text, wanted) in [
            ("0", "int 0"),
            ("-12_345", "int -12345"),
            ("0xFf_00", "int 65280"),
            ("-0b101", "int -5"),
            ("170141183460469231731687303715884105728", "big 170141183460469231731687303715884105728"),
            ("0x80000000000000000000000000000000", "big 170141183460469231731687303715884105728"),
            ("1.50", "decimal 1.50"),
            ("-0.05", "decimal -0.05"),
            ("1.", "decimal 1"),
            ("12d-3", "decimal 0.012"),
            ("1D30", "decimal 1E30"),
            ("1.5e3", "float 1500"),
            ("-1E-2", "float -0.01"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
        for bad in [
            "01",
            "1__0",
            "_1",
            "1_",
            "1.2.3",
            "1e",
            "1d+",
            "0x",
            "0b2",
            "1.5_",
            "--1",
            "1e99999999999999999999d",
        ] {
            assert_eq!(shown(bad), "none", "{bad}");
        }
    }
}
