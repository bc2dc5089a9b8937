//! The format of what a target writes, and how: as its node says, or its table.

use std::collections::BTreeMap;

use catalog::Table;
use formats::{
    AvroOptions, Compression, CsvOptions, Format, JsonOptions, OrcOptions, ParquetOptions, WriteOptions,
    XmlOptions, serde_info,
};

use crate::graph::{BlockCodec, Compression as TextCompression, ParquetCodec, WriteFormat};

/// The format of files, and how they are written.
pub(crate) fn formats_of(format: WriteFormat) -> (Format, WriteOptions) {
    let text = |compression: Option<TextCompression>| WriteOptions {
        compression: match compression {
            None => Compression::None,
            Some(TextCompression::Gzip) => Compression::Gzip,
            Some(TextCompression::Bzip2) => Compression::Bzip2,
            Some(TextCompression::Zstd) => Compression::Zstd,
            Some(TextCompression::Snappy) => Compression::HadoopSnappy,
            Some(TextCompression::Lz4) => Compression::HadoopLz4,
            Some(TextCompression::Xz) => Compression::Xz,
            Some(TextCompression::Deflate) => Compression::Zlib,
        },
        ..WriteOptions::default()
    };
    match format {
        WriteFormat::Csv(compression) => (Format::Csv(CsvOptions::standard()), text(compression)),
        WriteFormat::Json(compression) => (Format::Json(JsonOptions::default()), text(compression)),
        WriteFormat::Xml(compression) => (Format::Xml(XmlOptions::default()), text(compression)),
        WriteFormat::Avro(codec) => (Format::Avro(AvroOptions::default()), blocks(codec)),
        WriteFormat::Orc(codec) => (Format::Orc(OrcOptions::default()), blocks(codec)),
        WriteFormat::Parquet(codec) => {
            let parquet_codec = match codec {
                ParquetCodec::Snappy => formats::ParquetCodec::Snappy,
                ParquetCodec::Gzip => formats::ParquetCodec::Gzip,
                ParquetCodec::Zstd => formats::ParquetCodec::Zstd,
                ParquetCodec::Uncompressed => formats::ParquetCodec::Uncompressed,
            };
            (
                Format::Parquet(ParquetOptions::default()),
                WriteOptions { parquet_codec, ..WriteOptions::default() },
            )
        }
    }
}

fn blocks(codec: BlockCodec) -> WriteOptions {
    let compression = match codec {
        BlockCodec::Snappy => Compression::Snappy,
        BlockCodec::Deflate => Compression::Zlib,
        BlockCodec::Zstd => Compression::Zstd,
        BlockCodec::Bzip2 => Compression::Bzip2,
        BlockCodec::Xz => Compression::Xz,
        BlockCodec::Lz4 => Compression::Lz4,
        BlockCodec::Uncompressed => Compression::None,
    };
    WriteOptions { compression, ..WriteOptions::default() }
}

/// The format that a table's files have to be written in.
pub(super) fn table_format(table: &Table) -> Result<Format, String> {
    let input = table.storage_descriptor().and_then(|descriptor| descriptor.input_format.as_deref());
    if input == Some(serde_info::SYMLINK_INPUT) {
        return Err("the table's files are named by manifests of symlinks, which are not written".to_owned());
    }
    let serde = table.serde_info().cloned().unwrap_or_default();
    let library = serde.serialization_library.unwrap_or_default();
    let parameters = table.parameters().cloned().unwrap_or_default();
    let own: BTreeMap<String, String> = serde.parameters.unwrap_or_default();
    if library.is_empty() && serde_info::is_xml(&own, &parameters) {
        return serde_info::xml_of(&own, &parameters).map_err(|error| format!("the table: {error}"));
    }
    if library.is_empty() {
        return match parameters.get("classification").map(String::as_str) {
            Some("parquet") => Ok(Format::Parquet(ParquetOptions::default())),
            Some("avro") => Ok(Format::Avro(AvroOptions::default())),
            Some("orc") => Ok(Format::Orc(OrcOptions::default())),
            _ => Err("the table has no SerDe, so the format of its files is not known".to_owned()),
        };
    }
    let names = table.columns().iter().map(|column| column.name.clone()).collect();
    let format = serde_info::format_of(&library, &own, &parameters, names)
        .map_err(|error| format!("the table: {error}"))?;
    let is_cloudtrail = input == Some(serde_info::CLOUDTRAIL_INPUT);
    Ok(if is_cloudtrail { serde_info::within_cloudtrail(format) } else { format })
}

pub(super) fn has_header(format: &Format) -> bool {
    matches!(format, Format::Csv(csv) if csv.header_lines > 0)
}
