//! Text to values. Strict: what is not wholly a value of the type is `None`, except for white space around.

use arrow::datatypes::TimeUnit;

fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// The first eight bytes of a text, or all of a shorter one, the first one lowest.
#[inline]
pub(crate) fn word(text: &[u8]) -> u64 {
    if let Some(whole) = text.first_chunk::<8>() {
        return u64::from_le_bytes(*whole);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // Where the two overlap they are the same.
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * (text.len() - 4));
        return u64::from(u32::from_le_bytes(*first)) | last;
    }
    text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The highest bit of the first byte that is the wanted one, and perhaps of others behind it; none where it is not there.
#[inline]
pub(crate) fn matching(word: u64, wanted: u8) -> u64 {
    const LOW_BITS: u64 = 0x0101_0101_0101_0101;
    let differs = word ^ (LOW_BITS * u64::from(wanted));
    differs.wrapping_sub(LOW_BITS) & !differs & (LOW_BITS << 7)
}

/// The place of the first byte whose highest bit is set; eight where there is none.
#[inline]
pub(crate) fn first_in(bits: u64) -> usize {
    bits.trailing_zeros() as usize / 8
}

/// The number that `count` digits spell, one to eight of them in the lowest bytes of `word`.
#[inline]
pub(super) fn digits_of(word: u64, count: usize) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let shift = 64 - 8 * count;
    let values = (word << shift) ^ (ZEROS << shift);
    let beyond_nine = values.wrapping_add(0x7676_7676_7676_7676) | values;
    if beyond_nine & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Neighbours are joined: to numbers of two digits, then four, then eight.
    let twos = (values.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// What up to sixteen digits spell, and nothing else; `None` may also mean that this is not the way to find out.
#[inline]
fn few_digits(text: &[u8]) -> Option<u64> {
    match text.len() {
        1..=8 => digits_of(word(text), text.len()),
        9..=16 => {
            let (high, low) = text.split_at(text.len() - 8);
            Some(digits_of(word(high), high.len())? * 100_000_000 + digits_of(word(low), 8)?)
        }
        _ => None,
    }
}

/// What a number of up to eight characters, with a point and without an exponent, spells.
#[inline]
fn short_float(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
    let count = text.len();
    if !(2..=8).contains(&count) {
        return None;
    }
    let word = word(text);
    let point = first_in(matching(word, b'.'));
    if point >= count {
        return None;
    }
    let whole = word & !(u64::MAX << (8 * point));
    // Nothing follows a point in the highest byte.
    let fraction = word.checked_shr(8 * (point as u32 + 1)).unwrap_or(0);
    let digits = digits_of(whole | fraction << (8 * point), count - 1)?;
    // Both are exact, so that the quotient is the number nearest to what is written.
    Some(digits as f64 / POWERS[count - 1 - point])
}

/// A decimal integer with an optional sign.
#[inline]
pub(crate) fn int(text: &[u8]) -> Option<i64> {
    match few_digits(text) {
        Some(digits) => Some(digits as i64),
        None => any_int(text),
    }
}

fn any_int(text: &[u8]) -> Option<i64> {
    let text = trimmed(text);
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if digits.len() < 19 {
        let magnitude = digits.iter().fold(0i64, |sum, d| sum * 10 + i64::from(d - b'0'));
        return Some(if negative { -magnitude } else { magnitude });
    }
    digits.iter().try_fold(0i64, |sum, d| {
        let digit = i64::from(d - b'0');
        let shifted = sum.checked_mul(10)?;
        if negative { shifted.checked_sub(digit) } else { shifted.checked_add(digit) }
    })
}

/// A floating point number: digits, point, exponent; also `NaN`, `Infinity`, `inf` with a sign, and the `d` or `f` that
/// Java takes behind one.
#[inline]
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let short = match text {
        [b'-', rest @ ..] => short_float(rest).map(|number| -number),
        _ => short_float(text),
    };
    match short {
        Some(number) => Some(number),
        None => any_float(text),
    }
}

fn any_float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(without_java_suffix(trimmed(text))).ok()?.parse().ok()
}

pub(crate) fn float32(text: &[u8]) -> Option<f32> {
    std::str::from_utf8(without_java_suffix(trimmed(text))).ok()?.parse().ok()
}

fn without_java_suffix(text: &[u8]) -> &[u8] {
    match text {
        [number @ .., b'd' | b'D' | b'f' | b'F']
            if number.last().is_some_and(|b| b.is_ascii_digit() || *b == b'.') =>
        {
            number
        }
        _ => text,
    }
}

/// `true` or `false`, ignoring case.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

