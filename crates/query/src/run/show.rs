//! SHOW and DESCRIBE: lines as Athena prints them.

use catalog::{Table, database, partition, table};
use regex::RegexBuilder;
use store::Tx;

use super::RunError;
use super::ddl::{Context, Shown};
use crate::sql::Ddl;

/// Names and partitions are read in pages of this size.
const PAGE: usize = 1_000;

pub(super) async fn run(tx: &mut Tx, context: &Context<'_>, ddl: Ddl) -> Result<Shown, RunError> {
    match ddl {
        Ddl::ShowDatabases { like } => {
            let names = databases(tx, context).await?;
            Ok(Shown::of(&["database_name"], matching(names, like.as_deref())?))
        }
        Ddl::ShowTables { database, like } => {
            let names = tables(tx, context, database.as_deref().unwrap_or(context.database)).await?;
            Ok(Shown::of(&["tab_name"], matching(names, like.as_deref())?))
        }
        Ddl::ShowColumns(name) => {
            let found = context.table(tx, &name).await?;
            let columns = found.columns().iter().chain(found.partition_keys());
            let lines = columns.map(|column| format!("{:<20}", column.name)).collect();
            Ok(Shown::of(&["field"], lines))
        }
        Ddl::ShowPartitions(name) => {
            let found = context.table(tx, &name).await?;
            if found.partition_keys().is_empty() {
                let message = format!("Table {} is not a partitioned table", found.name);
                return Err(RunError::refused("INVALID_TABLE", message));
            }
            Ok(Shown::of(&["partition"], partitions(tx, context, &found).await?))
        }
        Ddl::ShowTblProperties { table: name, property } => {
            let found = context.table(tx, &name).await?;
            let lines = match property {
                Some(key) => vec![found.parameter(&key).map_or_else(|| missing(&found, &key), str::to_owned)],
                None => {
                    let pairs = found.parameters().into_iter().flatten();
                    pairs.map(|(key, value)| format!("{key}\t{value}")).collect()
                }
            };
            Ok(Shown::of(&["prpt_name", "prpt_value"], lines))
        }
        Ddl::ShowCreateTable(name) => {
            let found = context.table(tx, &name).await?;
            Ok(Shown::of(&["createtab_stmt"], create_statement(&found)))
        }
        Ddl::Describe(name) => {
            let found = context.table(tx, &name).await?;
            Ok(Shown::of(&["col_name", "data_type", "comment"], described(&found)))
        }
        Ddl::CreateDatabase { .. }
        | Ddl::DropDatabase { .. }
        | Ddl::CreateTable(_)
        | Ddl::DropTable { .. }
        | Ddl::Repair(_) => Err(RunError::refused("NOT_SUPPORTED", "this statement shows nothing")),
    }
}

fn missing(table: &Table, key: &str) -> String {
    format!("Table {}.{} does not have property: {key}", table.database_name, table.name)
}

