//! The types that files may hold, of those that plans produce.
//!
//! Readers elsewhere (Athena, Spark) know neither unsigned integers nor dictionaries, views or nanoseconds; plans may
//! produce all of them. What has an exact counterpart is cast to it before it is written.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

/// The type to write values of `from` as; the same where it can be written as it is.
pub(super) fn storable(from: &DataType) -> DataType {
    match from {
        DataType::Null | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => storable(values),
        DataType::RunEndEncoded(_, values) => storable(values.data_type()),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            DataType::List(storable_field(item))
        }
        DataType::FixedSizeList(item, _) => DataType::List(storable_field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(storable_field).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(storable_field(entries), *sorted),
        other => other.clone(),
    }
}

fn storable_field(field: &FieldRef) -> FieldRef {
    let wanted = storable(field.data_type());
    if &wanted == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::new(field.name(), wanted, field.is_nullable()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_can_be_written_and_casts_the_rest() {
        for kept in [DataType::Int64, DataType::Utf8, DataType::Timestamp(TimeUnit::Microsecond, None)] {
            assert_eq!(storable(&kept), kept);
        }
        assert_eq!(storable(&DataType::UInt64), DataType::Decimal128(20, 0));
        let inner = Field::new("at", DataType::Timestamp(TimeUnit::Nanosecond, None), true);
        let nested = DataType::Struct(Fields::from(vec![inner]));
        let micros = Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true);
        assert_eq!(storable(&nested), DataType::Struct(Fields::from(vec![micros])));
    }
}