fn digits<const N: usize>(text: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = text.split_first_chunk::<N>()?;
    if !head.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((head.iter().fold(0, |sum, d| sum * 10 + u32::from(d - b'0')), rest))
}

/// One digit or two, whatever follows.
fn few(text: &[u8]) -> Option<(u32, &[u8])> {
    match digits::<2>(text) {
        Some(both) => Some(both),
        None => digits::<1>(text),
    }
}

fn byte(text: &[u8], expected: u8) -> Option<&[u8]> {
    match text {
        [first, rest @ ..] if *first == expected => Some(rest),
        _ => None,
    }
}

pub(crate) fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (year 0..=9999).
pub(crate) fn days_from_civil(year: u32, month: u32, day: u32) -> i32 {
    let (y, m) =
        if month > 2 { (year as i32, month as i32 - 3) } else { (year as i32 - 1, month as i32 + 9) };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * m + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn date_prefix(text: &[u8]) -> Option<(i32, &[u8])> {
    let (year, rest) = digits::<4>(text)?;
    let (month, rest) = few(byte(rest, b'-')?)?;
    let (day, rest) = few(byte(rest, b'-')?)?;
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    Some((days_from_civil(year, month, day), rest))
}

/// `yyyy-MM-dd` as days since 1970-01-01; month and day may have one digit. As in Hive and Trino, what follows behind a
/// blank, as a time does, does not count.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    match date_prefix(trimmed(text))? {
        (days, [] | [b' ', ..]) => Some(days),
        _ => None,
    }
}

/// An instant, or a local time counted as if it were UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) secs: i64,
    pub(crate) nanos: u32,
}

impl Instant {
    /// Milliseconds since the epoch.
    pub(crate) fn from_millis(ms: i64) -> Self {
        Self { secs: ms.div_euclid(1000), nanos: (ms.rem_euclid(1000) * 1_000_000) as u32 }
    }

    /// The count of `unit`s since the epoch, rounded down; `None` when it does not fit.
    pub(crate) fn in_unit(self, unit: TimeUnit) -> Option<i64> {
        let (per_sec, nanos_per) = match unit {
            TimeUnit::Second => (1, 1_000_000_000),
            TimeUnit::Millisecond => (1_000, 1_000_000),
            TimeUnit::Microsecond => (1_000_000, 1_000),
            TimeUnit::Nanosecond => (1_000_000_000, 1),
        };
        self.secs.checked_mul(per_sec)?.checked_add(i64::from(self.nanos / nanos_per))
    }
}

/// `yyyy-MM-dd`, then optionally a space or `T`, `HH:mm`, `:ss`, a fraction of up to nine digits, and `Z` or an
/// offset such as `+02:00`. As in Hive and Trino, all but the year may have one digit.
pub(crate) fn timestamp(text: &[u8]) -> Option<Instant> {
    let (days, rest) = date_prefix(trimmed(text))?;
    let midnight = i64::from(days) * 86_400;
    if rest.is_empty() {
        return Some(Instant { secs: midnight, nanos: 0 });
    }
    let rest = byte(rest, b' ').or_else(|| byte(rest, b'T'))?;
    let (hour, rest) = few(rest)?;
    let (minute, rest) = few(byte(rest, b':')?)?;
    let (second, rest) = match byte(rest, b':') {
        Some(rest) => few(rest)?,
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let secs = midnight + i64::from(hour * 3600 + minute * 60 + second) - offset_secs(rest)?;
    Some(Instant { secs, nanos })
}

fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(rest) = byte(text, b'.') else { return Some((0, text)) };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let value = rest[..count].iter().fold(0u32, |sum, d| sum * 10 + u32::from(d - b'0'));
    Some((value * 10u32.pow(9 - count as u32), &rest[count..]))
}

