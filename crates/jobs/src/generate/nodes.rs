//! The statements of each kind of node.

use std::collections::BTreeMap;

use super::python::{dictionary, flag, list, segment, text, texts};
use super::{builtin, condition, custom, database, quality, rows, sensitive, sets, sources, targets};
use crate::graph::{
    AggFunction, Aggregation, FieldPath, Graph, JoinKind, JoinSide, Mapping, Node, NodeKind, QualityNode,
};

/// The variables of all nodes, by id.
pub(super) type Variables = BTreeMap<String, String>;

/// The lines of a node, each ended; those that write come by [`writes`].
pub(super) fn statements(names: &Names<'_>) -> Result<String, String> {
    let node = names.node;
    let value = match &node.kind {
        NodeKind::Catalog(source) => sources::catalog(source, names)?,
        NodeKind::Files(source) => sources::files(source, names),
        NodeKind::ApplyMapping(mappings) => {
            // The engine finds names in another case, too.
            let any_case = ("case_sensitive", flag(false));
            names.transform("ApplyMapping", &[("mappings", mapped(mappings)?), any_case])?
        }
        NodeKind::SelectFields(paths) => names.transform("SelectFields", &[("paths", dotted_all(paths))])?,
        NodeKind::DropFields(paths) => names.transform("DropFields", &[("paths", dotted_all(paths))])?,
        NodeKind::RenameField { from, to } => names.transform(
            "RenameField",
            &[("old_name", text(&dotted(from))), ("new_name", text(&dotted(to)))],
        )?,
        NodeKind::Filter { any, conditions } => {
            let input = names.input(0)?;
            let rows = condition::predicate(input, *any, conditions)?;
            names.of_frame(&format!("{input}.toDF().where({rows})"))
        }
        NodeKind::Join { kind, left, right } => join(*kind, left, right, names)?,
        NodeKind::Sql { query, aliases } => sql(query, aliases, names)?,
        NodeKind::Aggregate { groups, aggregations } => {
            names.of_frame(&aggregate(groups, aggregations, names)?)
        }
        NodeKind::DropDuplicates { columns } => names.of_frame(&distinct(columns, names)?),
        NodeKind::Union { distinct } => sets::union(*distinct, names)?,
        NodeKind::Jdbc(source) => database::read(source, names),
        NodeKind::Delta(path) => {
            names.of_frame(&format!("spark.read.format(\"delta\").load({})", text(&path.to_string())))
        }
        NodeKind::SplitFields(paths) => rows::split(paths, names)?,
        NodeKind::Route(groups) => rows::route(groups, names)?,
        NodeKind::SelectFromCollection(index) => rows::select(*index, names)?,
        NodeKind::Merge { source, keys } => sets::merge(source, keys, names)?,
        NodeKind::DropNullFields(values) => rows::drop_nulls(values, names)?,
        NodeKind::Spigot(_) => names.input(0)?.to_owned(),
        NodeKind::Code(own) => return custom::code(own, names),
        NodeKind::Dynamic(own) => custom::dynamic(own, names)?,
        NodeKind::BuiltIn(own) => builtin::call(own, names)?,
        NodeKind::FillMissing(fill) => names.transform(
            "FillMissingValues",
            &[("missing_values_column", text(&fill.from)), ("output_column", text(&fill.to))],
        )?,
        NodeKind::Pii(pii) => return sensitive::statements(pii, names),
        NodeKind::Quality(own) => return quality::statements(own, names),
        NodeKind::Target(_) => return Ok(String::new()),
    };
    Ok(format!("{} = {value}\n{}", names.own()?, sources::of_one_type(names)?))
}

/// The lines by which a node writes; those of all nodes stand behind everything else.
pub(super) fn writes(names: &Names<'_>) -> Result<String, String> {
    match &names.node.kind {
        NodeKind::Target(target) => targets::write(target, names),
        NodeKind::Spigot(spigot) => Ok(format!("{}\n", rows::spigot(spigot, names)?)),
        _ => Ok(String::new()),
    }
}

