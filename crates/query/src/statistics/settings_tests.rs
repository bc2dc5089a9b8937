//! Settings of tasks on a real store, catalog and engine.

use std::sync::Arc;

use arrow::array::Int32Array;

use super::tests::{finish, statistics, tasks, world};
use super::*;
use crate::tests::{World, batch};

/// A moment that has passed.
async fn make_due(world: &World) {
    let mut tx = world.ground.store.begin().await.unwrap();
    tx.execute("UPDATE catalog_task_settings SET next_ms = 1 WHERE next_ms IS NOT NULL", &[]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_schedule_starts_runs_until_it_is_stopped_or_its_table_goes() {
    let world = world().await;
    let tasks = tasks(&world);
    let place = ("Shop", "All");
    let change = SettingsChange {
        role: Some("r".to_owned()),
        columns: Some(vec!["N".to_owned()]),
        schedule: Some("cron(0 8 * * ? *)".to_owned()),
        ..SettingsChange::default()
    };
    tasks.create_settings(&world.scope, place, change.clone()).await.unwrap();
    let again = tasks.create_settings(&world.scope, place, change).await;
    assert!(matches!(again, Err(StatisticsError::SettingsExist { .. })));
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 1);
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    let settings = tasks.settings(&world.scope, place).await.unwrap();
    let id = settings.last.unwrap().run.unwrap();
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0, "the first run is at work");
    let last = tasks.settings(&world.scope, place).await.unwrap().last.unwrap();
    assert!(last.run.is_none() && last.error.unwrap().contains("running already"));
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);
    assert!(statistics(&world, "all", "n").await.is_some() && statistics(&world, "all", "s").await.is_none());
    tasks.set_schedule(&world.scope, place, false).await.unwrap();
    assert!(matches!(
        tasks.set_schedule(&world.scope, place, false).await,
        Err(StatisticsError::Invalid { .. })
    ));
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    tasks.set_schedule(&world.scope, place, true).await.unwrap();
    for wrong in [
        SettingsChange { schedule: Some("every day".to_owned()), ..SettingsChange::default() },
        SettingsChange { schedule: Some("cron(0 0 1 1 ? 2020)".to_owned()), ..SettingsChange::default() },
        SettingsChange { schedule: Some("cron(0 0 31 2 ? *)".to_owned()), ..SettingsChange::default() },
        SettingsChange { columns: Some(vec!["nope".to_owned()]), ..SettingsChange::default() },
        SettingsChange { sample_size: Some(0.0), ..SettingsChange::default() },
    ] {
        let refused = tasks.update_settings(&world.scope, place, wrong).await;
        assert!(matches!(refused, Err(StatisticsError::Invalid { .. })));
    }
    make_due(&world).await;
    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::table::delete(&mut tx, &world.scope, "shop", "all").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
}

/// One that was dropped leaves nothing to one that is made under its name, by its database either.
#[tokio::test]
async fn settings_go_with_their_table_and_stay_with_it_under_another_name() {
    let world = world().await;
    let tasks = tasks(&world);
    let every_day =
        SettingsChange { schedule: Some("cron(0 8 * * ? *)".to_owned()), ..SettingsChange::default() };
    let rows = batch(vec![("n", Arc::new(Int32Array::from(vec![1])))]);
    let other = || catalog::DatabaseInput { name: "other".to_owned(), ..catalog::DatabaseInput::default() };
    tasks.create_settings(&world.scope, ("shop", "all"), every_day.clone()).await.unwrap();
    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::table::delete(&mut tx, &world.scope, "shop", "all").await.unwrap();
    tx.commit().await.unwrap();
    world.table("all", "n int", &rows).await;
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0, "nobody asked for a run of this table");
    let none = tasks.settings(&world.scope, ("shop", "all")).await;
    assert!(matches!(none, Err(StatisticsError::SettingsNotFound { .. })));

    tasks.create_settings(&world.scope, ("shop", "all"), every_day).await.unwrap();
    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::database::update(&mut tx, &world.scope, "shop", other()).await.unwrap();
    catalog::table::rename(&mut tx, &world.scope, ("other", "all"), ("other", "some")).await.unwrap();
    tx.commit().await.unwrap();
    let moved = tasks.settings(&world.scope, ("other", "some")).await.unwrap();
    assert_eq!((moved.database.as_str(), moved.table.as_str()), ("other", "some"));
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 1);
    let id = tasks.settings(&world.scope, ("other", "some")).await.unwrap().last.unwrap().run.unwrap();
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);

    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::database::delete(&mut tx, &world.scope, "other").await.unwrap();
    catalog::database::create(&mut tx, &world.scope, other()).await.unwrap();
    tx.commit().await.unwrap();
    catalog::purge::all(&world.ground.store).await.unwrap();
    let mut tx = world.ground.store.read().await.unwrap();
    let left = tx.query_opt("SELECT 1 FROM catalog_task_settings", &[]).await.unwrap();
    assert!(left.is_none(), "what nobody can find is removed");
}

