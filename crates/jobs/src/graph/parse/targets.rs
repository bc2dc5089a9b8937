//! Target nodes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use ::sources::jdbc::Engine;

use super::super::target::{BlockCodec, ParquetCodec, top_level};
use super::super::{
    CatalogUpdate, Compression, DatabasePlace, DatabaseTarget, DeltaTarget, Destination, IcebergTarget,
    NodeKind, SaveMode, Target, UpdateBehavior, WriteFormat, raw,
};
use crate::arguments;

use super::sources::{engine, place, require};
use super::{Parsed, field_path, s3_path};

pub(in crate::graph) fn path(raw: raw::Target) -> Parsed<NodeKind> {
    let format = raw.format.clone().unwrap_or_default();
    files(&format, raw)
}

pub(in crate::graph) fn parquet(raw: raw::Target) -> Parsed<NodeKind> {
    files("parquet", raw)
}

fn files(format: &str, raw: raw::Target) -> Parsed<NodeKind> {
    let path = s3_path("Path", &raw.path)?;
    let format = write_format(format, raw.compression.as_deref().unwrap_or_default())?;
    let most_files = most_files(raw.number_target_partitions.as_deref())?;
    let partition_keys = partition_keys(raw.partition_keys)?;
    let catalog = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => Some(catalog_update(policy)?),
        _ => None,
    };
    let destination = Destination::Path { path, format, catalog, most_files };
    Ok(NodeKind::Target(Target { destination, partition_keys }))
}

pub(in crate::graph) fn table(raw: raw::Target) -> Parsed<NodeKind> {
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

/// A table of a database that the catalog knows.
pub(in crate::graph) fn database(engine: Engine, raw: raw::Target) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    Ok(of_database(engine, DatabasePlace::Catalog { database: raw.database, table: raw.table }))
}

/// A table of the database behind a connection.
pub(in crate::graph) fn connection(raw: raw::Target) -> Parsed<NodeKind> {
    require("ConnectionName", &raw.connection_name)?;
    require("ConnectionTable", &raw.connection_table)?;
    let engine = engine(&raw.connection_type)?;
    let (schema, table) = place("ConnectionTable", engine, &raw.connection_table)?;
    let connection = raw.connection_name;
    Ok(of_database(engine, DatabasePlace::Connection { connection, schema, table }))
}

fn of_database(engine: Engine, place: DatabasePlace) -> NodeKind {
    let destination = Destination::Database(DatabaseTarget { engine, place });
    NodeKind::Target(Target { destination, partition_keys: Vec::new() })
}

/// An Iceberg table at a path: it is a table of the catalog, or nobody would find its metadata.
pub(in crate::graph) fn iceberg_path(raw: raw::Target) -> Parsed<NodeKind> {
    let path = s3_path("Path", &raw.path)?;
    match raw.format.as_deref() {
        Some("iceberg") => {}
        other => return Err(format!("Format {} is not iceberg", other.unwrap_or_default())),
    }
    let update = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => catalog_update(policy)?,
        _ => {
            return Err(
                "an Iceberg table is one of the catalog: SchemaChangePolicy needs EnableUpdateCatalog, \
                         Database and Table"
                    .to_owned(),
            );
        }
    };
    let codec = iceberg_codec(raw.compression.as_deref())?;
    let CatalogUpdate { database, table, behavior } = update;
    let leave_out = behavior == UpdateBehavior::Log;
    let options = raw.additional_options.unwrap_or_default();
    let ((mode, keys), file_bytes) = (save_mode(&options)?, file_bytes(&options)?);
    let path = Some(path);
    iceberg(
        raw.partition_keys,
        IcebergTarget { database, table, path, codec, leave_out, mode, keys, file_bytes },
    )
}

