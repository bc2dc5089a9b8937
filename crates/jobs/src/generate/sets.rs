//! Rows of two frames: Union and Merge.

use super::keys;
use super::nodes::Names;
use crate::graph::FieldPath;

/// What scripts with a Union or a Merge begin with. Not every engine follows Spark's rules by itself.
pub(super) const UNION_HEAD: &str = r#"

def _united(one, two):
    """The rows of both, columns by place, with the types that Spark's UNION gives them."""
    if len(one.columns) != len(two.columns):
        raise ValueError(f"a union needs equally many columns, not {one.columns} and {two.columns}")
    numbers = ["byte", "short", "integer", "long", "float", "double"]
    digits = {"byte": 3, "short": 5, "integer": 10, "long": 20}

    def common(a, b):
        names = [a.typeName(), b.typeName()]
        kinds = set(names)
        if a == b or kinds == {"timestamp", "timestamp_ntz"}:
            return None
        if "void" in kinds:
            return b if names[0] == "void" else a
        if "string" in kinds and kinds - {"string"} <= {*numbers, "decimal", "date", "timestamp", "timestamp_ntz"}:
            return "string"
        if "date" in kinds and kinds & {"timestamp", "timestamp_ntz"}:
            return b if names[0] == "date" else a
        if kinds <= set(numbers):
            return a if numbers.index(names[0]) > numbers.index(names[1]) else b
        if "decimal" in kinds and kinds & {"float", "double"}:
            return "double"
        if kinds <= {"decimal", *digits}:
            sizes = [(kind.precision, kind.scale) if name == "decimal" else (digits[name], 0) for kind, name in zip((a, b), names)]
            scale = max(scale for _, scale in sizes)
            return f"decimal({min(38, scale + max(precision - scale for precision, scale in sizes))},{scale})"
        return None

    def of(df, wanted):
        columns = []
        for field, kind in zip(df.schema.fields, wanted):
            column = F.col("`" + field.name.replace("`", "``") + "`")
            columns.append(column if kind is None else column.cast(kind).alias(field.name))
        return df.select(*columns)

    wanted = [common(a.dataType, b.dataType) for a, b in zip(one.schema.fields, two.schema.fields)]
    return of(one, wanted).union(of(two, wanted)) if any(wanted) else one.union(two)
"#;

/// What scripts with a Merge begin with, behind what unites and what joins.
pub(super) const MERGE_HEAD: &str = r#"

def _merged(source, staging, keys):
    """The rows of the source whose keys the staging frame has not, and those of the staging frame. Null where one lacks a column."""
    kept = _joined(source, staging, [(key, key) for key in keys], "left_anti")
    fields = {field.name.lower(): field for df in (staging, kept) for field in df.schema.fields}
    order = dict.fromkeys(name.lower() for df in (kept, staging) for name in df.columns)

    def of(df):
        own = {name.lower() for name in df.columns}
        columns = []
        for name in order:
            column = F.col("`" + name.replace("`", "``") + "`") if name in own else F.lit(None).cast(fields[name].dataType)
            columns.append(column.alias(fields[name].name))
        return df.select(*columns)

    return _united(of(kept), of(staging))
"#;

/// All rows of both inputs, or each once.
pub(super) fn union(distinct: bool, names: &Names<'_>) -> Result<String, String> {
    let united = format!("_united({}.toDF(), {}.toDF())", names.input(0)?, names.input(1)?);
    Ok(names.of_frame(&if distinct { format!("{united}.distinct()") } else { united }))
}

/// The rows of the source whose keys the other input has not, and those of the other input. By data frames, which give a
/// column that both have the wider type, where `mergeDynamicFrame` would make a choice of it.
pub(super) fn merge(source: &str, keys: &[FieldPath], names: &Names<'_>) -> Result<String, String> {
    let from = names.of(source)?;
    let staging = match names.input(0)? {
        first if first == from => names.input(1)?,
        first => first,
    };
    let keys = keys::paths(keys);
    Ok(names.of_frame(&format!("_merged({from}.toDF(), {staging}.toDF(), {keys})")))
}
