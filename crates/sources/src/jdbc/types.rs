//! Columns, and the Hive types that stand for theirs.
//!
//! A type that Hive has no equal for becomes `string`: its text loses nothing. That holds for decimals of more than 38
//! digits, too.

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name as the database has it.
    pub name: String,
    /// The type in the database's words, for example `character varying(20)` or `int unsigned`.
    pub native_type: String,
    /// The Hive type for the catalog.
    pub hive_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// The comment, if there is one.
    pub comment: Option<String>,
}

const MAX_DECIMAL_DIGITS: i32 = 38;
/// What Spark's reader makes of PostgreSQL's `numeric` without digits.
const UNLIMITED_NUMERIC: &str = "decimal(38,18)";

/// A type in the database's words, taken apart: `bit varying(5)`, `int(10) unsigned`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The name, up to the parentheses.
    pub name: &'a str,
    /// The numbers in them.
    pub numbers: Vec<i32>,
    /// What stands behind them.
    pub rest: &'a str,
}

impl Column {
    /// The native type taken apart.
    pub fn parts(&self) -> Parts<'_> {
        parts(&self.native_type)
    }
}

fn parts(native: &str) -> Parts<'_> {
    let Some((name, rest)) = native.split_once('(') else {
        return Parts { name: native.trim(), numbers: Vec::new(), rest: "" };
    };
    let (inside, rest) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside.split(',').filter_map(|text| text.trim().parse().ok()).collect();
    Parts { name: name.trim(), numbers, rest: rest.trim() }
}

/// PostgreSQL's digits behind the point may be fewer than none (`numeric(3,-2)` holds 99900) or more than all
/// (`numeric(2,4)` holds 0.0099); Hive's cannot.
fn decimal(numbers: &[i32]) -> String {
    let (precision, scale) = (numbers.first().copied().unwrap_or(10), numbers.get(1).copied().unwrap_or(0));
    let (precision, scale) = (precision.max(scale) - scale.min(0), scale.max(0));
    if precision > MAX_DECIMAL_DIGITS {
        return "string".to_owned();
    }
    format!("decimal({precision},{scale})")
}

/// The Hive type of one of PostgreSQL's, given as `format_type` writes it.
pub(super) fn of_postgres(native: &str) -> String {
    if let Some(element) = native.strip_suffix("[]") {
        return format!("array<{}>", of_postgres(element));
    }
    let found = parts(native);
    let hive = match found.name {
        "smallint" => "smallint",
        "integer" => "int",
        "bigint" => "bigint",
        "numeric" if found.numbers.is_empty() => UNLIMITED_NUMERIC,
        "numeric" => return decimal(&found.numbers),
        "real" => "float",
        "double precision" => "double",
        "boolean" => "boolean",
        "date" => "date",
        // "timestamp(3) without time zone" has its numbers in the middle.
        name if name == "timestamp" || name.starts_with("timestamp ") => "timestamp",
        "bytea" => "binary",
        _ => "string",
    };
    hive.to_owned()
}

/// The Hive type of one of MySQL's, given as `column_type`.
pub(super) fn of_mysql(native: &str) -> String {
    let lower = native.to_ascii_lowercase();
    let found = parts(&lower);
    let unsigned = found.rest.contains("unsigned") || found.name.contains("unsigned");
    let name = found.name.split(' ').next().unwrap_or_default();
    let hive = match (name, unsigned) {
        ("tinyint", false) if found.numbers == [1] => "boolean",
        ("tinyint", false) => "tinyint",
        ("tinyint", true) | ("smallint", false) => "smallint",
        ("smallint", true) | ("mediumint", _) | ("int" | "integer", false) | ("year", _) => "int",
        ("int" | "integer", true) | ("bigint", false) => "bigint",
        ("bigint", true) => "decimal(20,0)",
        ("decimal" | "numeric", _) => return decimal(&found.numbers),
        ("float", _) => "float",
        ("double" | "real", _) => "double",
        ("bit", _) if found.numbers == [1] => "boolean",
        ("bit" | "binary" | "varbinary" | "blob" | "tinyblob" | "mediumblob" | "longblob", _) => "binary",
        ("date", _) => "date",
        ("datetime" | "timestamp", _) => "timestamp",
        _ => "string",
    };
    hive.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_postgres() {
        for (native, hive) in [
            ("integer", "int"),
            ("numeric", "decimal(38,18)"),
            ("numeric(10,2)", "decimal(10,2)"),
            ("numeric(50,2)", "string"),
            ("numeric(3,-2)", "decimal(5,0)"),
            ("numeric(38,-1)", "string"),
            ("numeric(2,4)", "decimal(4,4)"),
            ("character varying(20)", "string"),
            ("timestamp without time zone", "timestamp"),
            ("timestamp(3) with time zone", "timestamp"),
            ("time without time zone", "string"),
            ("integer[]", "array<int>"),
            ("numeric(4,1)[]", "array<decimal(4,1)>"),
            ("integer[][]", "array<array<int>>"),
            ("jsonb", "string"),
            ("uuid", "string"),
            ("bytea", "binary"),
            ("mood", "string"),
        ] {
            assert_eq!(of_postgres(native), hive, "{native}");
        }
    }

    #[test]
    fn types_of_mysql() {
        for (native, hive) in [
            ("tinyint(1)", "boolean"),
            ("tinyint(4)", "tinyint"),
            ("tinyint(3) unsigned", "smallint"),
            ("int(11)", "int"),
            ("int unsigned", "bigint"),
            ("int(10) unsigned", "bigint"),
            ("bigint(20) unsigned", "decimal(20,0)"),
            ("mediumint(9)", "int"),
            ("decimal(12,3)", "decimal(12,3)"),
            ("decimal(65,30)", "string"),
            ("enum('a','b')", "string"),
            ("datetime(6)", "timestamp"),
            ("double unsigned", "double"),
            ("bit(1)", "boolean"),
            ("bit(8)", "binary"),
            ("longtext", "string"),
            ("year(4)", "int"),
        ] {
            assert_eq!(of_mysql(native), hive, "{native}");
        }
    }
}
