//! The nodes of a graph as the planner wants them: wire spellings are gone, values are checked.

use super::{
    BuiltIn, COLLECTION, CatalogSource, CustomCode, DynamicTransform, FileSource, HandsOn, JdbcSource, Pii,
    QualityNode, S3Path, Studio, Target,
};

/// A path into nested fields: `["address", "city"]`; never empty.
pub type FieldPath = Vec<String>;

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its key in the graph; also names its bookmark.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The kind as AWS writes it (`S3CsvSource`).
    pub label: &'static str,
    /// The ids of the nodes it reads, in order.
    pub inputs: Vec<String>,
    /// What it does.
    pub kind: NodeKind,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// Reads a table of the catalog.
    Catalog(CatalogSource),
    /// Reads files by path.
    Files(FileSource),
    /// Reads the Delta table at a path.
    Delta(S3Path),
    /// Reads a table of a database.
    Jdbc(JdbcSource),
    /// Renames, casts, drops and regroups fields.
    ApplyMapping(Vec<Mapping>),
    /// Keeps these fields, in this order.
    SelectFields(Vec<FieldPath>),
    /// Leaves these fields out.
    DropFields(Vec<FieldPath>),
    /// Gives one field another name or place.
    RenameField {
        /// The field.
        from: FieldPath,
        /// Its new path.
        to: FieldPath,
    },
    /// Keeps the rows for which all (`any = false`) or any (`any = true`) of the conditions hold.
    Filter {
        /// `OR` instead of `AND`.
        any: bool,
        /// At least one.
        conditions: Vec<Condition>,
    },
    /// Joins two inputs.
    Join {
        /// How.
        kind: JoinKind,
        /// Keys of the first input.
        left: JoinSide,
        /// Keys of the second input, as many as of the first.
        right: JoinSide,
    },
    /// Runs SQL over its inputs.
    Sql {
        /// The text.
        query: String,
        /// Input node id → table name in the text.
        aliases: Vec<(String, String)>,
    },
    /// Groups and aggregates.
    Aggregate {
        /// Group fields; none = one row over everything.
        groups: Vec<FieldPath>,
        /// At least one.
        aggregations: Vec<Aggregation>,
    },
    /// Keeps one row of each set of equal rows; of equal `columns` when given.
    DropDuplicates {
        /// Compared fields; empty = all.
        columns: Vec<FieldPath>,
    },
    /// Puts two inputs behind each other, column by position.
    Union {
        /// Leaves out equal rows.
        distinct: bool,
    },
    /// Evaluates data quality rules.
    Quality(Box<QualityNode>),
    /// A collection of two frames: these fields, and the others.
    SplitFields(Vec<FieldPath>),
    /// A collection of one frame per group, of the rows that its conditions let pass.
    Route(Vec<Group>),
    /// The frame at this place of a collection.
    SelectFromCollection(usize),
    /// Takes the rows of the second input instead of those of the first that have the same keys.
    Merge {
        /// The id of the input whose rows are replaced; the other one is the staging frame.
        source: String,
        /// At least one.
        keys: Vec<FieldPath>,
    },
    /// Leaves out the fields that hold nothing but null and what stands for it.
    DropNullFields(NullValues),
    /// Writes a sample of its input and hands all of it on.
    Spigot(Box<Spigot>),
    /// Finds personal data.
    Pii(Box<Pii>),
    /// Adds a field with what the others let expect where one is empty.
    FillMissing(FillMissing),
    /// A function of the user's, from frames to a collection.
    Code(Box<CustomCode>),
    /// A function of the user's, from a frame to a frame.
    Dynamic(Box<DynamicTransform>),
    /// A function that every frame has.
    BuiltIn(Box<BuiltIn>),
    /// Writes its input.
    Target(Target),
}

impl NodeKind {
    /// Whether it reads what is outside the graph.
    pub fn is_source(&self) -> bool {
        matches!(self, Self::Catalog(_) | Self::Files(_) | Self::Delta(_) | Self::Jdbc(_))
    }

    /// Where it writes to, if it does.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Target(target) => Some(target),
            Self::Spigot(spigot) => Some(&spigot.target),
            _ => None,
        }
    }

    /// Whether only Python can do it.
    pub fn is_python(&self) -> bool {
        matches!(self, Self::Code(_) | Self::Dynamic(_))
    }

    /// How often it reads its rows itself, beside those behind it: to write them, or because what it gives depends on them.
    /// Two stands for more: rules of quality are judged in several rounds.
    pub(super) fn own_reads(&self) -> usize {
        match self {
            Self::Quality(_) => 2,
            Self::Target(_)
            | Self::Spigot(_)
            | Self::DropNullFields(_)
            | Self::Pii(_)
            | Self::FillMissing(_) => 1,
            Self::BuiltIn(own) => usize::from(matches!(
                own.as_ref(),
                BuiltIn::Studio(_, Studio::Pivot(_) | Studio::FromJson(_))
            )),
            _ => 0,
        }
    }

    /// Whether its own text names tables of the catalog, for which no source stands.
    pub fn names_tables(&self) -> bool {
        match self {
            Self::Sql { .. } => true,
            Self::BuiltIn(own) => matches!(own.as_ref(), BuiltIn::Studio(_, Studio::Lookup(_))),
            _ => false,
        }
    }

    /// How many frames it gives when it gives a collection, from which SelectFromCollection chooses.
    pub fn collection(&self) -> Option<usize> {
        match self {
            Self::SplitFields(_) => Some(2),
            Self::Route(groups) => Some(groups.len()),
            // As many as the data says.
            Self::BuiltIn(own) if own.gives_collection() => Some(usize::MAX),
            // As many as its code says.
            Self::Code(_) => Some(usize::MAX),
            Self::Quality(quality) if quality.hands_on == HandsOn::All => Some(COLLECTION.len()),
            _ => None,
        }
    }
}