/// An existing Iceberg table.
pub(in crate::graph) fn iceberg_table(raw: raw::Target) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    let behavior = raw.schema_change_policy.and_then(|policy| policy.update_behavior);
    let leave_out = match behavior {
        None => false,
        given => self::behavior(given.as_deref())? == UpdateBehavior::Log,
    };
    let (database, table, codec) = (raw.database, raw.table, ParquetCodec::Snappy);
    let options = raw.additional_options.unwrap_or_default();
    let ((mode, keys), file_bytes) = (save_mode(&options)?, file_bytes(&options)?);
    let path = None;
    iceberg(
        raw.partition_keys,
        IcebergTarget { database, table, path, codec, leave_out, mode, keys, file_bytes },
    )
}

/// A Delta table at a path, with or without a table of the catalog.
pub(in crate::graph) fn delta_path(raw: raw::Target) -> Parsed<NodeKind> {
    let path = s3_path("Path", &raw.path)?;
    match raw.format.as_deref() {
        Some("delta") => {}
        other => return Err(format!("Format {} is not delta", other.unwrap_or_default())),
    }
    let codec = match raw.compression.as_deref().unwrap_or_default() {
        "" | "snappy" => ParquetCodec::Snappy,
        "uncompressed" => ParquetCodec::Uncompressed,
        other => {
            return Err(format!("Compression {other} is not supported; supported are snappy, uncompressed"));
        }
    };
    let (table, behavior) = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => {
            let CatalogUpdate { database, table, behavior } = catalog_update(policy)?;
            (Some((database, table)), Some(behavior))
        }
        _ => (None, None),
    };
    let mode = delta_mode(&raw.additional_options.unwrap_or_default())?;
    let most_files = most_files(raw.number_target_partitions.as_deref())?;
    delta(raw.partition_keys, DeltaTarget { path: Some(path), table, behavior, codec, mode, most_files })
}

/// An existing Delta table of the catalog.
pub(in crate::graph) fn delta_table(raw: raw::Target) -> Parsed<NodeKind> {
    require("Database", &raw.database)?;
    require("Table", &raw.table)?;
    let behavior = match raw.schema_change_policy {
        Some(policy) if policy.enable_update_catalog == Some(true) => {
            Some(behavior(policy.update_behavior.as_deref())?)
        }
        _ => None,
    };
    let mode = delta_mode(&raw.additional_options.unwrap_or_default())?;
    let (table, codec) = (Some((raw.database, raw.table)), ParquetCodec::Snappy);
    delta(raw.partition_keys, DeltaTarget { path: None, table, behavior, codec, mode, most_files: None })
}

fn delta(keys: Option<Vec<Vec<String>>>, target: DeltaTarget) -> Parsed<NodeKind> {
    let partition_keys = partition_keys(keys)?;
    Ok(NodeKind::Target(Target { destination: Destination::Delta(target), partition_keys }))
}

/// As of Iceberg tables, without upserts.
fn delta_mode(options: &BTreeMap<String, String>) -> Parsed<SaveMode> {
    if options.get("mode").is_some_and(|mode| mode == "upsert") {
        let what = "AdditionalOptions.mode upsert is built for Iceberg tables only; Delta tables are appended to and overwritten";
        return Err(what.to_owned());
    }
    save_mode(options).map(|(mode, _)| mode)
}

fn iceberg(keys: Option<Vec<Vec<String>>>, target: IcebergTarget) -> Parsed<NodeKind> {
    let partition_keys = partition_keys(keys)?;
    Ok(NodeKind::Target(Target { destination: Destination::Iceberg(target), partition_keys }))
}

