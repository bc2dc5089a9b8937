//! AWS Glue Studio's own transforms in scripts: what Spark's data frames call them.

use super::nodes::{Names, function};
use super::python::{flag, list, text, texts};
use super::{condition, documents};
use crate::graph::{BuiltIn, NodeKind, Studio};

/// What scripts that make structures flat begin with.
pub(super) const FLATTEN_HEAD: &str = r#"

def _flattened(df, levels, separator):
    """The frame with the fields of structures as columns, those of so many levels. They are null where the structure is."""
    columns = []

    def add(field, value, name, left):
        if not hasattr(field.dataType, "fields") or left == 0:
            columns.append(value.alias(name))
            return
        for inner in field.dataType.fields:
            part = F.when(value.isNotNull(), value.getField(inner.name))
            add(inner, part, name + separator + inner.name, left - 1)

    for field in df.schema.fields:
        # Below zero there is no end.
        add(field, F.col("`" + field.name.replace("`", "``") + "`"), field.name, levels or -1)
    return df.select(*columns)
"#;

/// What scripts that leave out rows without values begin with.
pub(super) const NULL_ROWS_HEAD: &str = r#"

def _without_null_rows(df, extended):
    """The rows that hold something; extended, the empty text, array and map are nothing."""
    kept = F.lit(not df.schema.fields)
    for field in df.schema.fields:
        value, kind = F.col("`" + field.name.replace("`", "``") + "`"), field.dataType.typeName()
        holds = value.isNotNull()
        if extended and kind == "string":
            holds = holds & (value != "")
        if extended and kind in ("array", "map"):
            holds = holds & (F.size(value) > 0)
        kept = kept | holds
    return df.where(kept)
"#;

/// What scripts that make columns of values begin with.
pub(super) const PIVOT_HEAD: &str = r#"

def _pivoted(df, columns, aggregated, value):
    """A column for each value of these columns, of several with "_" between; rows are grouped by all columns but these."""
    def quoted(name):
        return "`" + name.replace("`", "``") + "`"

    gone = {name.lower() for name in [*columns, aggregated]}
    kept = [F.col(quoted(name)) for name in df.columns if name.lower() not in gone]
    places = quoted(columns[0])
    if len(columns) > 1:
        texts = [F.coalesce(F.col(quoted(name)).cast("string"), F.lit("null")) for name in columns]
        places = "__place"
        df = df.withColumn(places, F.concat_ws("_", *texts))
    return df.groupBy(*kept).pivot(places).agg(value)
"#;

/// What scripts that make rows of columns begin with.
pub(super) const UNPIVOT_HEAD: &str = r#"

def _unpivoted(df, columns, name, value):
    """A row for each of these columns, with its name and its value."""
    def quoted(name):
        return "`" + name.replace("`", "``") + "`"

    def literal(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    gone = {own.lower() for own in columns}
    kept = [F.col(quoted(own)) for own in df.columns if own.lower() not in gone]
    pairs = ", ".join(f"{literal(own)}, {quoted(own)}" for own in columns)
    rows = F.expr(f"stack({len(columns)}, {pairs}) AS ({quoted(name)}, {quoted(value)})")
    return df.select(*kept, rows)
"#;

/// What scripts that look rows up begin with. Without a context of its own the table has no bookmark.
pub(super) const LOOKUP_HEAD: &str = r#"

def _looked_up(df, database, table, keys, columns):
    """The rows with columns of a table of the catalog, null where no row of it has these keys."""
    def quoted(name):
        return "`" + name.replace("`", "``") + "`"

    others = [F.col(quoted(other)).alias(f"__key_{at}") for at, (_, other) in enumerate(keys)]
    taken = [F.col(quoted(column)).alias(column) for column in columns]
    found = glueContext.create_dynamic_frame.from_catalog(database=database, table_name=table).toDF().select(*others, *taken)
    pairs = [F.col(quoted(own)) == F.col(f"__key_{at}") for at, (own, _) in enumerate(keys)]
    return df.join(found, pairs, "left").drop(*(f"__key_{at}" for at in range(len(keys))))
"#;

fn studio(kind: &NodeKind) -> Option<&Studio> {
    let NodeKind::BuiltIn(own) = kind else { return None };
    match own.as_ref() {
        BuiltIn::Studio(_, own) => Some(own),
        BuiltIn::ResolveChoice(_) => None,
    }
}

/// Whether a node makes structures flat.
pub(super) fn flattens(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::Flatten { .. }))
}

