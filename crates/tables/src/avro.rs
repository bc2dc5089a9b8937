//! Avro object container files, as far as Iceberg's manifests need them: read with any schema into plain values, and
//! written ([`write()`]).
//!
//! Not arrow's reader: manifests are small, their schemas differ from table to table, and this crate stays light. What
//! is read is bounded: bytes after decompression, values, and depth. Source: Apache Avro specification, "Object Container
//! Files" and "Binary Encoding".

#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use serde_json::Value;

pub(crate) use write::write;

/// The most bytes of one block, after decompression.
const MAX_BLOCK_BYTES: u64 = 256 << 20;
/// The most values for a byte of a block: a null of a union takes one byte and is two values, with room for what wraps it.
const MAX_VALUES_PER_BYTE: usize = 8;
/// Values that any block may have.
const FREE_VALUES: usize = 1_000;
/// The deepest nesting of a value.
const MAX_DEPTH: usize = 32;

/// A file that is not readable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AvroError(pub(crate) String);

fn bad<T>(what: impl Into<String>) -> Result<T, AvroError> {
    Err(AvroError(what.into()))
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Avro {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    Bytes(Vec<u8>),
    String(String),
    Array(Vec<Avro>),
    Map(Vec<(String, Avro)>),
    Record(Vec<(String, Avro)>),
}

impl Avro {
    /// A field of a record; `None` when it is absent or null.
    pub(crate) fn field(&self, name: &str) -> Option<&Avro> {
        let Self::Record(fields) = self else { return None };
        let found = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| **value != Self::Null)
    }

    /// Gives a field of a record another value; a record without the field stays as it is.
    pub(crate) fn set(&mut self, name: &str, value: Avro) {
        if let Self::Record(fields) = self
            && let Some((_, own)) = fields.iter_mut().find(|(key, _)| key == name)
        {
            *own = value;
        }
    }

    pub(crate) fn long(&self, name: &str) -> Option<i64> {
        match self.field(name)? {
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

enum Schema {
    Null,
    Boolean,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Box<Schema>),
    Map(Box<Schema>),
    Union(Vec<Schema>),
    Record(Vec<(String, Schema)>),
    /// A type that was named before: where it is among the named ones.
    Named(String),
}

/// A file as it was written.
pub(crate) struct AvroFile {
    /// The schema of its records.
    pub(crate) schema: Value,
    /// What its header says, as text.
    pub(crate) header: HashMap<String, String>,
    pub(crate) records: Vec<Avro>,
}

/// The records of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Avro>, AvroError> {
    Ok(read_file(bytes)?.records)
}

/// A whole file.
pub(crate) fn read_file(bytes: &[u8]) -> Result<AvroFile, AvroError> {
    let mut input = Input::new(bytes);
    if input.take(4)? != b"Obj\x01" {
        return bad("it is not an Avro file");
    }
    let header = input.header()?;
    let header = header.into_iter().map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned()));
    let header: HashMap<String, String> = header.collect();
    let text = |key: &str| header.get(key).cloned();
    let Some(schema) = text("avro.schema") else { return bad("it has no schema") };
    let document: Value = serde_json::from_str(&schema)
        .map_err(|error| AvroError(format!("its schema is not JSON: {error}")))?;
    let mut named = HashMap::new();
    let schema = parse(&document, &mut named, 0)?;
    let codec = text("avro.codec").unwrap_or_default();
    let sync = input.take(16)?.to_vec();
    let mut records = Vec::new();
    while !input.bytes.is_empty() {
        let count = input.length()?;
        let size = input.length()?;
        let block = decompressed(&codec, input.take(size)?)?;
        let mut block = Input::new(&block);
        for _ in 0..count {
            records.push(block.value(&schema, &named, 0)?);
        }
        if !block.bytes.is_empty() {
            return bad("a block is longer than its records");
        }
        if input.take(16)? != sync {
            return bad("a block does not end where it should");
        }
    }
    Ok(AvroFile { schema: document, header, records })
}

