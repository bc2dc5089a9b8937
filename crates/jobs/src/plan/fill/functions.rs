//! The functions by which rows become cells, and a model is asked.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, new_null_array,
};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::{column, spark};
use super::features::{Features, is_text};
use super::model::Model;
use super::sample;

/// The longest text that is one of several values, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// The number of a value; null where it is none.
pub(super) fn number(value: Expr, data_type: &DataType) -> Expr {
    call(What::Number, vec![value], vec![data_type.clone()])
}

/// What tells a text apart from others.
pub(super) fn key(value: Expr, data_type: &DataType) -> Expr {
    call(What::Key, vec![value], vec![data_type.clone()])
}

/// What is there to be learned: a number, or one of several values as a text; null where nothing is.
pub(super) fn known(value: Expr, data_type: &DataType) -> Expr {
    let what = if super::features::is_number(data_type) { What::Number } else { What::Value };
    call(what, vec![value], vec![data_type.clone()])
}

/// A hash of what a row holds.
pub(super) fn order(cells: Vec<Expr>, types: Vec<DataType>) -> Expr {
    call(What::Order, cells, types)
}

/// The field of a row, or what the model expects there.
pub(super) fn predict(model: Arc<Model>, features: &Features) -> Expr {
    let cells = features.cells();
    let mut types = vec![features.target_type.clone()];
    for (_, data_type) in &features.used {
        types.push(DataType::Float64);
        if is_text(data_type) {
            types.push(DataType::Int64);
        }
    }
    let arguments = std::iter::once(column(&features.target)).chain(cells).collect();
    call(What::Predict { model, into: features.target_type.clone() }, arguments, types)
}

fn call(what: What, arguments: Vec<Expr>, types: Vec<DataType>) -> Expr {
    let signature = Signature::exact(types, Volatility::Immutable);
    ScalarUDF::new_from_impl(Function { what, signature }).call(arguments)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    what: What,
    signature: Signature,
}

#[derive(Debug)]
enum What {
    Number,
    Key,
    Value,
    Order,
    Predict { model: Arc<Model>, into: DataType },
}

/// A model is equal to itself only.
impl PartialEq for What {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Predict { model, into }, Self::Predict { model: other, into: also }) => {
                Arc::ptr_eq(model, other) && into == also
            }
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

impl Eq for What {}

