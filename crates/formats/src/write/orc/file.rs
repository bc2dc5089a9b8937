//! An ORC file's own parts: stripes with their footers, and the tail. Messages are those of the format's protocol
//! buffers, written field by field.
//!
//! Layout: `ORC`, stripes, metadata (empty), footer, postscript, one byte with the postscript's length. Streams and
//! footers go in pieces of at most [`BLOCK_BYTES`], each behind three bytes that say how long it is and whether it is
//! compressed; a file without codec has them as they are.

use std::io;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

use super::columns::{kind, streams};
use super::integers::varint;

const BLOCK_BYTES: usize = 256 << 10;
const ZSTD_LEVEL: i32 = 3;
const STRUCT: u64 = 12;
/// The version of the format, 0.12.
const VERSION: [u64; 2] = [0, 12];
/// What says that a file is of none of the writers that the format has numbers for, nor has any of their faults.
const OTHER_WRITER: u64 = u32::MAX as u64;

/// A codec, by its number in the format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None = 0,
    Zlib = 1,
    Snappy = 2,
    Lz4 = 4,
    Zstd = 5,
}

struct Stripe {
    offset: usize,
    data: usize,
    footer: usize,
    rows: usize,
}

/// A file being made.
pub(super) struct OrcFile {
    codec: Codec,
    made: Vec<u8>,
    stripes: Vec<Stripe>,
}

impl OrcFile {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, made: b"ORC".to_vec(), stripes: Vec::new() }
    }

    /// Appends rows as one stripe; all batches have the file's schema. Errors: for people, a value that the format does
    /// not hold.
    pub(super) fn stripe(&mut self, schema: &Schema, batches: &[RecordBatch]) -> Result<(), String> {
        let offset = self.made.len();
        let mut footer = Vec::new();
        let mut encodings = encoding(false);
        for (at, field) in schema.fields().iter().enumerate() {
            let pieces: Vec<ArrayRef> = batches.iter().map(|batch| batch.column(at).clone()).collect();
            let column = streams(&pieces).map_err(|what| format!("column {}: {what}", field.name()))?;
            for (kind, bytes) in column {
                let length = self.append(&bytes)?;
                let mut stream = Vec::new();
                number(&mut stream, 1, kind as u64);
                number(&mut stream, 2, at as u64 + 1);
                number(&mut stream, 3, length as u64);
                message(&mut footer, 1, &stream);
            }
            encodings.extend(encoding(kind(field.data_type()).is_some_and(|(_, second)| second)));
        }
        let data = self.made.len() - offset;
        footer.extend(encodings);
        message(&mut footer, 3, b"UTC");
        let footer = self.append(&footer)?;
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        self.stripes.push(Stripe { offset, data, footer, rows });
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self, schema: &Schema) -> Result<Vec<u8>, String> {
        let content = self.made.len();
        let mut footer = Vec::new();
        number(&mut footer, 1, 3);
        number(&mut footer, 2, content as u64);
        for stripe in &self.stripes {
            let mut about = Vec::new();
            let numbers = [stripe.offset, 0, stripe.data, stripe.footer, stripe.rows];
            numbers.iter().zip(1..).for_each(|(value, field)| number(&mut about, field, *value as u64));
            message(&mut footer, 3, &about);
        }
        for described in types(schema)? {
            message(&mut footer, 4, &described);
        }
        number(&mut footer, 6, self.stripes.iter().map(|stripe| stripe.rows as u64).sum());
        number(&mut footer, 9, OTHER_WRITER);
        let footer = self.append(&footer)?;
        let mut postscript = Vec::new();
        number(&mut postscript, 1, footer as u64);
        number(&mut postscript, 2, self.codec as u64);
        if self.codec != Codec::None {
            number(&mut postscript, 3, BLOCK_BYTES as u64);
        }
        packed(&mut postscript, 4, VERSION);
        number(&mut postscript, 5, 0);
        number(&mut postscript, 6, OTHER_WRITER);
        message(&mut postscript, 8000, b"ORC");
        self.made.extend_from_slice(&postscript);
        self.made.push(postscript.len() as u8);
        Ok(self.made)
    }

    /// Appends bytes in pieces, compressed where that makes them smaller; gives the length that they take.
    fn append(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let before = self.made.len();
        if self.codec == Codec::None {
            self.made.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        for block in bytes.chunks(BLOCK_BYTES) {
            let compressed = compressed(self.codec, block).map_err(|e| e.to_string())?;
            let (stored, original) =
                if compressed.len() < block.len() { (&compressed[..], 0) } else { (block, 1) };
            self.made.extend_from_slice(&((stored.len() as u32) << 1 | original).to_le_bytes()[..3]);
            self.made.extend_from_slice(stored);
        }
        Ok(self.made.len() - before)
    }
}

fn compressed(codec: Codec, block: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(block.to_vec()),
        Codec::Zlib => {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
            io::Write::write_all(&mut encoder, block)?;
            encoder.finish()
        }
        Codec::Snappy => Ok(snap::raw::Encoder::new().compress_vec(block)?),
        Codec::Lz4 => Ok(lz4_flex::block::compress(block)),
        Codec::Zstd => zstd::bulk::compress(block, ZSTD_LEVEL),
    }
}

/// The types of the columns, the row's first.
fn types(schema: &Schema) -> Result<Vec<Vec<u8>>, String> {
    let mut row = Vec::new();
    number(&mut row, 1, STRUCT);
    packed(&mut row, 2, 1..=schema.fields().len() as u64);
    let mut all = Vec::new();
    for field in schema.fields() {
        message(&mut row, 3, field.name().as_bytes());
        let (kind, _) = kind(field.data_type()).ok_or_else(|| {
            format!("column {}: {} cannot be written as ORC", field.name(), field.data_type())
        })?;
        let mut described = Vec::new();
        number(&mut described, 1, kind);
        all.push(described);
    }
    all.insert(0, row);
    Ok(all)
}

/// The encoding of a column: direct, or direct with the second version's runs.
fn encoding(second: bool) -> Vec<u8> {
    let (mut about, mut out) = (Vec::new(), Vec::new());
    number(&mut about, 1, if second { 2 } else { 0 });
    message(&mut out, 2, &about);
    out
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn message(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn packed(out: &mut Vec<u8>, field: u64, values: impl IntoIterator<Item = u64>) {
    let mut all = Vec::new();
    values.into_iter().for_each(|value| varint(&mut all, value));
    message(out, field, &all);
}