fn decompressed(codec: &str, block: &[u8]) -> Result<Vec<u8>, AvroError> {
    match codec {
        "" | "null" => Ok(block.to_vec()),
        "deflate" => {
            let mut all = Vec::new();
            let read = DeflateDecoder::new(block).take(MAX_BLOCK_BYTES + 1).read_to_end(&mut all);
            read.map_err(|error| AvroError(format!("a block cannot be decompressed: {error}")))?;
            if all.len() as u64 > MAX_BLOCK_BYTES {
                return bad(format!("a block has more than {MAX_BLOCK_BYTES} bytes"));
            }
            Ok(all)
        }
        other => bad(format!("its compression {other:?} is not supported (null and deflate are)")),
    }
}

/// Parses a schema; named types are kept for those who refer to them.
fn parse(schema: &Value, named: &mut HashMap<String, Schema>, depth: usize) -> Result<Schema, AvroError> {
    if depth > MAX_DEPTH {
        return bad("its schema is nested too deeply");
    }
    match schema {
        Value::String(name) => Ok(primitive(name).unwrap_or_else(|| Schema::Named(name.clone()))),
        Value::Array(branches) => {
            let branches = branches.iter().map(|branch| parse(branch, named, depth + 1));
            Ok(Schema::Union(branches.collect::<Result<_, _>>()?))
        }
        Value::Object(object) => {
            let part = |key: &str| object.get(key).ok_or_else(|| AvroError(format!("a type has no {key}")));
            match part("type")? {
                Value::String(kind) => match kind.as_str() {
                    "array" => Ok(Schema::Array(Box::new(parse(part("items")?, named, depth + 1)?))),
                    "map" => Ok(Schema::Map(Box::new(parse(part("values")?, named, depth + 1)?))),
                    "record" | "fixed" | "enum" => named_type(kind, object, named, depth),
                    name => Ok(primitive(name).unwrap_or_else(|| Schema::Named(name.to_owned()))),
                },
                inner => parse(inner, named, depth + 1),
            }
        }
        _ => bad("its schema has a type that is none"),
    }
}

fn named_type(
    kind: &str,
    object: &serde_json::Map<String, Value>,
    named: &mut HashMap<String, Schema>,
    depth: usize,
) -> Result<Schema, AvroError> {
    let list = |key: &str| object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let schema = match kind {
        "fixed" => {
            let size = object.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
            Schema::Fixed(size.ok_or_else(|| AvroError("a fixed type has no size".to_owned()))?)
        }
        "enum" => {
            let symbols = list("symbols").iter().filter_map(Value::as_str).map(str::to_owned);
            Schema::Enum(symbols.collect())
        }
        _ => {
            let mut fields = Vec::new();
            for field in list("fields") {
                let (Some(name), Some(inner)) =
                    (field.get("name").and_then(Value::as_str), field.get("type"))
                else {
                    return bad("a field has no name or type");
                };
                fields.push((name.to_owned(), parse(inner, named, depth + 1)?));
            }
            Schema::Record(fields)
        }
    };
    match object.get("name").and_then(Value::as_str) {
        Some(name) => {
            named.insert(name.to_owned(), schema);
            Ok(Schema::Named(name.to_owned()))
        }
        None => Ok(schema),
    }
}

fn primitive(name: &str) -> Option<Schema> {
    Some(match name {
        "null" => Schema::Null,
        "boolean" => Schema::Boolean,
        "int" | "long" => Schema::Long,
        "float" => Schema::Float,
        "double" => Schema::Double,
        "bytes" => Schema::Bytes,
        "string" => Schema::String,
        _ => return None,
    })
}

/// A named type. A reference may have the namespace that its definition leaves to the record around it.
fn find<'n>(named: &'n HashMap<String, Schema>, name: &str) -> Option<&'n Schema> {
    named.get(name).or_else(|| named.get(name.rsplit('.').next()?))
}

