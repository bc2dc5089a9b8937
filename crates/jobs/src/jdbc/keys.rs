//! Which rows of a table are new: those beyond the key that earlier runs have come to, up to the one that is last now.

use sources::SourceError;
use sources::jdbc::{Column, Database, Range};

use super::Place;
use crate::bookmark::{Keys, Since};

/// What a node says of its key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// Its columns; none: those of the primary key.
    pub(crate) columns: Vec<String>,
    /// Whether it falls from row to row.
    pub(crate) descending: bool,
}

/// The rows to read, and where reading them ends.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) range: Range,
    /// What to remember; `None` when there is nothing new.
    pub(super) reached: Option<Keys>,
    /// For the log.
    pub(super) note: String,
}

/// Decides which rows of a table are read, on the snapshot that `database` reads.
pub(super) async fn span(
    database: &mut Database,
    place: &Place,
    columns: &[Column],
    wish: &Wish,
    since: &Since,
) -> Result<Span, String> {
    let told = |error: SourceError| error.to_string();
    let (schema, table) = (place.schema.as_str(), place.table.as_str());
    let primary = match wish.columns.is_empty() {
        true => database.primary_key(schema, table).await.map_err(told)?,
        false => wish.columns.clone(),
    };
    let keys = key(columns, &primary)?;
    let (first, last) = match since {
        Since::New(first) => (first, None),
        Since::Between(first, last) => (first, last.as_ref()),
    };
    for known in first.iter().chain(last) {
        check_same(known, &keys, wish.descending)?;
    }
    let after = first.as_ref().map(|first| first.values.clone());
    let range = Range { keys, descending: wish.descending, after, up_to: None };
    let up_to = match since {
        Since::Between(_, last) => last.as_ref().map(|last| last.values.clone()),
        Since::New(_) => {
            if database.has_null_keys(schema, table, &range).await.map_err(told)? {
                return Err(format!(
                    "a row has NULL in its key {}, so it could not be told whether it is new; choose another key",
                    names(&range.keys)
                ));
            }
            database.last_key(schema, table, &range).await.map_err(told)?
        }
    };
    let range = Range { up_to, ..range };
    check_ordered(&range)?;
    let reached = match since {
        Since::Between(..) => None,
        Since::New(_) => range.up_to.clone().map(|values| Keys {
            table: place.label.clone(),
            columns: range.keys.iter().map(|column| column.name.clone()).collect(),
            descending: wish.descending,
            values,
        }),
    };
    Ok(Span { note: note(&range), reached, range })
}

/// The columns of a key by their names, found ignoring case.
fn key(columns: &[Column], names: &[String]) -> Result<Vec<Column>, String> {
    if names.is_empty() {
        return Err(
            "job bookmarks need a key to know which rows are new, and the table has no primary key: name columns in \
             JobBookmarkKeys (JDBCConnectorSource), or the source in --bookmark-full-sources, and every run reads all of it"
                .to_owned(),
        );
    }
    let mut keys = Vec::new();
    for name in names {
        let own = columns.iter().find(|column| column.name == *name);
        let own = own.or_else(|| columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)));
        let own = own.ok_or_else(|| format!("the key's column {name} is none of the table's"))?;
        if !is_ordered(own) {
            return Err(format!(
                "the key's column {} is of the type {}, whose values cannot be told apart exactly by order",
                own.name, own.native_type
            ));
        }
        keys.push(own.clone());
    }
    Ok(keys)
}

/// Whether values of the column, read as texts, are compared by the database without a loss.
fn is_ordered(column: &Column) -> bool {
    match column.hive_type.as_str() {
        "tinyint" | "smallint" | "int" | "bigint" | "date" | "timestamp" => true,
        "string" => super::filters::is_text(&column.native_type) || column.native_type == "uuid",
        hive => hive.starts_with("decimal"),
    }
}

/// A value beyond all others would hide every row that comes.
fn check_ordered(range: &Range) -> Result<(), String> {
    for (column, value) in range.keys.iter().zip(range.up_to.iter().flatten()) {
        let numeric = column.hive_type != "string";
        if numeric && (value.ends_with("nfinity") || value == "NaN") {
            return Err(format!(
                "the last value of the key's column {} is {value}: no row comes after it",
                column.name
            ));
        }
    }
    Ok(())
}

fn check_same(known: &Keys, keys: &[Column], descending: bool) -> Result<(), String> {
    let columns: Vec<&str> = keys.iter().map(|column| column.name.as_str()).collect();
    if known.columns == columns && known.descending == descending {
        return Ok(());
    }
    let order = |descending| if descending { "falling" } else { "rising" };
    Err(format!(
        "earlier runs have read it by the {} key {}, and now its key is {} ({}): reset the job's bookmark",
        order(known.descending),
        known.columns.join(", "),
        columns.join(", "),
        order(descending)
    ))
}

fn names(keys: &[Column]) -> String {
    keys.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn note(range: &Range) -> String {
    let keys = names(&range.keys);
    let shown = |values: &Vec<String>| values.join(", ");
    match (&range.after, &range.up_to) {
        (_, None) => format!("no rows by the key {keys} are to be read"),
        (None, Some(last)) => format!("rows by the key {keys} up to {} are read", shown(last)),
        (Some(first), Some(last)) => {
            format!("rows by the key {keys} after {} up to {} are read", shown(first), shown(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_key_is_of_columns_that_order_tells_apart() {
        let columns = [
            column("Id", "bigint", "bigint"),
            column("name", "character varying(9)", "string"),
            column("price", "double precision", "double"),
            column("doc", "jsonb", "string"),
        ];
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            key(&columns, &names).map(|keys| super::names(&keys))
        };
        assert_eq!(of(&["ID", "name"]).unwrap(), "Id, name");
        for (names, what) in [
            (vec![], "no primary key"),
            (vec!["nope"], "none of the table's"),
            (vec!["price"], "double precision"),
            (vec!["doc"], "jsonb"),
        ] {
            let message = of(&names).unwrap_err();
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn a_bookmark_is_of_one_key_and_order() {
        let known = Keys {
            table: "t".to_owned(),
            columns: vec!["id".to_owned()],
            descending: false,
            values: vec!["5".to_owned()],
        };
        let id = [column("id", "bigint", "bigint")];
        assert_eq!(check_same(&known, &id, false), Ok(()));
        assert!(check_same(&known, &id, true).unwrap_err().contains("reset the job's bookmark"));
        assert!(check_same(&known, &[column("at", "date", "date")], false).is_err());
    }

    #[test]
    fn a_value_beyond_all_others_is_refused() {
        let range = |hive: &str, value: &str| Range {
            keys: vec![column("k", hive, hive)],
            descending: false,
            after: None,
            up_to: Some(vec![value.to_owned()]),
        };
        assert!(check_ordered(&range("timestamp", "infinity")).is_err());
        assert!(check_ordered(&range("decimal(38,18)", "NaN")).is_err());
        assert!(check_ordered(&range("string", "infinity")).is_ok());
    }
}
