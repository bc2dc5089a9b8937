//! Floats as they are compared, grouped and ordered: minus zero is zero, and there is one NaN, the largest of all. Also those in
//! structures and arrays, where a null comes before all values.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float32Array, Float64Array, Int64Array, ListArray, StringArray,
    StructArray, new_null_array,
};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::refused;

/// A float or double as it is compared, grouped and ordered: minus zero is zero, and there is one NaN, the largest of
/// all. Anything else is itself.
pub(in crate::plan) fn key(expr: Expr, data_type: &DataType) -> Expr {
    match (&expr, data_type) {
        (Expr::Literal(..), _) if !matches!(&expr, Expr::Literal(value, _) if is_odd(value)) => expr,
        (_, own) if holds_floats(own) => {
            let function = Key { signature: Signature::any(1, Volatility::Immutable) };
            ScalarUDF::new_from_impl(function).call(vec![expr])
        }
        _ => expr,
    }
}

fn is_odd(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float64(Some(value)) => *value == 0.0 || value.is_nan(),
        ScalarValue::Float32(Some(value)) => *value == 0.0 || value.is_nan(),
        _ => false,
    }
}

/// Whether the call is what [`key`] makes.
pub(super) fn is_key(call: &ScalarFunction) -> bool {
    let function: &dyn Any = call.func.inner().as_ref();
    function.is::<Key>()
}

/// Whether it is a float or double, or a structure or array that has some in it.
pub(super) fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(item) => holds_floats(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        _ => false,
    }
}

/// Each value as its [`key`].
fn keys(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        own if !holds_floats(own) => Arc::clone(values),
        DataType::Float32 => {
            let own = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            let keys: Float32Array = values.as_primitive::<Float32Type>().unary(own);
            Arc::new(keys) as ArrayRef
        }
        DataType::Float64 => {
            let own = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            let keys: Float64Array = values.as_primitive::<Float64Type>().unary(own);
            Arc::new(keys)
        }
        DataType::List(item) => {
            let list = values.as_list::<i32>();
            let items = keys(list.values())?;
            Arc::new(ListArray::try_new(
                Arc::clone(item),
                list.offsets().clone(),
                items,
                list.nulls().cloned(),
            )?)
        }
        _ => {
            let (fields, columns, nulls) = values.as_struct().clone().into_parts();
            let columns = columns.iter().map(keys).collect::<Result<_>>()?;
            Arc::new(StructArray::try_new(fields, columns, nulls)?)
        }
    })
}

/// What the places of such values are; `None` for values that have none, or that the engine puts in this order by itself.
pub(super) fn place_type(values: &DataType) -> Option<DataType> {
    match values {
        DataType::Float32 | DataType::Float64 => Some(DataType::Int64),
        DataType::List(_) | DataType::Struct(_) => {
            RowConverter::supports_fields(&[field_of(values)]).then_some(DataType::Binary)
        }
        _ => None,
    }
}

/// The place of a value in the order that this module describes, in which minus zero comes before zero where it stands alone, of the type that [`place_type`] gives.
pub(super) fn place_of(expr: Expr, places: DataType) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Place { wanted: places, signature }).call(vec![expr])
}

/// The value, of the type that is wanted, of such a place.
pub(super) fn value_at(place: Expr, wanted: &DataType) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Place { wanted: wanted.clone(), signature }).call(vec![place])
}

/// A structure or array as bytes, of which nothing is lost; `None` for values that have none, or need none. The engine counts for
/// each structure that an aggregate holds the whole batch that it came in.
pub(super) fn packed(expr: &Expr, values: &DataType) -> Option<Expr> {
    (place_type(values) == Some(DataType::Binary)).then(|| pack(expr.clone(), DataType::Binary))
}

/// What a value is ordered by: its [`key`], which of structures and arrays is a text that is in their order. The engine would order
/// nulls in them as it does those around them, and takes a null in an array for equal to anything.
pub(super) fn order_key(expr: Expr, values: &DataType) -> Expr {
    let key = key(expr, values);
    match place_type(values) {
        Some(DataType::Binary) => pack(key, DataType::Utf8),
        _ => key,
    }
}

fn pack(expr: Expr, wanted: DataType) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Packed { wanted, signature }).call(vec![expr])
}

/// From structures and arrays to bytes, or a text that has a letter for each.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Packed {
    wanted: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Packed {
    fn name(&self) -> &str {
        match self.wanted {
            DataType::Utf8 => "spark_order",
            _ => "spark_packed",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.wanted.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let [values] = arrays else { return Err(refused("bytes of no value".to_owned())) };
            let bytes = in_bytes(values)?;
            if self.wanted == DataType::Binary {
                return Ok(Arc::new(bytes));
            }
            let letters = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
            Ok(Arc::new(bytes.iter().map(|bytes| bytes.map(letters)).collect::<StringArray>()))
        })
    }
}

/// From values to their places, and back.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    wanted: DataType,
    signature: Signature,
}

fn field_of(values: &DataType) -> SortField {
    SortField::new_with_options(values.clone(), SortOptions { descending: false, nulls_first: true })
}

