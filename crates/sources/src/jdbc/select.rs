//! SELECT statements that give every value as text.
//!
//! One text per value is understood the same whatever the engine and its version: numbers with all their digits, days and
//! moments as ISO 8601 writes them (moments in UTC, by the session's settings), bytes as hexadecimal digits.

use super::{Column, Engine, Range};

/// A table's rows, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The schema (of MySQL: the database), as the database spells it.
    pub schema: String,
    /// The table, as the database spells it.
    pub table: String,
    /// The columns to give, in this order.
    pub columns: Vec<Column>,
    /// What must hold of a row; all of them.
    pub conditions: Vec<Condition>,
    /// Which rows by their key; all without it.
    pub range: Option<Range>,
    /// The share of rows that is read.
    pub part: Option<Part>,
}

/// Something that must hold of a row. Rows for which it does not may be given nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The column compared with a whole number, by `=`, `<`, `<=`, `>` or `>=`.
    Number(String, Comparison, i64),
    /// The column is one of these texts.
    OneOf(String, Vec<String>),
    /// The column is null, or is not.
    Null(String, bool),
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One of several shares of a table, which together have every row once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The column whose values tell the shares apart.
    pub by: String,
    /// Which one, from 0.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// The names in `database.schema.table`, which quotes may hold together as in SQL; `None` when a quote is not closed.
pub fn parts_of(location: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut chars = location.chars().peekable();
    while let Some(c) = chars.next() {
        let part = parts.last_mut()?;
        match c {
            '.' => parts.push(String::new()),
            '"' if part.is_empty() => loop {
                match chars.next()? {
                    '"' if chars.next_if_eq(&'"').is_some() => part.push('"'),
                    '"' => break,
                    other => part.push(other),
                }
            },
            other => part.push(other),
        }
    }
    Some(parts)
}

/// A name in the engine's quotes.
pub(super) fn quoted(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        Engine::MySql => format!("`{}`", name.replace('`', "``")),
    }
}

/// A text, whatever it holds and however the session reads backslashes.
pub(super) fn text(engine: Engine, value: &str) -> String {
    match engine {
        // The session says standard_conforming_strings.
        Engine::Postgres => format!("'{}'", value.replace('\'', "''")),
        Engine::MySql => {
            let digits: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("CONVERT(X'{digits}' USING utf8mb4)")
        }
    }
}

/// The column's value as text.
pub(super) fn as_text(engine: Engine, column: &Column) -> String {
    let name = quoted(engine, &column.name);
    let hive = column.hive_type.as_str();
    match (engine, hive) {
        (Engine::Postgres, "binary") => format!("encode({name}, 'hex')"),
        (Engine::Postgres, "timestamp") if column.native_type.ends_with("with time zone") => {
            format!("({name} AT TIME ZONE 'UTC')::text")
        }
        (Engine::Postgres, _) => format!("{name}::text"),
        (Engine::MySql, "binary") => format!("HEX({name})"),
        (Engine::MySql, "boolean") => {
            format!("CASE WHEN {name} IS NULL THEN NULL WHEN {name} <> 0 THEN 'true' ELSE 'false' END")
        }
        // A float's own text has six digits; as a double it has all.
        (Engine::MySql, "float") => format!("CAST({name} + 0e0 AS CHAR)"),
        (Engine::MySql, _) => format!("CAST({name} AS CHAR CHARACTER SET utf8mb4)"),
    }
}

fn condition(engine: Engine, condition: &Condition) -> String {
    match condition {
        Condition::Number(column, comparison, number) => {
            let operator = match comparison {
                Comparison::Equal => "=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
            };
            format!("{} {operator} {number}", quoted(engine, column))
        }
        Condition::OneOf(column, values) => {
            let values: Vec<String> = values.iter().map(|value| text(engine, value)).collect();
            format!("{} IN ({})", quoted(engine, column), values.join(", "))
        }
        Condition::Null(column, true) => format!("{} IS NULL", quoted(engine, column)),
        Condition::Null(column, false) => format!("{} IS NOT NULL", quoted(engine, column)),
    }
}

/// Null is in the first part: it has no number of its own.
fn part(engine: Engine, part: &Part) -> String {
    let Part { by, number, of } = part;
    let name = quoted(engine, by);
    match engine {
        Engine::Postgres => {
            format!("COALESCE(mod(abs(hashtext({name}::text)::bigint), {of}), 0) = {number}")
        }
        Engine::MySql => format!("COALESCE(CRC32({name}) % {of}, 0) = {number}"),
    }
}

impl Select {
    /// The statement.
    pub(super) fn sql(&self, engine: Engine) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| as_text(engine, column)).collect();
        // Without columns rows are counted.
        let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
        let mut conditions: Vec<String> = self.conditions.iter().map(|one| condition(engine, one)).collect();
        conditions.extend(self.range.iter().flat_map(|range| range.conditions(engine)));
        conditions.extend(self.part.as_ref().map(|one| part(engine, one)));
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let (schema, table) = (quoted(engine, &self.schema), quoted(engine, &self.table));
        format!("SELECT {columns} FROM {schema}.{table}{filter}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_apart() {
        for (text, parts) in [
            ("db.public.t", Some(vec!["db", "public", "t"])),
            ("db.\"a.b\".\"c\"\"d\"", Some(vec!["db", "a.b", "c\"d"])),
            ("t", Some(vec!["t"])),
            ("\"t", None),
        ] {
            assert_eq!(
                parts_of(text),
                parts.map(|parts| parts.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    fn column(name: &str, native: &str, hive: &str) -> Column {
        Column {
            name: name.to_owned(),
            native_type: native.to_owned(),
            hive_type: hive.to_owned(),
            nullable: true,
            comment: None,
        }
    }

    #[test]
    fn statements_quote_every_name_and_text() {
        let select = Select {
            schema: "s".to_owned(),
            table: "t\"`x".to_owned(),
            columns: vec![
                column("a", "bytea", "binary"),
                column("b", "timestamp with time zone", "timestamp"),
            ],
            conditions: vec![
                Condition::Number("n".to_owned(), Comparison::GreaterOrEqual, -5),
                Condition::OneOf("c".to_owned(), vec!["it's \\".to_owned()]),
                Condition::Null("d".to_owned(), false),
            ],
            range: None,
            part: Some(Part { by: "n".to_owned(), number: 1, of: 4 }),
        };
        assert_eq!(
            select.sql(Engine::Postgres),
            "SELECT encode(\"a\", 'hex'), (\"b\" AT TIME ZONE 'UTC')::text FROM \"s\".\"t\"\"`x\" WHERE \"n\" >= -5 AND \
             \"c\" IN ('it''s \\') AND \"d\" IS NOT NULL AND \
             COALESCE(mod(abs(hashtext(\"n\"::text)::bigint), 4), 0) = 1"
        );
        assert_eq!(
            select.sql(Engine::MySql),
            "SELECT HEX(`a`), CAST(`b` AS CHAR CHARACTER SET utf8mb4) FROM `s`.`t\"``x` WHERE `n` >= -5 AND `c` IN \
             (CONVERT(X'69742773205c' USING utf8mb4)) AND `d` IS NOT NULL AND COALESCE(CRC32(`n`) % 4, 0) = 1"
        );
    }
}
