//! The statements of each kind of node.

use std::collections::BTreeMap;

use super::python::{dictionary, list, segment, text};
use super::{
    builtin, condition, custom, database, keys, mapping, quality, rows, sensitive, sets, sources, targets,
};
use crate::graph::{AggFunction, Aggregation, FieldPath, Graph, Node, NodeKind, QualityNode};

/// The variables of all nodes, by id.
pub(super) type Variables = BTreeMap<String, String>;

/// The lines of a node, each ended; those that write come by [`writes`].
pub(super) fn statements(names: &Names<'_>) -> Result<String, String> {
    let node = names.node;
    let value = match &node.kind {
        NodeKind::Catalog(source) => sources::catalog(source, names)?,
        NodeKind::Files(source) => sources::files(source, names),
        NodeKind::ApplyMapping(mappings) => mapping::apply(mappings, names)?,
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
        NodeKind::Join { kind, left, right } => keys::join(*kind, left, right, names)?,
        NodeKind::Sql { query, aliases } => sql(query, aliases, names)?,
        NodeKind::Aggregate { groups, aggregations } => {
            names.of_frame(&aggregate(groups, aggregations, names)?)
        }
        NodeKind::DropDuplicates { columns } => names.of_frame(&keys::distinct(columns, names)?),
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

pub(super) fn dotted(path: &FieldPath) -> String {
    path.iter().map(|name| segment(name)).collect::<Vec<_>>().join(".")
}

pub(super) fn dotted_all(paths: &[FieldPath]) -> String {
    list(paths.iter().map(|path| text(&dotted(path))))
}

fn sql(query: &str, aliases: &[(String, String)], names: &Names<'_>) -> Result<String, String> {
    let frames = aliases.iter().map(|(input, alias)| Ok((alias.as_str(), names.of(input)?.to_owned())));
    let frames = dictionary(frames.collect::<Result<Vec<_>, String>>()?);
    Ok(format!("_spark_sql({}, {frames}, {})", text(query.trim_end().trim_end_matches(';')), names.context()))
}

fn aggregate(
    groups: &[FieldPath],
    aggregations: &[Aggregation],
    names: &Names<'_>,
) -> Result<String, String> {
    let frame = names.input(0)?;
    let by = groups.iter().map(|path| condition::column(frame, path));
    let values = aggregations.iter().map(|one| {
        let column = condition::column(frame, &one.column);
        let alias = text(&one.function.result_name(&one.column.join(".")));
        format!("F.{}({column}).alias({alias})", function(one.function))
    });
    let (by, values) = (by.collect::<Vec<_>>().join(", "), values.collect::<Vec<_>>().join(", "));
    Ok(format!("{frame}.toDF().groupBy({by}).agg({values})"))
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

pub(super) type Options = Vec<(&'static str, String)>;