/// A group of a Route.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Which rows pass; `None`: those that no other group takes.
    pub filter: Option<(bool, Vec<Condition>)>,
}

/// What counts as null for DropNullFields, besides null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NullValues {
    /// Texts, compared without the blanks around them.
    pub texts: Vec<String>,
    /// Whether -1 of integers and doubles.
    pub minus_one: bool,
    /// Values of other types, each as a text with its Glue type.
    pub typed: Vec<(String, String)>,
}

/// What is filled in, and where that is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillMissing {
    /// The field that is empty in some rows.
    pub from: String,
    /// The new field, with what is there, or expected.
    pub to: String,
}

/// A sample that is written beside.
#[derive(Debug, Clone, PartialEq)]
pub struct Spigot {
    /// JSON lines below its path.
    pub target: Target,
    /// So many rows at most.
    pub rows: Option<usize>,
    /// The chance of each row.
    pub probability: Option<f64>,
}

/// One entry of ApplyMapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The field, from the root.
    pub from: FieldPath,
    /// Its new path.
    pub to: FieldPath,
    /// The type it is read as first, as a Hive type; `None` = as it is.
    pub from_type: Option<String>,
    /// The type it gets, as a Hive type; `None` = as it is.
    pub to_type: Option<String>,
    /// Fields of the structure, `from` and `to` relative to it; empty = taken as a whole.
    pub children: Vec<Mapping>,
}

/// One condition of a Filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is compared how.
    pub operation: Operation,
    /// Whether the result is turned round.
    pub negated: bool,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// `=`, `<`, `>`, `<=`, `>=`: the operator's SQL spelling and both sides.
    Compare(&'static str, Operand, Operand),
    /// The pattern matches from the start of the field's text.
    Regex(Operand, String),
    /// The field is null.
    IsNull(Operand),
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A field of the row.
    Field(FieldPath),
    /// A text that takes the type of the other side.
    Constant(String),
}

/// How rows without a partner are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// `equijoin`: left out.
    Inner,
    /// `left`: those of the first input are kept.
    Left,
    /// `right`: those of the second input are kept.
    Right,
    /// `outer`: all are kept.
    Outer,
    /// `leftsemi`: rows of the first input that have a partner.
    LeftSemi,
    /// `leftanti`: rows of the first input that have none.
    LeftAnti,
}

/// One side of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinSide {
    /// The input node.
    pub input: String,
    /// Its key fields.
    pub keys: Vec<FieldPath>,
}

/// One aggregation; its result is named as Spark names it (`sum(amount)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    /// The field.
    pub column: FieldPath,
    /// What is computed.
    pub function: AggFunction,
}

/// The aggregate functions of Glue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of Glue's AggFunction say it all")]
pub enum AggFunction {
    Avg,
    CountDistinct,
    Count,
    First,
    Last,
    Kurtosis,
    Max,
    Min,
    Skewness,
    StddevSamp,
    StddevPop,
    Sum,
    SumDistinct,
    VarSamp,
    VarPop,
}

impl AggFunction {
    /// Reads Glue's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "avg" => Self::Avg,
            "countDistinct" => Self::CountDistinct,
            "count" => Self::Count,
            "first" => Self::First,
            "last" => Self::Last,
            "kurtosis" => Self::Kurtosis,
            "max" => Self::Max,
            "min" => Self::Min,
            "skewness" => Self::Skewness,
            "stddev_samp" => Self::StddevSamp,
            "stddev_pop" => Self::StddevPop,
            "sum" => Self::Sum,
            "sumDistinct" => Self::SumDistinct,
            "var_samp" => Self::VarSamp,
            "var_pop" => Self::VarPop,
            _ => return None,
        })
    }

    /// The name that Spark gives the result column.
    pub fn result_name(self, column: &str) -> String {
        match self {
            Self::CountDistinct => format!("count(DISTINCT {column})"),
            Self::SumDistinct => format!("sum(DISTINCT {column})"),
            Self::Avg => format!("avg({column})"),
            Self::Count => format!("count({column})"),
            Self::First => format!("first({column})"),
            Self::Last => format!("last({column})"),
            Self::Kurtosis => format!("kurtosis({column})"),
            Self::Max => format!("max({column})"),
            Self::Min => format!("min({column})"),
            Self::Skewness => format!("skewness({column})"),
            Self::StddevSamp => format!("stddev_samp({column})"),
            Self::StddevPop => format!("stddev_pop({column})"),
            Self::Sum => format!("sum({column})"),
            Self::VarSamp => format!("var_samp({column})"),
            Self::VarPop => format!("var_pop({column})"),
        }
    }
}
