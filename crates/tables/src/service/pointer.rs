//! Pointers that clients move themselves, by Glue's CreateTable and UpdateTable, as Iceberg's Glue catalogs do: first they
//! write the metadata, then the catalog's entry that names it.
//!
//! A pointer into a bucket of this server names metadata of the caller's account that can be read, or it is refused: every
//! reader would fail. Metadata elsewhere (another store, a folder) is its clients' affair, like the location of any other
//! table: the pointer is kept as it is given, and reading the table here says what is missing. Only a table whose metadata
//! is here does not leave: that is a slip of the pen far more often than a move.

use catalog::TableInput;
use lake::LakeError;
use store::{Scope, Tx};

use super::{Tables, from_catalog, misplaced, read};
use crate::error::TablesError;
use crate::files::Place;
use crate::glue::{METADATA_LOCATION, TABLE_TYPE, is_iceberg};

impl Tables {
    /// Checks the pointer of a table that a client is about to make.
    /// Errors: `Location`, `MetadataBroken`.
    pub async fn check_new(&self, scope: &Scope, input: &TableInput) -> Result<(), TablesError> {
        let Some(pointer) = pointer(input) else { return Ok(()) };
        let tx = self.store.read().await?;
        self.check_pointer(tx, scope, pointer, None).await
    }

    /// Checks the pointer of a table that a client is about to replace. One that stays where it is may: what is broken can
    /// still be described otherwise.
    /// Errors: `Location`, `MetadataBroken`; those of the catalog where there is no such table.
    pub async fn check_next(
        &self,
        scope: &Scope,
        database: &str,
        input: &TableInput,
    ) -> Result<(), TablesError> {
        let Some(next) = pointer(input) else { return Ok(()) };
        let mut tx = self.store.read().await?;
        let table = catalog::table::get(&mut tx, scope, database, &input.name).await.map_err(from_catalog)?;
        let current = table.parameter(METADATA_LOCATION).filter(|_| is_iceberg(&table));
        match current {
            Some(current) if current == next => Ok(()),
            current => self.check_pointer(tx, scope, next, current).await,
        }
    }

    async fn check_pointer(
        &self,
        mut tx: Tx,
        scope: &Scope,
        next: &str,
        current: Option<&str>,
    ) -> Result<(), TablesError> {
        let refused = |what: &str| TablesError::Location { location: next.to_owned(), what: what.to_owned() };
        if !next.contains(":/") && !next.starts_with('/') {
            return Err(refused("it is not the location of a file (s3://bucket/key)"));
        }
        if self.holds(&mut tx, next).await? {
            let object = self.open_file(&mut tx, scope, next).await?;
            drop(tx);
            return read(&object, next).await.map(drop);
        }
        match current {
            Some(current) if self.holds(&mut tx, current).await? => Err(refused(
                "it is in no bucket of this server, and the table's metadata is; delete the table and make it again where \
                 it is to move",
            )),
            _ => Ok(()),
        }
    }

    /// Whether a location is in a bucket of this server, whoever owns it.
    async fn holds(&self, tx: &mut Tx, location: &str) -> Result<bool, TablesError> {
        let Ok(place) = Place::parse(location) else { return Ok(false) };
        match self.lake.bucket(tx, &place.bucket).await {
            Ok(_) => Ok(true),
            Err(LakeError::NoSuchBucket { .. }) => Ok(false),
            Err(error) => Err(misplaced(location, error)),
        }
    }
}

