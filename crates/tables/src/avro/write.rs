//! Writes Avro object container files: one block, not compressed, of records of any schema that [`super::parse`] reads.

use std::collections::HashMap;

use serde_json::Value;

use super::{Avro, AvroError, MAX_DEPTH, Schema, bad, find, parse};

/// A file of these records. `header` is added to the schema; `sync` ends the block and must not be guessable from its
/// records.
pub(crate) fn write(
    schema: &Value,
    header: &[(&str, String)],
    sync: [u8; 16],
    records: &[Avro],
) -> Result<Vec<u8>, AvroError> {
    let mut named = HashMap::new();
    let parsed = parse(schema, &mut named, 0)?;
    let mut out = b"Obj\x01".to_vec();
    let own = [("avro.schema", schema.to_string()), ("avro.codec", "null".to_owned())];
    length(own.len() + header.len(), &mut out);
    for (name, text) in own.iter().chain(header) {
        bytes(name.as_bytes(), &mut out);
        bytes(text.as_bytes(), &mut out);
    }
    length(0, &mut out);
    out.extend(sync);
    if records.is_empty() {
        return Ok(out);
    }
    let mut block = Vec::new();
    for record in records {
        value(record, &parsed, &named, 0, &mut block)?;
    }
    length(records.len(), &mut out);
    bytes(&block, &mut out);
    out.extend(sync);
    Ok(out)
}

fn long(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn length(count: usize, out: &mut Vec<u8>) {
    long(i64::try_from(count).unwrap_or(i64::MAX), out);
}

fn bytes(data: &[u8], out: &mut Vec<u8>) {
    length(data.len(), out);
    out.extend(data);
}

fn value(
    given: &Avro,
    schema: &Schema,
    named: &HashMap<String, Schema>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), AvroError> {
    if depth > MAX_DEPTH {
        return bad("a value is nested too deeply");
    }
    match (schema, given) {
        (Schema::Null, Avro::Null) => {}
        (Schema::Boolean, Avro::Boolean(yes)) => out.push(u8::from(*yes)),
        (Schema::Long, Avro::Long(number)) => long(*number, out),
        (Schema::Double, Avro::Double(number)) => out.extend(number.to_le_bytes()),
        // It was read from as many bits.
        (Schema::Float, Avro::Double(number)) => out.extend((*number as f32).to_le_bytes()),
        (Schema::Fixed(size), Avro::Bytes(data)) if data.len() == *size => out.extend(data),
        (Schema::Enum(symbols), Avro::String(text)) => match symbols.iter().position(|own| own == text) {
            Some(at) => length(at, out),
            None => return bad("an enumeration has no such symbol"),
        },
        (Schema::Bytes, Avro::Bytes(data)) => bytes(data, out),
        (Schema::String, Avro::String(text)) => bytes(text.as_bytes(), out),
        (Schema::Named(name), given) => match find(named, name) {
            Some(schema) => value(given, schema, named, depth + 1, out)?,
            None => return bad(format!("its schema has no type {name:?}")),
        },
        (Schema::Union(branches), given) => {
            let fits = |branch: &Schema| matches!(branch, Schema::Null) == (*given == Avro::Null);
            let Some(at) = branches.iter().position(fits) else { return bad("a union has no such branch") };
            length(at, out);
            value(given, &branches[at], named, depth + 1, out)?;
        }
        (Schema::Array(items), Avro::Array(values)) => {
            if !values.is_empty() {
                length(values.len(), out);
                for one in values {
                    value(one, items, named, depth + 1, out)?;
                }
            }
            length(0, out);
        }
        (Schema::Map(inner), Avro::Map(entries)) => {
            if !entries.is_empty() {
                length(entries.len(), out);
                for (key, one) in entries {
                    bytes(key.as_bytes(), out);
                    value(one, inner, named, depth + 1, out)?;
                }
            }
            length(0, out);
        }
        (Schema::Record(fields), record @ Avro::Record(_)) => {
            for (name, schema) in fields {
                value(record.field(name).unwrap_or(&Avro::Null), schema, named, depth + 1, out)?;
            }
        }
        _ => return bad("a value is not of its schema's type"),
    }
    Ok(())
}