/// Whether a node makes columns of values.
pub(super) fn pivots(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::Pivot(_)))
}

/// Whether a node makes rows of columns.
pub(super) fn unpivots(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::Unpivot(_)))
}

/// Whether a node looks rows up in a table.
pub(super) fn looks_up(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::Lookup(_)))
}

/// Whether a node reads documents of JSON.
pub(super) fn reads_documents(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::FromJson(_)))
}

/// Whether a node looks for the type of the documents that it reads.
pub(super) fn looks_for_a_type(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::FromJson(own)) if own.schema.is_none())
}

/// Whether a node leaves out rows without values.
pub(super) fn leaves_rows_out(kind: &NodeKind) -> bool {
    matches!(studio(kind), Some(Studio::NullRows { .. }))
}

/// The frame that a transform makes of its input.
pub(super) fn apply(own: &Studio, names: &Names<'_>) -> Result<String, String> {
    if let Studio::Relationalize { root, staging } = own {
        let staging = staging.as_ref().map_or_else(|| "None".to_owned(), |path| text(path));
        let context = names.context();
        return Ok(format!(
            "{}.relationalize({}, {staging}, transformation_ctx={context})",
            names.input(0)?,
            text(root)
        ));
    }
    let df = format!("{}.toDF()", names.input(0)?);
    Ok(names.of_frame(&match own {
        Studio::Flatten { levels, separator } => {
            format!("_flattened({df}, {}, {})", levels.unwrap_or_default(), text(separator))
        }
        Studio::Explode { column, names, outer } => {
            let explode = if *outer { "explode_outer" } else { "explode" };
            let rows = format!("F.{explode}(F.col({}))", text(&condition::field(column)));
            match names.as_slice() {
                [name] => format!("{df}.withColumn({}, {rows})", text(name)),
                both => {
                    let both = texts(both.iter().map(String::as_str));
                    format!("{df}.select(\"*\", {rows}.alias(*{both}))")
                }
            }
        }
        Studio::With { columns, without } => {
            let with = columns
                .iter()
                .map(|own| format!(".withColumn({}, F.expr({}))", text(&own.name), text(&own.expression)));
            let drop = without.iter().map(|name| format!(".drop({})", text(name)));
            df + &with.chain(drop).collect::<String>()
        }
        Studio::Pivot(own) => {
            let value = format!(
                "F.{}(F.col({}))",
                function(own.function),
                text(&condition::field(&vec![own.column.clone()]))
            );
            let columns = texts(own.columns.iter().map(String::as_str));
            format!("_pivoted({df}, {columns}, {}, {value})", text(&own.column))
        }
        Studio::Unpivot(own) => {
            let columns = texts(own.columns.iter().map(String::as_str));
            format!("_unpivoted({df}, {columns}, {}, {})", text(&own.name), text(&own.value))
        }
        Studio::Lookup(own) => {
            let keys =
                list(own.keys.iter().map(|(left, right)| format!("({}, {})", text(left), text(right))));
            let (table, columns) = (text(&own.table), texts(own.columns.iter().map(String::as_str)));
            format!("_looked_up({df}, {}, {table}, {keys}, {columns})", text(&own.database))
        }
        Studio::FromJson(own) => documents::read(own, &df),
        Studio::NullRows { extended } => format!("_without_null_rows({df}, {})", flag(*extended)),
        Studio::Repartition { partitions: Some(partitions) } => format!("{df}.repartition({partitions})"),
        Studio::Numbers(name) => {
            format!("{df}.withColumn({}, F.monotonically_increasing_id())", text(name))
        }
        Studio::Uuids(name) => format!("{df}.withColumn({}, F.expr(\"uuid()\"))", text(name)),
        Studio::Repartition { partitions: None } | Studio::Relationalize { .. } => df,
    }))
}
