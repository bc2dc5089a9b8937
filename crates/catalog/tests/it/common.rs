//! What the tests of the catalog share.
use catalog::{Column, DatabaseInput, PartitionInput, StorageDescriptor, TableInput};
use store::{Scope, Store};
use tempfile::TempDir;

pub(crate) fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1").unwrap()
}

pub(crate) async fn store() -> (Store, TempDir) {
    store::testing::temp(&[catalog::MIGRATIONS, catalog::registry::MIGRATIONS]).await
}

pub(crate) fn database_input(name: &str) -> DatabaseInput {
    DatabaseInput { name: name.to_owned(), ..DatabaseInput::default() }
}

pub(crate) fn table_input(name: &str, keys: &[(&str, &str)]) -> TableInput {
    TableInput {
        name: name.to_owned(),
        storage_descriptor: Some(descriptor(&format!("s3://lake/{name}/"))),
        partition_keys: Some(keys.iter().map(|(key, hive)| Column::new(*key, *hive)).collect()),
        ..TableInput::default()
    }
}

pub(crate) fn descriptor(location: &str) -> StorageDescriptor {
    StorageDescriptor {
        columns: Some(vec![Column::new("id", "bigint"), Column::new("name", "string")]),
        location: Some(location.to_owned()),
        ..StorageDescriptor::default()
    }
}

pub(crate) fn partition_input<S: AsRef<str>>(values: &[S]) -> PartitionInput {
    let values: Vec<String> = values.iter().map(|value| value.as_ref().to_owned()).collect();
    PartitionInput {
        storage_descriptor: Some(descriptor(&format!("s3://lake/t/{}/", values.join("/")))),
        values,
        ..PartitionInput::default()
    }
}

/// A store with database `db` and table `t` of these keys.
pub(crate) async fn with_table(keys: &[(&str, &str)]) -> (Store, TempDir) {
    let (store, folder) = store().await;
    make_table(&store, keys).await;
    (store, folder)
}

/// Makes database `db` and table `t` of these keys.
pub(crate) async fn make_table(store: &Store, keys: &[(&str, &str)]) {
    let mut tx = store.begin().await.unwrap();
    catalog::database::create(&mut tx, &scope(), database_input("db")).await.unwrap();
    catalog::table::create(&mut tx, &scope(), "db", table_input("t", keys), "me").await.unwrap();
    tx.commit().await.unwrap();
}
