//! `CREATE EXTERNAL TABLE`, Hive's grammar as Athena documents it.

use super::cursor::Cursor;
use super::token::Token;
use super::{Name, SqlError};

/// A column or partition key of a new table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    /// Lower case.
    pub name: String,
    /// The Hive type, lower case, without blanks outside names.
    pub data_type: String,
    /// `COMMENT`.
    pub comment: Option<String>,
}

/// How rows are laid out in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFormat {
    /// `ROW FORMAT DELIMITED`, as serde parameters of LazySimpleSerDe.
    Delimited(Vec<(String, String)>),
    /// `ROW FORMAT SERDE 'library' WITH SERDEPROPERTIES (…)`.
    SerDe {
        /// The class.
        library: String,
        /// Its parameters.
        properties: Vec<(String, String)>,
    },
}

/// The files' format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredAs {
    /// A name, upper case: TEXTFILE, PARQUET, …
    Named(String),
    /// Two classes.
    Classes {
        /// `INPUTFORMAT`.
        input: String,
        /// `OUTPUTFORMAT`.
        output: String,
    },
}

/// A table to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    /// Its name.
    pub name: Name,
    /// Says nothing when the table exists.
    pub if_not_exists: bool,
    /// At least one.
    pub columns: Vec<ColumnDef>,
    /// `COMMENT` of the table.
    pub comment: Option<String>,
    /// `PARTITIONED BY`.
    pub partition_keys: Vec<ColumnDef>,
    /// `ROW FORMAT`.
    pub row_format: Option<RowFormat>,
    /// `STORED AS`.
    pub stored_as: Option<StoredAs>,
    /// `LOCATION`.
    pub location: String,
    /// `TBLPROPERTIES`.
    pub properties: Vec<(String, String)>,
}

