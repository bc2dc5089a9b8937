//! Brings the texts of the libraries below into words that people know who write SQL.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is said when a text speaks of nothing but the insides of the engine.
const UNSPEAKABLE: &str = "the engine cannot run this statement";

/// Words that mean nothing to somebody who writes SQL.
const INSIDES: [&str; 15] = [
    "datafusion",
    "arrow error",
    "arrow-",
    "utf8",
    "int32",
    "int64",
    "float64",
    "date32",
    "decimal128",
    "schema error",
    "physicalexpr",
    "physical plan",
    "downcast",
    "accumulator",
    "[return_type]",
];

static TYPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let numbers = r"U?Int(?:8|16|32|64)|Float(?:16|32|64)";
    let texts = r"(?:Large)?Utf8(?:View)?|(?:Large|FixedSize)?Binary(?:View)?";
    let times =
        r"Date(?:32|64)|Timestamp\([^()]*(?:\([^()]*\))?[^()]*\)|Interval\([^()]*\)|Duration\([^()]*\)";
    let decimals = r"Decimal(?:32|64|128|256)(?:Type)?(?:\((\d+), ?(-?\d+)\))?";
    Regex::new(&format!(r"\b(?:{decimals}|{times}|(?:{numbers}|{texts}|Boolean)(?:Type)?\b)")).ok()
});

/// The text without what the libraries put around it, and with SQL's names of types.
pub(super) fn plain(text: &str) -> String {
    let mut text = text;
    for boilerplate in [
        "\n\nbacktrace:",
        ".\nDid you mean",
        ". Did you mean",
        ".\nThis issue was likely caused by",
        ".\nThis was likely caused by",
    ] {
        text = text.split(boilerplate).next().unwrap_or_default();
    }
    let prefixes = [
        "Internal error: ",
        "Arrow error: ",
        "Cast error: ",
        "Compute error: ",
        "Parser error: ",
        "Invalid argument error: ",
        "Error during planning: ",
        "Execution error: ",
        "Optimizer rule 'simplify_expressions' failed\ncaused by\n",
        "type_coercion\ncaused by\n",
    ];
    while let Some(rest) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = text.replace("While expanding wildcard, ", "");
    let named = match &*TYPES {
        Some(types) => types.replace_all(&text, sql_name).into_owned(),
        None => text,
    };
    let lower = named.to_lowercase();
    if INSIDES.iter().any(|inside| lower.contains(inside)) { UNSPEAKABLE.to_owned() } else { named }
}

fn sql_name(found: &Captures<'_>) -> String {
    let word = found[0].trim_end_matches(')');
    match word.split('(').next().unwrap_or_default().trim_end_matches("Type") {
        "Int8" => "tinyint",
        "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt32" | "UInt64" => "bigint",
        "Float16" | "Float32" => "real",
        "Float64" => "double",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        "Timestamp" => "timestamp",
        "Interval" | "Duration" => "interval",
        other if other.contains("Utf8") => "varchar",
        other if other.contains("Binary") => "varbinary",
        _ => match (found.get(1), found.get(2)) {
            (Some(precision), Some(scale)) => {
                return format!("decimal({},{})", precision.as_str(), scale.as_str());
            }
            _ => "decimal",
        },
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_get_their_names_in_sql() {
        assert_eq!(
            plain("Can't cast value 3000000000 to type Int32"),
            "Can't cast value 3000000000 to type integer"
        );
        assert_eq!(
            plain("cannot coerce (Utf8, Float64) to Timestamp(Nanosecond, None)"),
            "cannot coerce (varchar, double) to timestamp"
        );
        assert_eq!(plain("from Decimal128(10, 2) to LargeUtf8"), "from decimal(10,2) to varchar");
        assert_eq!(plain("Timestamp(Millisecond, Some(\"UTC\")) and Date32"), "timestamp and date");
    }

    #[test]
    fn what_only_speaks_of_insides_is_not_shown() {
        let bug =
            "Internal error: Could not rewrite.\nThis issue was likely caused by a bug in DataFusion's code";
        assert_eq!(plain(bug), "Could not rewrite");
        assert_eq!(plain("Invalid function 'frob'.\nDid you mean 'floor'?"), "Invalid function 'frob'");
        assert_eq!(plain("PhysicalExpr could not be built"), UNSPEAKABLE);
        assert_eq!(plain("could not downcast to StringViewArray"), UNSPEAKABLE);
    }
}
