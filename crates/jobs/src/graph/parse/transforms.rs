//! Transform nodes.

use super::super::{
    AggFunction, Aggregation, Condition, FieldPath, JoinKind, JoinSide, Mapping, NodeKind, Operand,
    Operation, raw,
};
use super::{Parsed, field_path};

const MAX_MAPPING_DEPTH: u32 = 32;

pub(in crate::graph) fn apply_mapping(raw: raw::ApplyMapping) -> Parsed<NodeKind> {
    let mappings = mappings(raw.mapping, 0)?;
    if mappings.is_empty() {
        return Err("Mapping keeps no field".to_owned());
    }
    Ok(NodeKind::ApplyMapping(mappings))
}

fn mappings(raw: Vec<raw::Mapping>, depth: u32) -> Parsed<Vec<Mapping>> {
    if depth > MAX_MAPPING_DEPTH {
        return Err(format!("Mapping is nested deeper than {MAX_MAPPING_DEPTH}"));
    }
    let mut out = Vec::new();
    for entry in raw {
        let from = field_path("Mapping.FromPath", entry.from_path.unwrap_or_default())?;
        if entry.dropped == Some(true) {
            continue;
        }
        let to_key = entry.to_key.unwrap_or_default();
        let to = split_key(&to_key).ok_or_else(|| format!("Mapping.ToKey {to_key:?} is not a name"))?;
        let children = mappings(entry.children.unwrap_or_default(), depth + 1)?;
        let is_type = |text: &String| !text.is_empty();
        out.push(Mapping {
            from,
            to,
            from_type: entry.from_type.filter(is_type),
            to_type: entry.to_type.filter(is_type),
            children,
        });
    }
    Ok(out)
}

/// Splits `a.b` into its names; a name in backticks may hold dots.
pub(in crate::graph) fn split_key(text: &str) -> Option<FieldPath> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = match rest.strip_prefix('`') {
            Some(text) => quoted(text)?,
            None => {
                let (name, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                (name.to_owned(), after)
            }
        };
        if name.is_empty() {
            return None;
        }
        names.push(name);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(names),
            None => return None,
        }
    }
}

/// The name in back-ticks whose first one was read, and what follows; two of them within stand for one.
pub(in crate::graph) fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(next) => rest = next,
            None => return Some((name, after)),
        }
        name.push('`');
    }
}

pub(in crate::graph) fn paths(raw: raw::Paths) -> Parsed<Vec<FieldPath>> {
    if raw.paths.is_empty() {
        return Err("Paths is empty".to_owned());
    }
    raw.paths.into_iter().map(|path| field_path("Paths", path)).collect()
}

pub(in crate::graph) fn rename_field(raw: raw::RenameField) -> Parsed<NodeKind> {
    let from = field_path("SourcePath", raw.source_path)?;
    let to = field_path("TargetPath", raw.target_path)?;
    if to.len() > from.len() && to.starts_with(&from) {
        return Err("TargetPath lies inside SourcePath".to_owned());
    }
    Ok(NodeKind::RenameField { from, to })
}

pub(in crate::graph) fn filter(raw: raw::Filter) -> Parsed<NodeKind> {
    let (any, conditions) = conditions(&raw.logical_operator, raw.filters)?;
    Ok(NodeKind::Filter { any, conditions })
}

/// Whether any condition is enough, and the conditions, of a Filter or of a group of a Route.
pub(super) fn conditions(
    operator: &str,
    filters: Vec<raw::FilterExpression>,
) -> Parsed<(bool, Vec<Condition>)> {
    let any = match operator {
        "AND" => false,
        "OR" => true,
        other => return Err(format!("LogicalOperator {other} is not one of AND, OR")),
    };
    if filters.is_empty() {
        return Err("Filters is empty".to_owned());
    }
    Ok((any, filters.into_iter().map(condition).collect::<Parsed<_>>()?))
}

fn condition(raw: raw::FilterExpression) -> Parsed<Condition> {
    let negated = raw.negated.unwrap_or(false);
    let name = raw.operation;
    let values = raw.values.into_iter().map(operand).collect::<Parsed<Vec<_>>>()?;
    let count = values.len();
    let mut values = values.into_iter();
    let operation = match (name.as_str(), values.next(), values.next()) {
        ("ISNULL", Some(field @ Operand::Field(_)), None) => Operation::IsNull(field),
        ("ISNULL", _, _) => return Err("ISNULL takes one value, of type COLUMNEXTRACTED".to_owned()),
        ("REGEX", Some(field @ Operand::Field(_)), Some(Operand::Constant(pattern))) if count == 2 => {
            regex::Regex::new(&pattern).map_err(|error| format!("REGEX {pattern}: {error}"))?;
            Operation::Regex(field, pattern)
        }
        ("REGEX", _, _) => return Err("REGEX takes a COLUMNEXTRACTED and a CONSTANT value".to_owned()),
        (_, Some(Operand::Constant(_)), Some(Operand::Constant(_))) => {
            return Err(format!("{name} compares two constants"));
        }
        (_, Some(left), Some(right)) if count == 2 => Operation::Compare(operator(&name)?, left, right),
        _ => return Err(format!("{name} takes two values and has {count}")),
    };
    Ok(Condition { operation, negated })
}

fn operator(name: &str) -> Parsed<&'static str> {
    Ok(match name {
        "EQ" => "=",
        "LT" => "<",
        "GT" => ">",
        "LTE" => "<=",
        "GTE" => ">=",
        other => return Err(format!("Operation {other} is not one of EQ, LT, GT, LTE, GTE, REGEX, ISNULL")),
    })
}

