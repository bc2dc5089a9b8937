//! Batches as cells for a database, each value as it is or an error that names its column.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::util::display::FormatOptions;
use sources::jdbc::Cell;

use super::fit::{Check, Fit, Form};

const MOMENT: &str = "%Y-%m-%d %H:%M:%S%.f";

/// The cells of a batch.
pub(crate) struct Cells {
    columns: Vec<Own>,
    rows: usize,
}

enum Own {
    Text(StringArray),
    Bytes(BinaryArray),
}

impl Cells {
    /// Looks at every value of a batch, whose columns are those of `fits` by name and order.
    ///
    /// # Errors
    /// A value that its column would not hold as it is, with the column's name.
    pub(crate) fn of(batch: &RecordBatch, fits: &[(String, Fit)]) -> Result<Cells, String> {
        let mut columns = Vec::with_capacity(fits.len());
        for (array, (name, fit)) in batch.columns().iter().zip(fits) {
            let wrong = |what: String| format!("column {name}: {what}");
            for check in &fit.checks {
                if let Check::Digits(digits) = check {
                    check_digits(array, *digits).map_err(wrong)?;
                }
            }
            let own = own(array, fit.form).map_err(wrong)?;
            for check in &fit.checks {
                own.check(*check).map_err(wrong)?;
            }
            columns.push(own);
        }
        Ok(Cells { columns, rows: batch.num_rows() })
    }

    /// The cells of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = Cell<'_>>> {
        (0..self.rows).map(|row| self.columns.iter().map(move |own| own.cell(row)))
    }
}

impl Own {
    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Own::Text(texts) if texts.is_valid(row) => Cell::Text(texts.value(row)),
            Own::Bytes(bytes) if bytes.is_valid(row) => Cell::Bytes(bytes.value(row)),
            _ => Cell::Null,
        }
    }

    fn check(&self, check: Check) -> Result<(), String> {
        let nulls = match self {
            Own::Text(texts) => texts.null_count(),
            Own::Bytes(bytes) => bytes.null_count(),
        };
        match (check, self) {
            (Check::NotNull, _) if nulls > 0 => Err("it takes no NULL, and there is one".to_owned()),
            (Check::Bytes(most), Own::Bytes(bytes)) => bytes
                .iter()
                .flatten()
                .try_for_each(|value| length(value.len(), value.len() as u64 <= most, "bytes", most)),
            (check, Own::Text(texts)) => texts.iter().flatten().try_for_each(|text| check_text(check, text)),
            _ => Ok(()),
        }
    }
}

fn length(found: usize, fits: bool, unit: &str, most: u64) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("a value of {found} {unit} does not fit: the column has {most}")) }
}

fn check_text(check: Check, text: &str) -> Result<(), String> {
    match check {
        Check::Chars(most) => {
            // No text has more characters than bytes.
            if text.len() as u64 <= most {
                return Ok(());
            }
            let found = text.chars().count();
            length(found, found as u64 <= most, "characters", most)
        }
        Check::Exactly(most) => {
            let found = text.chars().count();
            length(found, found as u64 == most, "characters", most)
        }
        Check::Bytes(most) => length(text.len(), text.len() as u64 <= most, "bytes", most),
        Check::Trimmed if text.ends_with(' ') => {
            Err("a text ends with a blank, which the column would not keep".to_owned())
        }
        Check::Finite if !text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Err(format!("{text} is no number that the column takes"))
        }
        _ => Ok(()),
    }
}

fn own(array: &ArrayRef, form: Form) -> Result<Own, String> {
    let text = |array: &ArrayRef| converted(array, &DataType::Utf8);
    let texts = match form {
        Form::Text => text(array)?,
        Form::Double => text(&converted(array, &DataType::Float64)?)?,
        Form::Moment => text(&moments(array)?)?,
        Form::Truth => {
            let truths = converted(array, &DataType::Boolean)?;
            Arc::new(digits(truths.as_boolean()))
        }
        Form::Bytes => {
            return Ok(Own::Bytes(converted(array, &DataType::Binary)?.as_binary().clone()));
        }
    };
    Ok(Own::Text(texts.as_string().clone()))
}

fn digits(truths: &BooleanArray) -> StringArray {
    truths.iter().map(|truth| truth.map(|truth| if truth { "1" } else { "0" })).collect()
}

/// A conversion that loses nothing, or fails.
fn converted(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, String> {
    let format_options = FormatOptions::default().with_timestamp_format(Some(MOMENT));
    let options = CastOptions { safe: false, format_options };
    cast_with_options(array, data_type, &options).map_err(|error| error.to_string())
}

/// In microseconds and UTC, without a zone.
fn moments(array: &ArrayRef) -> Result<ArrayRef, String> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => converted(array, values)?,
        _ => Arc::clone(array),
    };
    let array = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            converted(&array, &DataType::Timestamp(*unit, Some("UTC".into())))?
        }
        _ => array,
    };
    converted(&array, &DataType::Timestamp(TimeUnit::Microsecond, None))
}

