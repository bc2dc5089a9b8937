//! Glue's API for generating scripts: mappings, plans, and scripts as graphs of calls.
//!
//! Source: AWS Glue API Reference, Autogenerating ETL scripts.

use jobs::generate::dag::{self, Columns, Dag, Entry, Location, MappingEntry, Output};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Store;
use wire::{Call, Fault, Fields, Operation, Reply, Service};

use super::catalog::{required, scope};
use super::errors;
use super::jobs::fault;

/// What the handlers work on.
pub struct Generation {
    store: Store,
}

/// Makes the face.
pub fn face(store: Store) -> Service<Generation> {
    Service { model: "glue", state: Generation { store }, operations: OPERATIONS }
}

const JDBC: &str =
    "scripts that write to databases are written by hand; S3 and tables of the catalog are supported";
const DYNAMO_DB: &str =
    "scripts that write to DynamoDB are written by hand; S3 and tables of the catalog are supported";
const OPTIONS: &str = "the script takes the columns of the catalog's table: nothing is inferred";

const OPERATIONS: &[Operation<Generation>] = &[
    Operation {
        name: "GetMapping",
        fields: Fields {
            acts: &["Source.DatabaseName", "Source.TableName", "Sinks.DatabaseName", "Sinks.TableName"],
            refused: &[("Location.Jdbc", JDBC), ("Location.DynamoDB", DYNAMO_DB)],
            ignored: &[("Location.S3", "files take the fields as they are")],
        },
        run: |state, call| Box::pin(get_mapping(state, call)),
    },
    Operation {
        name: "GetPlan",
        fields: Fields {
            acts: &[
                "Mapping.SourcePath",
                "Mapping.SourceType",
                "Mapping.TargetPath",
                "Mapping.TargetType",
                "Source.DatabaseName",
                "Source.TableName",
                "Sinks.DatabaseName",
                "Sinks.TableName",
                "Location.S3.Name",
                "Location.S3.Value",
                "Language",
            ],
            refused: &[
                ("Location.Jdbc", JDBC),
                ("Location.DynamoDB", DYNAMO_DB),
                ("AdditionalPlanOptionsMap", OPTIONS),
            ],
            ignored: &[
                ("Mapping.SourceTable", "Source says it"),
                ("Mapping.TargetTable", "Sinks say it"),
                ("Location.S3.Param", "values of a location are no parameters"),
            ],
        },
        run: |state, call| Box::pin(get_plan(state, call)),
    },
    Operation {
        name: "CreateScript",
        fields: Fields {
            acts: &[
                "DagNodes.Id",
                "DagNodes.NodeType",
                "DagNodes.Args.Name",
                "DagNodes.Args.Value",
                "DagNodes.Args.Param",
                "DagEdges.Source",
                "DagEdges.Target",
                "DagEdges.TargetParameter",
                "Language",
            ],
            refused: &[],
            ignored: &[("DagNodes.LineNumber", "the script is written anew, in the order of its edges")],
        },
        run: |state, call| Box::pin(create_script(state, call)),
    },
    Operation {
        name: "GetDataflowGraph",
        fields: Fields { acts: &["PythonScript"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(get_dataflow_graph(state, call)),
    },
];

fn typed<T: DeserializeOwned + Default>(value: Option<&Value>) -> Result<T, Fault> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(T::default()) };
    serde_json::from_value(value.clone())
        .map_err(|error| Fault::new("SerializationException", error.to_string()))
}

fn python(call: &Call) -> Result<(), Fault> {
    match call.text("Language") {
        None | Some("PYTHON") => Ok(()),
        Some(other) => Err(errors::invalid(format!(
            "Language {other} is not supported: scripts are generated in PYTHON"
        ))),
    }
}

fn entry(value: Option<&Value>) -> Result<Entry, Fault> {
    let value = value.cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| Fault::new("SerializationException", error.to_string()))
}

fn columns(table: &catalog::Table) -> Columns {
    let columns = table.columns().iter().chain(table.partition_keys());
    let columns = columns.map(|column| (column.name.clone(), column.hive_type().to_owned())).collect();
    Columns { table: table.name.clone(), columns }
}

async fn get_mapping(state: &Generation, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let source = entry(call.input.get("Source"))?;
    let sinks: Vec<Entry> = typed(call.input.get("Sinks"))?;
    let mut tx = state.store.read().await.map_err(|error| errors::store(&error))?;
    let mut tables = Vec::new();
    for Entry { database_name, table_name } in std::iter::once(&source).chain(&sinks) {
        let table = catalog::table::get(&mut tx, &scope, database_name, table_name).await;
        tables.push(columns(&table.map_err(errors::catalog)?));
    }
    let source = tables.remove(0);
    let mapping: Vec<MappingEntry> = dag::mappings(&source, &tables).map_err(fault)?;
    Ok(Reply::from(json!({ "Mapping": mapping })))
}

async fn get_plan(_: &Generation, call: Call) -> Result<Reply, Fault> {
    python(&call)?;
    let source = entry(call.input.get("Source"))?;
    let mapping: Vec<MappingEntry> = typed(call.input.get("Mapping"))?;
    let mut sinks: Vec<Entry> = typed(call.input.get("Sinks"))?;
    let location: Location = typed(call.input.get("Location"))?;
    let output = match (sinks.pop(), sinks.is_empty(), location.s3.is_empty()) {
        (Some(sink), true, true) => Output::Table(sink),
        (None, _, false) => Output::Files(location),
        _ => return Err(errors::invalid("one sink or a Location.S3 is needed, and not both")),
    };
    let script = dag::plan(&source, &mapping, &output).map_err(fault)?;
    Ok(Reply::from(json!({ "PythonScript": script })))
}

async fn create_script(_: &Generation, call: Call) -> Result<Reply, Fault> {
    python(&call)?;
    let dag: Dag = typed(Some(&Value::Object(call.input)))?;
    let script = dag::create(&dag).map_err(fault)?;
    Ok(Reply::from(json!({ "PythonScript": script })))
}

async fn get_dataflow_graph(_: &Generation, call: Call) -> Result<Reply, Fault> {
    let dag = dag::graph(required(&call, "PythonScript")).map_err(fault)?;
    let document = serde_json::to_value(dag).map_err(|error| errors::internal(&error))?;
    Ok(Reply::from(document))
}
