//! A cell's value as text, whichever format of workbook it comes from.

use calamine::ExcelDateTime;

use crate::hive::HiveType;

/// 9999-12-31, counted from 1900 and from 1904.
const LAST_DAYS: [f64; 2] = [2_958_465.0, 2_957_003.0];

/// A cell's value as text, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: Box<str>,
    pub(super) kind: Kind,
}

/// What a value is. (A byte, where a [`HiveType`] takes many, of ten million cells.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    Fraction,
    Truth,
    Day,
    Moment,
    Text,
}

impl Kind {
    /// The type of a column of such values.
    pub(super) fn ty(self) -> HiveType {
        match self {
            Self::Whole => HiveType::BigInt,
            Self::Fraction => HiveType::Double,
            Self::Truth => HiveType::Boolean,
            Self::Day => HiveType::Date,
            Self::Moment => HiveType::Timestamp,
            Self::Text => HiveType::String,
        }
    }
}

impl Cell {
    pub(super) fn new(text: impl Into<Box<str>>, kind: Kind) -> Self {
        Self { text: text.into(), kind }
    }

    pub(super) fn truth(value: bool) -> Self {
        Self::new(value.to_string(), Kind::Truth)
    }
}

/// Up to this every whole number is a double, and every double of a whole number is that number.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Workbooks know no integers: what has no fraction and keeps all its digits is one.
pub(super) fn number(v: f64) -> Cell {
    if v.fract() == 0.0 && v.abs() <= MOST {
        return Cell::new(format!("{}", v as i64), Kind::Whole);
    }
    Cell::new(v.to_string(), Kind::Fraction)
}

/// Text; the empty one is no value.
pub(super) fn text(v: &str) -> Option<Cell> {
    (!v.is_empty()).then(|| Cell::new(v, Kind::Text))
}

/// A time of day or a duration, in whole seconds.
pub(super) fn duration(seconds: f64) -> Cell {
    let whole = seconds.round() as i64;
    let (sign, seconds) = (if whole < 0 { "-" } else { "" }, whole.unsigned_abs());
    let text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Cell::new(text, Kind::Text)
}

/// A date, a date with a time, or (below one day, or shown as a duration) a time. What Excel has no date for is the
/// number that it is; the day after 1900-02-28, which it shows and which there never was, is text.
pub(super) fn moment(v: &ExcelDateTime) -> Cell {
    if !v.as_f64().is_finite() || (!v.is_duration() && (v.as_f64() < 0.0 || is_beyond(v))) {
        return number(v.as_f64());
    }
    if v.is_duration() || v.as_f64() < 1.0 {
        return duration(v.as_f64() * 86_400.0);
    }
    let (year, month, day, hour, minute, second, milli) = v.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let exists = (year, month, day) != (1900, 2, 29);
    let kind = |kind| if exists { kind } else { Kind::Text };
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return Cell::new(date, kind(Kind::Day));
    }
    let text = format!("{date} {hour:02}:{minute:02}:{second:02}.{milli:03}");
    Cell::new(text, kind(Kind::Moment))
}

/// Whether the moment is behind the last day that Excel has, for which the library gives that day.
fn is_beyond(v: &ExcelDateTime) -> bool {
    let day = (v.as_f64() + 1e-6).floor();
    let (year, month, last, ..) = v.to_ymd_hms_milli();
    (year, month, last) == (9999, 12, 31) && !LAST_DAYS.contains(&day)
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn days_that_excel_has_and_those_it_has_not() {
        for (serial, from_1904, text, kind) in [
            (1.0, false, "1900-01-01", Kind::Day),
            (59.0, false, "1900-02-28", Kind::Day),
            (60.0, false, "1900-02-29", Kind::Text),
            (60.5, false, "1900-02-29 12:00:00.000", Kind::Text),
            (60.0, true, "1904-03-01", Kind::Day),
            (2_958_465.0, false, "9999-12-31", Kind::Day),
            (2_957_003.0, true, "9999-12-31", Kind::Day),
            (2_958_465.5, false, "9999-12-31 12:00:00.000", Kind::Moment),
            (2_958_466.0, false, "2958466", Kind::Whole),
            (20_240_131.0, false, "20240131", Kind::Whole),
            (2_958_466.5, true, "2958466.5", Kind::Fraction),
            (-1.0, false, "-1", Kind::Whole),
            (f64::INFINITY, false, "inf", Kind::Fraction),
        ] {
            let cell = moment(&ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, from_1904));
            assert_eq!((&*cell.text, cell.kind), (text, kind), "{serial}");
        }
    }

    #[test]
    fn durations_of_both_signs() {
        for (days, text) in [(1.5, "36:00:00"), (-0.0625, "-01:30:00"), (0.0, "00:00:00")] {
            let cell = moment(&ExcelDateTime::new(days, ExcelDateTimeType::TimeDelta, false));
            assert_eq!(&*cell.text, text);
        }
    }
}
