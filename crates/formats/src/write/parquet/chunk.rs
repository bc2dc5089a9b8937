//! A column chunk: the pages of one column in one row group, and what the footer says about them.

use bytes::{Buf, Bytes};
use parquet::basic::{Encoding as Named, EncodingMask, PageType, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescPtr;

use super::bounds::{self, Bounds};
use super::page::{Compressor, Encoding, Page, PageKind, Size};

/// Pages as they are made; the dictionary, which comes before them, is known last.
#[derive(Default)]
pub(super) struct Chunk {
    data: Vec<u8>,
    pages: Vec<PageFacts>,
}

struct PageFacts {
    size: Size,
    rows: usize,
    nulls: usize,
    bounds: Option<Bounds>,
    encoding: Encoding,
}

/// The pages of a finished chunk, the dictionary first.
pub(super) struct Pages {
    dictionary: Bytes,
    data: Bytes,
}

impl Chunk {
    /// Adds a data page.
    pub(super) fn push(
        &mut self,
        body: &[u8],
        (rows, nulls): (usize, usize),
        encoding: Encoding,
        bounds: Option<Bounds>,
        compressor: &mut Compressor,
    ) -> Result<(), ParquetError> {
        let page = Page { body, values: rows, kind: PageKind::Data(encoding) };
        let size = page.write(compressor, &mut self.data)?;
        self.pages.push(PageFacts { size, rows, nulls, bounds, encoding });
        Ok(())
    }

    /// Bytes of the data pages so far.
    pub(super) fn stored(&self) -> usize {
        self.data.len()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.data.capacity()
    }

    /// Ends the chunk, whose dictionary has the entries given as a plain page.
    pub(super) fn finish(
        self,
        descr: &ColumnDescPtr,
        codec: parquet::basic::Compression,
        dictionary: Option<(Vec<u8>, usize)>,
        compressor: &mut Compressor,
    ) -> Result<(Pages, ColumnCloseResult), ParquetError> {
        let mut before = Vec::new();
        let mut before_size = Size::default();
        if let Some((plain, entries)) = dictionary {
            let page = Page { body: &plain, values: entries, kind: PageKind::Dictionary };
            before_size = page.write(compressor, &mut before)?;
        }
        let (mut rows, mut nulls, mut plain) = (0, 0, before_size.plain);
        let mut whole: Option<Bounds> = None;
        for page in &self.pages {
            rows += page.rows;
            nulls += page.nulls;
            plain += page.size.plain;
            match (&mut whole, &page.bounds) {
                (Some(whole), Some(bounds)) => whole.join(bounds),
                (None, Some(bounds)) => whole = Some(bounds.clone()),
                (_, None) => {}
            }
        }
        let is_utf8 = is_utf8(descr);
        let stored = before_size.stored + self.data.len();
        let has_dictionary = before_size.stored > 0;
        let metadata = ColumnChunkMetaData::builder(descr.clone())
            .set_compression(codec)
            .set_encodings_mask(self.encodings(has_dictionary))
            .set_page_encoding_stats(self.encoding_stats(has_dictionary))
            .set_total_compressed_size(stored as i64)
            .set_total_uncompressed_size(plain as i64)
            .set_num_values(rows as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(before_size.stored as i64)
            .set_statistics(bounds::statistics(descr.physical_type(), whole, nulls as u64, is_utf8))
            .build()?;
        let column_index = self.column_index(descr.physical_type(), is_utf8);
        let close = ColumnCloseResult {
            bytes_written: stored as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: column_index.map(ColumnIndexBuilder::build).transpose()?,
            offset_index: Some(self.offset_index(before_size.stored).build()),
        };
        Ok((Pages { dictionary: before.into(), data: self.data.into() }, close))
    }

    fn encodings(&self, has_dictionary: bool) -> EncodingMask {
        let mut encodings = vec![Named::RLE];
        let is_plain = |page: &PageFacts| page.encoding == Encoding::Plain;
        if has_dictionary || self.pages.iter().any(is_plain) {
            encodings.push(Named::PLAIN);
        }
        if has_dictionary {
            encodings.push(Named::RLE_DICTIONARY);
        }
        EncodingMask::new_from_encodings(encodings.iter())
    }

    fn encoding_stats(&self, has_dictionary: bool) -> Vec<PageEncodingStats> {
        let count = |wanted| self.pages.iter().filter(|page| page.encoding == wanted).count() as i32;
        let all = [
            (PageType::DICTIONARY_PAGE, Named::PLAIN, i32::from(has_dictionary)),
            (PageType::DATA_PAGE, Named::RLE_DICTIONARY, count(Encoding::Codes)),
            (PageType::DATA_PAGE, Named::PLAIN, count(Encoding::Plain)),
        ];
        let used = all.into_iter().filter(|(.., count)| *count > 0);
        used.map(|(page_type, encoding, count)| PageEncodingStats { page_type, encoding, count }).collect()
    }

    /// Bounds by page; `None` when a page with values has none.
    fn column_index(&self, physical: Type, is_utf8: bool) -> Option<ColumnIndexBuilder> {
        let mut index = ColumnIndexBuilder::new(physical);
        // Readers search what is written: cut bounds may be in another order than whole ones.
        let mut written = Vec::with_capacity(self.pages.len());
        for page in &self.pages {
            if page.nulls == page.rows {
                index.append(true, Vec::new(), Vec::new(), page.nulls as i64);
                continue;
            }
            let (bounds, ..) = page.bounds.clone()?.cut(is_utf8);
            index.append(false, bounds.min.bytes(), bounds.max.bytes(), page.nulls as i64);
            written.push(bounds);
        }
        index.set_boundary_order(bounds::order(&written));
        Some(index)
    }

    fn offset_index(&self, first: usize) -> OffsetIndexBuilder {
        let mut index = OffsetIndexBuilder::new();
        let mut offset = first;
        for page in &self.pages {
            index.append_row_count(page.rows as i64);
            index.append_offset_and_size(offset as i64, page.size.stored as i32);
            offset += page.size.stored;
        }
        index
    }
}

/// Whether texts of the column are characters, and not just bytes.
fn is_utf8(descr: &ColumnDescPtr) -> bool {
    matches!(descr.logical_type_ref(), Some(parquet::basic::LogicalType::String))
}

impl Length for Pages {
    fn len(&self) -> u64 {
        (self.dictionary.len() + self.data.len()) as u64
    }
}

impl ChunkReader for Pages {
    type T = bytes::buf::Reader<bytes::buf::Chain<Bytes, Bytes>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut both = self.dictionary.clone().chain(self.data.clone());
        both.advance((start as usize).min(both.remaining()));
        Ok(both.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut both = self.dictionary.clone().chain(self.data.clone());
        both.advance((start as usize).min(both.remaining()));
        Ok(both.copy_to_bytes(length.min(both.remaining())))
    }
}
