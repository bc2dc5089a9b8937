//! JSON lines: one object per row, whose names are those that the table's readers look for. NULL columns and fields of
//! structures are left out; the keys of a map are data, so those without a value are written, with `null`. JSON has no numbers for `NaN` and the infinities: they are
//! written as the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, as Spark does, which readers take as numbers.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, MapArray, PrimitiveArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type, Schema};
use arrow::error::ArrowError;
use arrow_json::writer::{Encoder, EncoderFactory, LineDelimited, NullableEncoder, make_encoder};
use arrow_json::{EncoderOptions, WriterBuilder};

use super::WriteOptions;
use super::compress::Compressor;
use crate::error::{FormatError, Problem};
use crate::json::names::in_file;
use crate::options::JsonOptions;

pub(super) struct JsonEncoder {
    out: Compressor,
    /// The columns' names in the file, in their order.
    names: Vec<String>,
}

impl JsonEncoder {
    pub(super) fn new(
        name: &str,
        options: &JsonOptions,
        schema: &Schema,
        write: &WriteOptions,
    ) -> Result<Self, FormatError> {
        let out = Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))?;
        let names = schema.fields().iter().map(|field| in_file(field.name(), options).to_owned());
        Ok(Self { out, names: names.collect() })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let mut text = Vec::new();
        let builder = WriterBuilder::new().with_encoder_factory(Arc::new(AsSpark));
        let mut writer = builder.build::<_, LineDelimited>(&mut text);
        let named = self.named(batch);
        let written = named.and_then(|batch| writer.write(&batch)).and_then(|()| writer.finish());
        written.map_err(|e| FormatError::new(name, Problem::Schema { message: e.to_string() }))?;
        drop(writer);
        self.out.write_all(&text).map_err(|e| FormatError::io(name, e))
    }

    /// The batch with the file's names.
    fn named(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let fields = batch.schema_ref().fields().iter().zip(&self.names);
        let fields: Vec<_> = fields.map(|(field, name)| field.as_ref().clone().with_name(name)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec())
    }

    pub(super) fn state_bytes(&self) -> usize {
        self.out.state_bytes()
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.out.finish().map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}

/// Encoders for what the library writes otherwise than Spark: arrays of floats that hold something that is no finite
/// number, and maps with keys that have no value.
#[derive(Debug)]
struct AsSpark;

impl EncoderFactory for AsSpark {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        Ok(match array.data_type() {
            DataType::Float64 => floats(array.as_primitive::<Float64Type>(), f64::is_finite),
            DataType::Float32 => floats(array.as_primitive::<Float32Type>(), f32::is_finite),
            DataType::Map(..) => map(field, array.as_map(), options)?,
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

/// An encoder of its own only where the library's would leave something out. What it refuses (keys that are no text, or
/// NULL) stays with it.
fn map<'a>(
    field: &'a FieldRef,
    array: &'a MapArray,
    options: &'a EncoderOptions,
) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
    let keys = array.keys();
    let is_text = matches!(keys.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_refused = !is_text || keys.null_count() > 0 || array.entries().null_count() > 0;
    if is_refused || array.values().logical_null_count() == 0 {
        return Ok(None);
    }
    let keys = make_encoder(field, keys.as_ref(), options)?;
    let values = make_encoder(field, array.values().as_ref(), options)?;
    let entries = Entries { offsets: array.offsets(), keys, values };
    Ok(Some(NullableEncoder::new(Box::new(entries), array.nulls().cloned())))
}

/// The entries of maps.
struct Entries<'a> {
    offsets: &'a OffsetBuffer<i32>,
    keys: NullableEncoder<'a>,
    values: NullableEncoder<'a>,
}

impl Encoder for Entries<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let (start, end) = (self.offsets[row] as usize, self.offsets[row + 1] as usize);
        out.push(b'{');
        for entry in start..end {
            if entry > start {
                out.push(b',');
            }
            self.keys.encode(entry, out);
            out.push(b':');
            if self.values.is_null(entry) {
                out.extend_from_slice(b"null");
            } else {
                self.values.encode(entry, out);
            }
        }
        out.push(b'}');
    }
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
    use arrow::array::{
        ArrayRef, Float32Array, Float64Array, Int64Array, Int64Builder, MapBuilder, StringArray,
        StringBuilder, StructArray,
    };

    use super::*;

    fn lines(options: &JsonOptions, columns: Vec<(&str, ArrayRef)>) -> Vec<String> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut encoder =
            JsonEncoder::new("x", options, batch.schema_ref(), &WriteOptions::default()).unwrap();
        encoder.write("x", &batch).unwrap();
        encoder.finish("x").unwrap();
        String::from_utf8(encoder.take()).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_no_finite_number_is_text() {
        let wide = Float64Array::from(vec![Some(1.5), Some(f64::NAN), None, Some(f64::NEG_INFINITY)]);
        let narrow = Float32Array::from(vec![Some(0.1), Some(f32::INFINITY), None, Some(2.0)]);
        let columns: Vec<(&str, ArrayRef)> = vec![("d", Arc::new(wide)), ("f", Arc::new(narrow))];
        let lines = lines(&JsonOptions::default(), columns);
        let last = "{\"d\":\"-Infinity\",\"f\":2.0}";
        assert_eq!(lines, ["{\"d\":1.5,\"f\":0.1}", "{\"d\":\"NaN\",\"f\":\"Infinity\"}", "{}", last]);
    }

    #[test]
    fn keys_of_maps_stay_without_a_value() {
        let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for (key, value) in [("a", Some(1)), ("b", None)] {
            map.keys().append_value(key);
            map.values().append_option(value);
        }
        map.append(true).unwrap();
        map.append(false).unwrap();
        map.append(true).unwrap();
        let map: ArrayRef = Arc::new(map.finish());
        let within = StructArray::try_from(vec![
            ("m", Arc::clone(&map)),
            ("n", Arc::new(Int64Array::from(vec![None, Some(1), None])) as ArrayRef),
        ])
        .unwrap();
        let lines = lines(&JsonOptions::default(), vec![("m", map), ("s", Arc::new(within))]);
        assert_eq!(
            lines,
            [
                "{\"m\":{\"a\":1,\"b\":null},\"s\":{\"m\":{\"a\":1,\"b\":null}}}",
                "{\"s\":{\"n\":1}}",
                "{\"m\":{},\"s\":{\"m\":{}}}"
            ]
        );
    }

    #[test]
    fn columns_have_the_names_that_readers_look_for() {
        let mapping = [("ts".to_owned(), "@timestamp".to_owned())].into();
        let options = JsonOptions { mapping, ..JsonOptions::default() };
        let column = || Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
        let lines = lines(&options, vec![("Ts", column()), ("id", column())]);
        assert_eq!(lines, ["{\"@timestamp\":\"x\",\"id\":\"x\"}"]);
    }
}
