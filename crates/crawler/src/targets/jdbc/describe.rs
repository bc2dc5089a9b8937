//! A database's table as the catalog's input, with the parameters that Glue's crawlers write.

use std::collections::HashMap;

use catalog::{Column, Parameters, TableInput};
use sources::jdbc::{self, Engine, TableKind, TableName};

use super::path::Place;
use crate::run::UPDATED_BY;
use crate::targets::{CONNECTION, Described, without_files};

/// Our name for a column's type in the database's own words.
const RAW_TYPE: &str = "rawType";
/// `CommentString` of a column.
const MAX_COLUMN_COMMENT: usize = 255;
/// `DescriptionString` of a table.
const MAX_DESCRIPTION: usize = 2_048;

/// What `EnableAdditionalMetadata` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metadata {
    Comments,
    RawTypes,
}

impl Metadata {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "COMMENTS" => Some(Self::Comments),
            "RAWTYPES" => Some(Self::RawTypes),
            _ => None,
        }
    }
}

/// What all tables of a target share.
pub(super) struct Frame<'a> {
    pub(super) crawler: &'a str,
    pub(super) connection: &'a str,
    pub(super) engine: Engine,
    pub(super) metadata: Vec<Metadata>,
}

/// The table. Errors: why the catalog cannot hold it.
pub(super) fn table(
    frame: &Frame<'_>,
    place: &Place,
    entry: &TableName,
    columns: &[jdbc::Column],
) -> Result<Described, String> {
    let parameters = Parameters::from([
        ("CrawlerSchemaDeserializerVersion".to_owned(), "1.0".to_owned()),
        ("CrawlerSchemaSerializerVersion".to_owned(), "1.0".to_owned()),
        (UPDATED_BY.to_owned(), frame.crawler.to_owned()),
        ("classification".to_owned(), frame.engine.glue_name().to_owned()),
        ("compressionType".to_owned(), "none".to_owned()),
        (CONNECTION.to_owned(), frame.connection.to_owned()),
        ("typeOfData".to_owned(), kind_name(entry.kind).to_owned()),
    ]);
    let comments = frame.metadata.contains(&Metadata::Comments);
    let description = entry.comment.as_deref().filter(|_| comments).map(|text| cut(text, MAX_DESCRIPTION));
    let columns = self::columns(frame, columns)?;
    let input = TableInput { description, ..without_files(place.location(), columns, parameters) };
    Ok(Described { name: place.name(), path: place.path(), input, facts: Vec::new(), notes: Vec::new() })
}

fn kind_name(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Table => "table",
        TableKind::View => "view",
    }
}

fn columns(frame: &Frame<'_>, columns: &[jdbc::Column]) -> Result<Vec<Column>, String> {
    let mut taken: HashMap<String, &str> = HashMap::with_capacity(columns.len());
    let mut found = Vec::with_capacity(columns.len());
    for column in columns {
        if column.name.chars().any(char::is_control) {
            return Err(format!("the name of column {:?} holds a control character", column.name));
        }
        let name = column.name.to_lowercase();
        if let Some(other) = taken.insert(name.clone(), &column.name) {
            return Err(format!("only case tells its columns {other:?} and {:?} apart", column.name));
        }
        let mut described = Column::new(name, &column.hive_type);
        if frame.metadata.contains(&Metadata::Comments) {
            described.comment = column.comment.as_deref().map(|text| {
                // A column's comment is one line.
                cut(&text.replace(|c: char| c.is_control() && c != '\t', " "), MAX_COLUMN_COMMENT)
            });
        }
        if frame.metadata.contains(&Metadata::RawTypes) {
            described.parameters =
                Some(Parameters::from([(RAW_TYPE.to_owned(), column.native_type.clone())]));
        }
        found.push(described);
    }
    Ok(found)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame<'_> =
        Frame { crawler: "c", connection: "conn", engine: Engine::Postgres, metadata: Vec::new() };

    fn column(name: &str) -> jdbc::Column {
        jdbc::Column {
            name: name.to_owned(),
            native_type: "integer".to_owned(),
            hive_type: "int".to_owned(),
            nullable: true,
            comment: Some(format!("{}\nend", "x".repeat(300))),
        }
    }

    fn described(frame: &Frame<'_>, columns: &[jdbc::Column]) -> Result<TableInput, String> {
        let place = Place { database: "d".to_owned(), schema: Some("s".to_owned()), table: "t".to_owned() };
        let comment = Some("all of it".to_owned());
        let entry = TableName { name: "t".to_owned(), kind: TableKind::View, comment, readable: true };
        table(frame, &place, &entry, columns).map(|found| found.input)
    }

    fn columns_of(input: &TableInput) -> &[Column] {
        input.storage_descriptor.as_ref().and_then(|found| found.columns.as_deref()).unwrap()
    }

    #[test]
    fn five_thousand_columns_are_kept_in_their_order() {
        let many: Vec<jdbc::Column> = (0..5_000).map(|at| column(&format!("C{at}"))).collect();
        let input = described(&FRAME, &many).unwrap();
        let found = columns_of(&input);
        assert_eq!((found.len(), found[4_999].name.as_str()), (5_000, "c4999"));
        assert!(found.iter().all(|column| column.comment.is_none() && column.parameters.is_none()));
        assert_eq!(input.description, None);
    }

    #[test]
    fn additional_metadata_is_given_when_asked_for() {
        let frame = Frame { metadata: vec![Metadata::Comments, Metadata::RawTypes], ..FRAME };
        let input = described(&frame, &[column("a")]).unwrap();
        let found = &columns_of(&input)[0];
        assert_eq!(found.comment.as_ref().map(|text| text.len()), Some(255));
        assert_eq!(found.parameters.as_ref().unwrap()[RAW_TYPE], "integer");
        assert_eq!(input.description.as_deref(), Some("all of it"));
    }

    #[test]
    fn columns_that_the_catalog_cannot_tell_apart_make_no_table() {
        let error = described(&FRAME, &[column("Id"), column("b"), column("iD")]).unwrap_err();
        assert!(error.contains("\"Id\" and \"iD\""), "{error}");
        assert!(described(&FRAME, &[column("a\nb")]).unwrap_err().contains("control character"));
    }
}
