//! Times as Signature Version 4 writes them.

use chrono::{DateTime, NaiveDateTime};

const BASIC: &str = "%Y%m%dT%H%M%SZ";

/// `yyyymmddThhmmssZ` to epoch milliseconds.
pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    if text.len() != 16 {
        return None;
    }
    NaiveDateTime::parse_from_str(text, BASIC).ok().map(|time| time.and_utc().timestamp_millis())
}

/// The date format of HTTP, as in `Fri, 24 May 2013 00:00:00 GMT`.
pub(crate) fn parse_http(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.timestamp_millis())
}

/// Epoch milliseconds to `yyyymmddThhmmssZ`; times outside chrono's range come out empty.
pub(crate) fn basic(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|time| time.format(BASIC).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(parse_basic("20130524T000000Z"), Some(1_369_353_600_000));
        assert_eq!(parse_http("Fri, 24 May 2013 00:00:00 GMT"), Some(1_369_353_600_000));
        assert_eq!(basic(1_369_353_600_000), "20130524T000000Z");
        for bad in ["", "20130524", "20130524T000000", "20131324T000000Z", "2013-05-24T00:00:00Z"] {
            assert_eq!(parse_basic(bad), None, "{bad}");
        }
    }
}
