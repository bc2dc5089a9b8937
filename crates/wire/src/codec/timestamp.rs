//! The three text forms of times in AWS protocols, and epoch seconds.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

use crate::call::{Document, epoch_ms, epoch_seconds};

/// A form of time on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `1700000000` or `1700000000.123`.
    Epoch,
    /// `2023-11-14T22:13:20.123Z`; always with milliseconds when written, as S3 does.
    Iso8601,
    /// `Tue, 14 Nov 2023 22:13:20 GMT`.
    Http,
}

impl Format {
    /// The format of the model's name, or the binding's default.
    pub(crate) fn of(name: Option<&str>, default: Self) -> Self {
        match name {
            Some("iso8601") => Self::Iso8601,
            Some("rfc822") => Self::Http,
            Some("unixTimestamp" | "unixTimestampMillis") => Self::Epoch,
            _ => default,
        }
    }
}

/// Writes a document's timestamp; `None` when it is no number or beyond the calendar.
pub(crate) fn write(value: &Document, format: Format) -> Option<String> {
    let ms = epoch_ms(value)?;
    let time = DateTime::<Utc>::from_timestamp_millis(ms)?;
    Some(match format {
        Format::Epoch => epoch_seconds(ms).to_string(),
        Format::Iso8601 => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        Format::Http => time.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    })
}

/// Reads a time in any of the forms, as AWS services do, into epoch seconds.
pub(crate) fn read(text: &str) -> Option<Document> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return in_calendar(seconds.checked_mul(1000)?);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
        && let Ok(seconds) = text.parse::<f64>()
    {
        return in_calendar(epoch_ms(&Document::from(seconds))?);
    }
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .map(|time| time.timestamp_millis())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")
                .map(|time| time.and_utc().timestamp_millis())
        })
        .ok()?;
    in_calendar(time)
}

fn in_calendar(ms: i64) -> Option<Document> {
    DateTime::<Utc>::from_timestamp_millis(ms).map(|_| epoch_seconds(ms))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_times() {
        let time = json!(1_700_000_000.123);
        assert_eq!(write(&time, Format::Iso8601).unwrap(), "2023-11-14T22:13:20.123Z");
        assert_eq!(write(&time, Format::Http).unwrap(), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(write(&time, Format::Epoch).unwrap(), "1700000000.123");
        assert_eq!(write(&json!(5), Format::Iso8601).unwrap(), "1970-01-01T00:00:05.000Z");
        for text in [
            "1700000000",
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20+01:00",
            "Tue, 14 Nov 2023 22:13:20 GMT",
            "20231114T221320Z",
            "1.7e9",
        ] {
            assert_eq!(read(text), Some(json!(1_700_000_000)), "{text}");
        }
    }

    #[test]
    fn bad_times_are_none() {
        for text in ["", "yesterday", "9999999999999999", "1e300", "NaN", "2023-13-01T00:00:00Z", "-"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(write(&json!("x"), Format::Http), None);
        assert_eq!(write(&json!(1e300), Format::Http), None);
    }
}
