//! AWS Glue Studio's own transforms: DynamicTransform nodes whose functions the engine has itself.
//!
//! The editor writes them with a `Path` in a bucket of AWS's; what they do is documented, so no module is needed. Each
//! function is a line of [`FUNCTIONS`]: its name, its parameters and how they are read. What it does is the match on
//! [`Studio`] in `plan::studio`, what a script says is the one in `generate::studio`.
//!
//! Source: AWS Glue Developer Guide, "Transform data with AWS Glue managed transforms"; names of parameters as scripts that
//! the editor has generated call them.

mod functions;
mod given;
mod json;
mod lookup;
mod patterns;
mod reshape;
mod sql;

use std::fmt;

use formats::hive::HiveType;

use super::custom::Literal;
use super::parse::Parsed;
use super::{AggFunction, FieldPath};
use given::Given;

/// A transform of AWS Glue Studio's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Studio {
    /// The fields of structures become columns.
    Flatten {
        /// So many levels of structures; `None`: all.
        levels: Option<usize>,
        /// Between the names of a path.
        separator: String,
    },
    /// A row for each element of an array, or entry of a map.
    Explode {
        /// The array or map.
        column: FieldPath,
        /// The column of elements, or those of keys and values.
        names: Vec<String>,
        /// Whether a row without elements stays, with null.
        outer: bool,
    },
    /// Columns that SparkSQL computes.
    With {
        /// Each is put where a column of its name was, else behind all.
        columns: Vec<Computed>,
        /// A column of the input that is left out.
        without: Option<String>,
    },
    /// Leaves out rows that hold nothing.
    NullRows {
        /// Whether the empty text, array and map are nothing, too.
        extended: bool,
    },
    /// A collection: the root, and a table for each array.
    Relationalize {
        /// What scripts call the root.
        root: String,
        /// Where scripts put what they write aside.
        staging: Option<String>,
    },
    /// A column of JSON as structures, arrays or maps.
    FromJson(FromJson),
    /// A column for each value of some columns.
    Pivot(Pivot),
    /// A row for each of some columns.
    Unpivot(Unpivot),
    /// Columns of a table of the catalog, by keys.
    Lookup(Lookup),
    /// A column of numbers, each once: 0, 1, 2 and so on.
    Numbers(String),
    /// A column of random identifiers.
    Uuids(String),
    /// Spreads rows anew.
    Repartition {
        /// Over so many parts.
        partitions: Option<usize>,
    },
}

/// A column of JSON documents that get a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromJson {
    /// The column of texts.
    pub column: FieldPath,
    /// The column of what they hold.
    pub name: String,
    /// Its type; `None`: the one that the documents have.
    pub schema: Option<HiveType>,
}

/// Values that become columns. Rows are grouped by all columns that are not named here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pivot {
    /// The columns whose values name those that are made.
    pub columns: Vec<String>,
    /// What is aggregated.
    pub column: String,
    /// How it is.
    pub function: AggFunction,
}

/// Columns that become rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpivot {
    /// The columns.
    pub columns: Vec<String>,
    /// The column of their names.
    pub name: String,
    /// The column of their values.
    pub value: String,
}

/// A table of the catalog that rows are looked up in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Columns of the rows, and of the table, that are equal.
    pub keys: Vec<(String, String)>,
    /// The columns of the table that are taken.
    pub columns: Vec<String>,
}

/// A column that is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// Its name.
    pub name: String,
    /// An expression of SparkSQL, which stands alone.
    pub expression: String,
}

