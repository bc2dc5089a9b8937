//! Partition values: as text in the catalog and in folder names, as typed scalars in plans.
//!
//! The text of a value is what the catalog stores and what `k=v` folders hold, escaped as Hive escapes it. NULL and
//! the empty string are both `__HIVE_DEFAULT_PARTITION__`, as in Hive and Spark: an empty string reads back as NULL.

use std::fmt::Write as _;

use arrow::{
    array::{Array, ArrayRef, StringArray},
    compute::{CastOptions, cast_with_options},
    datatypes::DataType,
    error::ArrowError,
    util::display::{ArrayFormatter, DurationFormat, FormatOptions},
};
use datafusion::{common::ScalarValue, error::Result};

/// What stands for NULL in folder names and in the catalog.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Timestamps as Hive writes them: a space, and a fraction only where there is one.
const TIMESTAMP_FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f";

/// Characters besides the control characters that Hive escapes in folder names (`FileUtils.escapePathName`).
const ESCAPED: &str = "\"#%'*/:=?\\\u{7f}{[]^";

/// Escapes a name or a value for a folder, as Hive does: `%` and two hexadecimal digits.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c < ' ' || ESCAPED.contains(c) {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Undoes [`escape`]; what is no escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}

/// The folder of a partition, `k=v/k2=v2/`, of keys and values (as text) in the order of the keys.
pub fn folder(keys: &[String], values: &[String]) -> String {
    let mut out = String::new();
    for (key, value) in keys.iter().zip(values) {
        out.push_str(&escape(key));
        out.push('=');
        out.push_str(&escape(value));
        out.push('/');
    }
    out
}

/// Whether values of this type can be partition values.
pub fn is_partition_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => true,
        DataType::Dictionary(_, values) => is_partition_type(values),
        other => other.is_numeric(),
    }
}

/// Renders partition values of one column as the catalog's text; NULL and "" as [`NULL_PARTITION`].
#[derive(Debug)]
pub(crate) struct ValueText {
    options: FormatOptions<'static>,
}

impl Default for ValueText {
    fn default() -> Self {
        let options = FormatOptions::new()
            .with_null(NULL_PARTITION)
            .with_timestamp_format(Some(TIMESTAMP_FORMAT))
            .with_timestamp_tz_format(Some(TIMESTAMP_FORMAT))
            .with_duration_format(DurationFormat::ISO8601);
        Self { options }
    }
}

impl ValueText {
    /// The text of the value at `row`.
    pub(crate) fn text(&self, column: &dyn Array, row: usize) -> Result<String, ArrowError> {
        let formatter = ArrayFormatter::try_new(column, &self.options)?;
        let text = formatter.value(row).try_to_string()?;
        Ok(if text.is_empty() { NULL_PARTITION.to_owned() } else { text })
    }
}

/// Parses a value of the catalog as `wanted`; `None` when it is not one.
pub(crate) fn parse(text: &str, wanted: &DataType) -> Option<ScalarValue> {
    if text == NULL_PARTITION {
        return ScalarValue::try_from(wanted).ok();
    }
    let column: ArrayRef = std::sync::Arc::new(StringArray::from(vec![text]));
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    let cast = cast_with_options(&column, wanted, &options).ok()?;
    ScalarValue::try_from_array(&cast, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::{
        array::{Date32Array, Int32Array, TimestampMicrosecondArray},
        datatypes::TimeUnit,
    };

    #[test]
    fn escapes_as_hive() {
        assert_eq!(escape("a b/c=d%e:é\n"), "a b%2Fc%3Dd%25e%3Aé%0A");
        assert_eq!(unescape("a b%2Fc%3Dd%25e%3Aé%0A"), "a b/c=d%e:é\n");
        assert_eq!(unescape("100%"), "100%");
        assert_eq!(
            folder(&["day".into(), "k".into()], &["2024-01-01".into(), "x/y".into()]),
            "day=2024-01-01/k=x%2Fy/"
        );
    }

    #[test]
    fn renders_values() {
        let text = ValueText::default();
        assert_eq!(text.text(&Int32Array::from(vec![Some(-7), None]), 0).expect("text"), "-7");
        assert_eq!(text.text(&Int32Array::from(vec![Some(-7), None]), 1).expect("text"), NULL_PARTITION);
        assert_eq!(text.text(&StringArray::from(vec![""]), 0).expect("text"), NULL_PARTITION);
        assert_eq!(text.text(&Date32Array::from(vec![19723]), 0).expect("text"), "2024-01-01");
        let times = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000, 1_704_067_200_500_000]);
        assert_eq!(text.text(&times, 0).expect("text"), "2024-01-01 00:00:00");
        assert_eq!(text.text(&times, 1).expect("text"), "2024-01-01 00:00:00.500");
    }

    #[test]
    fn parses_what_it_renders() {
        assert_eq!(parse("07", &DataType::Int32), Some(ScalarValue::Int32(Some(7))));
        assert_eq!(parse("x", &DataType::Int32), None);
        assert_eq!(parse(NULL_PARTITION, &DataType::Int32), Some(ScalarValue::Int32(None)));
        assert_eq!(parse("2024-01-01", &DataType::Date32), Some(ScalarValue::Date32(Some(19723))));
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert_eq!(
            parse("2024-01-01 00:00:00.500", &micros),
            Some(ScalarValue::TimestampMicrosecond(Some(1_704_067_200_500_000), None))
        );
    }
}