/// Structures or arrays as bytes that are in their order. A null has none.
fn in_bytes(values: &ArrayRef) -> Result<BinaryArray> {
    let converter = RowConverter::new(vec![field_of(values.data_type())])?;
    let rows = converter.convert_columns(&[Arc::clone(values)])?;
    let (offsets, bytes, _) = rows.try_into_binary()?.into_parts();
    Ok(BinaryArray::try_new(offsets, bytes, values.nulls().cloned())?)
}

fn nested_at(places: &BinaryArray, wanted: &DataType) -> Result<ArrayRef> {
    let converter = RowConverter::new(vec![field_of(wanted)])?;
    let null = converter.convert_columns(&[new_null_array(wanted, 1)])?;
    let parser = converter.parser();
    let rows = places.iter().map(|place| place.map_or_else(|| null.row(0), |place| parser.parse(place)));
    let mut columns = converter.convert_rows(rows)?;
    columns.pop().ok_or_else(|| refused("a value of no place".to_owned()))
}

/// The order of the bits is that of the numbers, once negative ones are turned around; it is its own inverse.
fn turned(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn place(value: f64) -> i64 {
    turned(if value.is_nan() { f64::NAN } else { value }.to_bits().cast_signed())
}

fn at(place: i64) -> f64 {
    f64::from_bits(turned(place).cast_unsigned())
}

impl ScalarUDFImpl for Place {
    fn name(&self) -> &str {
        match self.wanted {
            DataType::Int64 | DataType::Binary => "spark_place",
            _ => "spark_float_at",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.wanted.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let Some(values) = arrays.first() else { return Err(refused("a place of nothing".to_owned())) };
            Ok(match (values.data_type(), &self.wanted) {
                (DataType::Float32, _) => {
                    let places: Int64Array =
                        values.as_primitive::<Float32Type>().unary(|value| place(f64::from(value)));
                    Arc::new(places) as ArrayRef
                }
                (DataType::Float64, _) => {
                    let places: Int64Array = values.as_primitive::<Float64Type>().unary(place);
                    Arc::new(places)
                }
                (_, DataType::Binary) => Arc::new(in_bytes(&keys(values)?)?),
                (DataType::Binary, wanted) => nested_at(values.as_binary(), wanted)?,
                (_, DataType::Float32) => {
                    let floats: Float32Array =
                        values.as_primitive::<Int64Type>().unary(|place| at(place) as f32);
                    Arc::new(floats)
                }
                _ => {
                    let floats: Float64Array = values.as_primitive::<Int64Type>().unary(at);
                    Arc::new(floats)
                }
            })
        })
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    signature: Signature,
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &str {
        "spark_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Float64))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let Some(values) = arrays.first() else { return Err(refused("a key of nothing".to_owned())) };
            keys(values)
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int32Array;
    use arrow::datatypes::{Field, Fields};

    use super::*;

    fn structs(values: &[Option<(Option<i32>, Option<f64>)>]) -> ArrayRef {
        let fields = Fields::from(vec![
            Field::new("a", DataType::Int32, true),
            Field::new("b", DataType::Float64, true),
        ]);
        let a: Int32Array = values.iter().map(|value| value.and_then(|(a, _)| a)).collect();
        let b: Float64Array = values.iter().map(|value| value.and_then(|(_, b)| b)).collect();
        let nulls = values.iter().map(Option::is_some).collect();
        Arc::new(StructArray::new(fields, vec![Arc::new(a), Arc::new(b)], Some(nulls)))
    }

    #[test]
    fn structures_come_back_from_their_places_which_are_in_order() {
        let ordered = structs(&[
            Some((None, Some(9.0))),
            Some((Some(-1), None)),
            Some((Some(-1), Some(-2.5))),
            Some((Some(-1), Some(0.0))),
            Some((Some(7), Some(f64::NAN))),
        ]);
        let places = in_bytes(&ordered).unwrap();
        let bytes: Vec<&[u8]> = places.iter().flatten().collect();
        assert!(bytes.is_sorted_by(|a, b| a < b), "{bytes:?}");
        assert_eq!(&nested_at(&places, ordered.data_type()).unwrap(), &ordered);
        let none = structs(&[None]);
        let places = in_bytes(&none).unwrap();
        assert_eq!(places.null_count(), 1);
        assert_eq!(&nested_at(&places, none.data_type()).unwrap(), &none);
    }

    #[test]
    fn floats_in_structures_and_arrays_are_one_zero_and_one_nan() {
        let odd = structs(&[Some((None, Some(-0.0))), None, Some((None, Some(-f64::NAN)))]);
        let own = structs(&[Some((None, Some(0.0))), None, Some((None, Some(f64::NAN)))]);
        let bits = |array: &ArrayRef| -> Vec<u64> {
            let floats = Arc::clone(array.as_struct().column(1));
            floats.as_primitive::<Float64Type>().values().iter().map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&keys(&odd).unwrap()), bits(&own));
        let list = ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(-0.0), None]), None]);
        let keyed = keys(&(Arc::new(list) as ArrayRef)).unwrap();
        let items = keyed.as_list::<i32>().values().as_primitive::<Float32Type>().clone();
        assert_eq!((items.value(0).to_bits(), items.is_null(1), keyed.is_null(1)), (0, true, true));
    }
}
