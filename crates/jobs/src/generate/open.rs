//! Nodes that write tables of Iceberg and Delta: the calls name what the nodes do, and the server commits for both.

use super::nodes::{Names, Options};
use super::python::{dictionary, flag, text, texts};
use super::targets::{behavior, parquet_codec};
use crate::graph::{DeltaTarget, IcebergTarget, S3Path, SaveMode, UpdateBehavior};

/// What a table at a path is written as.
struct AtPath<'a> {
    format: &'static str,
    path: &'a S3Path,
    codec: &'static str,
    /// What the table's writer is told.
    more: Options,
}

pub(super) fn iceberg(
    to: &IcebergTarget,
    keys: &[String],
    frame: &str,
    names: &Names<'_>,
) -> Result<String, String> {
    let update = if to.leave_out { UpdateBehavior::Log } else { UpdateBehavior::UpdateInDatabase };
    let mut more = modes(to.mode);
    if !to.keys.is_empty() {
        more.push(("keys", text(&to.keys.join(","))));
    }
    if let Some(bytes) = to.file_bytes {
        more.push(("target-file-size-bytes", text(&bytes.to_string())));
    }
    let table = [to.database.as_str(), to.table.as_str()];
    let Some(path) = &to.path else {
        return Ok(into_table(table, Some(update), keys, more, frame, names));
    };
    let at = AtPath { format: "iceberg", path, codec: parquet_codec(to.codec), more };
    sink(&at, table, update, keys, frame, names)
}

pub(super) fn delta(
    to: &DeltaTarget,
    keys: &[String],
    frame: &str,
    names: &Names<'_>,
) -> Result<String, String> {
    let more = modes(to.mode);
    let table = to.table.as_ref().map(|(database, table)| [database.as_str(), table.as_str()]);
    let at = to.path.as_ref().map(|path| (path, parquet_codec(to.codec)));
    match (at, table) {
        (Some((path, codec)), Some(table)) => {
            let update = to.behavior.unwrap_or(UpdateBehavior::Log);
            sink(&AtPath { format: "delta", path, codec, more }, table, update, keys, frame, names)
        }
        (Some((path, codec)), None) => {
            let at = AtPath { format: "delta", path, codec, more };
            Ok(files(&at, keys, frame, names))
        }
        (None, Some(table)) => Ok(into_table(table, to.behavior, keys, more, frame, names)),
        (None, None) => Err("it names neither a path nor a table".to_owned()),
    }
}

/// What becomes of the rows that the table has.
fn modes(mode: SaveMode) -> Options {
    match mode {
        SaveMode::Append => Vec::new(),
        SaveMode::Overwrite => vec![("mode", text("overwrite"))],
        SaveMode::OverwritePartitions => {
            vec![("mode", text("overwrite")), ("partitionOverwriteMode", text("dynamic"))]
        }
        SaveMode::Upsert => vec![("mode", text("upsert"))],
    }
}

fn all(keys: &[String]) -> String {
    texts(keys.iter().map(String::as_str))
}

/// A table at a path, which is one of the catalog, too.
fn sink(
    at: &AtPath<'_>,
    [database, table]: [&str; 2],
    update: UpdateBehavior,
    keys: &[String],
    frame: &str,
    names: &Names<'_>,
) -> Result<String, String> {
    let (own, behavior) = (names.own()?, behavior(update));
    let (path, keys, context) = (text(&at.path.to_string()), all(keys), names.context());
    let more = match at.more.is_empty() {
        true => String::new(),
        // Some of their names are none that Python takes.
        false => format!(", **{}", dictionary(at.more.clone())),
    };
    Ok(format!(
        "{own} = glueContext.getSink(path={path}, connection_type=\"s3\", updateBehavior=\"{behavior}\", \
         partitionKeys={keys}, enableUpdateCatalog=True, transformation_ctx={context}{more})\n\
         {own}.setCatalogInfo(catalogDatabase={}, catalogTableName={})\n\
         {own}.setFormat(\"{}\", compression=\"{}\")\n\
         {own}.writeFrame({frame})\n",
        text(database),
        text(table),
        at.format,
        at.codec,
    ))
}

/// A table that the catalog does not know.
fn files(at: &AtPath<'_>, keys: &[String], frame: &str, names: &Names<'_>) -> String {
    let mut options = vec![("path", text(&at.path.to_string())), ("partitionKeys", all(keys))];
    options.extend(at.more.clone());
    format!(
        "glueContext.write_dynamic_frame.from_options(frame={frame}, connection_type=\"s3\", connection_options={}, \
         format=\"{}\", format_options={}, transformation_ctx={})\n",
        dictionary(options),
        at.format,
        dictionary([("compression", text(at.codec))]),
        names.context()
    )
}

/// A table that is there.
fn into_table(
    [database, table]: [&str; 2],
    update: Option<UpdateBehavior>,
    keys: &[String],
    more: Options,
    frame: &str,
    names: &Names<'_>,
) -> String {
    let mut options: Options = Vec::new();
    if !keys.is_empty() {
        options.push(("partitionKeys", all(keys)));
    }
    if let Some(update) = update {
        options.push(("enableUpdateCatalog", flag(true)));
        options.push(("updateBehavior", text(behavior(update))));
    }
    options.extend(more);
    format!(
        "glueContext.write_data_frame.from_catalog(frame={frame}.toDF(), database={}, table_name={}, \
         additional_options={}, transformation_ctx={})\n",
        text(database),
        text(table),
        dictionary(options),
        names.context()
    )
}