/// Bytes still to be read.
struct Input<'a> {
    bytes: &'a [u8],
    values_left: usize,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, values_left: bytes.len().saturating_mul(MAX_VALUES_PER_BYTE) + FREE_VALUES }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], AvroError> {
        if count > self.bytes.len() {
            return bad("it is cut off");
        }
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        Ok(taken)
    }

    /// A number as Avro writes it: seven bits a byte, the sign in the lowest bit.
    fn long(&mut self) -> Result<i64, AvroError> {
        let mut bits = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)?[0];
            bits |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        bad("a number is too long")
    }

    fn length(&mut self) -> Result<usize, AvroError> {
        let length = self.long()?;
        usize::try_from(length).map_err(|_| AvroError(format!("a length is {length}")))
    }

    /// The number of entries in the next block of an array or map; 0 at its end.
    fn entries(&mut self) -> Result<usize, AvroError> {
        let count = self.long()?;
        if count < 0 {
            // Its size in bytes follows, for those who skip it.
            self.long()?;
        }
        usize::try_from(count.unsigned_abs()).map_err(|_| AvroError("a list is too long".to_owned()))
    }

    fn bytes(&mut self) -> Result<&'a [u8], AvroError> {
        let length = self.length()?;
        self.take(length)
    }

    fn string(&mut self) -> Result<String, AvroError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| AvroError("a text is not UTF-8".to_owned()))
    }

    fn header(&mut self) -> Result<HashMap<String, Vec<u8>>, AvroError> {
        let mut header = HashMap::new();
        loop {
            let count = self.entries()?;
            if count == 0 {
                return Ok(header);
            }
            for _ in 0..count {
                let key = self.string()?;
                header.insert(key, self.bytes()?.to_vec());
            }
        }
    }

    fn value(
        &mut self,
        schema: &Schema,
        named: &HashMap<String, Schema>,
        depth: usize,
    ) -> Result<Avro, AvroError> {
        self.values_left =
            self.values_left.checked_sub(1).ok_or_else(|| AvroError("it has too many values".to_owned()))?;
        if depth > MAX_DEPTH {
            return bad("its values are nested too deeply");
        }
        Ok(match schema {
            Schema::Null => Avro::Null,
            Schema::Boolean => Avro::Boolean(self.take(1)?[0] != 0),
            Schema::Long => Avro::Long(self.long()?),
            Schema::Float => {
                let bytes =
                    self.take(4)?.try_into().map_err(|_| AvroError("a float is cut off".to_owned()))?;
                Avro::Double(f64::from(f32::from_le_bytes(bytes)))
            }
            Schema::Double => {
                let bytes =
                    self.take(8)?.try_into().map_err(|_| AvroError("a double is cut off".to_owned()))?;
                Avro::Double(f64::from_le_bytes(bytes))
            }
            Schema::Bytes => Avro::Bytes(self.bytes()?.to_vec()),
            Schema::String => Avro::String(self.string()?),
            Schema::Fixed(size) => Avro::Bytes(self.take(*size)?.to_vec()),
            Schema::Enum(symbols) => match symbols.get(self.length()?) {
                Some(symbol) => Avro::String(symbol.clone()),
                None => return bad("an enumeration has no such symbol"),
            },
            Schema::Union(branches) => match branches.get(self.length()?) {
                Some(branch) => self.value(branch, named, depth + 1)?,
                None => return bad("a union has no such branch"),
            },
            Schema::Array(items) => self.array(items, named, depth)?,
            Schema::Map(values) => self.map(values, named, depth)?,
            Schema::Record(fields) => {
                let fields = fields.iter();
                let fields =
                    fields.map(|(name, inner)| Ok((name.clone(), self.value(inner, named, depth + 1)?)));
                Avro::Record(fields.collect::<Result<_, AvroError>>()?)
            }
            Schema::Named(name) => match find(named, name) {
                Some(schema) => self.value(schema, named, depth + 1)?,
                None => return bad(format!("its schema has no type {name:?}")),
            },
        })
    }

    fn array(
        &mut self,
        items: &Schema,
        named: &HashMap<String, Schema>,
        depth: usize,
    ) -> Result<Avro, AvroError> {
        let mut values = Vec::new();
        loop {
            let count = self.entries()?;
            if count == 0 {
                return Ok(Avro::Array(values));
            }
            for _ in 0..count {
                values.push(self.value(items, named, depth + 1)?);
            }
        }
    }

    fn map(
        &mut self,
        inner: &Schema,
        named: &HashMap<String, Schema>,
        depth: usize,
    ) -> Result<Avro, AvroError> {
        let mut values = Vec::new();
        loop {
            let count = self.entries()?;
            if count == 0 {
                return Ok(Avro::Map(values));
            }
            for _ in 0..count {
                let key = self.string()?;
                values.push((key, self.value(inner, named, depth + 1)?));
            }
        }
    }
}