/// What follows `CREATE EXTERNAL TABLE`.
pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<CreateTable, SqlError> {
    let if_not_exists = cursor.accept(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name("a table name")?;
    let columns = column_list(cursor)?;
    let comment = if cursor.accept(&["COMMENT"]) { Some(cursor.text("a comment")?) } else { None };
    let partition_keys =
        if cursor.accept(&["PARTITIONED", "BY"]) { column_list(cursor)? } else { Vec::new() };
    if cursor.peek_word().as_deref() == Some("CLUSTERED") {
        return Err(SqlError::unsupported(cursor.position(), "CLUSTERED BY"));
    }
    let row_format = if cursor.accept(&["ROW", "FORMAT"]) { Some(row_format(cursor)?) } else { None };
    let stored_as = if cursor.accept(&["STORED", "AS"]) { Some(stored_as(cursor)?) } else { None };
    cursor.expect(&["LOCATION"])?;
    let location = cursor.text("an s3:// location")?;
    let properties = if cursor.accept(&["TBLPROPERTIES"]) { properties(cursor)? } else { Vec::new() };
    Ok(CreateTable {
        name,
        if_not_exists,
        columns,
        comment,
        partition_keys,
        row_format,
        stored_as,
        location,
        properties,
    })
}

fn column_list(cursor: &mut Cursor<'_>) -> Result<Vec<ColumnDef>, SqlError> {
    cursor.expect_mark('(')?;
    let mut columns: Vec<ColumnDef> = Vec::new();
    loop {
        let position = cursor.position();
        let name = cursor.identifier("a column name")?;
        if columns.iter().any(|column| column.name == name) {
            return Err(SqlError::syntax(position, format!("column '{name}' is defined twice")));
        }
        let data_type = data_type(cursor)?;
        let comment = if cursor.accept(&["COMMENT"]) { Some(cursor.text("a comment")?) } else { None };
        columns.push(ColumnDef { name, data_type, comment });
        if !cursor.accept_mark(',') {
            cursor.expect_mark(')')?;
            return Ok(columns);
        }
    }
}

/// A type runs to the `,` or `)` that belongs to the column list, or to `COMMENT`.
fn data_type(cursor: &mut Cursor<'_>) -> Result<String, SqlError> {
    let (mut text, mut depth) = (String::new(), 0_u32);
    loop {
        match cursor.peek() {
            Some(Token::Mark(',' | ')')) if depth == 0 => break,
            Some(Token::Word(word)) if depth == 0 && word.eq_ignore_ascii_case("COMMENT") => break,
            Some(Token::Mark(mark @ ('<' | '('))) => {
                depth += 1;
                text.push(*mark);
            }
            Some(Token::Mark(mark @ ('>' | ')'))) => {
                depth = depth.saturating_sub(1);
                text.push(*mark);
            }
            Some(Token::Mark(mark @ (',' | ':'))) => text.push(*mark),
            Some(Token::Word(word) | Token::Quoted(word)) => text.push_str(&word.to_lowercase()),
            _ => return Err(cursor.unexpected("a column type")),
        }
        cursor.advance();
    }
    if text.is_empty() { Err(cursor.unexpected("a column type")) } else { Ok(text) }
}

fn row_format(cursor: &mut Cursor<'_>) -> Result<RowFormat, SqlError> {
    if cursor.accept(&["SERDE"]) {
        let library = cursor.text("the class of a SerDe")?;
        let properties =
            if cursor.accept(&["WITH", "SERDEPROPERTIES"]) { properties(cursor)? } else { Vec::new() };
        return Ok(RowFormat::SerDe { library, properties });
    }
    cursor.expect(&["DELIMITED"])?;
    let mut parameters = Vec::new();
    loop {
        let key = if cursor.accept(&["FIELDS", "TERMINATED", "BY"]) {
            "field.delim"
        } else if cursor.accept(&["ESCAPED", "BY"]) {
            "escape.delim"
        } else if cursor.accept(&["COLLECTION", "ITEMS", "TERMINATED", "BY"]) {
            "collection.delim"
        } else if cursor.accept(&["MAP", "KEYS", "TERMINATED", "BY"]) {
            "mapkey.delim"
        } else if cursor.accept(&["LINES", "TERMINATED", "BY"]) {
            "line.delim"
        } else if cursor.accept(&["NULL", "DEFINED", "AS"]) {
            "serialization.null.format"
        } else {
            return Ok(RowFormat::Delimited(parameters));
        };
        let value = cursor.text("a delimiter in quotes")?;
        if key == "field.delim" {
            // Hive sets both from the one clause.
            parameters.push(("serialization.format".to_owned(), value.clone()));
        }
        parameters.push((key.to_owned(), value));
    }
}

fn stored_as(cursor: &mut Cursor<'_>) -> Result<StoredAs, SqlError> {
    if cursor.accept(&["INPUTFORMAT"]) {
        let input = cursor.text("the class of an input format")?;
        cursor.expect(&["OUTPUTFORMAT"])?;
        let output = cursor.text("the class of an output format")?;
        return Ok(StoredAs::Classes { input, output });
    }
    cursor.identifier("a file format").map(|name| StoredAs::Named(name.to_ascii_uppercase()))
}

/// `('key' = 'value', …)`; keys keep their case.
pub(crate) fn properties(cursor: &mut Cursor<'_>) -> Result<Vec<(String, String)>, SqlError> {
    cursor.expect_mark('(')?;
    let mut found = Vec::new();
    loop {
        let key = match cursor.peek() {
            Some(Token::Quoted(key)) => {
                cursor.advance();
                key.clone()
            }
            _ => cursor.text("a property's name in quotes")?,
        };
        cursor.expect_mark('=')?;
        let value = match cursor.peek() {
            Some(Token::Quoted(value)) => {
                cursor.advance();
                value.clone()
            }
            _ => cursor.text("a property's value in quotes")?,
        };
        found.push((key, value));
        if !cursor.accept_mark(',') {
            cursor.expect_mark(')')?;
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::{Ddl, Statement, parse};

    use super::*;

    fn table(text: &str) -> CreateTable {
        match parse(text) {
            Ok(Statement::Ddl(Ddl::CreateTable(table))) => *table,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_clauses() {
        let made = table(
            "CREATE EXTERNAL TABLE IF NOT EXISTS `Db`.events (
               `Id` bigint COMMENT 'key', tags array<struct<k:string, v:decimal(10, 2)>>, m map<string,int>)
             COMMENT 'all of them'
             PARTITIONED BY (dt string, h int)
             ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
             WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
             STORED AS INPUTFORMAT 'a' OUTPUTFORMAT 'b'
             LOCATION 's3://bucket/events/'
             TBLPROPERTIES (\"has_encrypted_data\"=\"false\", 'K'='v');",
        );
        assert_eq!(made.name.database.as_deref(), Some("db"));
        assert!(made.if_not_exists);
        let types: Vec<_> = made.columns.iter().map(|column| column.data_type.as_str()).collect();
        assert_eq!(types, ["bigint", "array<struct<k:string,v:decimal(10,2)>>", "map<string,int>"]);
        assert_eq!(made.columns[0].comment.as_deref(), Some("key"));
        assert_eq!(made.partition_keys.len(), 2);
        assert_eq!(made.stored_as, Some(StoredAs::Classes { input: "a".into(), output: "b".into() }));
        assert_eq!(made.properties[1], ("K".to_owned(), "v".to_owned()));
    }

    #[test]
    fn delimited_rows() {
        let made = table(
            r"create external table t (a int) row format delimited fields terminated by '\t' escaped by '\\'
              null defined as '' stored as textfile location 's3://b/'",
        );
        let Some(RowFormat::Delimited(parameters)) = made.row_format else { panic!("not delimited") };
        assert!(parameters.contains(&("field.delim".into(), "\t".into())));
        assert!(parameters.contains(&("escape.delim".into(), "\\".into())));
        assert_eq!(made.stored_as, Some(StoredAs::Named("TEXTFILE".into())));
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        let error = parse("CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET").expect_err("no location");
        assert_eq!(error.to_string(), "line 1:50: mismatched input '<EOF>'. Expecting: 'LOCATION'");
        let error = parse("CREATE EXTERNAL TABLE t (a int, A string) LOCATION 's3://b'").expect_err("twice");
        assert!(error.to_string().contains("column 'a' is defined twice"));
        let error = parse("CREATE TABLE t AS SELECT 1").expect_err("ctas");
        assert_eq!(error.code(), "NOT_SUPPORTED");
    }
}