/// A table whose run cannot be started, here one whose schema version is gone, says why in its settings and holds up no other.
#[tokio::test]
async fn a_table_without_its_schema_holds_up_no_other() {
    use catalog::registry::{Format, Mode, NewSchema, SchemaName, create_schema, delete_schema};
    let world = world().await;
    let tasks = tasks(&world);
    let rows = batch(vec![("n", Arc::new(Int32Array::from(vec![1])))]);
    world.table("a_broken", "n int", &rows).await;
    let name = SchemaName { registry: "default-registry".to_owned(), schema: "orders".to_owned() };
    let definition = r#"{"type":"record","name":"r","fields":[{"name":"n","type":"int"}]}"#;
    let mut tx = world.ground.store.begin().await.unwrap();
    let new = NewSchema {
        name: name.clone(),
        format: Format::Avro,
        mode: Mode::None,
        description: None,
        definition: Some(definition),
    };
    create_schema(&mut tx, &world.scope, &new).await.unwrap();
    let mut input = catalog::table::get(&mut tx, &world.scope, "shop", "a_broken").await.unwrap().input;
    let reference = serde_json::json!({"SchemaId": {"SchemaName": "orders"}, "SchemaVersionNumber": 1});
    let descriptor = input.storage_descriptor.as_mut().unwrap();
    descriptor.other.insert("SchemaReference".to_owned(), reference);
    catalog::table::update(&mut tx, &world.scope, "shop", input, Default::default()).await.unwrap();
    tx.commit().await.unwrap();
    for table in ["a_broken", "all"] {
        let every_day =
            SettingsChange { schedule: Some("cron(0 8 * * ? *)".to_owned()), ..SettingsChange::default() };
        tasks.create_settings(&world.scope, ("shop", table), every_day).await.unwrap();
    }
    let mut tx = world.ground.store.begin().await.unwrap();
    delete_schema(&mut tx, &world.scope, &name).await.unwrap();
    tx.commit().await.unwrap();
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 1);
    assert_eq!(tasks.fire_due().await.unwrap(), 0, "both have had their turn");
    let last = tasks.settings(&world.scope, ("shop", "a_broken")).await.unwrap().last.unwrap();
    assert!(last.run.is_none() && last.error.as_ref().unwrap().contains("Schema is not found"), "{last:?}");
}

/// Settings that an earlier version kept by name are those of the tables that have the names at the upgrade.
#[tokio::test]
async fn settings_of_earlier_versions_are_taken_over() {
    let cut =
        |migrations: store::Migrations| store::Migrations { steps: &migrations.steps[..2], ..migrations };
    let (before, folder) =
        store::testing::temp(&[cut(catalog::MIGRATIONS), cut(super::STATISTICS_MIGRATIONS)]).await;
    let scope = store::Scope::new("000000000000", "us-east-1").unwrap();
    let mut tx = before.begin().await.unwrap();
    let database = catalog::DatabaseInput { name: "shop".to_owned(), ..catalog::DatabaseInput::default() };
    catalog::database::create(&mut tx, &scope, database).await.unwrap();
    let table = catalog::TableInput { name: "t".to_owned(), ..catalog::TableInput::default() };
    catalog::table::create(&mut tx, &scope, "shop", table, "me").await.unwrap();
    for name in ["t", "gone"] {
        let doc = format!(r#"{{"kept": "{name}"}}"#);
        tx.execute(
            "INSERT INTO query_statistics_settings (account, region, database_name, table_name, next_ms, doc)
             VALUES ('000000000000', 'us-east-1', 'shop', $1, 7, $2)",
            &store::params![name, doc],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    before.close().await;
    let location = store::Location::Sqlite { path: folder.path().join("store.db"), durable: false };
    let all = [catalog::MIGRATIONS, super::STATISTICS_MIGRATIONS];
    let after = store::Store::open(location, &all, Arc::new(store::SystemClock), Arc::new(store::RandomIds))
        .await
        .unwrap();
    let mut tx = after.read().await.unwrap();
    let table = catalog::table::get(&mut tx, &scope, "shop", "t").await.unwrap();
    let kept = catalog::task_settings::find(&mut tx, &table).await.unwrap().unwrap();
    assert_eq!((kept.doc.as_str(), kept.next_ms), (r#"{"kept": "t"}"#, Some(7)));
    let due = catalog::task_settings::due(&mut tx, 7, 10).await.unwrap();
    assert_eq!(due.iter().map(|one| one.table.as_str()).collect::<Vec<_>>(), ["t"]);
}
