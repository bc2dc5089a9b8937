//! The nodes as they come over the wire, member for member. Only `parse` reads these.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Source {
    pub(super) database: String,
    pub(super) table: String,
    pub(super) partition_predicate: Option<String>,
    pub(super) paths: Vec<String>,
    pub(super) exclusions: Option<Vec<String>>,
    pub(super) recurse: Option<bool>,
    pub(super) additional_options: Option<SourceOptions>,
    pub(super) separator: Option<String>,
    pub(super) escaper: Option<String>,
    pub(super) quote_char: Option<String>,
    pub(super) with_header: Option<bool>,
    pub(super) skip_first: Option<bool>,
    pub(super) number_rows: Option<i64>,
    pub(super) skip_footer: Option<i64>,
    pub(super) connection_name: String,
    pub(super) connection_type: String,
    pub(super) connection_table: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SourceOptions {
    pub(super) job_bookmark_keys: Option<Vec<String>>,
    pub(super) job_bookmark_keys_sort_order: Option<String>,
    pub(super) bounded_size: Option<i64>,
    pub(super) bounded_files: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApplyMapping {
    pub(super) mapping: Vec<Mapping>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mapping {
    pub(super) to_key: Option<String>,
    pub(super) from_path: Option<Vec<String>>,
    pub(super) from_type: Option<String>,
    pub(super) to_type: Option<String>,
    pub(super) dropped: Option<bool>,
    pub(super) children: Option<Vec<Mapping>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Paths {
    pub(super) paths: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RenameField {
    pub(super) source_path: Vec<String>,
    pub(super) target_path: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) logical_operator: String,
    pub(super) filters: Vec<FilterExpression>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterExpression {
    pub(super) operation: String,
    pub(super) negated: Option<bool>,
    pub(super) values: Vec<FilterValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FilterValue {
    pub(super) r#type: String,
    pub(super) value: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Join {
    pub(super) join_type: String,
    pub(super) columns: Vec<JoinColumn>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JoinColumn {
    pub(super) from: String,
    pub(super) keys: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SparkSql {
    pub(super) sql_query: String,
    pub(super) sql_aliases: Vec<SqlAlias>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqlAlias {
    pub(super) from: String,
    pub(super) alias: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Aggregate {
    pub(super) groups: Vec<Vec<String>>,
    pub(super) aggs: Vec<AggregateOperation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AggregateOperation {
    pub(super) column: Vec<String>,
    pub(super) agg_func: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DropDuplicates {
    pub(super) columns: Option<Vec<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Union {
    pub(super) union_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Merge {
    pub(super) source: String,
    pub(super) primary_keys: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Route {
    pub(super) group_filters_list: Vec<GroupFilters>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupFilters {
    pub(super) group_name: String,
    pub(super) filters: Vec<FilterExpression>,
    pub(super) logical_operator: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SelectFromCollection {
    pub(super) index: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Spigot {
    pub(super) path: String,
    pub(super) topk: Option<i64>,
    pub(super) prob: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DropNullFields {
    pub(super) null_check_box_list: Option<NullCheckBoxList>,
    pub(super) null_text_list: Option<Vec<NullValueField>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NullCheckBoxList {
    pub(super) is_empty: bool,
    pub(super) is_null_string: bool,
    pub(super) is_neg_one: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NullValueField {
    pub(super) value: String,
    pub(super) datatype: Datatype,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Datatype {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FillMissingValues {
    pub(super) imputed_path: String,
    pub(super) filled_path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PiiDetection {
    pub(super) pii_type: String,
    pub(super) entity_types_to_detect: Vec<String>,
    pub(super) output_column_name: Option<String>,
    pub(super) sample_fraction: Option<f64>,
    pub(super) threshold_fraction: Option<f64>,
    pub(super) mask_value: Option<String>,
    pub(super) redact_char: Option<String>,
    pub(super) match_pattern: Option<String>,
    pub(super) num_left_chars_to_exclude: Option<i64>,
    pub(super) num_right_chars_to_exclude: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Target {
    pub(super) partition_keys: Option<Vec<Vec<String>>>,
    pub(super) path: String,
    pub(super) compression: Option<String>,
    pub(super) format: Option<String>,
    pub(super) number_target_partitions: Option<String>,
    pub(super) database: String,
    pub(super) table: String,
    pub(super) schema_change_policy: Option<SchemaChangePolicy>,
    pub(super) additional_options: Option<BTreeMap<String, String>>,
    pub(super) connection_name: String,
    pub(super) connection_table: String,
    pub(super) connection_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SchemaChangePolicy {
    pub(super) enable_update_catalog: Option<bool>,
    pub(super) update_behavior: Option<String>,
    pub(super) table: Option<String>,
    pub(super) database: Option<String>,
}
