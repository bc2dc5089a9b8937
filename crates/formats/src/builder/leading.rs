//! Numbers at the front of a text, as JSON spells them, whose end is found while they are read. Only usual ones: `None` may also
//! mean that this is not the way to find out. Whatever is given is the number nearest to what is written.

use super::value::{digits_of, first_in, word};

/// As many digits as make a number that both `u64` and `f64` hold exactly.
const MOST_DIGITS: usize = 15;

const POWERS: [u64; MOST_DIGITS + 1] = {
    let mut powers = [1; MOST_DIGITS + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The digits that a text begins with: how many, and what they spell.
#[inline]
fn digits(text: &[u8]) -> Option<(usize, u64)> {
    let first = word(text);
    let count = digits_in(first);
    if count == 0 {
        return None;
    }
    let number = digits_of(first, count)?;
    if count < 8 {
        return Some((count, number));
    }
    let second = word(&text[8..]);
    match digits_in(second) {
        0 => Some((count, number)),
        8 => None,
        more => Some((count + more, number * POWERS[more] + digits_of(second, more)?)),
    }
}

/// How many of the lowest bytes are digits.
#[inline]
fn digits_in(word: u64) -> usize {
    let values = word ^ 0x3030_3030_3030_3030;
    // The highest bit of the first byte that is no digit, and perhaps of others behind it.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    first_in(others)
}

/// Whether there is a minus, and the digits in front of a point or the end.
#[inline]
fn whole(text: &[u8]) -> Option<(bool, usize, u64)> {
    let negative = text.first() == Some(&b'-');
    let unsigned = text.get(usize::from(negative)..)?;
    let (count, number) = digits(unsigned)?;
    // Zeros in front are no JSON.
    let is_one = count == 1 || unsigned.first() != Some(&b'0');
    is_one.then_some((negative, usize::from(negative) + count, number))
}

/// A whole number, and its length. What follows is neither a point nor an exponent.
#[inline]
pub(crate) fn int(text: &[u8]) -> Option<(i64, usize)> {
    let (negative, length, number) = whole(text)?;
    if matches!(text.get(length), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let number = number as i64;
    Some((if negative { -number } else { number }, length))
}

/// A number without an exponent, and its length.
#[inline]
pub(crate) fn float(text: &[u8]) -> Option<(f64, usize)> {
    let (negative, mut length, mut number) = whole(text)?;
    let mut divisor = 1;
    if text.get(length) == Some(&b'.') {
        let (count, fraction) = digits(&text[length + 1..])?;
        if length - usize::from(negative) + count > MOST_DIGITS {
            return None;
        }
        divisor = POWERS[count];
        number = number * divisor + fraction;
        length += 1 + count;
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        return None;
    }
    // Both are exact, so that the quotient is the nearest number.
    let number = number as f64 / divisor as f64;
    Some((if negative { -number } else { number }, length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::builder::value;

    proptest! {
        #[test]
        fn they_are_what_the_whole_texts_are(text in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?", behind in "[,}\\] ]?[0-9a-z.,:\"]{0,20}") {
            let all = format!("{text}{}{behind}", if behind.starts_with([',', '}', ']', ' ']) { "" } else { "," });
            if let Some((number, length)) = int(all.as_bytes()) {
                prop_assert_eq!((length, Some(number)), (text.len(), value::int(text.as_bytes())));
            }
            if let Some((number, length)) = float(all.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!(Some(number.to_bits()), value::float(text.as_bytes()).map(f64::to_bits));
            }
        }
    }

    #[test]
    fn usual_numbers_are_found() {
        assert_eq!(int(b"0,"), Some((0, 1)));
        assert_eq!(int(b"-17}"), Some((-17, 3)));
        assert_eq!(int(b"12345678"), Some((12_345_678, 8)));
        assert_eq!(int(b"9876543210,\"a\":1"), Some((9_876_543_210, 10)));
        assert_eq!(int(b"123456789012345]"), Some((123_456_789_012_345, 15)));
        assert_eq!(float(b"-0.25,"), Some((-0.25, 5)));
        assert_eq!(float(b"-0 "), Some((-0.0, 2)));
        assert_eq!(float(b"1234567.12345678"), Some((1_234_567.123_456_78, 16)));
        for other in [
            "",
            "-",
            "x",
            "01",
            "-01",
            "1.",
            "1.x",
            "1e3",
            "1.5E3",
            "1234567890123456",
            "-.5",
            "1.234567890123456",
        ] {
            assert_eq!(float(other.as_bytes()), None, "{other}");
        }
        for other in ["", "-", "00", "1.0", "1e3", "1234567890123456"] {
            assert_eq!(int(other.as_bytes()), None, "{other}");
        }
    }
}
