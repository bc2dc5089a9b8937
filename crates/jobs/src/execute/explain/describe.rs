//! What a node does, in a line.

use super::condition::predicate;
use crate::graph::{
    DatabasePlace, Destination, FieldPath, FileFormat, JdbcSource, JoinKind, JoinSide, Mapping, Node,
    NodeKind, SaveMode, Target, UpdateBehavior, WriteFormat,
};

pub(super) fn node(node: &Node) -> String {
    match &node.kind {
        NodeKind::Catalog(source) => {
            let partitions = source.predicate.as_ref().map(|it| format!(" where {it}")).unwrap_or_default();
            format!("table {}.{}{partitions}", source.database, source.table)
        }
        NodeKind::Files(source) => {
            let paths: Vec<String> = source.paths.iter().map(ToString::to_string).collect();
            format!("{} at {}", read_format(&source.format), paths.join(", "))
        }
        NodeKind::Delta(path) => format!("Delta table at {path}"),
        NodeKind::Jdbc(source) => database_source(source),
        NodeKind::ApplyMapping(mappings) => mappings.iter().map(mapping).collect::<Vec<_>>().join(", "),
        NodeKind::SelectFields(paths) | NodeKind::DropFields(paths) | NodeKind::SplitFields(paths) => {
            fields(paths)
        }
        NodeKind::RenameField { from, to } => format!("{} to {}", from.join("."), to.join(".")),
        NodeKind::Filter { any, conditions } => predicate(*any, conditions),
        NodeKind::Join { kind, left, right } => format!("{} on {}", join_kind(*kind), keys(left, right)),
        NodeKind::Sql { query, .. } => query.split_whitespace().collect::<Vec<_>>().join(" "),
        NodeKind::Aggregate { groups, aggregations } => {
            let results: Vec<String> =
                aggregations.iter().map(|one| one.function.result_name(&one.column.join("."))).collect();
            let by = if groups.is_empty() { "all rows".to_owned() } else { fields(groups) };
            format!("{} by {by}", results.join(", "))
        }
        NodeKind::DropDuplicates { columns } if columns.is_empty() => "by all columns".to_owned(),
        NodeKind::DropDuplicates { columns } => format!("by {}", fields(columns)),
        NodeKind::Union { distinct } => if *distinct { "distinct rows" } else { "all rows" }.to_owned(),
        NodeKind::Quality(quality) => quality.ruleset.split_whitespace().collect::<Vec<_>>().join(" "),
        NodeKind::Route(groups) => {
            groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ")
        }
        NodeKind::SelectFromCollection(index) => format!("frame {index}"),
        NodeKind::Merge { source, keys } => format!("into {source} by {}", fields(keys)),
        NodeKind::DropNullFields(_) => "fields that hold nothing but null".to_owned(),
        NodeKind::Spigot(spigot) => format!("a sample as {}", target(&spigot.target)),
        NodeKind::Code(own) => format!("{} of its code", own.function),
        NodeKind::Dynamic(own) => format!("{} of {}", own.function, own.location),
        NodeKind::BuiltIn(own) => own.to_string(),
        NodeKind::FillMissing(fill) => format!("{} with what it lacks, as {}", fill.from, fill.to),
        NodeKind::Pii(_) => "personal data".to_owned(),
        NodeKind::Target(own) => target(own),
    }
}

fn database_source(source: &JdbcSource) -> String {
    let schema = source.schema.as_ref().map(|it| format!("{it}.")).unwrap_or_default();
    let database = source.database.as_ref().map(|it| format!("{it}.")).unwrap_or_default();
    format!("table {database}{schema}{} by connection {}", source.table, source.connection)
}

fn keys(left: &JoinSide, right: &JoinSide) -> String {
    let pairs = left.keys.iter().zip(&right.keys);
    let pairs = pairs
        .map(|(one, two)| format!("{}.{} = {}.{}", left.input, one.join("."), right.input, two.join(".")));
    pairs.collect::<Vec<_>>().join(" and ")
}

