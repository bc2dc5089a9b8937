//! The inputs that the catalog keeps, with Glue's member names.
//!
//! Each structure has the members that our code reads, and `other` for everything else, so that
//! no member of the request model is lost, known here or not. Source: AWS Glue API Reference,
//! Data Catalog data types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// String parameters; ordered by key.
pub type Parameters = BTreeMap<String, String>;

/// What a database is made of (`DatabaseInput`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DatabaseInput {
    /// The name; lower case once stored.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where tables of this database live by default, for example `s3://bucket/prefix/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_uri: Option<String>,
    /// Properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a table is made of (`TableInput`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TableInput {
    /// The name; lower case once stored.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The owner's name, as the client gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_access_time: Option<Number>,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_analyzed_time: Option<Number>,
    /// Days; not enforced, as on AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<i64>,
    /// Columns, location and formats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_descriptor: Option<StorageDescriptor>,
    /// The partition keys, in order; empty or absent when the table is not partitioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_keys: Option<Vec<Column>>,
    /// A view's text as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_original_text: Option<String>,
    /// A view's text as it was expanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_expanded_text: Option<String>,
    /// `EXTERNAL_TABLE`, `VIRTUAL_VIEW`, `GOVERNED` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_type: Option<String>,
    /// Properties, for example `classification`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a partition is made of (`PartitionInput`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PartitionInput {
    /// A value for each partition key, in the order of the keys, as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_access_time: Option<Number>,
    /// Epoch seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_analyzed_time: Option<Number>,
    /// Columns, location and formats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_descriptor: Option<StorageDescriptor>,
    /// Properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How and where data is stored (`StorageDescriptor`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StorageDescriptor {
    /// The columns, without the partition keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Where the data is, for example `s3://bucket/prefix/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Further locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_locations: Option<Vec<String>>,
    /// Hadoop's input format class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_format: Option<String>,
    /// Hadoop's output format class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
    /// Whether the data is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed: Option<bool>,
    /// Number of buckets; −1 or 0 when not bucketed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_buckets: Option<i64>,
    /// The serializer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serde_info: Option<SerDeInfo>,
    /// Columns that the table is bucketed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_columns: Option<Vec<String>>,
    /// Sort order within buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_columns: Option<Vec<Order>>,
    /// Properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Skewed values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skewed_info: Option<SkewedInfo>,
    /// Whether skewed values have folders of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_as_sub_directories: Option<bool>,
    /// Every other member (`SchemaReference` too), as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A column or partition key (`Column`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Column {
    /// The name; lower case once stored.
    pub name: String,
    /// The Hive type, for example `array<struct<a:int>>`.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub column_type: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Column {
    /// A column of a name and a Hive type, and nothing else.
    pub fn new(name: impl Into<String>, column_type: impl Into<String>) -> Column {
        Column { name: name.into(), column_type: Some(column_type.into()), ..Column::default() }
    }

    /// The Hive type; `string` when none was given, as Hive reads it.
    pub fn hive_type(&self) -> &str {
        self.column_type.as_deref().unwrap_or("string")
    }
}

/// A serializer (`SerDeInfo`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SerDeInfo {
    /// A name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The class, for example `org.apache.hadoop.hive.serde2.OpenCSVSerde`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serialization_library: Option<String>,
    /// Its settings, for example `field.delim`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A sort column (`Order`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Order {
    /// The column.
    pub column: String,
    /// 1 ascending, 0 descending.
    pub sort_order: i64,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Skewed values (`SkewedInfo`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SkewedInfo {
    /// The skewed columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skewed_column_names: Option<Vec<String>>,
    /// The values that are skewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skewed_column_values: Option<Vec<String>>,
    /// Value → location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skewed_column_value_location_maps: Option<Parameters>,
    /// Every other member, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
