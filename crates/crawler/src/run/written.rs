//! What people wrote about a table or partition, which stays whatever a crawl finds.
//!
//! A crawler owns what it derives: names and types of columns, partition keys, location, SerDe, and its own parameters. Those
//! that it has no use for any more go; everything else is kept as it is.

use catalog::{Column, Parameters, PartitionInput, StorageDescriptor, TableInput};

use super::describe::{DEPRECATED_BY, STATISTICS, UPDATED_BY};

/// Parameters that crawlers write; besides those of [`STATISTICS`].
const DERIVED: [&str; 23] = [
    UPDATED_BY,
    DEPRECATED_BY,
    "CrawlerSchemaDeserializerVersion",
    "CrawlerSchemaSerializerVersion",
    "apiHeaders",
    "apiPaging",
    "apiPath",
    "apiRecordPath",
    "apiStoppedAt",
    "areColumnsQuoted",
    "classification",
    "columnsOrdered",
    "compressionType",
    "delimiter",
    "exclusions",
    "grokPattern",
    "hashKey",
    "jsonPath",
    "previous_metadata_location",
    "rangeKey",
    "rowTag",
    "skip.header.line.count",
    "typeOfData",
];
/// What Spark's parts of a schema begin with.
const SPARK_SCHEMA: &str = "spark.sql.sources.schema.";
/// What a table of partitions gets by the crawler's configuration.
const FILTERING: &str = "partition_filtering.enabled";

fn is_derived(name: &str) -> bool {
    DERIVED.contains(&name)
        || STATISTICS.contains(&name)
        || name.starts_with(SPARK_SCHEMA)
        || name == FILTERING
}

fn is_derived_of_column(name: &str) -> bool {
    name == "rawType" || name.starts_with("iceberg.field.")
}

/// Gives a table that is to be written what people wrote about the one that is there.
pub(super) fn keep(input: &mut TableInput, old: &TableInput) {
    let new = std::mem::take(input);
    let mut descriptor = new.storage_descriptor;
    if let Some(descriptor) = descriptor.as_mut() {
        keep_descriptor(descriptor, old.storage_descriptor.as_ref());
    }
    let mut keys = new.partition_keys;
    columns(keys.as_deref_mut().unwrap_or_default(), old.partition_keys.as_deref().unwrap_or_default());
    *input = TableInput {
        name: new.name,
        description: new.description.or_else(|| old.description.clone()),
        owner: old.owner.clone().or(new.owner),
        retention: old.retention.or(new.retention),
        storage_descriptor: descriptor,
        partition_keys: keys,
        table_type: old.table_type.clone().or(new.table_type),
        parameters: parameters(new.parameters, old.parameters.as_ref()),
        ..old.clone()
    };
}

/// The same for a partition.
pub(super) fn keep_of_partition(input: &mut PartitionInput, old: &PartitionInput) {
    let new = std::mem::take(input);
    let mut descriptor = new.storage_descriptor;
    if let Some(descriptor) = descriptor.as_mut() {
        keep_descriptor(descriptor, old.storage_descriptor.as_ref());
    }
    *input = PartitionInput {
        values: new.values,
        storage_descriptor: descriptor,
        parameters: parameters(new.parameters, old.parameters.as_ref()),
        ..old.clone()
    };
}

fn keep_descriptor(new: &mut StorageDescriptor, old: Option<&StorageDescriptor>) {
    let Some(old) = old else { return };
    columns(new.columns.as_deref_mut().unwrap_or_default(), old.columns.as_deref().unwrap_or_default());
    new.parameters = parameters(new.parameters.take(), old.parameters.as_ref());
}

fn parameters(new: Option<Parameters>, old: Option<&Parameters>) -> Option<Parameters> {
    let own = old.into_iter().flatten().filter(|(name, _)| !is_derived(name));
    let mut all: Parameters = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    if new.is_none() && all.is_empty() {
        return None;
    }
    all.extend(new.unwrap_or_default());
    Some(all)
}

/// Columns that stay keep what was said of them.
pub(super) fn columns(new: &mut [Column], old: &[Column]) {
    let known: std::collections::HashMap<String, &Column> =
        old.iter().map(|column| (column.name.to_lowercase(), column)).collect();
    for column in new {
        let Some(old) = known.get(&column.name.to_lowercase()) else { continue };
        column.comment = column.comment.take().or_else(|| old.comment.clone());
        let said = old.parameters.iter().flatten().filter(|(name, _)| !is_derived_of_column(name));
        for (name, value) in said {
            let all = column.parameters.get_or_insert_default();
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (name, value) in &old.other {
            column.other.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_goes_and_what_was_written_stays() {
        let parameters = |pairs: &[(&str, &str)]| -> Option<Parameters> {
            Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let comment = |text: &str| Column { comment: Some(text.to_owned()), ..Column::new("a", "int") };
        let old = TableInput {
            description: Some("words".to_owned()),
            owner: Some("ann".to_owned()),
            retention: Some(7),
            partition_keys: Some(vec![Column { name: "k".to_owned(), ..comment("key") }]),
            storage_descriptor: Some(StorageDescriptor {
                columns: Some(vec![comment("said"), Column::new("gone", "int")]),
                ..StorageDescriptor::default()
            }),
            parameters: parameters(&[("mine", "1"), ("delimiter", ","), (DEPRECATED_BY, "5")]),
            ..TableInput::default()
        };
        let mut input = TableInput {
            name: "t".to_owned(),
            owner: Some("owner".to_owned()),
            retention: Some(0),
            partition_keys: Some(vec![Column::new("k", "string")]),
            storage_descriptor: Some(StorageDescriptor {
                columns: Some(vec![Column::new("a", "bigint"), Column::new("b", "int")]),
                ..StorageDescriptor::default()
            }),
            parameters: parameters(&[("classification", "json")]),
            ..TableInput::default()
        };
        keep(&mut input, &old);
        assert_eq!((input.name.as_str(), input.description.as_deref()), ("t", Some("words")));
        assert_eq!((input.owner.as_deref(), input.retention), (Some("ann"), Some(7)));
        assert_eq!(input.parameters, parameters(&[("mine", "1"), ("classification", "json")]));
        let columns = input.storage_descriptor.unwrap().columns.unwrap();
        assert_eq!((columns[0].hive_type(), columns[0].comment.as_deref()), ("bigint", Some("said")));
        assert_eq!((columns.len(), columns[1].comment.as_deref()), (2, None));
        assert_eq!(input.partition_keys.unwrap()[0].comment.as_deref(), Some("key"));
    }
}