async fn databases(tx: &mut Tx, context: &Context<'_>) -> Result<Vec<String>, RunError> {
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let page = database::list(tx, context.scope, token.as_deref(), PAGE).await?;
        names.extend(page.items.into_iter().map(|found| found.name));
        token = page.next;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn tables(tx: &mut Tx, context: &Context<'_>, database: &str) -> Result<Vec<String>, RunError> {
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let query =
            table::TableQuery { token: token.as_deref(), limit: PAGE, ..table::TableQuery::default() };
        let page = table::list(tx, context.scope, database, &query).await?;
        names.extend(page.items.into_iter().map(|found| found.name));
        token = page.next;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn partitions(tx: &mut Tx, context: &Context<'_>, found: &Table) -> Result<Vec<String>, RunError> {
    let keys: Vec<String> = found.partition_keys().iter().map(|key| key.name.clone()).collect();
    let (mut lines, mut token) = (Vec::new(), None::<String>);
    loop {
        let query = partition::PartitionQuery {
            after: token.as_deref(),
            limit: PAGE,
            ..partition::PartitionQuery::default()
        };
        let page = partition::list(tx, context.scope, &found.database_name, &found.name, &query).await?;
        for item in page.items {
            lines.push(engine::hive::folder(&keys, item.values()).trim_end_matches('/').to_owned());
        }
        token = page.next;
        if token.is_none() {
            return Ok(lines);
        }
    }
}

/// Keeps the names that match Hive's pattern: `*` is anything, `|` separates alternatives, case does not matter.
fn matching(names: Vec<String>, like: Option<&str>) -> Result<Vec<String>, RunError> {
    let Some(like) = like else { return Ok(names) };
    let alternatives: Vec<String> =
        like.split('|').map(|part| format!("(?:{})", part.replace('%', "*").replace('*', ".*"))).collect();
    let pattern = RegexBuilder::new(&format!("^(?:{})$", alternatives.join("|")))
        .case_insensitive(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| RunError::refused("INVALID_REQUEST", format!("pattern '{like}': {error}")))?;
    Ok(names.into_iter().filter(|name| pattern.is_match(name)).collect())
}

fn described(table: &Table) -> Vec<String> {
    let line =
        |name: &str, data_type: &str, comment: &str| format!("{name:<20}\t{data_type:<20}\t{comment:<20}");
    let column = |column: &catalog::Column| {
        line(&column.name, column.hive_type(), column.comment.as_deref().unwrap_or_default())
    };
    let mut lines: Vec<String> = table.columns().iter().chain(table.partition_keys()).map(column).collect();
    if !table.partition_keys().is_empty() {
        lines.push("\t \t ".to_owned());
        lines.push("# Partition Information\t \t ".to_owned());
        lines.push(line("# col_name", "data_type", "comment"));
        lines.push("\t \t ".to_owned());
        lines.extend(table.partition_keys().iter().map(column));
    }
    lines
}

/// A string literal of Hive.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn create_statement(table: &Table) -> Vec<String> {
    let mut lines = vec![format!("CREATE EXTERNAL TABLE `{}`(", table.name)];
    let columns = |columns: &[catalog::Column], lines: &mut Vec<String>| {
        for (position, column) in columns.iter().enumerate() {
            let comment = column.comment.as_deref().map(|text| format!(" COMMENT {}", literal(text)));
            let end = if position + 1 == columns.len() { ")" } else { ", " };
            let comment = comment.unwrap_or_default();
            lines.push(format!("  `{}` {}{comment}{end}", column.name, column.hive_type()));
        }
    };
    columns(table.columns(), &mut lines);
    if let Some(comment) = table.input.description.as_deref() {
        lines.push(format!("COMMENT {}", literal(comment)));
    }
    if !table.partition_keys().is_empty() {
        lines.push("PARTITIONED BY ( ".to_owned());
        columns(table.partition_keys(), &mut lines);
    }
    storage(table, &mut lines);
    lines
}

fn storage(table: &Table, lines: &mut Vec<String>) {
    let pairs = |title: &str, found: Vec<(&String, &String)>, lines: &mut Vec<String>| {
        lines.push(title.to_owned());
        for (position, (key, value)) in found.iter().enumerate() {
            let end = if position + 1 == found.len() { ")" } else { ", " };
            lines.push(format!("  {}={}{end}", literal(key), literal(value)));
        }
    };
    let Some(descriptor) = table.storage_descriptor() else { return };
    if let Some(serde) = &descriptor.serde_info {
        lines.push("ROW FORMAT SERDE ".to_owned());
        lines.push(format!("  {} ", literal(serde.serialization_library.as_deref().unwrap_or_default())));
        let parameters: Vec<_> = serde.parameters.iter().flatten().collect();
        if !parameters.is_empty() {
            pairs("WITH SERDEPROPERTIES ( ", parameters, lines);
        }
    }
    lines.push("STORED AS INPUTFORMAT ".to_owned());
    lines.push(format!("  {} ", literal(descriptor.input_format.as_deref().unwrap_or_default())));
    lines.push("OUTPUTFORMAT ".to_owned());
    lines.push(format!("  {}", literal(descriptor.output_format.as_deref().unwrap_or_default())));
    lines.push("LOCATION".to_owned());
    lines.push(format!("  {}", literal(descriptor.location.as_deref().unwrap_or_default())));
    let parameters: Vec<_> =
        table.parameters().into_iter().flatten().filter(|(key, _)| *key != "EXTERNAL").collect();
    if !parameters.is_empty() {
        pairs("TBLPROPERTIES (", parameters, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_hives() {
        let names = || ["orders", "orders_raw", "customers"].map(str::to_owned).to_vec();
        assert_eq!(matching(names(), Some("order*")).expect("pattern"), ["orders", "orders_raw"]);
        assert_eq!(matching(names(), Some("ORDERS|cust*")).expect("pattern"), ["orders", "customers"]);
        assert_eq!(matching(names(), None).expect("pattern").len(), 3);
        assert!(matching(names(), Some("(")).is_err());
    }
}
