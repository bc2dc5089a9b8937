//! A planned table as the catalog's inputs, with the parameters that Glue's crawlers write.

use std::collections::HashSet;

use catalog::{Column, Parameters, PartitionInput, SerDeInfo, StorageDescriptor, TableInput};
use formats::hive::HiveType;
use formats::{InferredField, LineLayout, serde_info};

use super::reads::{self, Dialect, Files};
use super::survey::Found;
use crate::definition::Configuration;
use crate::plan::{Kind, Part, Shape};
use crate::words::named_some;

/// So many columns are named.
const NAMED: usize = 5;

/// Which crawler wrote a table.
pub(crate) const UPDATED_BY: &str = "UPDATED_BY_CRAWLER";
/// When a crawler found that the files are gone, epoch milliseconds.
pub(super) const DEPRECATED_BY: &str = "DEPRECATED_BY_CRAWLER";
/// Parameters that change with every file and say nothing about the definition.
pub(super) const STATISTICS: [&str; 7] = [
    "objectCount",
    "recordCount",
    "averageRecordSize",
    "sizeKey",
    "delta.lastUpdateVersion",
    "delta.lastCommitTimestamp",
    "last_commit_time_sync",
];

/// `s3://bucket/path`.
pub(super) fn location(bucket: &str, path: &str) -> String {
    format!("s3://{bucket}/{path}")
}

/// The files' columns with the names that a table gives them. A column that repeats a partition key could not be told from it: where columns
/// are found by name it is left out, in CSV it gets another name.
pub(super) fn named<'a>(
    kind: &Kind,
    keys: &[String],
    fields: &'a [InferredField],
) -> Vec<(String, &'a InferredField)> {
    let taken: HashSet<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    let mut found = Vec::with_capacity(fields.len());
    for field in fields {
        if !keys.contains(&field.name) {
            found.push((field.name.clone(), field));
        } else if let Kind::Csv { .. } = kind {
            let renamed = (0..).map(|n: u32| {
                format!("{}_data{}", field.name, if n == 0 { String::new() } else { n.to_string() })
            });
            let name = renamed.into_iter().find(|n| !taken.contains(n.as_str())).unwrap_or_default();
            found.push((name, field));
        }
    }
    found
}

/// Columns of the files, and remarks.
pub(super) fn columns(
    shape: &Shape,
    keys: &[String],
    fields: &[InferredField],
) -> (Vec<Column>, Vec<String>) {
    let named = named(&shape.kind, keys, fields);
    let mut notes: Vec<String> = Vec::new();
    for repeated in fields.iter().filter(|field| keys.contains(&field.name)) {
        let name = named.iter().find(|(_, field)| field.name == repeated.name).map(|(name, _)| name.as_str());
        let now = name.map_or("left out".to_owned(), |name| format!("named {name}"));
        notes.push(format!("column {} repeats a partition key: it is {now}", repeated.name));
    }
    let found = named.iter().map(|(name, field)| Column::new(name, field.ty.to_string())).collect();
    let taken: HashSet<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    notes.extend(shape.contradicting.iter().filter(|name| taken.contains(name.as_str())).map(|name| {
        format!("files contradict each other within the column {name}: queries on it refuse those that do not fit its type")
    }));
    notes.extend(choices(&shape.kind, &named));
    (found, notes)
}

/// A remark on columns whose values are of several types, of files whose values have types of their own.
fn choices(kind: &Kind, columns: &[(String, &InferredField)]) -> Option<String> {
    if !matches!(kind, Kind::Json | Kind::JsonPath(_) | Kind::Ion) {
        return None;
    }
    let mut found = Vec::new();
    for (name, field) in columns {
        field.seen.each_choice(name, &mut |place, types| {
            found.push(format!("{place} ({})", HiveType::Union(types.to_vec())));
        });
    }
    (!found.is_empty()).then(|| {
        format!(
            "values of several types in {}: as string a column holds them all, as text; a column of that type, which crawls with \
             MergeNewColumns keep, has those of JSON apart",
            named_some(&found, NAMED)
        )
    })
}

/// What the log says of a table whose files were not looked at to their ends.
pub(super) fn unseen(shape: &Shape) -> Option<String> {
    let (unseen, bytes) = (shape.unseen, shape.bytes);
    // More, where `SampleSize` passed over whole files; that has a line of its own.
    (unseen > 0).then(|| {
        format!(
            "at least {unseen} of its {bytes} bytes were not looked at: they are taken to be like the others"
        )
    })
}

