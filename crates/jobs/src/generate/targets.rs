//! Nodes that write files, and tables of the catalog.
//!
//! A table decides which columns are written, and as what, as on the engine: the script looks at it first.

use super::nodes::{Names, Options};
use super::python::{dictionary, flag, text, texts};
use super::{database, open};
use crate::graph::{
    BlockCodec, Compression, DeltaTarget, Destination, NodeKind, ParquetCodec, Target, UpdateBehavior,
    WriteFormat,
};

/// What scripts with targets of tables begin with.
pub(super) const TABLE_HEAD: &str = r#"
import boto3


def _as_table(frame, database, table, more, transformation_ctx):
    """The frame with the table's columns and types. Fields that the table lacks are left out, unless it gets them."""
    glue = boto3.client("glue")
    try:
        found = glue.get_table(DatabaseName=database, Name=table)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return frame
    df, columns, wider = frame.toDF(), [], ["tinyint", "smallint", "int", "bigint"]
    fields = {field.name.lower(): field for field in df.schema.fields}

    def of(field):
        return F.col("`" + field.name.replace("`", "``") + "`")

    def column(name, wanted, is_key):
        field = fields.pop(name.lower(), None)
        if field is None:
            if is_key:
                raise Exception(f"the table {database}.{table} is partitioned by {name}, which its input lacks")
            return F.lit(None).cast(wanted).alias(name)
        has = field.dataType.simpleString().replace("timestamp_ntz", "timestamp")
        grows = has in wider and wanted in wider[wider.index(has):] or (has, wanted) == ("float", "double")
        if has != wanted and not grows:
            raise Exception(f"{name} is {has}, and {wanted} in {database}.{table}: give it this type with an ApplyMapping")
        return of(field).cast(wanted).alias(name)

    for one in found["StorageDescriptor"]["Columns"]:
        columns.append(column(one["Name"], one["Type"].lower(), False))
    keys = [column(one["Name"], one["Type"].lower(), True) for one in found.get("PartitionKeys", [])]
    columns += [of(field) for field in fields.values()] if more else []
    return DynamicFrame.fromDF(df.select(*columns, *keys), glueContext, transformation_ctx)
"#;

/// Whether a node writes files that a table of the catalog describes.
pub(super) fn has_table(kind: &NodeKind) -> bool {
    let destination = kind.target().map(|target| &target.destination);
    matches!(destination, Some(Destination::Table { .. } | Destination::Path { catalog: Some(_), .. }))
}

/// The frame as the table takes it. It may get more columns when it is updated.
fn as_table(frame: &str, table: [&str; 2], update: Option<UpdateBehavior>, names: &Names<'_>) -> String {
    let [database, table] = table.map(text);
    let more = flag(update == Some(UpdateBehavior::UpdateInDatabase));
    format!("_as_table({frame}, {database}, {table}, {more}, {})", names.context())
}

pub(super) fn write(target: &Target, names: &Names<'_>) -> Result<String, String> {
    let keys = texts(target.partition_keys.iter().map(String::as_str));
    let mut frame = match &target.destination {
        Destination::Path { catalog: Some(update), .. } => {
            as_table(names.input(0)?, [&update.database, &update.table], Some(update.behavior), names)
        }
        Destination::Table { database, table, update } => {
            as_table(names.input(0)?, [database, table], *update, names)
        }
        _ => names.input(0)?.to_owned(),
    };
    if let Destination::Path { most_files: Some(most), .. }
    | Destination::Delta(DeltaTarget { most_files: Some(most), .. }) = &target.destination
    {
        frame = format!("{frame}.coalesce({most})");
    }
    match &target.destination {
        Destination::Path { path, format, catalog: None, .. } => {
            let (format, options) = write_format(*format);
            let place = dictionary([("path", text(&path.to_string())), ("partitionKeys", keys)]);
            Ok(format!(
                "glueContext.write_dynamic_frame.from_options(frame={frame}, connection_type=\"s3\", \
                 connection_options={place}, format=\"{format}\", format_options={}, transformation_ctx={})\n",
                dictionary(options),
                names.context()
            ))
        }
        Destination::Path { path, format, catalog: Some(update), .. } => {
            let (format, options) = write_format(*format);
            let behavior = behavior(update.behavior);
            let more: String = options.iter().map(|(name, value)| format!(", {name}={value}")).collect();
            let own = names.own()?;
            Ok(format!(
                "{own} = glueContext.getSink(path={}, connection_type=\"s3\", updateBehavior=\"{behavior}\", \
                 partitionKeys={keys}, enableUpdateCatalog=True, transformation_ctx={})\n\
                 {own}.setCatalogInfo(catalogDatabase={}, catalogTableName={})\n\
                 {own}.setFormat(\"{format}\"{more})\n\
                 {own}.writeFrame({frame})\n",
                text(&path.to_string()),
                names.context(),
                text(&update.database),
                text(&update.table),
            ))
        }
        Destination::Iceberg(to) => Ok(open::iceberg(to, &target.partition_keys, &frame, names)?),
        Destination::Delta(to) => Ok(open::delta(to, &target.partition_keys, &frame, names)?),
        Destination::Database(to) => Ok(database::write(to, &frame, names)),
        Destination::Table { database, table, update } => {
            // Without them those of the table.
            let mut options = Vec::new();
            if !target.partition_keys.is_empty() {
                options.push(("partitionKeys", keys));
            }
            if let Some(update) = update {
                options.push(("enableUpdateCatalog", flag(true)));
                options.push(("updateBehavior", text(behavior(*update))));
            }
            Ok(format!(
                "glueContext.write_dynamic_frame.from_catalog(frame={frame}, database={}, table_name={}, \
                 additional_options={}, transformation_ctx={})\n",
                text(database),
                text(table),
                dictionary(options),
                names.context()
            ))
        }
    }
}

pub(super) fn behavior(update: UpdateBehavior) -> &'static str {
    match update {
        UpdateBehavior::UpdateInDatabase => "UPDATE_IN_DATABASE",
        UpdateBehavior::Log => "LOG",
    }
}

fn write_format(format: WriteFormat) -> (&'static str, Options) {
    let compressed = |codec: Option<Compression>| {
        codec.map(|codec| ("compression", text(codec.name()))).into_iter().collect()
    };
    match format {
        WriteFormat::Parquet(codec) => ("parquet", vec![("compression", text(parquet_codec(codec)))]),
        WriteFormat::Csv(codec) => ("csv", compressed(codec)),
        WriteFormat::Json(codec) => ("json", compressed(codec)),
        // AWS Glue writes none; our library does.
        WriteFormat::Xml(codec) => ("xml", compressed(codec)),
        WriteFormat::Avro(codec) => ("avro", block(codec, "deflate")),
        WriteFormat::Orc(codec) => ("orc", block(codec, "zlib")),
    }
}

pub(super) fn parquet_codec(codec: ParquetCodec) -> &'static str {
    match codec {
        ParquetCodec::Snappy => "snappy",
        ParquetCodec::Gzip => "gzip",
        ParquetCodec::Zstd => "zstd",
        ParquetCodec::Uncompressed => "uncompressed",
    }
}

/// `deflate` is what the format calls it.
fn block(codec: BlockCodec, deflate: &str) -> Options {
    let name = match codec {
        BlockCodec::Snappy => "snappy",
        BlockCodec::Deflate => deflate,
        BlockCodec::Zstd => "zstd",
        BlockCodec::Bzip2 => "bzip2",
        BlockCodec::Xz => "xz",
        BlockCodec::Lz4 => "lz4",
        BlockCodec::Uncompressed => "uncompressed",
    };
    vec![("compression", text(name))]
}