/// A parameter: its name, whether it has to be given, and what it is.
type Parameter = (&'static str, bool, &'static str);
type Function = (&'static str, &'static [Parameter], fn(&Given<'_>) -> Parsed<Studio>);

const COLUMN: Parameter = ("colName", true, "the column; `` `a.b` `` in backticks, `a.b` of a structure");
const INSTEAD: Parameter = ("newColName", false, "a column for the result, else it replaces `colName`");

/// The functions, in the order of their names.
const FUNCTIONS: &[Function] = &[
    (
        "gs_array_to_cols",
        &[
            COLUMN,
            ("colList", true, "names of columns, with commas"),
            ("indexes", false, "which elements, from 1, with commas; else the first ones"),
        ],
        functions::array_to_columns,
    ),
    (
        "gs_concat",
        &[
            ("colName", true, "the new column"),
            ("colList", true, "the columns"),
            ("spacer", false, "what stands between"),
            ("nullValue", false, "what stands for null, else nothing"),
        ],
        functions::concatenate,
    ),
    (
        "gs_derived",
        &[("colName", true, "the column"), ("expr", true, "an expression of SparkSQL")],
        functions::derived,
    ),
    (
        "gs_explode",
        &[
            COLUMN,
            ("newCol", true, "the column of elements; of a map `key,value`"),
            ("outer", false, "keeps rows without elements"),
        ],
        functions::explode,
    ),
    (
        "gs_extract_json",
        &[
            COLUMN,
            (
                "jsonPaths",
                true,
                "a member's name or a path (`$.a.b`, `$['a. b'][0]`) for each new column, with commas",
            ),
            ("colList", true, "the new columns, with commas"),
            ("dropCol", false, "leaves out `colName`"),
        ],
        json::extract,
    ),
    (
        "gs_flatten",
        &[
            ("maxLevels", false, "so many levels; 0 or nothing: all"),
            ("separator", false, "between names, else a dot"),
        ],
        functions::flatten,
    ),
    (
        "gs_format_timestamp",
        &[COLUMN, ("dateFormat", true, "a pattern of Spark's, or Python's codes with %"), INSTEAD],
        functions::format_timestamp,
    ),
    (
        "gs_lookup",
        &[
            ("lookupTable", true, "a table of the catalog: `database.table`"),
            (
                "keyCols",
                true,
                "columns of both that are equal, with commas; `own=other` where their names differ",
            ),
            ("takeCols", true, "the columns of the table that are taken, with commas"),
        ],
        lookup::lookup,
    ),
    (
        "gs_now",
        &[
            ("colName", false, "the column, else `timestamp`"),
            ("dateFormat", false, "makes it a text: a pattern of Spark's, or Python's codes with %"),
        ],
        functions::now,
    ),
    (
        "gs_null_rows",
        &[("extended", false, "takes the empty text, array and map for null, too")],
        functions::null_rows,
    ),
    (
        "gs_parse_json",
        &[
            COLUMN,
            (
                "schema",
                false,
                "the type, as in SQL: `a STRING, b INT` or `ARRAY<STRING>`; else that of all documents",
            ),
            INSTEAD,
        ],
        json::parse,
    ),
    (
        "gs_pivot",
        &[
            ("aggCol", true, "the column that is aggregated"),
            ("aggFunction", true, "an aggregate of Spark's: `mean`, `sum`, `count`, `first` and so on"),
            ("colList", true, "the columns whose values become columns"),
        ],
        reshape::pivot,
    ),
    (
        "gs_regex_extract",
        &[
            COLUMN,
            ("regex", true, "the pattern"),
            ("newCols", true, "a column for each group, with commas; an empty name leaves its group out"),
        ],
        functions::extract,
    ),
    (
        "gs_repartition",
        &[("numPartitionsStr", false, "how many parts; the engine spreads rows by itself")],
        functions::repartition,
    ),
    (
        "gs_sequence_id",
        &[
            ("colName", false, "the column, else `id`"),
            ("unique", false, "numbers that no other run gives are not built"),
        ],
        functions::numbers,
    ),
    ("gs_split", &[COLUMN, ("pattern", true, "a regular expression"), INSTEAD], functions::split),
    (
        "gs_to_timestamp",
        &[
            COLUMN,
            ("colType", true, "`seconds`, `milliseconds`, `microseconds`, `iso` or `autodetect`"),
            INSTEAD,
        ],
        functions::to_timestamp,
    ),
    (
        "gs_unpivot",
        &[
            ("colList", true, "the columns that become rows"),
            ("nameCol", true, "the new column of their names"),
            ("valueCol", true, "the new column of their values"),
        ],
        reshape::unpivot,
    ),
    ("gs_uuid", &[("colName", false, "the column, else `uuid`")], functions::uuids),
    (
        "relationalize",
        &[
            ("root_table_name", true, "what scripts call the root"),
            ("staging_path", false, "where scripts write aside; the engine does so by itself"),
        ],
        functions::relationalize,
    ),
    ("unnest", &[], functions::unnest),
];

/// Whether the module of a DynamicTransform lies where AWS keeps its own.
pub(super) fn is_of_aws(path: &str) -> bool {
    path.starts_with("s3://aws-glue-studio-transforms-")
}

/// Reads a function's arguments; `None` for a function that is none of these.
pub(super) fn parse(
    function: &str,
    arguments: &[(String, Literal)],
) -> Option<(&'static str, Parsed<Studio>)> {
    let (name, parameters, read) = FUNCTIONS.iter().find(|(name, ..)| *name == function)?;
    Some((*name, Given::new(arguments, parameters).and_then(|given| read(&given))))
}

/// The names of the functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

impl fmt::Display for Studio {
    /// What it does, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flatten { levels: None, .. } => f.write_str("structures as columns"),
            Self::Flatten { levels: Some(levels), .. } => {
                write!(f, "{levels} levels of structures as columns")
            }
            Self::Explode { column, names, .. } => {
                write!(f, "elements of {} as {}", column.join("."), names.join(", "))
            }
            Self::With { columns, .. } => {
                let columns = columns.iter().map(|own| format!("{} as {}", own.expression, own.name));
                f.write_str(&columns.collect::<Vec<_>>().join(", "))
            }
            Self::Relationalize { .. } => f.write_str("a root, and a table for each array"),
            Self::Pivot(own) => {
                let (columns, result) = (own.columns.join(", "), own.function.result_name(&own.column));
                write!(f, "{result} for each value of {columns}")
            }
            Self::FromJson(own) => match &own.schema {
                Some(ty) => write!(f, "{} of JSON as {}, {ty}", own.column.join("."), own.name),
                None => write!(f, "{} of JSON as {}", own.column.join("."), own.name),
            },
            Self::Unpivot(own) => {
                write!(f, "{} as rows of {} and {}", own.columns.join(", "), own.name, own.value)
            }
            Self::Lookup(own) => {
                let pairs: Vec<_> =
                    own.keys.iter().map(|(left, right)| format!("{left} = {right}")).collect();
                let (columns, pairs) = (own.columns.join(", "), pairs.join(" and "));
                write!(f, "{columns} of {}.{} where {pairs}", own.database, own.table)
            }
            Self::Numbers(name) => write!(f, "numbers as {name}"),
            Self::Uuids(name) => write!(f, "random identifiers as {name}"),
            Self::NullRows { .. } => f.write_str("rows that hold something"),
            Self::Repartition { .. } => f.write_str("rows as they are"),
        }
    }
}

/// The functions and their parameters as a table.
pub(super) fn markdown() -> String {
    let mut table = "| function | parameter | |\n|---|---|---|\n".to_owned();
    for (name, parameters, _) in FUNCTIONS {
        if parameters.is_empty() {
            table.push_str(&format!("| `{name}` | | |\n"));
        }
        for (parameter, needed, what) in *parameters {
            let needed = if *needed { "" } else { " (optional)" };
            table.push_str(&format!("| `{name}` | `{parameter}`{needed} | {what} |\n"));
        }
    }
    table
}
