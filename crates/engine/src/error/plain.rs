//! Brings the texts of the libraries below into words that people know who write SQL.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is said when a text speaks of nothing but the insides of the engine.
const UNSPEAKABLE: &str = "the engine cannot run this statement";

/// Words that mean nothing to somebody who writes SQL.
const INSIDES: [&str; 16] = [
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
    "span(location",
];

/// Literals as the engine shows them, with their types.
static LITERALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#"(?:Large)?Utf8(?:View)?\("((?:[^"\\]|\\.)*)"\)"#;
    let number = r"(?:U?Int(?:8|16|32|64)|Float(?:16|32|64)|Boolean)\(([-+.\w]+)\)";
    Regex::new(&format!(r"\b(?:{text}|{number})")).ok()
});

/// Two columns of one name, where names tell them apart.
static TWICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let first = r#""(?:[^"]* AS )?(?:\w+\.)*(?<name>\w+)""#;
    Regex::new(&format!(
        r#"\w+ require unique expression names but the expression (?:{first}|".*") at position \d+ and ".*" at position \d+ have the same name\. Consider aliasing \("AS"\) one of them\."#
    ))
    .ok()
});

/// Types that hold others, whose names are SQL's already.
static NESTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(Struct|Map|(?:Large|FixedSize)?List(?:View)?)\((?:[^()]|\([\d, ]*\))*\)").ok()
});
/// How deep they are looked for.
const MAX_NESTING: usize = 8;

/// What is said of a call whose arguments fit none of the function's signatures.
static NO_MATCH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?s)^.*No function matches the given name and argument types '(.*?)'\. You might need to add explicit type casts\..*$",
    )
    .ok()
});

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
    let named = with_types(&as_written(&bare(text)));
    let lower = named.to_lowercase();
    if INSIDES.iter().any(|inside| lower.contains(inside)) { UNSPEAKABLE.to_owned() } else { named }
}

/// Without the kinds of errors in front, and the advice behind.
fn bare(text: &str) -> String {
    let mut text = text;
    for boilerplate in [
        "\n\nbacktrace:",
        ".\nDid you mean",
        ". Did you mean",
        ".\nThis issue was likely caused by",
        ".\nThis was likely caused by",
        ", currently only \"",
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
    prefixes.iter().fold(text, |text, prefix| text.replace(&format!(": {prefix}"), ": "))
}

/// Columns and literals as they are written.
fn as_written(text: &str) -> String {
    let text = replaced(&TWICE, text, |found| {
        let name = found.name("name").map_or(String::new(), |name| format!(", {}", name.as_str()));
        format!("two columns have the same name{name}; give one of them another with AS")
    });
    replaced(&LITERALS, &text, |found| match (found.get(1), found.get(2)) {
        (Some(text), _) => format!("'{}'", text.as_str()),
        (_, number) => number.map_or(String::new(), |number| number.as_str().to_owned()),
    })
}

fn with_types(text: &str) -> String {
    let mut named = replaced(&TYPES, text, sql_name);
    // From the inside out.
    for _ in 0..MAX_NESTING {
        named = replaced(&NESTED, &named, |found| match &found[1] {
            "Struct" => "row".to_owned(),
            "Map" => "map".to_owned(),
            _ => "array".to_owned(),
        });
    }
    replaced(&NO_MATCH, &named, |found| format!("the call {} has the wrong arguments", &found[1]))
}

fn replaced(pattern: &LazyLock<Option<Regex>>, text: &str, with: impl Fn(&Captures<'_>) -> String) -> String {
    match &**pattern {
        Some(pattern) => pattern.replace_all(text, with).into_owned(),
        None => text.to_owned(),
    }
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
    fn calls_that_fit_no_signature_are_shown_alone() {
        let list = "array_element(List(Utf8, field: 'element'), Struct(\"a\": Decimal128(10, 2)))";
        let text = format!(
            "Failed to coerce arguments to satisfy a call to 'x' function: coercion from Int32 to the signature \
             Uniform(2, [Boolean]) failed. No function matches the given name and argument types '{list}'. You might \
             need to add explicit type casts.\n\tCandidate functions:\n\tx(Any)"
        );
        assert_eq!(plain(&text), "the call array_element(array, row) has the wrong arguments");
        assert_eq!(plain("no + for date: Invalid argument error: date"), "no + for date: date");
    }

    #[test]
    fn literals_and_names_are_shown_as_they_are_written() {
        assert_eq!(plain("f(Utf8(\"a\"), Int64(-1), Float64(1.5))"), "f('a', -1, 1.5)");
        let twice = "Projections require unique expression names but the expression \"t.id\" at position 0 and \"t.id\" \
                     at position 1 have the same name. Consider aliasing (\"AS\") one of them.";
        assert_eq!(plain(twice), "two columns have the same name, id; give one of them another with AS");
        assert_eq!(
            plain(&twice.replace("t.id", "f(t.id)")),
            "two columns have the same name; give one of them another with AS"
        );
        assert_eq!(
            plain("column \"t.v\" must be part of an aggregate, currently only \"t.k\" satisfies this"),
            "column \"t.v\" must be part of an aggregate"
        );
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
