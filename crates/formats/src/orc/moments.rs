//! Timestamps as ORC has them: seconds and nanoseconds, over a range that 64 bits of nanoseconds do not hold.
//!
//! The decoder refuses a moment that the wanted unit does not hold exactly. So it is asked for decimals with nine digits
//! behind the point, which hold all of them; here they become microseconds, the unit of tables, without what is finer.
//!
//! **Fractions of seconds before 1970.** Writers store them in different ways. Of those that pyarrow writes the decoder
//! gives up on most, and takes moments finer than 100 nanoseconds for ones about 73 years later. Nothing in a decoded moment
//! tells; the file's statistics do: of a column that has moments before 1970 no fraction is believed that is finer than a
//! microsecond, negative, or behind the column's last moment. (Files without statistics are not of that writer.)

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Fields, Schema, TimeUnit};
use orc_rust::reader::metadata::FileMetadata;
use orc_rust::schema::DataType as OrcType;
use orc_rust::statistics::TypeStatistics;

const NANOS_PER_MICRO: i128 = 1000;
const NANOS_PER_MILLI: i128 = 1_000_000;
const NANOS_PER_SECOND: i128 = 1_000_000_000;
const EARLY: &str = "this fraction of a second is not supported in a column that has timestamps before 1970";
/// What the decoder takes for moments of any precision: seconds since 1970 with nine digits behind the point.
const MOMENT: DataType = DataType::Decimal128(38, 9);

/// The schema to decode with, of that with microseconds.
pub(super) fn as_decimals(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(with_decimals).collect::<Fields>())
}

fn with_decimals(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(..) => MOMENT,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(with_decimals).collect()),
        DataType::List(item) => DataType::List(with_decimals(item)),
        DataType::Map(entries, sorted) => DataType::Map(with_decimals(entries), *sorted),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

/// The columns of the file, at its top level, that have moments before 1970, with their last moment in milliseconds.
pub(super) fn early(metadata: &FileMetadata) -> HashMap<String, i64> {
    let ends = ends(metadata).into_iter();
    ends.filter(|(_, first, _)| *first < 0).map(|(name, _, last)| (name, last)).collect()
}

/// The columns of which the statistics say that they cannot be read: their first moment is before 1970 and has a fraction of a
/// second. (Of fractions in later moments, or finer than milliseconds, the statistics say nothing.)
pub(super) fn unreadable(metadata: &FileMetadata) -> Vec<String> {
    let ends = ends(metadata).into_iter();
    ends.filter(|(_, first, _)| *first < 0 && first % 1000 != 0).map(|(name, ..)| name).collect()
}

/// The columns with moments, at the file's top level: their first and last moments in milliseconds, by its statistics.
fn ends(metadata: &FileMetadata) -> Vec<(String, i64, i64)> {
    let statistics = metadata.column_file_statistics();
    let of_type = |index: usize| match statistics.get(index)?.type_statistics()? {
        TypeStatistics::Timestamp { min, max, min_utc, max_utc } => {
            Some((*min.min(min_utc), *max.max(max_utc)))
        }
        _ => None,
    };
    let mut found = Vec::new();
    for column in metadata.root_data_type().children() {
        let mut places = Vec::new();
        timestamps(column.data_type(), &mut places);
        let first = places.iter().filter_map(|at| of_type(*at)).map(|(first, _)| first).min();
        let last = places.iter().filter_map(|at| of_type(*at)).map(|(_, last)| last).max();
        if let (Some(first), Some(last)) = (first, last) {
            found.push((column.name().to_owned(), first, last));
        }
    }
    found
}

/// The places of the timestamps within a type, at any depth.
fn timestamps(of: &OrcType, found: &mut Vec<usize>) {
    match of {
        OrcType::Timestamp { column_index } | OrcType::TimestampWithLocalTimezone { column_index } => {
            found.push(*column_index);
        }
        OrcType::Struct { children, .. } => {
            children.iter().for_each(|child| timestamps(child.data_type(), found))
        }
        OrcType::List { child, .. } => timestamps(child, found),
        OrcType::Map { key, value, .. } => [key, value].into_iter().for_each(|part| timestamps(part, found)),
        OrcType::Union { variants, .. } => variants.iter().for_each(|variant| timestamps(variant, found)),
        _ => {}
    }
}

