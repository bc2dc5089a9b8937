//! Policies and tags, which are kept by ARN: they follow what they are of, and go with it.

use catalog::policy::{self, Condition};
use catalog::{arn, database, table};
use store::Tx;

use crate::common::{database_input, scope, table_input, with_table};

const DOCUMENT: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

async fn give(tx: &mut Tx, arn: &str) {
    policy::put(tx, &scope(), arn, DOCUMENT, Condition::default()).await.unwrap();
    store::tags::set(tx, arn, &[("a".to_owned(), "b".to_owned())].into()).await.unwrap();
}

/// What is kept under an ARN: a policy, tags.
async fn has(tx: &mut Tx, arn: &str) -> (bool, bool) {
    let policy = policy::find(tx, &scope(), arn).await.unwrap().is_some();
    (policy, !store::tags::get(tx, arn).await.unwrap().is_empty())
}

fn of_table(database: &str, name: &str) -> String {
    arn::table(&scope(), database, name)
}

#[tokio::test]
async fn policies_move_with_a_rename_and_the_old_name_keeps_none() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    give(&mut tx, &arn::database(&scope(), "db")).await;
    give(&mut tx, &of_table("db", "t")).await;
    let made = policy::get(&mut tx, &scope(), &of_table("db", "t")).await.unwrap();

    database::update(&mut tx, &scope(), "db", database_input("new")).await.unwrap();
    for gone in [arn::database(&scope(), "db"), of_table("db", "t")] {
        assert_eq!(has(&mut tx, &gone).await, (false, false), "{gone}");
    }
    for moved in [arn::database(&scope(), "new"), of_table("new", "t")] {
        assert_eq!(has(&mut tx, &moved).await, (true, true), "{moved}");
    }
    table::rename(&mut tx, &scope(), ("new", "t"), ("new", "u")).await.unwrap();
    assert_eq!(has(&mut tx, &of_table("new", "t")).await, (false, false));
    let moved = policy::get(&mut tx, &scope(), &of_table("new", "u")).await.unwrap();
    assert_eq!((moved.hash, moved.created_ms), (made.hash, made.created_ms));

    database::create(&mut tx, &scope(), database_input("db")).await.unwrap();
    table::create(&mut tx, &scope(), "db", table_input("t", &[]), "me").await.unwrap();
    assert_eq!(has(&mut tx, &arn::database(&scope(), "db")).await, (false, false));
    assert_eq!(
        has(&mut tx, &of_table("db", "t")).await,
        (false, false),
        "the next of the name inherits nothing"
    );
}

#[tokio::test]
async fn a_policy_goes_aside_with_its_table_and_comes_back_with_it() {
    let (store, _folder) = with_table(&[]).await;
    let mut tx = store.begin().await.unwrap();
    give(&mut tx, &of_table("db", "t")).await;
    let made = policy::get(&mut tx, &scope(), &of_table("db", "t")).await.unwrap();
    let aside = table::set_aside(&mut tx, &scope(), "db", "t").await.unwrap();
    table::create(&mut tx, &scope(), "db", table_input("t", &[]), "me").await.unwrap();
    assert_eq!(has(&mut tx, &of_table("db", "t")).await, (false, false));
    table::delete(&mut tx, &scope(), "db", "t").await.unwrap();
    table::put_back(&mut tx, &scope(), &aside).await.unwrap();
    assert_eq!(has(&mut tx, &of_table("db", "t")).await, (true, true));
    assert_eq!(policy::get(&mut tx, &scope(), &of_table("db", "t")).await.unwrap(), made);
}
