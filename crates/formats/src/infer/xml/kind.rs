//! What text in XML is.

use crate::builder::value;
use crate::hive::HiveType;
use crate::infer::Seen;
use crate::infer::types::is_beyond_double;

/// What the text of one place has been so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Empty,
    Bool,
    Int,
    BigInt,
    /// A `BigInt` with values of which a double loses digits.
    Wide,
    Double,
    /// A `Double` that does so, or has values beyond its range.
    Inexact,
    String,
}

impl Kind {
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim().as_bytes();
        if text.is_empty() {
            return Self::Empty;
        }
        if let Some(number) = value::int(text) {
            return match number {
                _ if is_beyond_double(number) => Self::Wide,
                _ if i32::try_from(number).is_ok() => Self::Int,
                _ => Self::BigInt,
            };
        }
        if value::boolean(text).is_some() {
            return Self::Bool;
        }
        let numeric =
            text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        let fraction = text.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
        match value::float(text).filter(|_| numeric && fraction) {
            Some(number) if number.is_infinite() => Self::Inexact,
            Some(_) => Self::Double,
            None => Self::String,
        }
    }

    pub(super) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, kind) | (kind, Self::Empty) => kind,
            (a, b) if a == b => a,
            (Self::Int | Self::BigInt, Self::Int | Self::BigInt) => Self::BigInt,
            (Self::Int | Self::BigInt | Self::Wide, Self::Int | Self::BigInt | Self::Wide) => Self::Wide,
            (Self::Int | Self::BigInt | Self::Double, Self::Int | Self::BigInt | Self::Double) => {
                Self::Double
            }
            (a, b) if a.is_number() && b.is_number() => Self::Inexact,
            _ => Self::String,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::BigInt | Self::Wide | Self::Double | Self::Inexact)
    }

    /// Whether it is `double`, and loses something of these values.
    pub(super) fn is_inexact(self) -> bool {
        self == Self::Inexact
    }

    /// What was seen beyond what the type says. Of an inexact number that is said already.
    pub(super) fn seen(self) -> Seen {
        match self {
            Self::Empty => Seen::Nothing,
            Self::Wide => Seen::Wide,
            _ => Seen::Values,
        }
    }

    pub(super) fn ty(self) -> HiveType {
        match self {
            Self::Empty | Self::String => HiveType::String,
            Self::Bool => HiveType::Boolean,
            Self::Int => HiveType::Int,
            Self::BigInt | Self::Wide => HiveType::BigInt,
            Self::Double | Self::Inexact => HiveType::Double,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_double_does_not_hold() {
        const WIDE: &str = "9007199254740993";
        for (texts, ty, wide, inexact) in [
            (&["1", WIDE][..], HiveType::BigInt, true, false),
            (&["1", "3000000000"], HiveType::BigInt, false, false),
            (&["3000000000", "1.5"], HiveType::Double, false, false),
            (&[WIDE, "", "1.5"], HiveType::Double, false, true),
            (&["1.5", WIDE, "2.5"], HiveType::Double, false, true),
            (&["1e400"], HiveType::Double, false, true),
            (&["1e400", "1"], HiveType::Double, false, true),
            (&[WIDE, "true"], HiveType::String, false, false),
            (&["99999999999999999999"], HiveType::String, false, false),
        ] {
            let forth = texts.iter().fold(Kind::Empty, |kind, text| kind.merge(Kind::of(text)));
            let back = texts.iter().rev().fold(Kind::Empty, |kind, text| kind.merge(Kind::of(text)));
            assert_eq!(forth, back, "{texts:?}");
            let found = (forth.ty(), forth.seen() == Seen::Wide, forth.is_inexact());
            assert_eq!(found, (ty, wide, inexact), "{texts:?}");
        }
    }
}