impl Hash for What {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        if let Self::Predict { model, into } = self {
            Arc::as_ptr(model).hash(state);
            into.hash(state);
        }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.what {
            What::Number => "fill_number",
            What::Key => "fill_key",
            What::Value => "fill_value",
            What::Order => "fill_order",
            What::Predict { .. } => "fill_missing",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match &self.what {
            What::Number => DataType::Float64,
            What::Key | What::Order => DataType::Int64,
            What::Value => DataType::Utf8,
            What::Predict { into, .. } => into.clone(),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        spark::per_row(arguments, |arrays, rows| match (&self.what, arrays) {
            (What::Number, [values]) => numbers(values),
            (What::Key, [texts]) => keys(texts),
            (What::Value, [values]) => values_of(values),
            (What::Order, cells) => places(cells, rows),
            (What::Predict { model, into }, [target, cells @ ..]) => filled(model, into, target, cells),
            _ => Err(DataFusionError::Internal(format!("arguments of {}", self.name()))),
        })
    }
}

fn numbers(values: &ArrayRef) -> Result<ArrayRef> {
    let values = match values.data_type() {
        data_type if is_text(data_type) => {
            let texts = cast(values, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>().iter();
            let parsed = texts.map(|text| text.and_then(|text| text.trim().parse::<f64>().ok()));
            Arc::new(parsed.collect::<Float64Array>()) as ArrayRef
        }
        DataType::Date32 => cast(&cast(values, &DataType::Int32)?, &DataType::Float64)?,
        DataType::Date64 | DataType::Timestamp(..) => {
            cast(&cast(values, &DataType::Int64)?, &DataType::Float64)?
        }
        _ => cast(values, &DataType::Float64)?,
    };
    let numbers = values.as_primitive::<Float64Type>().iter();
    Ok(Arc::new(numbers.map(|number| number.filter(|number| number.is_finite())).collect::<Float64Array>()))
}

fn keys(texts: &ArrayRef) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>().iter();
    let keys = texts.map(|text| Some(spread(add(BASIS, text.filter(|text| !text.is_empty())?.as_bytes()))));
    Ok(Arc::new(keys.collect::<Int64Array>()))
}

/// Texts that may be one of several values; a boolean is `true` or `false`.
fn values_of(values: &ArrayRef) -> Result<ArrayRef> {
    let texts = cast(values, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>().iter();
    let is_value = |text: &&str| !text.is_empty() && text.len() <= MAX_VALUE_BYTES;
    Ok(Arc::new(texts.map(|text| text.filter(is_value)).collect::<StringArray>()))
}

/// FNV-1a, which is the same everywhere and always.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Lets every bit of a hash depend on every other one.
fn spread(hash: u64) -> i64 {
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::from_ne_bytes((mixed ^ (mixed >> 31)).to_ne_bytes())
}

fn places(cells: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut hashes = vec![BASIS; rows];
    for column in cells {
        let hashes = hashes.iter_mut().enumerate();
        if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            hashes.for_each(|(row, hash)| {
                let bits = if numbers.is_null(row) { u64::MAX } else { numbers.value(row).to_bits() };
                *hash = add(*hash, &bits.to_le_bytes());
            });
        } else if let Some(keys) = column.as_primitive_opt::<Int64Type>() {
            hashes.for_each(|(row, hash)| {
                let key = if keys.is_null(row) { 0 } else { keys.value(row) };
                *hash = add(*hash, &key.to_le_bytes());
            });
        } else if let Some(texts) = column.as_string_opt::<i32>() {
            hashes.for_each(|(row, hash)| *hash = add(*hash, texts.value(row).as_bytes()));
        }
    }
    Ok(Arc::new(hashes.into_iter().map(spread).collect::<Int64Array>()))
}

/// What is there stays as it is; null and empty texts become what the model expects.
fn filled(model: &Model, into: &DataType, target: &ArrayRef, cells: &[ArrayRef]) -> Result<ArrayRef> {
    let is_empty: Vec<bool> = match is_text(into) {
        true => {
            let texts = cast(target, &DataType::Utf8)?;
            texts.as_string::<i32>().iter().map(|text| text.is_none_or(str::is_empty)).collect()
        }
        false => (0..target.len()).map(|row| target.is_null(row)).collect(),
    };
    if !model.knows() || !is_empty.contains(&true) {
        return Ok(Arc::clone(target));
    }
    let cells = sample::cells(cells);
    let rows = || is_empty.iter().enumerate().map(|(row, is_empty)| is_empty.then_some(row));
    let expected = match super::features::is_number(into) {
        true => of_numbers(rows().map(|row| model.number(&cells, row?)).collect(), into)?,
        false => {
            let texts: StringArray = rows().map(|row| model.value(&cells, row?)).collect();
            cast(&texts, into)?
        }
    };
    Ok(zip(&BooleanArray::from(is_empty), &expected, target)?)
}

/// Numbers as values of a type: rounded where it has no fractions, and the nearest that it has.
fn of_numbers(numbers: Vec<Option<f64>>, into: &DataType) -> Result<ArrayRef> {
    let whole = |least: i64, most: i64| -> ArrayRef {
        // The conversion of floats saturates.
        let rounded = numbers.iter().map(|number| number.map(|n| (n.round() as i64).clamp(least, most)));
        Arc::new(rounded.collect::<Int64Array>())
    };
    Ok(match into {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            cast(&(Arc::new(Float64Array::from(numbers)) as ArrayRef), into)?
        }
        DataType::Int8 => cast(&whole(i8::MIN.into(), i8::MAX.into()), into)?,
        DataType::Int16 => cast(&whole(i16::MIN.into(), i16::MAX.into()), into)?,
        DataType::Int32 => cast(&whole(i32::MIN.into(), i32::MAX.into()), into)?,
        DataType::UInt8 => cast(&whole(0, u8::MAX.into()), into)?,
        DataType::UInt16 => cast(&whole(0, u16::MAX.into()), into)?,
        DataType::UInt32 => cast(&whole(0, u32::MAX.into()), into)?,
        DataType::UInt64 => cast(&whole(0, i64::MAX), into)?,
        DataType::Date32 => cast(&cast(&whole(i32::MIN.into(), i32::MAX.into()), &DataType::Int32)?, into)?,
        DataType::Int64 | DataType::Date64 | DataType::Timestamp(..) => {
            cast(&whole(i64::MIN, i64::MAX), into)?
        }
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            let most = 10_f64.powi(i32::from(*precision) - i32::from(*scale)) * (1.0 - 1e-9);
            let within = numbers.into_iter().map(|number| number.map(|n| n.clamp(-most, most)));
            cast(&(Arc::new(within.collect::<Float64Array>()) as ArrayRef), into)?
        }
        other => new_null_array(other, numbers.len()),
    })
}
