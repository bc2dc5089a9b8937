//! Mappings from one table to others, and the script that carries them out.
//!
//! A mapping is made of every field of the source: those within structures by their paths, arrays and maps as a whole. Types
//! are those of dynamic frames (`long`, not `bigint`).

use formats::hive::HiveType;
use serde::{Deserialize, Serialize};

use super::{Arg, Dag, DagEdge, DagNode, create};
use crate::JobsError;
use crate::generate::python::{list, segment, text, texts};

/// How one field goes from table to table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MappingEntry {
    /// The source table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_table: Option<String>,
    /// The field, with dots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    /// The table that it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_table: Option<String>,
    /// The field that it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// The type that it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
}

/// A table's columns, partition keys included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The table's name.
    pub table: String,
    /// Names and Hive types.
    pub columns: Vec<(String, String)>,
}

/// A table of the catalog, by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// Its database.
    pub database_name: String,
    /// Its name.
    pub table_name: String,
}

/// Where to write, when not to a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Location {
    /// `path` and `format`.
    pub s3: Vec<Arg>,
}

/// Where a plan writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To a table of the catalog.
    Table(Entry),
    /// To files.
    Files(Location),
}

/// The mappings of a source's fields to each of the sinks, as far as these have a field of the same name; without sinks to
/// themselves.
///
/// # Errors
/// `InvalidInput` for a column whose type is none.
pub fn mappings(source: &Columns, sinks: &[Columns]) -> Result<Vec<MappingEntry>, JobsError> {
    let fields = fields(source)?;
    let mut entries = Vec::new();
    let targets: Vec<&Columns> = if sinks.is_empty() { vec![source] } else { sinks.iter().collect() };
    for target in targets {
        let known = self::fields(target)?;
        for (path, found) in &fields {
            let Some((to, wanted)) = known.iter().find(|(to, _)| to.eq_ignore_ascii_case(path)) else {
                continue;
            };
            entries.push(MappingEntry {
                source_table: Some(source.table.clone()),
                source_path: Some(path.clone()),
                source_type: Some(found.clone()),
                target_table: Some(target.table.clone()),
                target_path: Some(to.clone()),
                target_type: Some(wanted.clone()),
            });
        }
    }
    Ok(entries)
}

/// Paths and types of a table's fields.
fn fields(table: &Columns) -> Result<Vec<(String, String)>, JobsError> {
    let mut fields = Vec::new();
    for (column, hive) in &table.columns {
        let parsed: HiveType = hive.parse().map_err(|_| {
            JobsError::invalid(format!("column {column} of table {} has the type {hive}", table.table))
        })?;
        flatten(segment(column), &parsed, &mut fields);
    }
    Ok(fields)
}

fn flatten(path: String, hive: &HiveType, fields: &mut Vec<(String, String)>) {
    if let HiveType::Struct(members) = hive {
        for (name, member) in members {
            flatten(format!("{path}.{}", segment(name)), member, fields);
        }
        return;
    }
    fields.push((path, frame_type(hive)));
}

/// The first name of a path, with its backticks.
fn top(path: &str) -> &str {
    let end = match path.strip_prefix('`').and_then(|rest| rest.find('`')) {
        Some(close) => close + 2,
        None => path.find('.').unwrap_or(path.len()),
    };
    path.get(..end).unwrap_or(path)
}

/// The type's name in dynamic frames.
fn frame_type(hive: &HiveType) -> String {
    match hive {
        HiveType::TinyInt => "byte".to_owned(),
        HiveType::SmallInt => "short".to_owned(),
        HiveType::BigInt => "long".to_owned(),
        HiveType::Char(_) | HiveType::Varchar(_) => "string".to_owned(),
        HiveType::TimestampTz => "timestamp".to_owned(),
        HiveType::Array(_) => "array".to_owned(),
        HiveType::Map(..) => "map".to_owned(),
        HiveType::Union(_) => "choice".to_owned(),
        other => other.to_string(),
    }
}