fn fields(paths: &[FieldPath]) -> String {
    paths.iter().map(|path| path.join(".")).collect::<Vec<_>>().join(", ")
}

fn mapping(mapping: &Mapping) -> String {
    let (from, to) = (mapping.from.join("."), mapping.to.join("."));
    let wanted = mapping.to_type.as_ref().map(|wanted| format!(" {wanted}")).unwrap_or_default();
    if from == to { format!("{from}{wanted}") } else { format!("{from} as {to}{wanted}") }
}

fn read_format(format: &FileFormat) -> &'static str {
    match format {
        FileFormat::Csv { .. } => "CSV",
        FileFormat::Json => "JSON",
        FileFormat::Parquet => "Parquet",
        FileFormat::Excel { .. } => "workbooks",
    }
}

fn join_kind(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "inner join",
        JoinKind::Left => "left join",
        JoinKind::Right => "right join",
        JoinKind::Outer => "outer join",
        JoinKind::LeftSemi => "left semi join",
        JoinKind::LeftAnti => "left anti join",
    }
}

fn target(target: &Target) -> String {
    let keys = match target.partition_keys.is_empty() {
        true => String::new(),
        false => format!(" partitioned by {}", target.partition_keys.join(", ")),
    };
    match &target.destination {
        Destination::Path { path, format, catalog, most_files } => {
            let table = catalog.as_ref().map(|update| {
                let follows = match update.behavior {
                    UpdateBehavior::UpdateInDatabase => "whose schema follows",
                    UpdateBehavior::Log => "whose schema stays",
                };
                format!(", table {}.{} {follows}", update.database, update.table)
            });
            let files = most_files.map(|most| format!(" in at most {most} files each")).unwrap_or_default();
            format!("{} to {path}{keys}{files}{}", write_format(*format), table.unwrap_or_default())
        }
        Destination::Iceberg(iceberg) => {
            let does = match iceberg.mode {
                SaveMode::Upsert => {
                    format!(", whose rows of the same {} are replaced", iceberg.keys.join(", "))
                }
                mode => replaced(mode).to_owned(),
            };
            format!("to Iceberg table {}.{}{keys}{does}", iceberg.database, iceberg.table)
        }
        Destination::Delta(delta) => {
            let table = delta.table.as_ref().map(|(database, table)| format!(" {database}.{table}"));
            let path = delta.path.as_ref().map(|path| format!(" at {path}"));
            let (table, path) = (table.unwrap_or_default(), path.unwrap_or_default());
            format!("to Delta table{table}{path}{keys}{}", replaced(delta.mode))
        }
        Destination::Table { database, table, .. } => format!("to table {database}.{table}{keys}"),
        Destination::Database(target) => format!("to {} {}", target.engine.name(), place(&target.place)),
    }
}

/// What becomes of the rows that a table has.
fn replaced(mode: SaveMode) -> &'static str {
    match mode {
        SaveMode::Append | SaveMode::Upsert => "",
        SaveMode::Overwrite => ", all of whose rows are replaced",
        SaveMode::OverwritePartitions => ", whose partitions that are written to are replaced",
    }
}

fn place(place: &DatabasePlace) -> String {
    match place {
        DatabasePlace::Catalog { database, table } => format!("table of the catalog's {database}.{table}"),
        DatabasePlace::Connection { connection, schema, table } => {
            let schema = schema.as_ref().map(|it| format!("{it}.")).unwrap_or_default();
            format!("table {schema}{table} by connection {connection}")
        }
    }
}

fn write_format(format: WriteFormat) -> &'static str {
    match format {
        WriteFormat::Parquet(_) => "Parquet",
        WriteFormat::Csv(_) => "CSV",
        WriteFormat::Json(_) => "JSON lines",
        WriteFormat::Xml(_) => "XML",
        WriteFormat::Avro(_) => "Avro",
        WriteFormat::Orc(_) => "ORC",
    }
}