/// The pointer that a definition brings, where it is one of an Iceberg table.
fn pointer(input: &TableInput) -> Option<&str> {
    let given = input.parameters.as_ref()?;
    given.get(TABLE_TYPE).filter(|kind| kind.eq_ignore_ascii_case("iceberg"))?;
    given.get(METADATA_LOCATION).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use catalog::Parameters;

    use super::super::tests::{CALLER, Server, named, request, server};
    use super::*;

    fn pointing(name: &str, location: &str) -> TableInput {
        let parameters: Parameters = [(TABLE_TYPE, "iceberg"), (METADATA_LOCATION, location)]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        TableInput { name: name.to_owned(), parameters: Some(parameters), ..TableInput::default() }
    }

    async fn make(server: &Server, name: &str) -> String {
        let made =
            server.tables.create(&server.scope, request(name, None), Some("s3://lake/wh"), CALLER).await;
        made.expect("made").metadata_location
    }

    #[tokio::test]
    async fn a_pointer_names_metadata_that_can_be_read() {
        let server = server().await;
        let here = make(&server, "t").await;
        server.write("s3://lake/notes.json", "{\"no\": \"metadata\"}").await;
        server.write("s3://theirs/notes.json", "{}").await;
        for (location, said) in [
            ("s3://lake/none.metadata.json", "s3://lake/none.metadata.json"),
            ("s3a://lake/none.metadata.json", "s3a://lake/none.metadata.json"),
            ("s3://lake/notes.json", "s3://lake/notes.json"),
            ("s3://lake", "s3://lake"),
            ("s3://theirs/notes.json", "s3://theirs/notes.json"),
            ("none", "not the location of a file"),
        ] {
            let refused = [
                server.tables.check_new(&server.scope, &pointing("new", location)).await,
                server.tables.check_next(&server.scope, "db", &pointing("t", location)).await,
            ];
            for refused in refused {
                let message = refused.expect_err(location).to_string();
                assert!(message.contains(said), "{message}");
            }
        }
        for input in [pointing("new", &here), TableInput { parameters: None, ..pointing("new", "") }] {
            server.tables.check_new(&server.scope, &input).await.expect("metadata that is there");
        }
        let other = make(&server, "other").await;
        server.tables.check_next(&server.scope, "db", &pointing("t", &other)).await.expect("metadata");
    }

    #[tokio::test]
    async fn metadata_elsewhere_is_its_clients_affair() {
        let server = server().await;
        make(&server, "t").await;
        for elsewhere in ["s3://nowhere/m.json", "gs://bucket/m.json", "file:///wh/m.json", "/wh/m.json"] {
            server.tables.check_new(&server.scope, &pointing("new", elsewhere)).await.expect("kept");
            let left = server.tables.check_next(&server.scope, "db", &pointing("t", elsewhere)).await;
            assert!(matches!(left, Err(TablesError::Location { .. })), "{elsewhere}: {left:?}");
        }
        server.enter(pointing("outside", "file:///wh/1.json")).await;
        let next = pointing("outside", "file:///wh/2.json");
        server.tables.check_next(&server.scope, "db", &next).await.expect("it never was here");
    }

    #[tokio::test]
    async fn what_is_broken_can_be_described_otherwise() {
        let server = server().await;
        server.enter(pointing("broken", "s3://lake/none.json")).await;
        let same = TableInput {
            description: Some("to be mended".to_owned()),
            ..pointing("broken", "s3://lake/none.json")
        };
        server.tables.check_next(&server.scope, "db", &same).await.expect("the pointer stays");
        // A parameter of that name means nothing yet on a table of another kind.
        let mut plain = pointing("plain", "s3://lake/none.json");
        plain.parameters.as_mut().expect("parameters").remove(TABLE_TYPE);
        server.enter(plain).await;
        let turned = pointing("plain", "s3://lake/none.json");
        let turned = server.tables.check_next(&server.scope, "db", &turned).await;
        assert!(matches!(turned, Err(TablesError::Location { .. })), "{turned:?}");
        let missing = server.tables.check_next(&server.scope, "db", &pointing("x", "s3://lake/x.json")).await;
        assert!(matches!(missing, Err(TablesError::Catalog(_))), "{missing:?}");
        assert!(server.tables.load(&server.scope, &named("broken")).await.is_err());
    }
}
