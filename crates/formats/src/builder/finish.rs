//! From builders to Arrow arrays.

use std::mem;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, ListArray, MapArray, NullBufferBuilder,
    PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;

use super::column::{Column, Plain, Var};
use crate::hive::shown;

fn nulls(valid: &mut NullBufferBuilder) -> Option<NullBuffer> {
    let capacity = valid.len();
    let nulls = mem::replace(valid, NullBufferBuilder::new(capacity)).build();
    // Rows that were taken back may have been the only ones with a null.
    nulls.filter(|nulls| nulls.null_count() > 0)
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let capacity = ends.len();
    let ends = mem::replace(ends, Vec::with_capacity(capacity));
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.extend(ends);
    OffsetBuffer::new(ScalarBuffer::from(offsets))
}

fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let capacity = values.len();
    mem::replace(values, Vec::with_capacity(capacity))
}

fn primitive<T: ArrowPrimitiveType>(column: &mut Plain<T::Native>) -> ArrayRef {
    let values = ScalarBuffer::from(take(&mut column.values));
    Arc::new(PrimitiveArray::<T>::new(values, nulls(&mut column.valid)))
}

fn timestamps(unit: TimeUnit, column: &mut Plain<i64>) -> ArrayRef {
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(column),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(column),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(column),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(column),
    }
}

fn text(column: &mut Var) -> Result<ArrayRef, ArrowError> {
    let data = Buffer::from_vec(take(&mut column.data));
    Ok(Arc::new(StringArray::try_new(offsets(&mut column.ends), data, nulls(&mut column.valid))?))
}

fn binary(column: &mut Var) -> Result<ArrayRef, ArrowError> {
    let data = Buffer::from_vec(take(&mut column.data));
    Ok(Arc::new(BinaryArray::try_new(offsets(&mut column.ends), data, nulls(&mut column.valid))?))
}

fn misfit(wanted: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("the column was not built as {}", shown(wanted)))
}

impl Column {
    /// Hands out the values as an array of type `wanted` and starts again empty.
    pub(super) fn finish(&mut self, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
        let array: ArrayRef = match self {
            Self::Bool(c) => {
                let values = take(&mut c.values);
                let bits = BooleanBuffer::collect_bool(values.len(), |i| values[i]);
                Arc::new(BooleanArray::new(bits, nulls(&mut c.valid)))
            }
            Self::Int8(c) => primitive::<Int8Type>(c),
            Self::Int16(c) => primitive::<Int16Type>(c),
            Self::Int32(c) => primitive::<Int32Type>(c),
            Self::Int64(c) => primitive::<Int64Type>(c),
            Self::Float32(c) => primitive::<Float32Type>(c),
            Self::Float64(c) => primitive::<Float64Type>(c),
            Self::Date32(c) => primitive::<Date32Type>(c),
            Self::Timestamp(unit, c) => {
                let array = timestamps(*unit, c);
                // Values are UTC instants already: a zone in the wanted type is a label only.
                return if array.data_type() == wanted {
                    Ok(array)
                } else {
                    let data = array.to_data().into_builder().data_type(wanted.clone()).build()?;
                    Ok(arrow::array::make_array(data))
                };
            }
            Self::Decimal(precision, scale, c) => {
                let values = ScalarBuffer::from(take(&mut c.values));
                Arc::new(
                    Decimal128Array::new(values, nulls(&mut c.valid))
                        .with_precision_and_scale(*precision, *scale)?,
                )
            }
            Self::Text(c) => text(c)?,
            Self::Binary(c) => binary(c)?,
            Self::List(..) | Self::Map(..) | Self::Struct(_) | Self::Choice(_) => {
                return self.finish_nested(wanted);
            }
        };
        if array.data_type() == wanted { Ok(array) } else { cast(&array, wanted) }
    }

    fn finish_nested(&mut self, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
        match (self, wanted) {
            (Self::List(c, item), DataType::List(field)) => {
                let values = item.finish(field.data_type())?;
                Ok(Arc::new(ListArray::try_new(
                    Arc::clone(field),
                    offsets(&mut c.ends),
                    values,
                    nulls(&mut c.valid),
                )?))
            }
            (Self::Map(c, keys, values), DataType::Map(entries, sorted)) => {
                let DataType::Struct(pair) = entries.data_type() else { return Err(misfit(wanted)) };
                let children = vec![keys.finish(pair[0].data_type())?, values.finish(pair[1].data_type())?];
                let entry_array = StructArray::try_new(pair.clone(), children, None)?;
                let offsets = offsets(&mut c.ends);
                Ok(Arc::new(MapArray::try_new(
                    Arc::clone(entries),
                    offsets,
                    entry_array,
                    nulls(&mut c.valid),
                    *sorted,
                )?))
            }
            (Self::Struct(c) | Self::Choice(c), DataType::Struct(fields)) => {
                let len = c.valid.len();
                let validity = nulls(&mut c.valid);
                if fields.is_empty() {
                    return Ok(Arc::new(StructArray::new_empty_fields(len, validity)));
                }
                let mut children = Vec::with_capacity(fields.len());
                for (column, field) in c.columns.iter_mut().zip(fields) {
                    children.push(column.finish(field.data_type())?);
                }
                Ok(Arc::new(StructArray::try_new(fields.clone(), children, validity)?))
            }
            _ => Err(misfit(wanted)),
        }
    }
}
