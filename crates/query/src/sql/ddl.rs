//! Statements on the catalog: creating and dropping, showing and describing.

use super::cursor::Cursor;
use super::token::{Position, Token};
use super::{CreateTable, SqlError, StatementType, create_table};

/// The name of a table, perhaps with its database; lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The database, when the statement names it.
    pub database: Option<String>,
    /// The table.
    pub table: String,
    /// Where the name stands.
    pub position: Position,
}

/// A statement on the catalog.
#[derive(Debug, Clone, PartialEq)]
pub enum Ddl {
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// The database's name.
        database: String,
        /// Says nothing when the database exists.
        if_not_exists: bool,
        /// `COMMENT`.
        comment: Option<String>,
        /// `LOCATION`.
        location: Option<String>,
        /// `WITH DBPROPERTIES`, in the order given.
        properties: Vec<(String, String)>,
    },
    /// `DROP DATABASE`.
    DropDatabase {
        /// The database's name.
        database: String,
        /// Says nothing when there is no such database.
        if_exists: bool,
        /// Also drops the tables in it.
        cascade: bool,
    },
    /// `CREATE EXTERNAL TABLE`.
    CreateTable(Box<CreateTable>),
    /// `DROP TABLE`: the definition goes, the data stays.
    DropTable {
        /// The table.
        table: Name,
        /// Says nothing when there is no such table.
        if_exists: bool,
    },
    /// `SHOW DATABASES`.
    ShowDatabases {
        /// A regular expression in which `*` stands for anything and `|` for alternatives.
        like: Option<String>,
    },
    /// `SHOW TABLES`.
    ShowTables {
        /// The database; that of the query's context when absent.
        database: Option<String>,
        /// As in [`Ddl::ShowDatabases`].
        like: Option<String>,
    },
    /// `SHOW COLUMNS`.
    ShowColumns(Name),
    /// `SHOW PARTITIONS`.
    ShowPartitions(Name),
    /// `SHOW CREATE TABLE`.
    ShowCreateTable(Name),
    /// `SHOW TBLPROPERTIES`.
    ShowTblProperties {
        /// The table.
        table: Name,
        /// Only the value of this property.
        property: Option<String>,
    },
    /// `DESCRIBE`.
    Describe(Name),
    /// `MSCK REPAIR TABLE`: adds the partitions whose folders are there.
    Repair(Name),
}

impl Ddl {
    /// Athena counts what shows something as UTILITY, the rest as DDL.
    pub fn statement_type(&self) -> StatementType {
        match self {
            Self::CreateDatabase { .. }
            | Self::DropDatabase { .. }
            | Self::CreateTable(_)
            | Self::DropTable { .. }
            | Self::Repair(_) => StatementType::Ddl,
            Self::ShowDatabases { .. }
            | Self::ShowTables { .. }
            | Self::ShowColumns(_)
            | Self::ShowPartitions(_)
            | Self::ShowCreateTable(_)
            | Self::ShowTblProperties { .. }
            | Self::Describe(_) => StatementType::Utility,
        }
    }
}

/// Parses a statement on the catalog.
pub(crate) fn parse(tokens: &[(Token, Position)], end: Position) -> Result<Ddl, SqlError> {
    let mut cursor = Cursor::new(tokens, end);
    let ddl = statement(&mut cursor)?;
    cursor.finish()?;
    Ok(ddl)
}

fn statement(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let start = cursor.position();
    let word = cursor.peek_word().unwrap_or_default();
    match word.as_str() {
        "CREATE" => create(cursor),
        "DROP" => drop(cursor),
        "SHOW" => show(cursor),
        "DESCRIBE" | "DESC" => describe(cursor),
        "MSCK" => {
            cursor.expect(&["MSCK", "REPAIR", "TABLE"])?;
            Ok(Ddl::Repair(cursor.name("a table name")?))
        }
        "ALTER" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "UNLOAD" | "PREPARE" | "EXECUTE"
        | "DEALLOCATE" | "EXPLAIN" | "VALUES" | "OPTIMIZE" | "VACUUM" | "TABLE" => {
            Err(SqlError::unsupported(start, word))
        }
        _ => Err(SqlError::syntax(start, format!("mismatched input '{word}'"))),
    }
}

fn create(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let start = cursor.position();
    cursor.expect(&["CREATE"])?;
    if cursor.accept(&["DATABASE"]) || cursor.accept(&["SCHEMA"]) {
        return create_database(cursor);
    }
    if cursor.accept(&["EXTERNAL", "TABLE"]) {
        return create_table::parse(cursor).map(|table| Ddl::CreateTable(Box::new(table)));
    }
    match cursor.peek_word().as_deref() {
        Some("TABLE") => {
            Err(SqlError::unsupported(start, "CREATE TABLE without EXTERNAL, and CREATE TABLE AS,"))
        }
        Some("VIEW" | "OR") => Err(SqlError::unsupported(start, "CREATE VIEW")),
        _ => Err(cursor.unexpected("'DATABASE', 'SCHEMA', 'EXTERNAL TABLE'")),
    }
}

fn create_database(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let if_not_exists = cursor.accept(&["IF", "NOT", "EXISTS"]);
    let database = cursor.identifier("a database name")?;
    let comment = if cursor.accept(&["COMMENT"]) { Some(cursor.text("a comment")?) } else { None };
    let location = if cursor.accept(&["LOCATION"]) { Some(cursor.text("a location")?) } else { None };
    let properties =
        if cursor.accept(&["WITH", "DBPROPERTIES"]) { create_table::properties(cursor)? } else { Vec::new() };
    Ok(Ddl::CreateDatabase { database, if_not_exists, comment, location, properties })
}

