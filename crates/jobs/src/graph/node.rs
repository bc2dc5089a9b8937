//! The nodes of a graph as the planner wants them: wire spellings are gone, values are checked.

use super::{Glob, QualityNode, Target};

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
    /// Writes its input.
    Target(Target),
}

/// A table to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSource {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Which partitions, in the catalog's expression grammar; all when absent.
    pub predicate: Option<String>,
    /// How much at most.
    pub bounds: Bounds,
}

/// Files to read.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSource {
    /// At least one.
    pub paths: Vec<S3Path>,
    /// What they hold.
    pub format: FileFormat,
    /// Patterns of objects to leave out.
    pub exclusions: Vec<Glob>,
    /// Whether folders below the paths are read too.
    pub recurse: bool,
    /// How much at most.
    pub bounds: Bounds,
}

/// The most that a source reads in one run; what is left out is read by the next run with bookmarks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub bytes: Option<u64>,
    /// Files.
    pub files: Option<u64>,
}

/// `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Path {
    /// The bucket, not yet checked against the naming rules.
    pub bucket: String,
    /// What follows the bucket's slash; may be empty.
    pub prefix: String,
}

impl std::fmt::Display for S3Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A compression of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `gzip`.
    Gzip,
    /// `bzip2`.
    Bzip2,
}

/// The format of files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFormat {
    /// Separated values; every column is text, as in a dynamic frame of Glue.
    Csv {
        /// Between two fields.
        separator: u8,
        /// Around a field; `None` = quoting is off.
        quote: Option<u8>,
        /// Before a character taken as it is.
        escape: Option<u8>,
        /// Whether the first line names the columns; `col0`, `col1`, … otherwise.
        header: bool,
        /// Whether the first data line is left out.
        skip_first: bool,
    },
    /// JSON lines, or one array of objects.
    Json,
    /// Parquet.
    Parquet,
    /// The first sheet of Excel workbooks that holds something.
    Excel {
        /// Records to read of each workbook, at most.
        max_rows: Option<u64>,
        /// Records left out at the end of each workbook.
        skip_footer: u64,
    },
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
