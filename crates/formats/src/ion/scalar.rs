//! Values that hold no others.

use std::borrow::Cow;

use super::timestamp::Moment;

/// A value that is no container. Numbers are exact, whatever their size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// NULL of any type.
    Null,
    Bool(bool),
    Int(i128),
    /// An integer beyond 128 bits, in digits with a sign.
    BigInt(Cow<'a, str>),
    Float(f64),
    Decimal(Decimal),
    Timestamp(Moment),
    /// A string or a symbol.
    Text(Cow<'a, str>),
    /// A symbol whose text is not known.
    Unknown,
    /// A blob or a clob.
    Bytes(Cow<'a, [u8]>),
}

/// `digits · 10^exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// Digits, perhaps behind a `-`.
    pub(crate) digits: String,
    pub(crate) exponent: i64,
}

impl Decimal {
    /// The digits needed in all, and behind the point; `None` when that is beyond 38.
    pub(crate) fn size(&self) -> Option<(u8, u8)> {
        let digits = self.digits.trim_start_matches('-').trim_start_matches('0').len() as i64;
        let scale = self.exponent.checked_neg()?.max(0);
        let whole = digits.checked_add(self.exponent)?.max(0);
        let precision = whole.checked_add(scale)?.max(1);
        (precision <= 38).then_some((precision as u8, scale as u8))
    }

    /// As a number with an exponent, for readers of text.
    pub(crate) fn scientific(&self) -> String {
        format!("{}e{}", self.digits, self.exponent)
    }
}

impl std::fmt::Display for Decimal {
    /// `150·10^-2` is `1.50`; what would need many zeros has an exponent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MOST_ZEROS: i64 = 20;
        let (sign, digits) = match self.digits.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", self.digits.as_str()),
        };
        let point = (digits.len() as i64).saturating_add(self.exponent);
        if self.exponent == 0 {
            write!(f, "{sign}{digits}")
        } else if self.exponent < 0 && point > 0 {
            let (whole, fraction) = digits.split_at(point as usize);
            write!(f, "{sign}{whole}.{fraction}")
        } else if self.exponent < 0 && point > -MOST_ZEROS {
            write!(f, "{sign}0.{}{digits}", "0".repeat((-point) as usize))
        } else {
            write!(f, "{sign}{digits}E{}", self.exponent)
        }
    }
}

/// The integer of a sign and a magnitude, the highest byte first. `None` when it is too long to be written in digits.
pub(super) fn integer(negative: bool, magnitude: &[u8]) -> Option<Scalar<'static>> {
    let from = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    let magnitude = &magnitude[from..];
    if magnitude.len() <= 16 {
        let value = magnitude.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        if let Ok(value) = i128::try_from(value) {
            return Some(Scalar::Int(if negative { -value } else { value }));
        }
    }
    let digits = digits_of(magnitude)?;
    Some(Scalar::BigInt(Cow::Owned(if negative { format!("-{digits}") } else { digits })))
}

/// A magnitude in decimal digits: work grows with its square, so that long ones are `None`.
pub(super) fn digits_of(magnitude: &[u8]) -> Option<String> {
    const MOST_BYTES: usize = 512;
    const GROUP: u64 = 1_000_000_000;
    if magnitude.len() > MOST_BYTES {
        return None;
    }
    let mut rest = magnitude.to_vec();
    let mut groups = Vec::new();
    loop {
        let mut carry = 0u64;
        for byte in &mut rest {
            let value = carry << 8 | u64::from(*byte);
            *byte = (value / GROUP) as u8;
            carry = value % GROUP;
        }
        groups.push(carry);
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        rest.drain(..zeros);
        if rest.is_empty() {
            break;
        }
    }
    let mut digits = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        digits.push_str(&format!("{group:09}"));
    }
    Some(digits)
}