/// What the log says of a table of whose files not all is as their format has it.
pub(super) fn uncertain(shape: &Shape) -> Option<String> {
    (shape.certainty < 1.0).then(|| {
        // Downwards: nothing is as certain as it is not.
        let percent = (shape.certainty * 1000.0).floor() / 10.0;
        format!(
            "classified as {} with a certainty of {percent} %, that of the file that fits least",
            shape.kind.words()
        )
    })
}

/// What the log says of a table of whose files only some were looked at.
pub(super) fn passed_over(found: &Found) -> Option<String> {
    let shape = &found.plan.shape;
    let (passed, sample) = (shape.passed_over, found.sample.filter(|_| shape.passed_over > 0)?);
    let example = shape.examples.passed_over.as_ref();
    let such = example.map(|key| format!(", such as {}", location(found.bucket.as_str(), key)));
    Some(format!(
        "with SampleSize {sample}, {passed} of its {} files were not looked at{}: of each folder the first {sample} by their \
         names were, the others are taken to be like them",
        shape.files,
        such.unwrap_or_default()
    ))
}

struct Sizes {
    files: u64,
    bytes: u64,
    records: u64,
}

fn parameters(crawler: &str, shape: &Shape, exclusions: &[String], sizes: &Sizes) -> Parameters {
    let mut all = Parameters::from([
        ("CrawlerSchemaDeserializerVersion".to_owned(), "1.0".to_owned()),
        ("CrawlerSchemaSerializerVersion".to_owned(), "1.0".to_owned()),
        (UPDATED_BY.to_owned(), crawler.to_owned()),
        ("typeOfData".to_owned(), "file".to_owned()),
        ("compressionType".to_owned(), shape.compression().to_owned()),
        ("averageRecordSize".to_owned(), shape.average_record().to_string()),
        ("objectCount".to_owned(), sizes.files.to_string()),
        ("recordCount".to_owned(), sizes.records.to_string()),
        ("sizeKey".to_owned(), sizes.bytes.to_string()),
    ]);
    if !exclusions.is_empty()
        && let Ok(text) = serde_json::to_string(exclusions)
    {
        all.insert("exclusions".to_owned(), text);
    }
    all.extend(parameters_of_kind(&shape.kind));
    if let Kind::Csv { .. } = &shape.kind {
        all.insert("areColumnsQuoted".to_owned(), shape.quoted.to_string());
    }
    all
}

/// Parameters that say how files are to be read.
pub(super) fn parameters_of_kind(kind: &Kind) -> Parameters {
    let mut all = Parameters::new();
    let classification = match kind {
        Kind::Csv { delimiter, header_lines, .. } => {
            all.insert("delimiter".to_owned(), char::from(*delimiter).to_string());
            all.insert("columnsOrdered".to_owned(), "true".to_owned());
            if *header_lines > 0 {
                all.insert("skip.header.line.count".to_owned(), header_lines.to_string());
            }
            "csv"
        }
        Kind::JsonPath(path) => {
            all.insert("jsonPath".to_owned(), path.as_str().to_owned());
            "json"
        }
        Kind::Json => "json",
        Kind::Parquet => "parquet",
        Kind::Avro => "avro",
        Kind::Orc => "orc",
        Kind::Excel { .. } => "excel",
        Kind::Ion => "ion",
        Kind::Xml(xml) => {
            all.insert("rowTag".to_owned(), xml.row_tag.clone());
            &xml.classification
        }
        Kind::Lines(lines) => {
            if let LineLayout::Grok { pattern, .. } = &lines.layout {
                all.insert("grokPattern".to_owned(), pattern.clone());
            }
            &lines.classification
        }
    };
    all.insert("classification".to_owned(), classification.to_owned());
    all
}

/// Tells the SerDe of a descriptor of the columns that it has now: some SerDes name them.
pub(super) fn tell_serde(descriptor: &mut StorageDescriptor, shape: &Shape) {
    let names: Vec<String> = descriptor.columns.iter().flatten().map(|c| c.name.clone()).collect();
    if let Some(serde) = descriptor.serde_info.as_mut() {
        let told = serde_info::describe(&shape.format(&names), &names).parameters;
        serde.parameters.get_or_insert_default().extend(told);
    }
}

fn descriptor(
    shape: &Shape,
    columns: Vec<Column>,
    location: String,
    parameters: Parameters,
) -> StorageDescriptor {
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let info = serde_info::describe(&shape.format(&names), &names);
    StorageDescriptor {
        columns: Some(columns),
        location: Some(location),
        input_format: Some(info.input_format).filter(|name| !name.is_empty()),
        output_format: Some(info.output_format).filter(|name| !name.is_empty()),
        compressed: Some(shape.compression() != "none"),
        number_of_buckets: Some(-1),
        serde_info: Some(SerDeInfo {
            serialization_library: Some(info.library).filter(|name| !name.is_empty()),
            parameters: Some(info.parameters),
            ..SerDeInfo::default()
        }),
        bucket_columns: Some(Vec::new()),
        sort_columns: Some(Vec::new()),
        parameters: Some(parameters),
        stored_as_sub_directories: Some(false),
        ..StorageDescriptor::default()
    }
}

