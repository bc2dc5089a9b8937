//! The value of a cell. Source: OpenDocument 1.3, part 3, 19.369 to 19.385 (`office:…-value`) and 18.2 (data types).

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::super::cell::{Cell, Kind, duration, number, text};
use super::super::flaw;
use crate::error::Problem;

/// What a cell's tag says of its value.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// `office:value-type`.
    pub(super) kind: String,
    pub(super) number: Option<String>,
    /// Of a date, a time or a truth value.
    pub(super) other: Option<String>,
    /// Of a text that is not shown as it is.
    pub(super) text: Option<String>,
    pub(super) is_formula: bool,
    pub(super) is_error: bool,
}

/// The value of a cell that shows `shown`. Errors: a number that is none.
pub(super) fn cell(value: Value, shown: String) -> Result<Option<Cell>, Problem> {
    if value.is_error || (value.is_formula && is_error(&shown)) {
        return Ok(None);
    }
    Ok(match (value.kind.as_str(), value.number, value.other) {
        ("float" | "percentage" | "currency", Some(v), _) => {
            let parsed = v.trim().parse().map_err(|_| flaw(format!("{v:?} is the value of a number")))?;
            Some(number(parsed))
        }
        ("date", _, Some(v)) => date(&v).or_else(|| text(&v)),
        ("time", _, Some(v)) => seconds(&v).map(duration).or_else(|| text(&v)),
        ("boolean", _, Some(v)) => Some(Cell::truth(v.trim() == "true")),
        ("void", ..) => None,
        _ => text(value.text.as_deref().unwrap_or(&shown)),
    })
}

/// What programs show for an error, which older ones store as the number 0.
fn is_error(shown: &str) -> bool {
    const ERRORS: [&str; 7] = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"];
    let code = shown.strip_prefix("Err:").is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()));
    ERRORS.contains(&shown) || code
}

/// A day, or a moment to the millisecond. `None` for what is no day of the years 1 to 9999: it stays text.
fn date(value: &str) -> Option<Cell> {
    let value = value.trim();
    let (day, time) = value.split_once('T').map_or((value, None), |(day, time)| (day, Some(time)));
    if day.len() != 10 {
        return None;
    }
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    let time = time.map_or(Ok(NaiveTime::MIN), |time| NaiveTime::parse_from_str(time, "%H:%M:%S%.f")).ok()?;
    // Programs that count in days write 14.999999999 for the second 15.
    let moment = day.and_time(time).checked_add_signed(TimeDelta::microseconds(500))?;
    let text = moment.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    if text.len() != 23 {
        return None;
    }
    Some(match text.strip_suffix(" 00:00:00.000") {
        Some(day) => Cell::new(day, Kind::Day),
        None => Cell::new(text, Kind::Moment),
    })
}

/// The seconds of a duration such as `PT13H14M15.5S`; `None` for what is none, or has years and months, which differ.
fn seconds(value: &str) -> Option<f64> {
    let value = value.trim();
    let (sign, value) = value.strip_prefix('-').map_or((1.0, value), |value| (-1.0, value));
    let mut rest = value.strip_prefix('P')?;
    let (mut sum, mut in_time) = (0.0, false);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T').filter(|_| !in_time) {
            (rest, in_time) = (time, true);
            continue;
        }
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..at].parse().ok()?;
        let unit = match (rest.as_bytes()[at], in_time) {
            (b'D', false) => 86_400.0,
            (b'H', true) => 3600.0,
            (b'M', true) => 60.0,
            (b'S', true) => 1.0,
            _ => return None,
        };
        sum += number * unit;
        rest = &rest[at + 1..];
    }
    Some(sign * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_moments() {
        for (value, text, kind) in [
            ("2024-02-29", "2024-02-29", Kind::Day),
            ("2024-02-29T00:00:00", "2024-02-29", Kind::Day),
            ("2024-02-29T13:14:15.5", "2024-02-29 13:14:15.500", Kind::Moment),
            ("2024-02-29T13:14:14.999999999", "2024-02-29 13:14:15.000", Kind::Moment),
            ("2024-12-31T23:59:59.9999", "2025-01-01", Kind::Day),
            ("1850-01-02", "1850-01-02", Kind::Day),
        ] {
            assert_eq!(date(value), Some(Cell::new(text, kind)), "{value}");
        }
        for value in
            ["2023-02-29", "12024-01-01", "-0044-03-15", "2024-1-1", "", "2024-01-01T25:00:00", "2024-01-01é"]
        {
            assert_eq!(date(value), None, "{value}");
        }
    }

    #[test]
    fn durations() {
        for (value, text) in [
            ("PT01H02M03S", "01:02:03"),
            ("PT36H00M00S", "36:00:00"),
            ("-PT1H30M", "-01:30:00"),
            ("P1DT1H", "25:00:00"),
            ("PT14M14.999999S", "00:14:15"),
        ] {
            assert_eq!(seconds(value).map(duration), Some(Cell::new(text, Kind::Text)), "{value}");
        }
        for value in ["P1M", "1H", "PT1", "PTH", "P1H", "PTT1S", "PT1é"] {
            assert_eq!(seconds(value), None, "{value}");
        }
    }

    #[test]
    fn errors_are_nothing() {
        let formula = || Value {
            kind: "float".to_owned(),
            number: Some("0".to_owned()),
            is_formula: true,
            ..Value::default()
        };
        for shown in ["#DIV/0!", "Err:502"] {
            assert_eq!(cell(formula(), shown.to_owned()).unwrap(), None);
        }
        assert_eq!(cell(formula(), "0".to_owned()).unwrap(), Some(number(0.0)));
        let typed = Value { kind: "string".to_owned(), ..Value::default() };
        assert_eq!(cell(typed, "#N/A".to_owned()).unwrap(), text("#N/A"));
    }
}