fn operand(raw: raw::FilterValue) -> Parsed<Operand> {
    match (raw.r#type.as_str(), raw.value) {
        ("COLUMNEXTRACTED", path) => Ok(Operand::Field(field_path("Filters.Values", path)?)),
        ("CONSTANT", value) => match <[String; 1]>::try_from(value) {
            Ok([text]) => Ok(Operand::Constant(text)),
            Err(several) => Err(format!("a CONSTANT needs one value and has {}", several.len())),
        },
        (other, _) => Err(format!("Filters.Values.Type {other} is not one of COLUMNEXTRACTED, CONSTANT")),
    }
}

pub(in crate::graph) fn join(raw: raw::Join, inputs: &[String]) -> Parsed<NodeKind> {
    let kind = match raw.join_type.as_str() {
        "equijoin" => JoinKind::Inner,
        "left" => JoinKind::Left,
        "right" => JoinKind::Right,
        "outer" => JoinKind::Outer,
        "leftsemi" => JoinKind::LeftSemi,
        "leftanti" => JoinKind::LeftAnti,
        other => {
            return Err(format!(
                "JoinType {other} is not one of equijoin, left, right, outer, leftsemi, leftanti"
            ));
        }
    };
    if let [first, second] = inputs
        && first == second
    {
        return Err("both inputs are the same node".to_owned());
    }
    let mut sides = Vec::new();
    for input in inputs {
        let column = raw.columns.iter().find(|column| column.from == *input);
        let Some(column) = column else {
            return Err(format!("Columns has no entry From input {input}"));
        };
        let keys = column.keys.iter().cloned().map(|key| field_path("Columns.Keys", key));
        sides.push(JoinSide { input: input.clone(), keys: keys.collect::<Parsed<_>>()? });
    }
    if let Some(stray) = raw.columns.iter().find(|column| !inputs.contains(&column.from)) {
        return Err(format!("Columns has an entry From {}, which is not an input", stray.from));
    }
    let (Some(right), Some(left)) = (sides.pop(), sides.pop()) else {
        return Err(format!("it takes 2 inputs and has {}", inputs.len()));
    };
    if left.keys.is_empty() || left.keys.len() != right.keys.len() {
        return Err(format!(
            "Columns has {} and {} keys; they must be equally many",
            left.keys.len(),
            right.keys.len()
        ));
    }
    Ok(NodeKind::Join { kind, left, right })
}

pub(in crate::graph) fn sql(raw: raw::SparkSql, inputs: &[String]) -> Parsed<NodeKind> {
    if raw.sql_query.trim().is_empty() {
        return Err("SqlQuery is empty".to_owned());
    }
    let mut aliases: Vec<(String, String)> = Vec::new();
    for alias in raw.sql_aliases {
        if !inputs.contains(&alias.from) {
            return Err(format!("SqlAliases has an entry From {}, which is not an input", alias.from));
        }
        let is_name = alias.alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if alias.alias.is_empty() || !is_name {
            return Err(format!("SqlAliases has the Alias {:?}, which is not a table name", alias.alias));
        }
        if aliases.iter().any(|(_, known)| known.eq_ignore_ascii_case(&alias.alias)) {
            return Err(format!("SqlAliases uses the Alias {} twice", alias.alias));
        }
        aliases.push((alias.from, alias.alias));
    }
    if let Some(input) = inputs.iter().find(|input| !aliases.iter().any(|(from, _)| from == *input)) {
        return Err(format!("SqlAliases has no entry From input {input}"));
    }
    crate::plan::check_sql(&raw.sql_query).map_err(|error| format!("SqlQuery: {error}"))?;
    Ok(NodeKind::Sql { query: raw.sql_query, aliases })
}

pub(in crate::graph) fn aggregate(raw: raw::Aggregate) -> Parsed<NodeKind> {
    let groups = raw.groups.into_iter().map(|path| field_path("Groups", path)).collect::<Parsed<Vec<_>>>()?;
    let mut aggregations = Vec::new();
    for entry in raw.aggs {
        let column = field_path("Aggs.Column", entry.column)?;
        let Some(function) = AggFunction::parse(&entry.agg_func) else {
            return Err(format!("Aggs.AggFunc {} is not an aggregate function", entry.agg_func));
        };
        let aggregation = Aggregation { column, function };
        if aggregations.contains(&aggregation) {
            return Err(format!("Aggs has {} of {} twice", entry.agg_func, aggregation.column.join(".")));
        }
        aggregations.push(aggregation);
    }
    if aggregations.is_empty() {
        return Err("Aggs is empty".to_owned());
    }
    Ok(NodeKind::Aggregate { groups, aggregations })
}

pub(in crate::graph) fn drop_duplicates(raw: raw::DropDuplicates) -> Parsed<NodeKind> {
    let columns = raw.columns.unwrap_or_default().into_iter().map(|path| field_path("Columns", path));
    Ok(NodeKind::DropDuplicates { columns: columns.collect::<Parsed<_>>()? })
}

pub(in crate::graph) fn union(raw: raw::Union) -> Parsed<NodeKind> {
    match raw.union_type.as_str() {
        "ALL" => Ok(NodeKind::Union { distinct: false }),
        "DISTINCT" => Ok(NodeKind::Union { distinct: true }),
        other => Err(format!("UnionType {other} is not one of ALL, DISTINCT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_at_dots_outside_backticks() {
        let split = |text: &str| split_key(text).map(|names| names.join("|"));
        assert_eq!(split("a"), Some("a".to_owned()));
        assert_eq!(split("a.b.c"), Some("a|b|c".to_owned()));
        assert_eq!(split("`a.b`.c"), Some("a.b|c".to_owned()));
        for bad in ["", ".", "a.", ".a", "a..b", "`a", "`a`b"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
