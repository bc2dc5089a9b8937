//! Text to values; `None` is null: the text is not of the type.

use arrow::datatypes::i256;
use chrono::{NaiveDate, NaiveTime};
use datafusion::error::Result;
use engine::EngineError;

use super::MICROS;
use crate::plan::spark::arithmetic::fitted;

/// Without blanks and control characters around it.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || ('\u{7f}'..='\u{9f}').contains(&c))
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// `12`, `+12`, `-12.7` (what is behind the point has to be digits, and is cut off).
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = trimmed(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.is_empty() || !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    if digits.is_empty() {
        return Some(0);
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{digits}").parse().ok()
}

/// As Java reads doubles, so that a letter `d` or `f` may end the number.
pub(super) fn float<T: std::str::FromStr + From<f32>>(text: &str) -> Option<T> {
    let lower = trimmed(text).to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(T::from(f32::INFINITY)),
        "-inf" | "-infinity" => return Some(T::from(f32::NEG_INFINITY)),
        "nan" => return Some(T::from(f32::NAN)),
        _ => {}
    }
    let number = match lower.strip_suffix(['d', 'f']) {
        Some(number) if number.ends_with(|c: char| c.is_ascii_digit() || c == '.') => number,
        _ => &lower,
    };
    // Rust's own names of special values were seen above, and are no more than letters.
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.e".contains(&byte));
    if is_number { number.parse().ok() } else { None }
}

/// With an exponent or without; rounded half up.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let lower = trimmed(text).to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((lower.as_str(), "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // The value is `digits` times ten to the power of `shift`, at the wanted scale.
    let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(scale.into())?;
    let kept = i64::try_from(digits.len()).ok()?.checked_add(shift)?;
    if kept > 40 {
        return None;
    }
    let value = at_shift(digits, shift, kept)?;
    fitted(if mantissa.starts_with('-') { value.wrapping_neg() } else { value }, precision)
}

fn at_shift(digits: &str, shift: i64, kept: i64) -> Option<i256> {
    let Ok(kept) = usize::try_from(kept) else { return Some(i256::ZERO) };
    if let Ok(zeros) = usize::try_from(shift) {
        return i256::from_string(&format!("{digits}{}", "0".repeat(zeros)));
    }
    let (kept, rest) = digits.split_at_checked(kept)?;
    let value = if kept.is_empty() { i256::ZERO } else { i256::from_string(kept)? };
    let up = rest.bytes().next().is_some_and(|digit| digit >= b'5');
    if up { value.checked_add(i256::ONE) } else { Some(value) }
}

/// Year, month and day at the start of a text, and what follows.
fn day(text: &str) -> Option<(NaiveDate, &str)> {
    let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (year, rest) = digits(unsigned, 4, 7)?;
    let year = if negative { -i32::try_from(year).ok()? } else { i32::try_from(year).ok()? };
    let mut parts = [1_u32, 1];
    let mut rest = rest;
    for part in &mut parts {
        let Some(next) = rest.strip_prefix('-') else { break };
        (*part, rest) = digits(next, 1, 2)?;
    }
    Some((NaiveDate::from_ymd_opt(year, parts[0], parts[1])?, rest))
}

/// A number of `least` to `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if length < least || length > most {
        return None;
    }
    let (number, rest) = text.split_at_checked(length)?;
    Some((number.parse().ok()?, rest))
}

/// Days since 1970; a time may follow behind a `T` or a blank, and is not looked at.
pub(super) fn date(text: &str) -> Option<i32> {
    let (date, rest) = day(trimmed(text))?;
    (rest.is_empty() || rest.starts_with([' ', 'T'])).then(|| date.to_epoch_days())
}

/// Microseconds since 1970 in UTC.
/// Errors: a time zone that is given by a name, which cannot be looked up here.
pub(super) fn timestamp(text: &str) -> Result<Option<i64>> {
    let text = trimmed(text);
    let Some((date, rest)) = day(text) else { return Ok(None) };
    let days = i64::from(date.to_epoch_days()) * 86_400 * MICROS;
    if rest.is_empty() {
        return Ok(Some(days));
    }
    let Some(rest) = rest.strip_prefix([' ', 'T']) else { return Ok(None) };
    let Some((micros, zone)) = time(rest) else { return Ok(None) };
    let zone = zone.trim();
    if let Some(offset) = offset(zone) {
        return Ok(Some(days + micros - offset * MICROS));
    }
    let named = zone.contains('/') || matches!(zone, "EST" | "MST" | "HST" | "CET" | "EET" | "WET" | "MET");
    if named {
        let message =
            format!("the time zone of {text:?} is given by its name; only offsets (+01:00) are supported");
        return Err(EngineError::Execution { message }.into_datafusion());
    }
    Ok(None)
}