fn drop(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let start = cursor.position();
    cursor.expect(&["DROP"])?;
    if cursor.accept(&["DATABASE"]) || cursor.accept(&["SCHEMA"]) {
        let if_exists = cursor.accept(&["IF", "EXISTS"]);
        let database = cursor.identifier("a database name")?;
        let cascade = cursor.accept(&["CASCADE"]);
        if !cascade {
            cursor.accept(&["RESTRICT"]);
        }
        return Ok(Ddl::DropDatabase { database, if_exists, cascade });
    }
    if cursor.accept(&["TABLE"]) {
        let if_exists = cursor.accept(&["IF", "EXISTS"]);
        return Ok(Ddl::DropTable { table: cursor.name("a table name")?, if_exists });
    }
    match cursor.peek_word().as_deref() {
        Some("VIEW") => Err(SqlError::unsupported(start, "DROP VIEW")),
        _ => Err(cursor.unexpected("'DATABASE', 'SCHEMA', 'TABLE'")),
    }
}

fn show(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let start = cursor.position();
    cursor.expect(&["SHOW"])?;
    let what = cursor.peek_word().unwrap_or_default();
    cursor.advance();
    match what.as_str() {
        "DATABASES" | "SCHEMAS" => Ok(Ddl::ShowDatabases { like: like(cursor)? }),
        "TABLES" => {
            let database =
                if in_or_from(cursor) { Some(cursor.identifier("a database name")?) } else { None };
            Ok(Ddl::ShowTables { database, like: like(cursor)? })
        }
        "COLUMNS" => {
            if !in_or_from(cursor) {
                return Err(cursor.unexpected("'FROM', 'IN'"));
            }
            let mut table = cursor.name("a table name")?;
            if in_or_from(cursor) {
                table.database = Some(cursor.identifier("a database name")?);
            }
            Ok(Ddl::ShowColumns(table))
        }
        "PARTITIONS" => Ok(Ddl::ShowPartitions(cursor.name("a table name")?)),
        "TBLPROPERTIES" => {
            let table = cursor.name("a table name")?;
            let mut property = None;
            if cursor.accept_mark('(') {
                property = Some(cursor.text("a property's name")?);
                cursor.expect_mark(')')?;
            }
            Ok(Ddl::ShowTblProperties { table, property })
        }
        "CREATE" => {
            cursor.expect(&["TABLE"])?;
            Ok(Ddl::ShowCreateTable(cursor.name("a table name")?))
        }
        _ => Err(SqlError::unsupported(start, format!("SHOW {what}"))),
    }
}

fn describe(cursor: &mut Cursor<'_>) -> Result<Ddl, SqlError> {
    let start = cursor.position();
    cursor.advance();
    if cursor.accept(&["EXTENDED"]) || cursor.accept(&["FORMATTED"]) {
        return Err(SqlError::unsupported(start, "DESCRIBE EXTENDED and FORMATTED"));
    }
    cursor.accept(&["TABLE"]);
    Ok(Ddl::Describe(cursor.name("a table name")?))
}

fn in_or_from(cursor: &mut Cursor<'_>) -> bool {
    cursor.accept(&["IN"]) || cursor.accept(&["FROM"])
}

fn like(cursor: &mut Cursor<'_>) -> Result<Option<String>, SqlError> {
    let explicit = cursor.accept(&["LIKE"]);
    match cursor.peek() {
        Some(Token::Text(_)) => cursor.text("a pattern").map(Some),
        _ if explicit => Err(cursor.unexpected("a pattern in quotes")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::{Statement, parse};

    use super::*;

    fn ddl(text: &str) -> Ddl {
        match parse(text) {
            Ok(Statement::Ddl(ddl)) => ddl,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn name(database: Option<&str>, table: &str) -> impl Fn(&Name) -> bool {
        let (database, table) = (database.map(str::to_owned), table.to_owned());
        move |name| name.database == database && name.table == table
    }

    #[test]
    fn names_are_lower_cased_and_may_carry_the_catalog() {
        let Ddl::DropTable { table, if_exists: true } =
            ddl("drop table if exists AwsDataCatalog.\"My-Db\".`T` ;")
        else {
            panic!("not a drop");
        };
        assert!(name(Some("my-db"), "t")(&table));
        let error = parse("drop table other.db.t").expect_err("foreign catalog");
        assert_eq!(error.code(), "NOT_SUPPORTED");
    }

    #[test]
    fn show_statements() {
        assert_eq!(ddl("SHOW SCHEMAS"), Ddl::ShowDatabases { like: None });
        assert_eq!(
            ddl("show tables in Db 'a*|b'"),
            Ddl::ShowTables { database: Some("db".into()), like: Some("a*|b".into()) }
        );
        assert!(matches!(ddl("SHOW COLUMNS IN t FROM d"), Ddl::ShowColumns(n) if name(Some("d"), "t")(&n)));
        assert!(matches!(
            ddl("show tblproperties t('k')"),
            Ddl::ShowTblProperties { property: Some(k), .. } if k == "k"
        ));
    }

    #[test]
    fn what_is_left_over_or_unknown_is_an_error_with_its_place() {
        let error = parse("SHOW DATABASES and more").expect_err("rest");
        assert_eq!(
            error.to_string(),
            "line 1:16: mismatched input 'and'. Expecting: the end of the statement"
        );
        assert_eq!(parse("SELEC 1").expect_err("typo").code(), "SYNTAX_ERROR");
        assert_eq!(parse("UNLOAD (select 1) TO 's3://x'").expect_err("unbuilt").code(), "NOT_SUPPORTED");
        assert_eq!(
            parse("  -- nothing").expect_err("empty").to_string(),
            "line 1:13: the statement is empty"
        );
    }
}
