//! Whatever happens to the objects, a crawl by events leaves the tables and partitions that a crawl of everything makes in a
//! catalog of its own.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use crate::events::{by_events, watched};
use crate::world::{Backend, World, keys};

const FOLDERS: [&str; 10] =
    ["", "o/", "o/day=1/", "o/day=2/", "o/day=3/", "o/day=3/sub/", "o/x/", "p/a/", "p/b/", "p/b/in/"];
const FILES: [&str; 2] = ["f", "g"];
const BODIES: [&str; 4] =
    ["{\"a\":1,\"b\":2}", "{\"x\":1,\"y\":2}", "id,v\n1,x\n2,y\n", "{\"a\":1,\"b\":2,\"c\":3}"];

/// An object's place, and its content; none deletes it.
type Step = (usize, usize, Option<usize>);

/// By location: keys, format, objects, and per partition its place and objects.
type Seen = BTreeMap<String, (Vec<String>, String, String, BTreeMap<Vec<String>, (String, String)>)>;

const DEPRECATED: &str = "DEPRECATED_BY_CRAWLER";

async fn seen(w: &World, database: &str) -> Seen {
    let mut all = Seen::new();
    for (name, table) in w.tables_of(database).await {
        if table.parameter(DEPRECATED).is_some() {
            continue;
        }
        let mut tx = w.store.read().await.unwrap();
        let query = catalog::partition::PartitionQuery::default();
        let parts = catalog::partition::list(&mut tx, &w.scope, database, &name, &query).await.unwrap();
        let mut found = BTreeMap::new();
        for part in parts.items {
            let parameters = part.input.parameters.clone().unwrap_or_default();
            if !parameters.contains_key(DEPRECATED) {
                let place = part.location().unwrap().to_owned();
                found.insert(part.values().to_vec(), (place, parameters["objectCount"].clone()));
            }
        }
        let said = |name: &str| table.parameter(name).unwrap_or_default().to_owned();
        let keys = keys(&table).into_iter().map(str::to_owned).collect();
        let one = (keys, said("classification"), said("objectCount"), found);
        all.insert(table.location().unwrap().to_owned(), one);
    }
    all
}

async fn run(target: &str, policy: &str, rounds: &[Vec<Step>]) -> Result<(), TestCaseError> {
    let w = watched(&Backend::Sqlite).await;
    let mut request = by_events(json!({ "SchemaChangePolicy": { "DeleteBehavior": policy } }));
    request["Targets"]["S3Targets"][0]["Path"] = json!(format!("s3://bucket/{target}"));
    w.create(target, request).await;
    let mut there = BTreeMap::new();
    for (at, round) in rounds.iter().enumerate() {
        for (folder, file, body) in round {
            let key = format!("t/{}{}", FOLDERS[*folder], FILES[*file]);
            match body {
                Some(body) => {
                    w.put(&key, BODIES[*body]).await;
                    there.insert(key, *body);
                }
                None if there.remove(&key).is_some() => w.delete(&key).await,
                None => {}
            }
        }
        w.crawl().await;
        let name = format!("fresh{at}");
        let fresh = json!({ "Name": name, "Role": "r", "DatabaseName": name,
                            "Targets": { "S3Targets": [{ "Path": format!("s3://bucket/{target}") }] } });
        w.crawlers.create(&w.scope, fresh.as_object().unwrap().clone()).await.unwrap();
        // Where nothing is, a crawl of everything fails and leaves all tables as they are.
        if w.crawl_with(&name).await.last_crawl.unwrap().status == "SUCCEEDED" {
            prop_assert_eq!(seen(&w, "db").await, seen(&w, &name).await, "{:?}\n{}", there, w.log());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_mixed_folder_that_alone_is_left_becomes_tables() {
    let rounds = [vec![(3, 0, Some(0))], vec![(5, 0, Some(1))], vec![(4, 0, Some(0))], vec![(3, 0, None)]];
    run("t/o/", "DEPRECATE_IN_DATABASE", &rounds).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn events_lead_where_a_crawl_of_everything_does(
        rounds in prop::collection::vec(
            prop::collection::vec((0..FOLDERS.len(), 0..FILES.len(), prop::option::weighted(0.7, 0..BODIES.len())), 1..4),
            2..9,
        ),
        whole in any::<bool>(),
        deletes in any::<bool>(),
    ) {
        let target = if whole { "t/" } else { "t/o/" };
        let policy = if deletes { "DELETE_FROM_DATABASE" } else { "DEPRECATE_IN_DATABASE" };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(run(target, policy, &rounds))?;
    }
}
