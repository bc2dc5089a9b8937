//! JSON lines: one object per row; NULL members are left out. JSON has no numbers for `NaN` and the infinities: they are
//! written as the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, as Spark does, which readers take as numbers.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow_json::writer::{Encoder, EncoderFactory, LineDelimited, NullableEncoder};
use arrow_json::{EncoderOptions, WriterBuilder};

use super::WriteOptions;
use super::compress::Compressor;
use crate::error::{FormatError, Problem};

pub(super) struct JsonEncoder {
    out: Compressor,
}

impl JsonEncoder {
    pub(super) fn new(name: &str, write: &WriteOptions) -> Result<Self, FormatError> {
        Ok(Self { out: Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))? })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let mut text = Vec::new();
        let builder = WriterBuilder::new().with_encoder_factory(Arc::new(NotFinite));
        let mut writer = builder.build::<_, LineDelimited>(&mut text);
        let written = writer.write(batch).and_then(|()| writer.finish());
        written.map_err(|e| FormatError::new(name, Problem::Schema { message: e.to_string() }))?;
        drop(writer);
        self.out.write_all(&text).map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.out.finish().map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}

/// Encoders for arrays of floats that hold something that is no finite number.
#[derive(Debug)]
struct NotFinite;

impl EncoderFactory for NotFinite {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        Ok(match array.data_type() {
            DataType::Float64 => floats(array.as_primitive::<Float64Type>(), f64::is_finite),
            DataType::Float32 => floats(array.as_primitive::<Float32Type>(), f32::is_finite),
            _ => None,
        })
    }
}

/// An encoder of its own only where the library's would write `null`.
fn floats<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    is_finite: fn(T::Native) -> bool,
) -> Option<NullableEncoder<'_>>
where
    T::Native: Into<f64> + serde::Serialize,
{
    if array.iter().flatten().all(is_finite) {
        return None;
    }
    Some(NullableEncoder::new(Box::new(Floats { array, is_finite }), array.nulls().cloned()))
}

struct Floats<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    is_finite: fn(T::Native) -> bool,
}

impl<T: ArrowPrimitiveType> Encoder for Floats<'_, T>
where
    T::Native: Into<f64> + serde::Serialize,
{
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let value = self.array.value(row);
        if (self.is_finite)(value) {
            // A finite number has a text, and a vector takes it.
            let _ = serde_json::to_writer(&mut *out, &value);
            return;
        }
        let value: f64 = value.into();
        let text = match (value.is_nan(), value > 0.0) {
            (true, _) => "\"NaN\"",
            (false, true) => "\"Infinity\"",
            (false, false) => "\"-Infinity\"",
        };
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float32Array, Float64Array};

    use super::*;

    #[test]
    fn what_is_no_finite_number_is_text() {
        let wide = Float64Array::from(vec![Some(1.5), Some(f64::NAN), None, Some(f64::NEG_INFINITY)]);
        let narrow = Float32Array::from(vec![Some(0.1), Some(f32::INFINITY), None, Some(2.0)]);
        let columns: [(&str, ArrayRef); 2] = [("d", Arc::new(wide)), ("f", Arc::new(narrow))];
        let mut encoder = JsonEncoder::new("x", &WriteOptions::default()).unwrap();
        encoder.write("x", &RecordBatch::try_from_iter(columns).unwrap()).unwrap();
        encoder.finish("x").unwrap();
        let text = String::from_utf8(encoder.take()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let last = "{\"d\":\"-Infinity\",\"f\":2.0}";
        assert_eq!(lines, ["{\"d\":1.5,\"f\":0.1}", "{\"d\":\"NaN\",\"f\":\"Infinity\"}", "{}", last]);
    }
}
