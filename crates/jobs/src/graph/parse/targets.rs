//! Target nodes.

use super::super::target::{BlockCodec, ParquetCodec, top_level};
use super::super::{
    CatalogUpdate, Compression, Destination, NodeKind, Target, UpdateBehavior, WriteFormat, raw,
};
use super::sources::require;
use super::{Parsed, field_path, s3_path};

pub(super) fn path(label: &str, raw: raw::Target) -> Parsed<NodeKind> {
    let path = s3_path("Path", &raw.path)?;
    let format =
        if label == "S3GlueParquetTarget" { "parquet" } else { raw.format.as_deref().unwrap_or_default() };
    let format = write_format(format, raw.compression.as_deref().unwrap_or_default())?;
    let partition_keys = partition_keys(raw.partition_keys)?;
    let catalog = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => Some(catalog_update(policy)?),
        _ => None,
    };
    Ok(NodeKind::Target(Target { destination: Destination::Path { path, format, catalog }, partition_keys }))
}

pub(super) fn table(raw: raw::Target) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    let partition_keys = partition_keys(raw.partition_keys)?;
    let update = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => {
            Some(behavior(policy.update_behavior.as_deref())?)
        }
        _ => None,
    };
    let destination = Destination::Table { database: raw.database, table: raw.table, update };
    Ok(NodeKind::Target(Target { destination, partition_keys }))
}

fn catalog_update(policy: raw::SchemaChangePolicy) -> Parsed<CatalogUpdate> {
    let behavior = behavior(policy.update_behavior.as_deref())?;
    match (policy.database, policy.table) {
        (Some(database), Some(table)) if !database.is_empty() && !table.is_empty() => {
            Ok(CatalogUpdate { database, table, behavior })
        }
        _ => Err("SchemaChangePolicy.EnableUpdateCatalog needs its Database and Table".to_owned()),
    }
}

fn behavior(text: Option<&str>) -> Parsed<UpdateBehavior> {
    match text {
        None | Some("UPDATE_IN_DATABASE") => Ok(UpdateBehavior::UpdateInDatabase),
        Some("LOG") => Ok(UpdateBehavior::Log),
        Some(other) => {
            Err(format!("SchemaChangePolicy.UpdateBehavior {other} is not one of UPDATE_IN_DATABASE, LOG"))
        }
    }
}

fn partition_keys(given: Option<Vec<Vec<String>>>) -> Parsed<Vec<String>> {
    let mut keys: Vec<String> = Vec::new();
    for path in given.unwrap_or_default() {
        let path = field_path("PartitionKeys", path)?;
        let Some(key) = top_level(&path) else {
            return Err(format!(
                "PartitionKeys {} is nested; only top-level fields can be keys",
                path.join(".")
            ));
        };
        if keys.iter().any(|known| known == key) {
            return Err(format!("PartitionKeys names {key} twice"));
        }
        keys.push(key.to_owned());
    }
    Ok(keys)
}

fn write_format(format: &str, compression: &str) -> Parsed<WriteFormat> {
    match format {
        "parquet" => Ok(WriteFormat::Parquet(codec(compression)?)),
        "csv" => Ok(WriteFormat::Csv(text_compression(compression)?)),
        "json" => Ok(WriteFormat::Json(text_compression(compression)?)),
        "avro" => Ok(WriteFormat::Avro(avro_codec(compression)?)),
        "orc" => Ok(WriteFormat::Orc(orc_codec(compression)?)),
        "" => Err("Format is missing".to_owned()),
        other => Err(format!("Format {other} is not supported; supported are parquet, avro, orc, csv, json")),
    }
}

fn codec(compression: &str) -> Parsed<ParquetCodec> {
    match compression {
        "" | "snappy" => Ok(ParquetCodec::Snappy),
        "gzip" => Ok(ParquetCodec::Gzip),
        "zstd" => Ok(ParquetCodec::Zstd),
        "uncompressed" | "none" => Ok(ParquetCodec::Uncompressed),
        other => Err(format!(
            "Compression {other} is not supported for parquet; supported are snappy, gzip, zstd, uncompressed"
        )),
    }
}

/// Spark's names and default.
fn avro_codec(compression: &str) -> Parsed<BlockCodec> {
    match compression {
        "" | "snappy" => Ok(BlockCodec::Snappy),
        "deflate" => Ok(BlockCodec::Deflate),
        "zstandard" | "zstd" => Ok(BlockCodec::Zstd),
        "bzip2" => Ok(BlockCodec::Bzip2),
        "xz" => Ok(BlockCodec::Xz),
        "uncompressed" | "none" => Ok(BlockCodec::Uncompressed),
        other => Err(format!(
            "Compression {other} is not supported for avro; supported are snappy, deflate, zstandard, bzip2, xz, \
             uncompressed"
        )),
    }
}

/// Spark's names and default.
fn orc_codec(compression: &str) -> Parsed<BlockCodec> {
    match compression {
        "" | "snappy" => Ok(BlockCodec::Snappy),
        "zlib" => Ok(BlockCodec::Deflate),
        "zstd" => Ok(BlockCodec::Zstd),
        "lz4" => Ok(BlockCodec::Lz4),
        "uncompressed" | "none" => Ok(BlockCodec::Uncompressed),
        other => Err(format!(
            "Compression {other} is not supported for orc; supported are snappy, zlib, zstd, lz4, uncompressed"
        )),
    }
}

fn text_compression(compression: &str) -> Parsed<Option<Compression>> {
    match compression {
        "" | "none" | "uncompressed" => Ok(None),
        "gzip" => Ok(Some(Compression::Gzip)),
        "bzip2" => Ok(Some(Compression::Bzip2)),
        other => {
            Err(format!("Compression {other} is not supported for text; supported are gzip, bzip2, none"))
        }
    }
}