/// A table without a name, of text that is no file but looks like one. `own`: what else its parameters say.
pub(crate) fn of_shape(shape: &Shape, location: String, own: Parameters) -> TableInput {
    let crawler = own.get(UPDATED_BY).cloned().unwrap_or_default();
    let sizes = Sizes { files: shape.files, bytes: shape.bytes, records: shape.records };
    let mut all = parameters(&crawler, shape, &[], &sizes);
    all.extend(own);
    let (columns, _) = columns(shape, &[], &shape.fields);
    TableInput {
        owner: Some("owner".to_owned()),
        retention: Some(0),
        storage_descriptor: Some(descriptor(shape, columns, location, all.clone())),
        partition_keys: Some(Vec::new()),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(all),
        ..TableInput::default()
    }
}

/// The table without a name, and remarks for the log.
pub(super) fn table(crawler: &str, found: &Found, settings: &Configuration) -> (TableInput, Vec<String>) {
    let plan = &found.plan;
    let (columns, notes) = columns(&plan.shape, &plan.keys, &plan.shape.fields);
    let sizes = Sizes { files: plan.shape.files, bytes: plan.shape.bytes, records: plan.shape.records };
    let parameters = parameters(crawler, &plan.shape, &found.exclusions, &sizes);
    let location = location(found.bucket.as_str(), &plan.path);
    let mut own = parameters.clone();
    if settings.marks_partition_filtering() && !plan.keys.is_empty() {
        own.insert("partition_filtering.enabled".to_owned(), "true".to_owned());
    }
    let input = TableInput {
        owner: Some("owner".to_owned()),
        retention: Some(0),
        storage_descriptor: Some(descriptor(&plan.shape, columns, location, parameters)),
        partition_keys: Some(plan.keys.iter().map(|key| Column::new(key, "string")).collect()),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(own),
        ..TableInput::default()
    };
    (input, notes)
}

/// `InheritFromTable`: a partition that has everything but its place from the table as the catalog has it; and its SerDe,
/// where the table's takes the quotes of its files for text.
pub(super) fn inherited(crawler: &str, found: &Found, part: &Part, table: &TableInput) -> PartitionInput {
    let own = partition(crawler, found, part);
    let mine = own.storage_descriptor.unwrap_or_default();
    let of_table = table.storage_descriptor.clone().unwrap_or_default();
    let files = Files::of_part(&found.plan.shape.kind, part);
    let parameters = table.parameters.as_ref();
    let quotes = part.quoted
        && parameters.is_some_and(|all| reads::dialect(&of_table, all, &files) == Dialect::Quotes);
    let serde_info = if quotes { mine.serde_info } else { of_table.serde_info.clone() };
    let (location, parameters) = (mine.location, mine.parameters);
    PartitionInput {
        storage_descriptor: Some(StorageDescriptor { location, parameters, serde_info, ..of_table }),
        ..PartitionInput { storage_descriptor: None, ..own }
    }
}

/// One partition; where columns are found by name, it has the table's.
pub(super) fn partition(crawler: &str, found: &Found, part: &Part) -> PartitionInput {
    let plan = &found.plan;
    let by_position = matches!(plan.shape.kind, Kind::Csv { .. });
    let fields = if by_position { &part.fields } else { &plan.shape.fields };
    let (columns, _) = columns(&plan.shape, &plan.keys, fields);
    let columns = typed_as_table(columns, found);
    let sizes = Sizes { files: part.files, bytes: part.bytes, records: part.records };
    let parameters = parameters(crawler, &plan.shape, &found.exclusions, &sizes);
    let location = location(found.bucket.as_str(), &part.folder);
    PartitionInput {
        values: part.values.clone(),
        storage_descriptor: Some(descriptor(&plan.shape, columns, location, parameters.clone())),
        parameters: Some(parameters),
        ..PartitionInput::default()
    }
}

/// A partition's columns have the table's types: readers refuse partitions whose types differ.
fn typed_as_table(mut columns: Vec<Column>, found: &Found) -> Vec<Column> {
    let (table, _) = self::columns(&found.plan.shape, &found.plan.keys, &found.plan.shape.fields);
    for column in &mut columns {
        if let Some(known) = table.iter().find(|c| c.name == column.name) {
            column.column_type.clone_from(&known.column_type);
        }
    }
    columns
}
