//! Runs: states, policies, starting again.

use crawler::state::State;
use crawler::{CrawlerError, Options};
use serde_json::json;

use crate::world::{Backend, World, columns};

scenarios! {
    crawling_again_changes_nothing_without_a_change,
    what_is_gone_goes_by_policy,
    states_exclude_each_other,
    a_run_that_another_process_left_is_taken_up,
}

async fn crawling_again_changes_nothing_without_a_change(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/k=1/a.csv", "id,v\n1,x\n2,y\n").await;
    w.create("t", json!({})).await;
    w.crawl_well().await;
    let first = w.tables().await;
    w.crawl_well().await;
    assert_eq!(w.tables().await["t"].version, first["t"].version);
    w.put("t/k=2/a.csv", "id,v,w\n1,x,1\n2,y,\n").await;
    w.crawl_well().await;
    let second = w.tables().await;
    assert_eq!(columns(&second["t"]), "id bigint, v string, w bigint");
    assert_eq!(second["t"].version, first["t"].version + 1);
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert_eq!(crawls[0].counts.tables_updated, ["t"]);
    assert_eq!((crawls[1].counts.tables_updated.len(), crawls[1].counts.partitions_created), (0, 0));
}

async fn what_is_gone_goes_by_policy(on: &Backend) {
    for (policy, tables, marked) in
        [("DELETE_FROM_DATABASE", 0, false), ("DEPRECATE_IN_DATABASE", 1, true), ("LOG", 1, false)]
    {
        let w = World::on(on).await;
        w.put("x/t/k=1/a.json", "{\"a\":1}").await;
        w.put("x/t/k=2/a.json", "{\"a\":1}").await;
        w.put("x/t/.keep", "-").await;
        w.create("x", json!({ "SchemaChangePolicy": { "DeleteBehavior": policy } })).await;
        w.crawl_well().await;
        assert_eq!(w.partitions("t").await.len(), 2);
        w.delete("x/t/k=1/a.json").await;
        w.crawl_well().await;
        assert_eq!(w.partitions("t").await.len(), if policy == "DELETE_FROM_DATABASE" { 1 } else { 2 });
        w.delete("x/t/k=2/a.json").await;
        w.crawl_well().await;
        let found = w.tables().await;
        assert_eq!(found.len(), tables, "{policy}");
        assert_eq!(
            found.values().any(|t| t.parameter("DEPRECATED_BY_CRAWLER").is_some()),
            marked,
            "{policy}"
        );
    }
}

async fn states_exclude_each_other(on: &Backend) {
    let mut w = World::on(on).await;
    w.put("d/a.json", "{\"a\":1}").await;
    w.create("d", json!({})).await;
    w.halt().await;
    assert!(matches!(w.crawlers.stop(&w.scope, "c").await, Err(CrawlerError::NotRunning { .. })));
    w.crawlers.start(&w.scope, "c").await.unwrap();
    assert_eq!(w.get().await.state, State::Running);
    assert!(matches!(w.crawlers.start(&w.scope, "c").await, Err(CrawlerError::Running { .. })));
    assert!(matches!(w.crawlers.delete(&w.scope, "c").await, Err(CrawlerError::Running { .. })));
    w.crawlers.stop(&w.scope, "c").await.unwrap();
    assert!(matches!(w.crawlers.stop(&w.scope, "c").await, Err(CrawlerError::Stopping { .. })));
    w.serve();
    let last = w.wait().await.last_crawl.unwrap();
    assert_eq!(last.status, "CANCELLED");
    w.crawlers.delete(&w.scope, "c").await.unwrap();
    assert!(matches!(w.crawlers.get(&w.scope, "c").await, Err(CrawlerError::NotFound { .. })));
}

async fn a_run_that_another_process_left_is_taken_up(on: &Backend) {
    let mut w = World::on(on).await;
    w.put("d/a.json", "{\"a\":1}").await;
    w.create("d", json!({})).await;
    w.halt().await;
    w.crawlers.start(&w.scope, "c").await.unwrap();
    // A process of the same node that was killed: its lease is still running.
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 1).await.unwrap();
    let mut tx = w.store.begin().await.unwrap();
    let name = format!("crawl/{}", crawls[0].id);
    store::lease::acquire(&mut tx, &name, &Options::default().node, 60_000).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    w.serve();
    assert_eq!(w.wait().await.last_crawl.unwrap().status, "SUCCEEDED");
    assert_eq!(w.tables().await.len(), 1);
}
