//! Rows between two values of a key: what a reading that goes on where another one ended asks for.
//!
//! A key is one or more columns that are compared as the database compares them, the first one first.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::database::Inner;
use super::read::answered;
use super::select::{as_text, quoted, text};
use super::{Column, Database, Engine};
use crate::SourceError;

/// The rows whose key is beyond one value, and not beyond another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The columns of the key; at least one.
    pub keys: Vec<Column>,
    /// Whether the key falls from row to row.
    pub descending: bool,
    /// Where an earlier reading ended, a text per column, as this crate reads them; from the beginning without it.
    pub after: Option<Vec<String>>,
    /// Where this one ends; without it there are no such rows.
    pub up_to: Option<Vec<String>>,
}

/// A value as a literal that the engine compares exactly with its column.
fn literal(engine: Engine, column: &Column, value: &str) -> String {
    let hive = column.hive_type.as_str();
    let is_number = ["tinyint", "smallint", "int", "bigint"].contains(&hive) || hive.starts_with("decimal");
    let digits = |byte: u8| byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    // MySQL compares a number with a text as doubles.
    match is_number && engine == Engine::MySql && !value.is_empty() && value.bytes().all(digits) {
        true => value.to_owned(),
        false => text(engine, value),
    }
}

/// The rows on one side of a value: `operator` is `<` or `>`; the value itself is among them when `inclusive`.
fn side(engine: Engine, keys: &[Column], values: &[String], operator: char, inclusive: bool) -> String {
    let (Some((column, keys)), Some((value, values))) = (keys.split_first(), values.split_first()) else {
        // No column is left to tell the row from the value.
        return if inclusive { "1 = 1" } else { "1 = 0" }.to_owned();
    };
    let (name, value) = (quoted(engine, &column.name), literal(engine, column, value));
    if keys.is_empty() {
        let equal = if inclusive { "=" } else { "" };
        return format!("{name} {operator}{equal} {value}");
    }
    let rest = side(engine, keys, values, operator, inclusive);
    // The first condition says what the others imply, so that an index of the first column is used.
    format!("{name} {operator}= {value} AND ({name} {operator} {value} OR ({rest}))")
}

impl Range {
    /// What holds of its rows.
    pub(super) fn conditions(&self, engine: Engine) -> Vec<String> {
        let Some(up_to) = &self.up_to else { return vec!["1 = 0".to_owned()] };
        let (beyond, before) = if self.descending { ('<', '>') } else { ('>', '<') };
        let after = self.after.as_ref().map(|after| side(engine, &self.keys, after, beyond, false));
        let up_to = side(engine, &self.keys, up_to, before, true);
        after.into_iter().chain([up_to]).map(|condition| format!("({condition})")).collect()
    }

    /// The table has a name of its own there: a column that is selected as text has its column's name, and an order by that name alone
    /// would be one of texts.
    fn last(&self, engine: Engine, schema: &str, table: &str) -> String {
        let texts: Vec<String> = self.keys.iter().map(|key| as_text(engine, key)).collect();
        let order = if self.descending { "ASC" } else { "DESC" };
        let order: Vec<String> =
            self.keys.iter().map(|key| format!("t.{} {order}", quoted(engine, &key.name))).collect();
        let beyond = if self.descending { '<' } else { '>' };
        let filter = self.after.as_ref().map_or(String::new(), |after| {
            format!(" WHERE {}", side(engine, &self.keys, after, beyond, false))
        });
        let (schema, table) = (quoted(engine, schema), quoted(engine, table));
        let (texts, order) = (texts.join(", "), order.join(", "));
        format!("SELECT {texts} FROM {schema}.{table} AS t{filter} ORDER BY {order} LIMIT 1")
    }

    fn nulls(&self, engine: Engine, schema: &str, table: &str) -> Option<String> {
        let nulls: Vec<String> = self
            .keys
            .iter()
            .filter(|key| key.nullable)
            .map(|key| format!("{} IS NULL", quoted(engine, &key.name)))
            .collect();
        let (schema, table) = (quoted(engine, schema), quoted(engine, table));
        let all = nulls.join(" OR ");
        (!nulls.is_empty()).then(|| format!("SELECT '1' FROM {schema}.{table} WHERE {all} LIMIT 1"))
    }
}

