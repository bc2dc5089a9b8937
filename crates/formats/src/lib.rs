//! Readers, writers and schema inference for files, on Arrow alone (no query engine, no storage).
//!
//! Bytes come from a [`ByteSource`] and go to a [`ByteSink`]; what lies behind them is the caller's affair.
//!
//! - [`infer`] looks at the head of one file and says what it is: format, dialect, columns with Hive types.
//! - [`read`] streams one byte range of a file as record batches of the wanted columns; [`plan_splits`] cuts
//!   a file into ranges that can be read apart and give, together, every row exactly once.
//! - [`Writer`] writes record batches as CSV, JSON lines, Parquet, Avro or ORC.
//! - [`order`] sorts the rows of many batches, on all threads.
//! - [`hive`] holds the Hive type grammar and its mapping to Arrow; [`serde_info`] maps a [`Format`] to the
//!   input format, SerDe library and parameters that the Glue Data Catalog stores, and back.
//!
//! Invariants: no input makes this crate panic; memory is bounded by the record limit
//! ([`ReadOptions::max_record_bytes`]) and the batch size, never by the file; whatever cannot be read is an
//! error that names file, line, row, byte offset and column where known, never a silently different row.
//! What "malformed" means is a policy of each dialect (see [`CsvOptions`] and [`JsonOptions`]), because the
//! Hive SerDes answer NULL where a job's source reports a bad record.

mod archive;
mod avro;
mod builder;
mod compression;
mod conform;
mod csv;
mod encoding;
mod error;
mod excel;
pub mod hive;
mod infer;
mod input;
mod ion;
mod json;
mod lines;
mod options;
mod orc;
pub mod order;
mod parquet;
mod read;
pub mod serde_info;
mod source;
mod texts;
mod write;
mod xml;

pub use builder::{cast_text, casts_text_to};
pub use compression::Compression;
pub use conform::{Spelling, conform, not_conforming};
pub use csv::starts::RecordStarts;
pub use encoding::Encoding;
pub use error::{FormatError, Place, Problem};
pub use infer::{
    CsvHints, Detected, Header, InferOptions, Inferred, InferredField, Search, Seen, as_elements_of, infer,
    merge_seen, merge_types, merge_unions,
};
pub use ion::path::{IonPath, IonPathError};
pub use json::path::{JsonPath, JsonPathError};
pub use lines::grok::{Pattern, PatternError, PatternField};
pub use options::{
    AvroOptions, BadRecordSink, BadRecords, ColumnNames, CsvOptions, ExcelOptions, Format, IonOptions,
    JsonLayout, JsonOptions, LineLayout, LineOptions, Malformed, OnBadRecord, OrcOptions, ParquetOptions,
    Ragged, RaggedLines, ReadOptions, RowFilter, Strictness, XmlOptions,
};
pub use parquet::{ParquetSummary, check_parquet_extent, parquet_summary};
pub use read::{BatchStream, plan_splits, read};
pub use source::{ByteSink, ByteSource, FileSource, LocalBytes, MemorySink, MemorySource};
pub use write::{
    Finished, Group, Naming, ParquetCodec, Part, Partitions, Router, Scratch, WriteOptions, Writer,
    check_writable,
};