/// That no second has more digits than the column.
fn check_digits(array: &ArrayRef, digits: u32) -> Result<(), String> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => converted(array, values)?,
        _ => Arc::clone(array),
    };
    let even = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => are_even::<TimestampSecondType>(&array, 0, digits),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            are_even::<TimestampMillisecondType>(&array, 3, digits)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            are_even::<TimestampMicrosecondType>(&array, 6, digits)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            are_even::<TimestampNanosecondType>(&array, 9, digits)
        }
        _ => true,
    };
    match even {
        true => Ok(()),
        false => Err(format!("a moment has more digits of a second than the {digits} that the column keeps")),
    }
}

fn are_even<T: arrow::datatypes::ArrowPrimitiveType<Native = i64>>(
    array: &ArrayRef,
    given: u32,
    kept: u32,
) -> bool {
    let moments: &PrimitiveArray<T> = array.as_primitive();
    let step = 10_i64.pow(given.saturating_sub(kept).min(9));
    moments.iter().flatten().all(|moment| moment % step == 0)
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float32Array, Int64Array, TimestampMicrosecondArray,
        TimestampNanosecondArray,
    };
    use sources::jdbc::{Column, Engine};

    use super::super::fit::fit;
    use super::*;

    fn of(engine: Engine, native: &str, array: ArrayRef) -> Result<Vec<Option<String>>, String> {
        let column = Column {
            name: "c".to_owned(),
            native_type: native.to_owned(),
            hive_type: "string".to_owned(),
            nullable: !native.ends_with('!'),
            comment: None,
        };
        let column = Column { native_type: native.trim_end_matches('!').to_owned(), ..column };
        let fits = vec![("c".to_owned(), fit(engine, &column, array.data_type())?)];
        let batch = RecordBatch::try_from_iter([("c", array)]).unwrap();
        let cells = Cells::of(&batch, &fits)?;
        let shown = cells.rows().map(|mut row| match row.next().unwrap() {
            Cell::Null => None,
            Cell::Text(text) => Some(text.to_owned()),
            Cell::Bytes(bytes) => Some(format!("{bytes:?}")),
        });
        Ok(shown.collect())
    }

    #[test]
    fn values_are_given_with_all_that_they_hold() {
        let postgres = |native: &str, array: ArrayRef| of(Engine::Postgres, native, array).unwrap();
        let one = |text: &str| vec![Some(text.to_owned()), None];
        let moment = TimestampMicrosecondArray::from(vec![Some(1_767_225_599_000_001), None]);
        assert_eq!(
            postgres("timestamp", Arc::new(moment.clone().with_timezone("+02:00"))),
            one("2025-12-31 23:59:59.000001"),
            "in UTC"
        );
        assert_eq!(postgres("timestamp", Arc::new(moment)), one("2025-12-31 23:59:59.000001"));
        assert_eq!(postgres("date", Arc::new(Date32Array::from(vec![Some(-1), None]))), one("1969-12-31"));
        let decimal = Decimal128Array::from(vec![Some(-5), None]).with_precision_and_scale(9, 3).unwrap();
        assert_eq!(postgres("numeric(9,3)", Arc::new(decimal)), one("-0.005"));
        let truth = BooleanArray::from(vec![Some(true), None]);
        assert_eq!(postgres("boolean", Arc::new(truth)), one("1"));
        let single = Float32Array::from(vec![Some(0.1), None]);
        assert_eq!(postgres("double precision", Arc::new(single)), one("0.10000000149011612"));
        let bytes = BinaryArray::from(vec![Some(&[0_u8, 255][..]), None]);
        assert_eq!(postgres("bytea", Arc::new(bytes)), one("[0, 255]"));
        let number = Int64Array::from(vec![Some(i64::MIN), None]);
        assert_eq!(postgres("bigint", Arc::new(number)), one("-9223372036854775808"));
    }

    #[test]
    fn values_that_would_be_changed_are_refused() {
        let texts = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        for (engine, native, array, what) in [
            (Engine::Postgres, "character varying(2)", texts("ab "), "3 characters"),
            (Engine::Postgres, "character(2)", texts("a"), "1 characters"),
            (
                Engine::Postgres,
                "text!",
                Arc::new(StringArray::from(vec![None::<&str>])) as ArrayRef,
                "no NULL",
            ),
            (Engine::MySql, "char(2)", texts("a "), "ends with a blank"),
            (Engine::MySql, "tinytext", texts(&"ü".repeat(128)), "256 bytes"),
            (Engine::MySql, "double", Arc::new(Float32Array::from(vec![f32::NAN])), "NaN is no number"),
            (
                Engine::MySql,
                "datetime(3)",
                Arc::new(TimestampMicrosecondArray::from(vec![1_500])),
                "the 3 that",
            ),
            (Engine::Postgres, "timestamp", Arc::new(TimestampNanosecondArray::from(vec![1])), "the 6 that"),
        ] {
            let message = of(engine, native, array).unwrap_err();
            assert!(message.starts_with("column c: ") && message.contains(what), "{native}: {message}");
        }
        let even = TimestampMicrosecondArray::from(vec![1_000]);
        assert!(of(Engine::MySql, "datetime(3)", Arc::new(even)).is_ok());
        assert!(of(Engine::Postgres, "character varying(2)", texts("üü")).is_ok());
    }
}
