//! Points in time: in text with an offset, in binary as UTC and an offset, of which only the instant is kept.

use crate::builder::value::{Instant, days_from_civil, days_in_month};

/// An instant, and how exactly it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// A day, month or year, without a time.
    pub(crate) is_date: bool,
}

/// The parts of a timestamp, checked when put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    /// Hour and minute.
    pub(super) time: Option<(u32, u32)>,
    pub(super) second: u32,
    pub(super) nanos: u32,
    /// Minutes that the time is ahead of UTC.
    pub(super) offset: i64,
}

impl Parts {
    /// The first moment of a year.
    pub(super) fn of_year(year: u32) -> Self {
        Self { year, month: 1, day: 1, time: None, second: 0, nanos: 0, offset: 0 }
    }

    /// `None` when no such moment is.
    pub(super) fn moment(self) -> Option<Moment> {
        let (hour, minute) = self.time.unwrap_or((0, 0));
        let fits = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && hour < 24
            && minute < 60
            && self.second < 60
            && self.offset.abs() < 24 * 60;
        if !fits {
            return None;
        }
        let midnight = i64::from(days_from_civil(self.year, self.month, self.day)) * 86_400;
        let secs = midnight + i64::from(hour * 3600 + minute * 60 + self.second) - self.offset * 60;
        Some(Moment { at: Instant { secs, nanos: self.nanos }, is_date: self.time.is_none() })
    }
}

impl std::fmt::Display for Moment {
    /// `2007-02-23`, or `2007-02-23 20:14:33.079`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil(self.at.secs.div_euclid(86_400));
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        if self.is_date {
            return Ok(());
        }
        let second = self.at.secs.rem_euclid(86_400);
        write!(f, " {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        if self.at.nanos == 0 {
            return Ok(());
        }
        let fraction = format!("{:09}", self.at.nanos);
        write!(f, ".{}", fraction.trim_end_matches('0'))
    }
}

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A timestamp as Ion's text has it: `2007T`, `2007-02T`, `2007-02-23`, `2007-02-23T12:14Z`, `…:33.079-08:00`.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let mut parts = Parts::of_year(number(bytes.get(..4)?)?);
    let mut rest = &bytes[4..];
    for is_month in [true, false] {
        let [b'-', a, b, tail @ ..] = rest else {
            // A year or a month ends in `T`; a day may.
            return if rest == b"T" { parts.moment() } else { None };
        };
        let found = number(&[*a, *b])?;
        *(if is_month { &mut parts.month } else { &mut parts.day }) = found;
        rest = tail;
    }
    let Some(time) = rest.strip_prefix(b"T") else { return rest.is_empty().then(|| parts.moment())? };
    if time.is_empty() {
        return parts.moment();
    }
    let [h1, h2, b':', m1, m2, rest @ ..] = time else { return None };
    parts.time = Some((number(&[*h1, *h2])?, number(&[*m1, *m2])?));
    let mut rest = rest;
    if let [b':', s1, s2, tail @ ..] = rest {
        parts.second = number(&[*s1, *s2])?;
        rest = tail;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let len = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if len == 0 {
                return None;
            }
            parts.nanos = nanos(&fraction[..len]);
            rest = &fraction[len..];
        }
    }
    parts.offset = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if minutes > 59 {
                return None;
            }
            let offset = i64::from(hours * 60 + minutes);
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    parts.moment()
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// Digits behind the point as nanoseconds; what is finer is cut off.
fn nanos(digits: &[u8]) -> u32 {
    (0..9).fold(0, |sum, at| sum * 10 + digits.get(at).map_or(0, |byte| u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_to_moments_and_back() {
        for (text, shown) in [
            ("2007T", "2007-01-01"),
            ("2007-02T", "2007-02-01"),
            ("2007-02-23", "2007-02-23"),
            ("2007-02-23T", "2007-02-23"),
            ("2007-02-23T12:14Z", "2007-02-23 12:14:00"),
            ("2007-02-23T12:14:33.079-08:00", "2007-02-23 20:14:33.079"),
            ("2007-01-01T00:00:00.1234567891+00:01", "2006-12-31 23:59:00.123456789"),
            ("0001-01-01T00:00-00:00", "0001-01-01 00:00:00"),
            ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
            ("2000-02-29", "2000-02-29"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in [
            "2007",
            "2007-02",
            "2007-2T",
            "0000T",
            "2007-13T",
            "2001-02-29",
            "2007-02-23T12Z",
            "2007-02-23T12:14",
            "2007-02-23T12:14:33.Z",
            "2007-02-23T24:00Z",
            "2007-02-23T12:14:60Z",
            "2007-02-23T12:14+25:00",
            "2007-02-23T12:14+01:60",
            "2007-02-23Tx",
            "2007-02-23x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
