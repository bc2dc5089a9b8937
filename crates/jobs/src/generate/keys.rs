//! Nodes that tell rows apart by some of their fields: DropDuplicates and Join, and what Merge has of them.
//!
//! Data frames drop duplicates by columns, and join by columns of one name or by expressions. What nodes can say beyond that
//! (parts of structures, names with dots, keys of which some have the same name on both sides) goes by columns that are put
//! aside for it, under names that no input has.

use super::condition;
use super::nodes::Names;
use super::python::{list, text, texts};
use crate::graph::{FieldPath, JoinKind, JoinSide, NodeKind};

/// What scripts begin with that look for fields of which only the data tells what they are.
pub(super) const PATH_HEAD: &str = r#"

def _steps(df, path):
    """The names on the way to a field, as SQL writes them. One name with dots that no column has is a path."""
    if len(path) == 1 and path[0].lower() not in [name.lower() for name in df.columns]:
        path = path[0].split(".")
    return ["`" + name.replace("`", "``") + "`" for name in path]


def _path(df, path):
    """A field as SQL writes it."""
    return ".".join(_steps(df, path))
"#;

/// What scripts begin with that put columns aside, behind [`PATH_HEAD`].
pub(super) const ASIDE_HEAD: &str = r#"

def _field(df, path):
    """A field's values, null where a structure around it is. (Sail has 0 or "" there if the part may not be null.)"""
    steps = _steps(df, path)
    value = F.col(".".join(steps))
    for at in range(len(steps) - 1, 0, -1):
        value = F.when(F.col(".".join(steps[:at])).isNotNull(), value)
    return value


def _aside(count, *frames):
    """Names for so many columns, which none of the frames has."""
    name = "__key"
    while any(own.lower().startswith(name) for df in frames for own in df.columns):
        name += "_"
    return [f"{name}_{at}" for at in range(count)]
"#;

/// What scripts begin with that drop duplicates by more than columns, behind [`PATH_HEAD`] and [`ASIDE_HEAD`].
pub(super) const DISTINCT_HEAD: &str = r#"

def _distinct(df, paths):
    """One row of each set of rows with the same values of these fields."""
    names = _aside(len(paths), df)
    keys = [_field(df, path).alias(name) for path, name in zip(paths, names)]
    return df.select("*", *keys).dropDuplicates(names).drop(*names)
"#;

/// What scripts begin with that join by more than columns, behind [`PATH_HEAD`] and [`ASIDE_HEAD`].
pub(super) const JOIN_HEAD: &str = r#"

def _joined(one, two, keys, how):
    """The rows of two frames, by pairs of fields that are equal. Columns of one name that are compared become one."""
    names = _aside(len(keys), one, two)
    equal = [_field(one, left) == F.col(name) for (left, _), name in zip(keys, names)]
    found = [_field(two, right).alias(name) for (_, right), name in zip(keys, names)]
    if how in ("left_semi", "left_anti"):
        return one.join(two.select(*found), equal, how)

    def column(df, path):
        alike = [name for name in df.columns if name.lower() == path[0].lower()]
        return None if len(path) > 1 or not alike else path[0] if path[0] in alike else alike[0]

    pairs = [(column(one, left), column(two, right), name) for (left, right), name in zip(keys, names)]
    shared = {left: name for left, right, name in pairs if left is not None and left == right}
    others = [_field(two, [name]) for name in two.columns if name not in shared]
    rows, columns = one.join(two.select(*others, *found), equal, how), []
    for field in one.schema.fields:
        value, name = _field(one, [field.name]), shared.get(field.name)
        if name and how == "right":
            value = F.col(name)
        if name and how == "outer":
            value = F.coalesce(value, F.col(name).cast(field.dataType))
        columns.append(value.alias(field.name))
    return rows.select(*columns, *others)
"#;

/// Whether a node drops duplicates by more than columns.
pub(super) fn is_distinct_by_paths(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::DropDuplicates { columns } if !are_columns(columns))
}

/// Whether a node joins by more than columns.
pub(super) fn joins_by_paths(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Join { kind, left, right } => {
            by_name(left, right).is_none() && !by_pairs(*kind, left, right)
        }
        NodeKind::Merge { .. } => true,
        _ => false,
    }
}

/// Whether a node puts columns aside.
pub(super) fn puts_aside(kind: &NodeKind) -> bool {
    is_distinct_by_paths(kind) || joins_by_paths(kind)
}

/// Whether the script must look what a field is: a name with dots is that of a column, or else a path.
pub(super) fn is_open(path: &FieldPath) -> bool {
    matches!(path.as_slice(), [name] if name.contains('.'))
}

/// Whether fields surely are columns, whose names can be said as they are.
fn are_columns(paths: &[FieldPath]) -> bool {
    paths.iter().all(|path| matches!(path.as_slice(), [name] if !name.contains(['.', '`'])))
}

/// A path as the script's helpers take it.
fn steps(path: &FieldPath) -> String {
    texts(path.iter().map(String::as_str))
}

/// Paths as the script's helpers take them.
pub(super) fn paths(paths: &[FieldPath]) -> String {
    list(paths.iter().map(steps))
}

/// One row of each set of rows that are equal, in these fields if there are any.
pub(super) fn distinct(columns: &[FieldPath], names: &Names<'_>) -> Result<String, String> {
    let frame = format!("{}.toDF()", names.input(0)?);
    if columns.is_empty() {
        return Ok(format!("{frame}.distinct()"));
    }
    Ok(match are_columns(columns) {
        true => format!("{frame}.dropDuplicates({})", texts(columns.iter().flatten().map(String::as_str))),
        false => format!("_distinct({frame}, {})", paths(columns)),
    })
}

/// The keys, where all are columns that both sides call the same: they become one column each.
fn by_name(left: &JoinSide, right: &JoinSide) -> Option<String> {
    let same = left.keys == right.keys && are_columns(&left.keys);
    same.then(|| texts(left.keys.iter().flatten().map(String::as_str)))
}

/// Whether no column of one side can be taken for one of the other.
fn by_pairs(kind: JoinKind, left: &JoinSide, right: &JoinSide) -> bool {
    let keeps_both = !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
    let open = left.keys.iter().chain(&right.keys).any(is_open);
    let first = |key: &FieldPath| key.first().map(|name| name.to_lowercase());
    let differ = left.keys.iter().all(|one| right.keys.iter().all(|other| first(one) != first(other)));
    keeps_both && !open && differ
}

/// The rows of two inputs.
pub(super) fn join(
    kind: JoinKind,
    left: &JoinSide,
    right: &JoinSide,
    names: &Names<'_>,
) -> Result<String, String> {
    let how = text(match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Outer => "outer",
        JoinKind::LeftSemi => "left_semi",
        JoinKind::LeftAnti => "left_anti",
    });
    let (one, two) = (names.of(&left.input)?, names.of(&right.input)?);
    if let Some(keys) = by_name(left, right) {
        return Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {keys}, {how})")));
    }
    let pairs = left.keys.iter().zip(&right.keys);
    if by_pairs(kind, left, right) {
        let column = |path: &FieldPath| format!("F.col({})", text(&condition::field(path)));
        let pairs = list(pairs.map(|(left, right)| format!("{} == {}", column(left), column(right))));
        return Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {pairs}, {how})")));
    }
    let pairs = list(pairs.map(|(left, right)| format!("({}, {})", steps(left), steps(right))));
    Ok(names.of_frame(&format!("_joined({one}.toDF(), {two}.toDF(), {pairs}, {how})")))
}