/// Microseconds of the day, and what follows.
fn time(text: &str) -> Option<(i64, &str)> {
    let (hour, mut rest) = digits(text, 1, 2)?;
    let mut parts = [0_u32, 0];
    for part in &mut parts {
        let Some(next) = rest.strip_prefix(':') else { break };
        (*part, rest) = digits(next, 1, 2)?;
    }
    let mut micros = 0;
    if let Some(next) = rest.strip_prefix('.') {
        let length = next.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = next.split_at_checked(length)?;
        let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
        (micros, rest) = (six.parse::<i64>().ok()?, after);
    }
    let time = NaiveTime::from_hms_opt(hour, parts[0], parts[1])?;
    let seconds = time.signed_duration_since(NaiveTime::MIN).num_seconds();
    Some((seconds * MICROS + micros, rest))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    let bare =
        zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")).or_else(|| zone.strip_prefix("UT"));
    let bare = bare.unwrap_or(zone);
    if bare.is_empty() || bare == "Z" {
        return Some(0);
    }
    let sign = match bare.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, mut rest, mut parts) = joined(bare.get(1..)?)?;
    for part in &mut parts {
        let Some(next) = rest.strip_prefix(':') else { break };
        (*part, rest) = digits(next, 1, 2)?;
    }
    let fits = rest.is_empty() && hours <= 18 && parts.iter().all(|part| *part < 60);
    fits.then(|| sign * i64::from(hours * 3_600 + parts[0] * 60 + parts[1]))
}

/// The hours of an offset and what follows; of `hhmm` and `hhmmss`, which have no colons, also the minutes and seconds.
fn joined(offset: &str) -> Option<(u32, &str, [u32; 2])> {
    let all_digits = offset.bytes().all(|byte| byte.is_ascii_digit());
    let pair = |at: usize| offset.get(at..at + 2)?.parse().ok();
    match offset.len() {
        4 if all_digits => Some((pair(0)?, "", [pair(2)?, 0])),
        6 if all_digits => Some((pair(0)?, "", [pair(2)?, pair(4)?])),
        _ => digits(offset, 1, 2).map(|(hours, rest)| (hours, rest, [0, 0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(whole(" 12.7\n"), Some(12));
        assert_eq!(whole("-.5"), Some(0));
        assert_eq!(whole("1e3"), None);
        assert_eq!(whole("-"), None);
        assert_eq!(whole("9223372036854775808"), None);
        assert_eq!(float::<f64>("1.5D"), Some(1.5));
        assert_eq!(float::<f64>("1e3"), Some(1000.0));
        assert_eq!(float::<f64>("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(float::<f64>("infinit"), None);
        assert_eq!(decimal("1.005", 10, 2), Some(101));
        assert_eq!(decimal("-1.5e2", 10, 1), Some(-1500));
        assert_eq!(decimal("0.00049", 10, 3), Some(0));
        assert_eq!(decimal("0.0005", 10, 3), Some(1));
        assert_eq!(decimal("12345", 4, 0), None);
        assert_eq!(decimal("1e999999999999", 38, 0), None);
        assert_eq!(decimal("", 4, 0), None);
    }

    #[test]
    fn days_and_times() {
        assert_eq!(date("1970-1-2 and more"), Some(1));
        assert_eq!(date("1970"), Some(0));
        assert_eq!(date("1970-02-30"), None);
        assert_eq!(date("70-01-01"), None);
        assert_eq!(date("1970-01-01x"), None);
        let micros = |text: &str| timestamp(text).unwrap();
        assert_eq!(micros("1970-01-01 00:00:01.5"), Some(1_500_000));
        assert_eq!(micros("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(micros("1970-01-01 00:00:00 UTC"), Some(0));
        for text in ["02:00:00+0200", "02:00:00 UTC+0200", "02:00:01+020001", "00:30-0130", "02:00+2"] {
            let wanted = if text.starts_with("00") { 7_200_000_000 } else { 0 };
            assert_eq!(micros(&format!("1970-01-01T{text}")), Some(wanted), "{text}");
        }
        for text in
            ["02:00:00+200", "02:00:00+0260", "02:00:00+1900", "02:00:00+02000", "02:00:00+0200:00", "0200"]
        {
            assert_eq!(micros(&format!("1970-01-01T{text}")), None, "{text}");
        }
        assert_eq!(micros("1970-01-01 25:00:00"), None);
        assert_eq!(micros("1970-01-01 00:00:00 sometime"), None);
        assert!(timestamp("1970-01-01 00:00:00 Europe/Berlin").is_err());
    }
}