/// The script that reads a table, maps its fields, and writes them.
///
/// # Errors
/// `InvalidInput` for an incomplete mapping, and for a location that is none.
pub fn plan(source: &Entry, mapping: &[MappingEntry], output: &Output) -> Result<String, JobsError> {
    let mut chain = Chain::default();
    chain.add(
        "DataSource",
        &[("database", text(&source.database_name)), ("table_name", text(&source.table_name))],
    );
    chain.add("ApplyMapping", &[("mapping", tuples(mapping)?)]);
    match output {
        Output::Table(table) => to_table(&mut chain, mapping, table),
        Output::Files(location) => to_files(&mut chain, location)?,
    }
    create(&chain.dag)
}

fn tuples(mapping: &[MappingEntry]) -> Result<String, JobsError> {
    let mut tuples = Vec::new();
    for entry in mapping {
        let parts = [&entry.source_path, &entry.source_type, &entry.target_path, &entry.target_type];
        let parts: Vec<String> = parts.into_iter().flatten().map(|part| text(part)).collect();
        if parts.len() != 4 {
            return Err(JobsError::invalid(
                "each Mapping needs SourcePath, SourceType, TargetPath and TargetType",
            ));
        }
        tuples.push(format!("({})", parts.join(", ")));
    }
    if tuples.is_empty() {
        return Err(JobsError::invalid("Mapping is empty: the script would write nothing"));
    }
    Ok(list(tuples))
}

fn to_table(chain: &mut Chain, mapping: &[MappingEntry], table: &Entry) {
    let place = [("database", text(&table.database_name)), ("table_name", text(&table.table_name))];
    let mut names: Vec<&str> = Vec::new();
    for name in mapping.iter().filter_map(|entry| entry.target_path.as_deref()).map(top) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    chain.add("SelectFields", &[("paths", texts(names))]);
    let choice = [[("choice", text("MATCH_CATALOG"))].as_slice(), &place].concat();
    chain.add("ResolveChoice", &choice);
    chain.add("DataSink", &place);
}

fn to_files(chain: &mut Chain, location: &Location) -> Result<(), JobsError> {
    let value = |wanted: &str| {
        let found = location.s3.iter().find(|arg| arg.name == wanted && !arg.value.is_empty());
        let missing = || JobsError::invalid(format!("Location.S3 needs an argument {wanted}"));
        found.map(|arg| arg.value.trim_matches('"')).ok_or_else(missing)
    };
    if let Some(other) = location.s3.iter().find(|arg| !matches!(arg.name.as_str(), "path" | "format")) {
        let what = format!("Location.S3 has an argument {}; path and format are supported", other.name);
        return Err(JobsError::invalid(what));
    }
    let (path, format) = (value("path")?, value("format")?);
    if !path.starts_with("s3://") {
        return Err(JobsError::invalid(format!("Location.S3: the path {path:?} does not start with s3://")));
    }
    if matches!(format, "parquet" | "glueparquet" | "orc") {
        // These formats know no choices, and no columns of nothing.
        chain.add("ResolveChoice", &[("choice", text("make_struct"))]);
        chain.add("DropNullFields", &[]);
    }
    let options = format!("{{\"path\": {}}}", text(path));
    chain.add(
        "DataSink",
        &[("connection_type", text("s3")), ("connection_options", options), ("format", text(format))],
    );
    Ok(())
}

/// Nodes that follow one another, named as Glue names them.
#[derive(Default)]
struct Chain {
    dag: Dag,
}

impl Chain {
    fn add(&mut self, node_type: &str, args: &[(&str, String)]) {
        let number = self.dag.dag_nodes.len();
        let id = format!("{}{number}", node_type.to_lowercase());
        if let Some(last) = self.dag.dag_nodes.last() {
            let (source, target) = (last.id.clone(), id.clone());
            self.dag.dag_edges.push(DagEdge { source, target, target_parameter: None });
        }
        let arg = |(name, value): &(&str, String)| Arg {
            name: (*name).to_owned(),
            value: value.clone(),
            param: false,
        };
        let (node_type, args) = (node_type.to_owned(), args.iter().map(arg).collect());
        self.dag.dag_nodes.push(DagNode { id, node_type, args, line_number: None });
    }
}