/// What was decoded in place of `wanted`, with its timestamps; `early` is what [`early`] says of the column.
/// Errors: a moment that microseconds do not reach, or a fraction of a second that cannot be believed.
pub(super) fn restore(array: &ArrayRef, wanted: &DataType, early: Option<i64>) -> Result<ArrayRef, String> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), wanted) {
        (decoded, DataType::Timestamp(TimeUnit::Microsecond, zone)) if *decoded == MOMENT => {
            let moments = array.as_primitive::<Decimal128Type>();
            let micros = moments.try_unary(|nanos| {
                if nanos % NANOS_PER_SECOND != 0 && !is_sure(nanos, early) {
                    return Err(EARLY.to_owned());
                }
                i64::try_from(nanos.div_euclid(NANOS_PER_MICRO))
                    .map_err(|_| format!("a timestamp is out of range: {nanos} ns since 1970"))
            });
            let micros: TimestampMicrosecondArray = micros?;
            Ok(Arc::new(micros.with_timezone_opt(zone.clone())))
        }
        (DataType::Struct(_), DataType::Struct(fields)) => structs(array.as_struct(), fields, early),
        (DataType::List(_), DataType::List(item)) => {
            let lists = array.as_list::<i32>();
            let values = restore(lists.values(), item.data_type(), early)?;
            let made =
                ListArray::try_new(Arc::clone(item), lists.offsets().clone(), values, lists.nulls().cloned());
            Ok(Arc::new(made.map_err(|e| e.to_string())?))
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let maps = array.as_map();
            let pairs: ArrayRef = Arc::new(maps.entries().clone());
            let pairs = restore(&pairs, entries.data_type(), early)?;
            let (offsets, nulls) = (maps.offsets().clone(), maps.nulls().cloned());
            let made =
                MapArray::try_new(Arc::clone(entries), offsets, pairs.as_struct().clone(), nulls, *sorted);
            Ok(Arc::new(made.map_err(|e| e.to_string())?))
        }
        (decoded, _) => Err(format!("{decoded} was decoded for {wanted}")),
    }
}

/// Whether a moment with a fraction of a second is the one that was written.
fn is_sure(nanos: i128, early: Option<i64>) -> bool {
    let fits = |last: i64| nanos % NANOS_PER_MICRO == 0 && nanos / NANOS_PER_MILLI <= i128::from(last);
    nanos >= 0 && early.is_none_or(fits)
}

fn structs(array: &StructArray, fields: &Fields, early: Option<i64>) -> Result<ArrayRef, String> {
    if fields.is_empty() {
        return Ok(Arc::new(array.clone()));
    }
    let columns =
        array.columns().iter().zip(fields).map(|(column, field)| restore(column, field.data_type(), early));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let made = StructArray::try_new(fields.clone(), columns, array.nulls().cloned());
    Ok(Arc::new(made.map_err(|e| e.to_string())?))
}

#[cfg(test)]
mod tests {
    use arrow::array::Decimal128Array;

    use super::*;

    fn moments(nanos: Vec<Option<i128>>) -> ArrayRef {
        Arc::new(Decimal128Array::from(nanos).with_data_type(MOMENT))
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut_off() {
        let wanted = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let restored =
            restore(&moments(vec![Some(1_999), None, Some(-1_000_000_000)]), &wanted, None).unwrap();
        let expected = TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1_000_000)]);
        assert_eq!(restored.as_ref(), &expected.with_timezone("UTC") as &dyn Array);
        let error = restore(&moments(vec![Some(i128::from(i64::MAX) * 1_001)]), &wanted, None).unwrap_err();
        assert!(error.starts_with("a timestamp is out of range: "), "{error}");
        for (nanos, early) in [(-1, None), (1, Some(9)), (10_001_000, Some(9)), (1_500, Some(9))] {
            let error = restore(&moments(vec![Some(nanos)]), &wanted, early).unwrap_err();
            assert!(error.contains("before 1970"), "{error}");
        }
        restore(&moments(vec![Some(-1_000_000_000), Some(9_999_000)]), &wanted, Some(9)).unwrap();
    }

    #[test]
    fn moments_are_found_at_any_depth() {
        let at = DataType::Timestamp(TimeUnit::Microsecond, None);
        let list = DataType::List(Arc::new(Field::new("item", at, true)));
        let deep = DataType::Struct(
            vec![Field::new("l", list, true), Field::new("n", DataType::Int64, true)].into(),
        );
        let schema = Schema::new(vec![Field::new("s", deep.clone(), true)]);
        let decimals = as_decimals(&schema);
        assert!(!decimals.to_string().contains("Timestamp"), "{decimals}");
        let empty = arrow::array::new_empty_array(decimals.field(0).data_type());
        assert_eq!(restore(&empty, &deep, None).unwrap().data_type(), &deep);
    }
}