fn offset_secs(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [] | [b'Z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits::<2>(rest)?;
    let (minutes, rest) =
        if rest.is_empty() { (0, rest) } else { digits::<2>(byte(rest, b':').unwrap_or(rest))? };
    (rest.is_empty() && hours <= 18 && minutes <= 59).then_some(sign * i64::from(hours * 3600 + minutes * 60))
}

/// A decimal number, rounded half up to `scale`; `None` when it then needs more than `precision` digits.
pub(crate) fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let text = trimmed(text);
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&text[..at], int(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let fraction = mantissa.get(point + 1..).unwrap_or_default();
    let whole = &mantissa[..point];
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Digits to keep: everything left of the point, moved by the exponent, and `scale` more.
    let keep = (whole.len() as i64).checked_add(exponent)?.checked_add(i64::from(scale))?;
    let mut sum: i128 = 0;
    let mut seen = 0i64;
    for digit in whole.iter().chain(fraction) {
        if !digit.is_ascii_digit() {
            return None;
        }
        if seen < keep {
            sum = sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        } else if seen == keep && *digit >= b'5' {
            sum += 1;
        }
        seen += 1;
    }
    let missing = keep - seen;
    if missing > 0 && sum != 0 {
        sum = sum.checked_mul(10i128.checked_pow(u32::try_from(missing).ok()?)?)?;
    }
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (sum < limit).then_some(if negative { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_ways_agree_with_long_ones(text in "[-+]?[0-9 .x]{0,20}", digits in "[0-9]{1,20}(\\.[0-9]{0,7})?") {
            for text in [text, digits] {
                let text = text.as_bytes();
                prop_assert_eq!(int(text), any_int(text));
                prop_assert_eq!(float(text).map(f64::to_bits), any_float(text).map(f64::to_bits));
            }
        }

        #[test]
        fn short_floats_agree_with_long_ones(whole in 0u32..10_000, fraction in "[0-9]{0,5}") {
            let text = format!("{whole}.{fraction}");
            let (short, long) = (float(text.as_bytes()), any_float(text.as_bytes()));
            prop_assert_eq!(short.map(f64::to_bits), long.map(f64::to_bits));
        }
    }

    #[test]
    fn integers() {
        assert_eq!(int(b" 42 "), Some(42));
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(int(b"9223372036854775808"), None);
        assert_eq!(int(b"007"), Some(7));
        for bad in ["", "-", "1.0", "1e3", "0x10", "1_000", "٣"] {
            assert_eq!(int(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn numbers_with_javas_letters() {
        assert_eq!(float(b"1d"), Some(1.0));
        assert_eq!(float(b" -2.5F "), Some(-2.5));
        assert_eq!(float32(b"1.f"), Some(1.0));
        for bad in ["d", "-f", "1dd", "1 d", "infd", ".d"] {
            assert_eq!((float(bad.as_bytes()), float32(bad.as_bytes())), (None, None), "{bad}");
        }
        assert_eq!(float(b"inf"), Some(f64::INFINITY));
    }

    #[test]
    fn dates_and_times() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2000-02-29"), Some(11_016));
        assert_eq!(date(b"1969-12-31"), Some(-1));
        assert_eq!(date(b"0000-03-01"), Some(-719_468));
        assert_eq!(date(b" 2001-1-2 "), date(b"2001-01-02"));
        assert_eq!(date(b"2001-01-02 23:59:59"), date(b"2001-01-02"));
        for bad in [
            "2001-02-29",
            "2001-13-01",
            "2001-00-10",
            "01-01-2001",
            "2001-01-01x",
            "2001-1-1T0:0",
            "2001-1-",
            "2001-001-1",
        ] {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
        let at = |text: &str| timestamp(text.as_bytes()).map(|i| (i.secs, i.nanos));
        assert_eq!(at("1970-01-02 00:00:01.5"), Some((86_401, 500_000_000)));
        assert_eq!(at("1970-01-01T02:00:00+02:00"), Some((0, 0)));
        assert_eq!(at("1970-01-01T00:00Z"), Some((0, 0)));
        assert_eq!(at("1970-1-2 0:0:1.5"), Some((86_401, 500_000_000)));
        assert_eq!(at("1970-1-2"), Some((86_400, 0)));
        assert_eq!(at("1970-1-2 0:0:1 2"), None);
        assert_eq!(at("1970-1-2 0:0:001"), None);
        assert_eq!(at("1970-01-01 24:00:00"), None);
        assert_eq!(at("1970-01-01 00:00:00.1234567890"), None);
        assert_eq!(Instant { secs: -1, nanos: 999_000_000 }.in_unit(TimeUnit::Millisecond), Some(-1));
    }

    #[test]
    fn decimals() {
        assert_eq!(decimal(b"12.345", 10, 2), Some(1235));
        assert_eq!(decimal(b"-12.344", 10, 2), Some(-1234));
        assert_eq!(decimal(b"1e3", 10, 2), Some(100_000));
        assert_eq!(decimal(b"125e-3", 10, 2), Some(13));
        assert_eq!(decimal(b".5", 3, 1), Some(5));
        assert_eq!(decimal(b"0.00001", 3, 2), Some(0));
        assert_eq!(decimal(b"1000", 3, 0), None);
        assert_eq!(decimal(b"9e99999999999", 38, 0), None);
        assert_eq!(decimal(b"0e30", 38, 0), Some(0));
        for bad in [".", "", "-", "1.2.3", "1e", "abc"] {
            assert_eq!(decimal(bad.as_bytes(), 10, 2), None, "{bad}");
        }
    }
}