impl Database {
    /// The columns of a table's primary key, in its order; none when it has no such key.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn primary_key(&mut self, schema: &str, table: &str) -> Result<Vec<String>, SourceError> {
        let Database { label, inner } = self;
        let asked = async {
            match inner {
                Inner::Postgres(connection) => {
                    // The constraint, not its index, which may include columns that are none of the key's.
                    let sql = "SELECT a.attname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
                               JOIN pg_namespace n ON n.oid = c.relnamespace \
                               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) \
                               WHERE k.contype = 'p' AND n.nspname = $1 AND c.relname = $2 \
                               ORDER BY array_position(k.conkey, a.attnum)";
                    sqlx::query_scalar(sql).bind(schema).bind(table).fetch_all(connection).await
                }
                Inner::MySql(connection) => {
                    let sql = "SELECT CAST(column_name AS CHAR) FROM information_schema.statistics \
                               WHERE table_schema = ? AND table_name = ? AND index_name = 'PRIMARY' ORDER BY seq_in_index";
                    sqlx::query_scalar(sql).bind(schema).bind(table).fetch_all(connection).await
                }
            }
        };
        answered(label, asked).await
    }

    /// The last key that a reading of the rows after [`Range::after`] would come to now; `None` when there are no such rows.
    ///
    /// # Errors
    /// As [`Database::primary_key`].
    pub async fn last_key(
        &mut self,
        schema: &str,
        table: &str,
        range: &Range,
    ) -> Result<Option<Vec<String>>, SourceError> {
        let sql = range.last(self.engine(), schema, table);
        let row = self.first_row(sql, range.keys.len()).await?;
        Ok(row.map(|row| row.into_iter().flatten().collect()))
    }

    /// Whether a row's key has a NULL, which is on no side of any value.
    ///
    /// # Errors
    /// As [`Database::primary_key`].
    pub async fn has_null_keys(
        &mut self,
        schema: &str,
        table: &str,
        range: &Range,
    ) -> Result<bool, SourceError> {
        match range.nulls(self.engine(), schema, table) {
            None => Ok(false),
            Some(sql) => Ok(self.first_row(sql, 1).await?.is_some()),
        }
    }

    async fn first_row(
        &mut self,
        sql: String,
        width: usize,
    ) -> Result<Option<Vec<Option<String>>>, SourceError> {
        let Database { label, inner } = self;
        let sql = AssertSqlSafe(sql);
        let asked = async {
            match inner {
                Inner::Postgres(connection) => {
                    let row = connection.fetch_optional(sqlx::query(sql)).await?;
                    row.map(|row| (0..width).map(|at| row.try_get_unchecked(at)).collect()).transpose()
                }
                Inner::MySql(connection) => {
                    let row = connection.fetch_optional(sqlx::query(sql)).await?;
                    row.map(|row| (0..width).map(|at| row.try_get_unchecked(at)).collect()).transpose()
                }
            }
        };
        answered(label, asked).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, hive: &str) -> Column {
        Column {
            name: name.to_owned(),
            native_type: hive.to_owned(),
            hive_type: hive.to_owned(),
            nullable: name == "b",
            comment: None,
        }
    }

    fn owned(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn one_column_is_compared_as_it_is() {
        let range = Range {
            keys: vec![column("a", "bigint")],
            descending: false,
            after: owned(&["9007199254740993"]),
            up_to: owned(&["x' OR 1"]),
        };
        assert_eq!(
            range.conditions(Engine::Postgres),
            ["(\"a\" > '9007199254740993')", "(\"a\" <= 'x'' OR 1')"]
        );
        let mysql = range.conditions(Engine::MySql);
        assert_eq!(mysql, ["(`a` > 9007199254740993)", "(`a` <= CONVERT(X'7827204f522031' USING utf8mb4))"]);
        assert_eq!(range.nulls(Engine::MySql, "s", "t"), None);
        let nothing = Range { up_to: None, ..range };
        assert_eq!(nothing.conditions(Engine::MySql), ["1 = 0"]);
    }

    #[test]
    fn several_columns_are_compared_one_after_the_other() {
        let range = Range {
            keys: vec![column("a", "int"), column("b", "date")],
            descending: true,
            after: owned(&["2", "2026-01-01"]),
            up_to: owned(&["1", "2025-01-01"]),
        };
        assert_eq!(
            range.conditions(Engine::Postgres),
            [
                "(\"a\" <= '2' AND (\"a\" < '2' OR (\"b\" < '2026-01-01')))",
                "(\"a\" >= '1' AND (\"a\" > '1' OR (\"b\" >= '2025-01-01')))",
            ]
        );
        assert_eq!(
            range.last(Engine::Postgres, "s", "t"),
            "SELECT \"a\"::text, \"b\"::text FROM \"s\".\"t\" AS t WHERE \"a\" <= '2' AND (\"a\" < '2' OR (\"b\" < '2026-01-01')) \
             ORDER BY t.\"a\" ASC, t.\"b\" ASC LIMIT 1"
        );
        let nulls = range.nulls(Engine::Postgres, "s", "t").unwrap();
        assert_eq!(nulls, "SELECT '1' FROM \"s\".\"t\" WHERE \"b\" IS NULL LIMIT 1");
    }
}
