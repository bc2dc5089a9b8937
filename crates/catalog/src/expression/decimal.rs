//! Exact decimal numbers of any length.

use std::cmp::Ordering;

/// The largest exponent (either way) that is read.
const MAX_EXPONENT: i64 = 400;

/// A decimal number in one normal form, so that equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without leading zeros; empty for 0.
    whole: String,
    /// Without trailing zeros; empty for a whole number.
    fraction: String,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !well_formed || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        Some(Decimal::normal(negative, &digits, whole.len() as i64 + exponent))
    }

    /// The number of `digits` with the point after `point` of them.
    fn normal(negative: bool, digits: &str, point: i64) -> Decimal {
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let padded = format!("{}{digits}{}", zeros(-point), zeros(point - digits.len() as i64));
        let cut = usize::try_from(point).unwrap_or(0);
        let (whole, fraction) = padded.split_at(cut.min(padded.len()));
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = whole.is_empty() && fraction.is_empty();
        Decimal { negative: negative && !zero, whole, fraction }
    }

    /// The nearest double; equal numbers give one double, and the order is kept.
    pub(crate) fn approximate(&self) -> Option<f64> {
        let sign = if self.negative { "-" } else { "" };
        crate::layout::number(&format!("{sign}0{}.{}0", self.whole, self.fraction))
    }

    fn cmp_magnitude(&self, other: &Decimal) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        let by_whole = by_length.then_with(|| self.whole.cmp(&other.whole));
        by_whole.then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Decimal;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn compares_exactly() {
        assert!(decimal("0.1") < decimal("0.10000000000000000000000001"));
        assert!(decimal("-2") < decimal("-1.5"));
        assert!(decimal("99999999999999999999") < decimal("100000000000000000000"));
        assert_eq!(decimal("1e3"), decimal("1000.0"));
        assert_eq!(decimal("-0"), decimal("0.00"));
        assert_eq!(decimal("12.5e-3"), decimal("0.0125"));
        assert_eq!(Decimal::parse("1e9999999"), None);
        assert_eq!(Decimal::parse("."), None);
        assert_eq!(Decimal::parse("1_0"), None);
        assert_eq!(Decimal::parse("--1"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_integers(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(decimal(&a.to_string()).cmp(&decimal(&b.to_string())), a.cmp(&b));
        }
    }
}