/// How a node and its inputs are called.
pub(super) struct Names<'a> {
    pub(super) node: &'a Node,
    pub(super) graph: &'a Graph,
    pub(super) variables: &'a Variables,
}

impl Names<'_> {
    pub(super) fn own(&self) -> Result<&str, String> {
        self.of(&self.node.id)
    }

    /// The frames behind the first by what rules call them.
    pub(super) fn others(&self, own: &QualityNode) -> Result<Vec<(String, String)>, String> {
        let inputs = &self.node.inputs;
        let aliases = own.others(inputs, |id| self.graph.node(id).map(|node| node.name.as_str()))?;
        let pairs = aliases.into_iter().zip(inputs.iter().skip(1));
        pairs.map(|(alias, id)| Ok((alias.to_owned(), self.of(id)?.to_owned()))).collect()
    }

    /// The node's name, for people.
    pub(super) fn title(&self) -> &str {
        &self.node.name
    }

    pub(super) fn of(&self, id: &str) -> Result<&str, String> {
        self.variables.get(id).map(String::as_str).ok_or_else(|| format!("there is no node {id}"))
    }

    pub(super) fn input(&self, at: usize) -> Result<&str, String> {
        self.of(self.node.inputs.get(at).ok_or("an input is missing")?)
    }

    pub(super) fn context(&self) -> String {
        text(&self.node.id)
    }

    /// `Transform.apply(frame=…, …)`.
    pub(super) fn transform(&self, name: &str, arguments: &[(&str, String)]) -> Result<String, String> {
        let mut call = format!("{name}.apply(frame={}", self.input(0)?);
        for (argument, value) in arguments {
            call.push_str(&format!(", {argument}={value}"));
        }
        Ok(format!("{call}, transformation_ctx={})", self.context()))
    }

    /// A data frame as a dynamic frame.
    pub(super) fn of_frame(&self, frame: &str) -> String {
        format!("DynamicFrame.fromDF({frame}, glueContext, {})", self.context())
    }
}

fn dotted(path: &FieldPath) -> String {
    path.iter().map(|name| segment(name)).collect::<Vec<_>>().join(".")
}

pub(super) fn dotted_all(paths: &[FieldPath]) -> String {
    list(paths.iter().map(|path| text(&dotted(path))))
}

/// The mappings of a list, those of structures as paths.
fn mapped(mappings: &[Mapping]) -> Result<String, String> {
    let mut entries = Vec::new();
    flatten(mappings, &[], &[], &mut entries)?;
    Ok(list(entries))
}

fn flatten(
    mappings: &[Mapping],
    from: &[String],
    to: &[String],
    entries: &mut Vec<String>,
) -> Result<(), String> {
    for mapping in mappings {
        let from = [from, mapping.from.as_slice()].concat();
        let to = [to, mapping.to.as_slice()].concat();
        if !mapping.children.is_empty() {
            flatten(&mapping.children, &from, &to, entries)?;
            continue;
        }
        let Some(wanted) = &mapping.to_type else {
            return Err(format!("the mapping of {} has no ToType, which a script needs", dotted(&from)));
        };
        let found = mapping.from_type.as_ref().unwrap_or(wanted);
        let parts = [&dotted(&from), found, &dotted(&to), wanted].map(|part| text(part));
        entries.push(format!("({})", parts.join(", ")));
    }
    Ok(())
}

