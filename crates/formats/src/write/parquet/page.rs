//! Pages: their headers, and their values in plain encoding.
//!
//! Source: Apache Parquet format, `parquet.thrift` and "Encodings"; Apache Thrift, "Compact protocol encoding".

use parquet::errors::ParquetError;

use super::hybrid::varint;
use crate::write::ParquetCodec;

/// What stands before each plain text: its length.
pub(super) const LENGTH_BYTES: usize = 4;

/// Encodings by their numbers in the format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain = 0,
    Runs = 3,
    Codes = 8,
}

/// A page that is ready but for its compression.
pub(super) struct Page<'p> {
    pub(super) body: &'p [u8],
    pub(super) values: usize,
    pub(super) kind: PageKind,
}

pub(super) enum PageKind {
    Data(Encoding),
    Dictionary,
}

/// What a page has become.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// With its header.
    pub(super) stored: usize,
    /// With its header, before compression.
    pub(super) plain: usize,
}

/// Compresses pages.
pub(super) struct Compressor {
    pub(super) codec: ParquetCodec,
    snappy: snap::raw::Encoder,
    packed: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { codec: ParquetCodec::default(), snappy: snap::raw::Encoder::new(), packed: Vec::new() }
    }
}

impl Compressor {
    /// The bytes compressed.
    fn pack<'c>(&'c mut self, body: &'c [u8]) -> Result<&'c [u8], ParquetError> {
        match self.codec {
            ParquetCodec::Uncompressed => return Ok(body),
            ParquetCodec::Snappy => {
                let most = snap::raw::max_compress_len(body.len());
                if self.packed.len() < most {
                    self.packed.resize(most, 0);
                }
                let len = self.snappy.compress(body, &mut self.packed).map_err(io)?;
                return Ok(&self.packed[..len]);
            }
            ParquetCodec::Gzip => {
                use std::io::Write as _;
                self.packed.clear();
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(&mut self.packed, level);
                encoder.write_all(body)?;
                encoder.finish()?;
            }
            ParquetCodec::Zstd => {
                self.packed.clear();
                zstd::stream::copy_encode(body, &mut self.packed, 1)?;
            }
        }
        Ok(&self.packed)
    }
}

fn io(error: snap::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Page<'_> {
    /// Appends header and body.
    pub(super) fn write(&self, compressor: &mut Compressor, out: &mut Vec<u8>) -> Result<Size, ParquetError> {
        let packed = compressor.pack(self.body)?;
        let start = out.len();
        self.header(packed.len(), out)?;
        let header = out.len() - start;
        out.extend_from_slice(packed);
        Ok(Size { stored: header + packed.len(), plain: header + self.body.len() })
    }

    fn header(&self, packed: usize, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        /// The field behind the one before is a number; a structure two or four fields on.
        const NUMBER: u8 = 0x15;
        const DATA_PAGE_HEADER: u8 = 0x2c;
        const DICTIONARY_PAGE_HEADER: u8 = 0x4c;
        const FALSE: u8 = 0x12;
        const STOP: u8 = 0;
        let number = |value: usize, out: &mut Vec<u8>| -> Result<(), ParquetError> {
            let value = i32::try_from(value)
                .map_err(|_| ParquetError::General(format!("a page of {value} bytes is too large")))?;
            out.push(NUMBER);
            varint(u64::from(value.unsigned_abs()) << 1, out);
            Ok(())
        };
        let page_type = match self.kind {
            PageKind::Data(_) => 0,
            PageKind::Dictionary => 2,
        };
        number(page_type, out)?;
        number(self.body.len(), out)?;
        number(packed, out)?;
        match self.kind {
            PageKind::Data(encoding) => {
                out.push(DATA_PAGE_HEADER);
                number(self.values, out)?;
                for encoding in [encoding, Encoding::Runs, Encoding::Runs] {
                    number(encoding as usize, out)?;
                }
            }
            PageKind::Dictionary => {
                out.push(DICTIONARY_PAGE_HEADER);
                number(self.values, out)?;
                number(Encoding::Plain as usize, out)?;
                out.push(FALSE);
            }
        }
        out.extend_from_slice(&[STOP, STOP]);
        Ok(())
    }
}

/// Appends a text in plain encoding.
#[inline]
pub(super) fn push_text(plain: &mut Vec<u8>, text: &[u8]) {
    plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
    plain.extend_from_slice(text);
}

/// The texts of a page of plain ones.
pub(super) fn texts(plain: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (text, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = behind;
        Some(text)
    })
}