/// The options `mode` and `partitionOverwriteMode`, which are Spark's, and the `keys` of an upsert, which is ours.
fn save_mode(options: &BTreeMap<String, String>) -> Parsed<(SaveMode, Vec<String>)> {
    let option = |name: &str| options.get(name).map(String::as_str);
    let mode = option("mode").unwrap_or("append");
    if mode != "overwrite" && option("partitionOverwriteMode").is_some() {
        return Err("AdditionalOptions.partitionOverwriteMode needs the mode overwrite beside it".to_owned());
    }
    if mode != "upsert" && option("keys").is_some() {
        return Err("AdditionalOptions.keys needs the mode upsert beside it".to_owned());
    }
    match (mode, option("partitionOverwriteMode")) {
        ("append", _) => Ok((SaveMode::Append, Vec::new())),
        ("upsert", _) => Ok((SaveMode::Upsert, upsert_keys(option("keys"))?)),
        ("overwrite", None | Some("static")) => Ok((SaveMode::Overwrite, Vec::new())),
        ("overwrite", Some("dynamic")) => Ok((SaveMode::OverwritePartitions, Vec::new())),
        ("overwrite", Some(other)) => {
            Err(format!("AdditionalOptions.partitionOverwriteMode {other} is not one of static, dynamic"))
        }
        (other, _) => Err(format!("AdditionalOptions.mode {other} is not one of append, overwrite, upsert")),
    }
}

fn upsert_keys(keys: Option<&str>) -> Parsed<Vec<String>> {
    let keys: Vec<String> = keys.unwrap_or_default().split(',').map(|key| key.trim().to_owned()).collect();
    match keys.iter().any(String::is_empty) {
        true => Err("the mode upsert needs AdditionalOptions.keys: the columns whose values tell rows apart, separated \
                     by commas"
            .to_owned()),
        false => Ok(keys),
    }
}

/// The option `target-file-size-bytes` of Iceberg's writer in Spark.
fn file_bytes(options: &BTreeMap<String, String>) -> Parsed<Option<u64>> {
    let bytes = options.get("target-file-size-bytes").map(|text| arguments::file_bytes(text)).transpose();
    bytes.map_err(|what| format!("AdditionalOptions.target-file-size-bytes {what}"))
}

fn iceberg_codec(compression: Option<&str>) -> Parsed<ParquetCodec> {
    match compression.unwrap_or_default() {
        "" | "snappy" => Ok(ParquetCodec::Snappy),
        "gzip" => Ok(ParquetCodec::Gzip),
        "uncompressed" => Ok(ParquetCodec::Uncompressed),
        other => {
            Err(format!("Compression {other} is not supported; supported are snappy, gzip, uncompressed"))
        }
    }
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

/// None, and 0, leave it to the writer.
fn most_files(text: Option<&str>) -> Parsed<Option<NonZeroUsize>> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(count) => Ok(NonZeroUsize::new(count)),
        Err(_) => Err(format!("NumberTargetPartitions {text} is not a whole number")),
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

/// A format and its compression by their names; an empty compression is the format's default.
pub(crate) fn write_format(format: &str, compression: &str) -> Parsed<WriteFormat> {
    match format {
        "parquet" => Ok(WriteFormat::Parquet(codec(compression)?)),
        "csv" => Ok(WriteFormat::Csv(text_compression(compression)?)),
        "json" => Ok(WriteFormat::Json(text_compression(compression)?)),
        "xml" => Ok(WriteFormat::Xml(text_compression(compression)?)),
        "avro" => Ok(WriteFormat::Avro(avro_codec(compression)?)),
        "orc" => Ok(WriteFormat::Orc(orc_codec(compression)?)),
        "" => Err("Format is missing".to_owned()),
        other => {
            Err(format!("Format {other} is not supported; supported are parquet, avro, orc, csv, json, xml"))
        }
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
        "zstd" | "zstandard" => Ok(Some(Compression::Zstd)),
        "snappy" => Ok(Some(Compression::Snappy)),
        "lz4" => Ok(Some(Compression::Lz4)),
        "xz" => Ok(Some(Compression::Xz)),
        "deflate" | "zlib" => Ok(Some(Compression::Deflate)),
        other => Err(format!(
            "Compression {other} is not supported for text; supported are gzip, bzip2, zstd, snappy, lz4, xz, deflate, none"
        )),
    }
}