fn join(kind: JoinKind, left: &JoinSide, right: &JoinSide, names: &Names<'_>) -> Result<String, String> {
    let how = match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Outer => "outer",
        JoinKind::LeftSemi => "left_semi",
        JoinKind::LeftAnti => "left_anti",
    };
    let (one, two) = (names.of(&left.input)?, names.of(&right.input)?);
    let top_level = |side: &JoinSide| side.keys.iter().all(|key| key.len() == 1);
    if left.keys == right.keys && top_level(left) {
        // Keys of the same name become one column.
        let keys = texts(left.keys.iter().flatten().map(String::as_str));
        return Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {keys}, {})", text(how))));
    }
    if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        return Ok(names.of_frame(&partners(one, two, left, right, how)));
    }
    if left.keys.iter().zip(&right.keys).any(|(left, right)| left == right) {
        return Err("some of its keys have the same name and some have not; rename them".to_owned());
    }
    let pairs = left.keys.iter().zip(&right.keys).map(|(left, right)| {
        format!("F.col({}) == F.col({})", text(&condition::field(left)), text(&condition::field(right)))
    });
    Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {}, {})", list(pairs), text(how))))
}

/// Rows by whether they have a partner. Of the other frame only its keys are looked at, under names of their own: its columns
/// may be called as the first one's.
fn partners(one: &str, two: &str, left: &JoinSide, right: &JoinSide, how: &str) -> String {
    let column = |path: &FieldPath| format!("F.col({})", text(&condition::field(path)));
    let own = |at: usize| text(&format!("__right_{at}"));
    let keys = right.keys.iter().enumerate().map(|(at, key)| format!("{}.alias({})", column(key), own(at)));
    let pairs =
        left.keys.iter().enumerate().map(|(at, key)| format!("{} == F.col({})", column(key), own(at)));
    let (keys, pairs) = (keys.collect::<Vec<_>>().join(", "), list(pairs));
    format!("{one}.toDF().join({two}.toDF().select({keys}), {pairs}, {})", text(how))
}

fn sql(query: &str, aliases: &[(String, String)], names: &Names<'_>) -> Result<String, String> {
    let frames = aliases.iter().map(|(input, alias)| Ok((alias.as_str(), names.of(input)?.to_owned())));
    let frames = dictionary(frames.collect::<Result<Vec<_>, String>>()?);
    Ok(format!("spark_sql({}, {frames}, {})", text(query.trim_end().trim_end_matches(';')), names.context()))
}

fn aggregate(
    groups: &[FieldPath],
    aggregations: &[Aggregation],
    names: &Names<'_>,
) -> Result<String, String> {
    let by = groups.iter().map(|path| format!("F.col({})", text(&condition::field(path))));
    let values = aggregations.iter().map(|one| {
        let column = format!("F.col({})", text(&condition::field(&one.column)));
        let alias = text(&one.function.result_name(&one.column.join(".")));
        format!("F.{}({column}).alias({alias})", function(one.function))
    });
    let (by, values) = (by.collect::<Vec<_>>().join(", "), values.collect::<Vec<_>>().join(", "));
    Ok(format!("{}.toDF().groupBy({by}).agg({values})", names.input(0)?))
}

pub(super) fn function(function: AggFunction) -> &'static str {
    match function {
        AggFunction::Avg => "avg",
        AggFunction::CountDistinct => "count_distinct",
        AggFunction::Count => "count",
        AggFunction::First => "first",
        AggFunction::Last => "last",
        AggFunction::Kurtosis => "kurtosis",
        AggFunction::Max => "max",
        AggFunction::Min => "min",
        AggFunction::Skewness => "skewness",
        AggFunction::StddevSamp => "stddev_samp",
        AggFunction::StddevPop => "stddev_pop",
        AggFunction::Sum => "sum",
        AggFunction::SumDistinct => "sum_distinct",
        AggFunction::VarSamp => "var_samp",
        AggFunction::VarPop => "var_pop",
    }
}

fn distinct(columns: &[FieldPath], names: &Names<'_>) -> Result<String, String> {
    let frame = format!("{}.toDF()", names.input(0)?);
    if columns.is_empty() {
        return Ok(format!("{frame}.distinct()"));
    }
    if columns.iter().any(|path| path.len() > 1) {
        return Err("scripts drop duplicates by top-level columns only".to_owned());
    }
    Ok(format!("{frame}.dropDuplicates({})", texts(columns.iter().flatten().map(String::as_str))))
}

pub(super) type Options = Vec<(&'static str, String)>;
