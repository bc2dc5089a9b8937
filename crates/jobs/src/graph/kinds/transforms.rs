//! Transforms: nodes that read other nodes and are read by others.

use super::super::parse::transforms as parse;
use super::super::parse::{nulls, pii, rows};
use super::super::{custom, quality};
use super::fields::FieldUse::{Acts, Only, Refused, Stored};
use super::fields::Fields;
use super::sources::SCHEMA;
use super::{Kind, NodeKind, Role};

const APPLY_MAPPING: Fields = &[("Name", Acts), ("Inputs", Acts), ("Mapping", Acts)];
const PATHS: Fields = &[("Name", Acts), ("Inputs", Acts), ("Paths", Acts)];
const RENAME_FIELD: Fields = &[("Name", Acts), ("Inputs", Acts), ("SourcePath", Acts), ("TargetPath", Acts)];
const FILTER: Fields = &[("Name", Acts), ("Inputs", Acts), ("LogicalOperator", Acts), ("Filters", Acts)];
const JOIN: Fields = &[("Name", Acts), ("Inputs", Acts), ("JoinType", Acts), ("Columns", Acts)];
const SPARK_SQL: Fields =
    &[("Name", Acts), ("Inputs", Acts), ("SqlQuery", Acts), ("SqlAliases", Acts), ("OutputSchemas", SCHEMA)];
const AGGREGATE: Fields = &[("Name", Acts), ("Inputs", Acts), ("Groups", Acts), ("Aggs", Acts)];
const DROP_DUPLICATES: Fields = &[("Name", Acts), ("Inputs", Acts), ("Columns", Acts)];
const UNION: Fields = &[("Name", Acts), ("Inputs", Acts), ("UnionType", Acts)];
const MERGE: Fields = &[("Name", Acts), ("Inputs", Acts), ("Source", Acts), ("PrimaryKeys", Acts)];
const ROUTE: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("GroupFiltersList.GroupName", Acts),
    ("GroupFiltersList.Filters", Acts),
    ("GroupFiltersList.LogicalOperator", Acts),
];
const SELECT_FROM_COLLECTION: Fields = &[("Name", Acts), ("Inputs", Acts), ("Index", Acts)];
const SPIGOT: Fields = &[("Name", Acts), ("Inputs", Acts), ("Path", Acts), ("Topk", Acts), ("Prob", Acts)];
const DROP_NULL_FIELDS: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("NullCheckBoxList.IsEmpty", Acts),
    ("NullCheckBoxList.IsNullString", Acts),
    ("NullCheckBoxList.IsNegOne", Acts),
    ("NullTextList.Value", Acts),
    ("NullTextList.Datatype.Id", Acts),
    ("NullTextList.Datatype.Label", Stored("it is the name of Id for people")),
];
const FILL_MISSING_VALUES: Fields =
    &[("Name", Acts), ("Inputs", Acts), ("ImputedPath", Acts), ("FilledPath", Acts)];
const PII_DETECTION: Fields = &[
    ("Name", Acts),
    ("Inputs", Acts),
    ("PiiType", Acts),
    ("EntityTypesToDetect", Acts),
    ("OutputColumnName", Acts),
    ("SampleFraction", Acts),
    ("ThresholdFraction", Acts),
    ("MaskValue", Acts),
    ("RedactText", Refused("the reference and the guide of Glue disagree on what it means; give MaskValue")),
    ("RedactChar", Acts),
    ("MatchPattern", Acts),
    ("NumLeftCharsToExclude", Acts),
    ("NumRightCharsToExclude", Acts),
    ("DetectionParameters", Refused("actions per entity type are not built; use a node for each")),
    ("DetectionSensitivity", Only(&["", "LOW"], "an entity type has one rule here, not one per sensitivity")),
];

const fn transform(
    name: &'static str,
    fields: Fields,
    parse: fn(&super::Given<'_>) -> super::Parsed<NodeKind>,
) -> Kind {
    Kind { name, role: Role::Transform, inputs: 1..=1, fields, parse }
}

/// The same with two inputs.
const fn of_two(
    name: &'static str,
    fields: Fields,
    parse: fn(&super::Given<'_>) -> super::Parsed<NodeKind>,
) -> Kind {
    Kind { inputs: 2..=2, ..transform(name, fields, parse) }
}

pub(super) const KINDS: &[Kind] = &[
    transform("Aggregate", AGGREGATE, |node| parse::aggregate(node.read()?)),
    transform("ApplyMapping", APPLY_MAPPING, |node| parse::apply_mapping(node.read()?)),
    Kind {
        inputs: 1..=usize::MAX,
        ..transform("CustomCode", custom::CUSTOM_CODE, |node| custom::custom_code(node.read()?))
    },
    transform("DropDuplicates", DROP_DUPLICATES, |node| parse::drop_duplicates(node.read()?)),
    transform("DropFields", PATHS, |node| Ok(NodeKind::DropFields(parse::paths(node.read()?)?))),
    transform("DropNullFields", DROP_NULL_FIELDS, |node| nulls::drop_null_fields(node.read()?)),
    transform("EvaluateDataQuality", quality::FIELDS, |node| quality::parse(node.read()?)),
    transform("DynamicTransform", custom::DYNAMIC_TRANSFORM, |node| custom::dynamic_transform(node.read()?)),
    Kind {
        inputs: 1..=usize::MAX,
        ..transform("EvaluateDataQualityMultiFrame", quality::MULTI_FRAME, |node| {
            quality::parse_multi_frame(node.read()?)
        })
    },
    transform("FillMissingValues", FILL_MISSING_VALUES, |node| nulls::fill_missing_values(node.read()?)),
    transform("Filter", FILTER, |node| parse::filter(node.read()?)),
    of_two("Join", JOIN, |node| parse::join(node.read()?, node.inputs)),
    of_two("Merge", MERGE, |node| rows::merge(node.read()?, node.inputs)),
    transform("PIIDetection", PII_DETECTION, |node| pii::detection(node.read()?)),
    transform("RenameField", RENAME_FIELD, |node| parse::rename_field(node.read()?)),
    transform("Route", ROUTE, |node| rows::route(node.read()?)),
    transform("SelectFields", PATHS, |node| Ok(NodeKind::SelectFields(parse::paths(node.read()?)?))),
    transform("SelectFromCollection", SELECT_FROM_COLLECTION, |node| {
        rows::select_from_collection(node.read()?)
    }),
    Kind {
        inputs: 1..=usize::MAX,
        ..transform("SparkSQL", SPARK_SQL, |node| parse::sql(node.read()?, node.inputs))
    },
    transform("Spigot", SPIGOT, |node| rows::spigot(node.read()?)),
    transform("SplitFields", PATHS, |node| Ok(NodeKind::SplitFields(parse::paths(node.read()?)?))),
    of_two("Union", UNION, |node| parse::union(node.read()?)),
];
