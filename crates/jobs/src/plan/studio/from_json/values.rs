//! JSON documents as columns of a type: batch by batch, and within it column by column.
//!
//! As in Spark, a value that is not of its column's type is null, of repeated members the last counts, and text takes every value:
//! a string without its quotes, everything else as it is written, without blanks. What no column wants is passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, FieldRef, Fields, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::value::RawValue;

use super::super::super::spark;

/// A member's name, without a copy where it has no escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Name<'n>(#[serde(borrow)] pub(super) Cow<'n, str>);

/// The members of an object; `None` for anything else.
pub(super) fn members(value: &str) -> Option<BTreeMap<Name<'_>, &RawValue>> {
    serde_json::from_str(value).ok()
}

/// The elements of an array; `None` for anything else.
pub(super) fn elements(value: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value).ok()
}

/// The one value that a text is, without blanks around it; `None` when it is no JSON.
pub(super) fn whole(text: &str) -> Option<&str> {
    serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
}

/// Documents as values of a type; null where a text is neither an object nor an array.
pub(super) fn read(text: Expr, ty: DataType) -> Expr {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    ScalarUDF::new_from_impl(Read { ty, signature }).call(vec![text])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Read {
    ty: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Read {
    fn name(&self) -> &str {
        "json_values"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let texts = match arguments.args.first() {
            Some(texts) => texts.to_array(rows)?,
            None => return Err(DataFusionError::Internal(format!("{} takes one text", self.name()))),
        };
        let documents: Vec<Option<&str>> = texts
            .as_string::<i32>()
            .iter()
            .map(|text| whole(text?).filter(|value| value.starts_with(['{', '['])))
            .collect();
        Ok(ColumnarValue::Array(array(&documents, &self.ty)?))
    }
}

/// The values as an array of the type.
fn array(values: &[Option<&str>], ty: &DataType) -> Result<ArrayRef> {
    Ok(match ty {
        DataType::Boolean => {
            Arc::new(values.iter().map(|value| value.and_then(flag)).collect::<BooleanArray>())
        }
        DataType::Int8 => numbers::<Int8Type>(values),
        DataType::Int16 => numbers::<Int16Type>(values),
        DataType::Int32 => numbers::<Int32Type>(values),
        DataType::Int64 => numbers::<Int64Type>(values),
        DataType::Float32 => numbers::<Float32Type>(values),
        DataType::Float64 => numbers::<Float64Type>(values),
        DataType::Utf8 => {
            Arc::new(values.iter().map(|value| value.and_then(spark::json_text)).collect::<StringArray>())
        }
        DataType::List(item) => list(values, item)?,
        DataType::Map(entries, _) => map(values, entries)?,
        DataType::Struct(fields) => structure(values, fields)?,
        other => return Err(DataFusionError::NotImplemented(format!("{other} is not read from JSON"))),
    })
}

fn flag(value: &str) -> Option<bool> {
    value.parse().ok()
}

fn numbers<T: ArrowPrimitiveType>(values: &[Option<&str>]) -> ArrayRef
where
    T::Native: std::str::FromStr,
{
    // JSON's words and strings are no numbers to any of these.
    let is_number = |value: &&str| value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let parsed =
        values.iter().map(|value| value.filter(is_number).and_then(|value| value.parse::<T::Native>().ok()));
    Arc::new(parsed.collect::<PrimitiveArray<T>>())
}

fn list(values: &[Option<&str>], item: &FieldRef) -> Result<ArrayRef> {
    let rows: Vec<Option<Vec<&RawValue>>> = values.iter().map(|value| value.and_then(elements)).collect();
    let inner: Vec<Option<&str>> = rows.iter().flatten().flatten().map(|item| there(item)).collect();
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len));
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let array = ListArray::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        array(&inner, item.data_type())?,
        Some(nulls),
    )?;
    Ok(Arc::new(array))
}

fn map(values: &[Option<&str>], entries: &FieldRef) -> Result<ArrayRef> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(DataFusionError::Internal("a map without entries".to_owned()));
    };
    let rows: Vec<_> = values.iter().map(|value| value.and_then(members)).collect();
    let names: StringArray =
        rows.iter().flatten().flat_map(BTreeMap::keys).map(|name| Some(&name.0)).collect();
    let inner: Vec<Option<&str>> =
        rows.iter().flatten().flat_map(BTreeMap::values).map(|value| there(value)).collect();
    let value = fields.get(1).map_or(&DataType::Utf8, |field| field.data_type());
    let both = StructArray::try_new(fields.clone(), vec![Arc::new(names), array(&inner, value)?], None)?;
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, BTreeMap::len));
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, both, Some(nulls), false)?))
}

fn structure(values: &[Option<&str>], fields: &Fields) -> Result<ArrayRef> {
    let rows: Vec<_> = values.iter().map(|value| value.and_then(members)).collect();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let name = Name(Cow::Borrowed(field.name()));
        let inner: Vec<Option<&str>> =
            rows.iter().map(|row| row.as_ref()?.get(&name).and_then(|value| there(value))).collect();
        columns.push(array(&inner, field.data_type())?);
    }
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?))
}

/// A value that is not null.
fn there(value: &RawValue) -> Option<&str> {
    Some(value.get()).filter(|value| *value != "null")
}
