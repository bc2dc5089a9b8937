//! Files of one row of delimited text: records of tables without a header, or headers without records.

use serde_json::json;

use crate::events::{by_events, watched};
use crate::world::{Backend, World, columns};

scenarios! {
    one_row_is_a_record_of_its_table,
    one_row_is_a_record_beside_others,
    one_row_that_is_none_is_left_out,
}

const ONE: &str = "1,ann,2.5\n2,bob,3\n";
const TWO: &str = "3,cyd,4.5\n4,x,1\n";

async fn values(w: &World) -> String {
    let found: Vec<String> =
        w.partitions("t").await.into_iter().map(|(values, _)| values.join("/")).collect();
    found.join(" ")
}

async fn one_row_is_a_record_of_its_table(on: &Backend) {
    for extra in [
        json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } }),
        json!({
            "RecrawlPolicy": { "RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY" },
            "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" },
        }),
    ] {
        let w = World::on(on).await;
        w.put("t/d=1/a.csv", ONE).await;
        w.put("t/d=2/a.csv", TWO).await;
        w.create("t/", extra).await;
        w.crawl_well().await;
        w.put("t/d=1/a.csv", "9,zed,7\n").await;
        w.put("t/d=2/a.csv", "9,zed,7\n").await;
        w.put("t/d=3/a.csv", "8,new,7.5").await;
        // A header of another table, or of none.
        w.put("t/d=4/a.csv", "id,name,amount\n").await;
        for _ in 0..2 {
            w.crawl_well().await;
            assert_eq!(values(&w).await, "1 2 3", "{}", w.log());
        }
        assert!(
            w.log().contains("t/d=4/a.csv: the file holds no records: one row of 3 fields"),
            "{}",
            w.log()
        );
        assert!(!w.log().contains("t/d=3/a.csv: the file holds"), "{}", w.log());
        assert_eq!(columns(&w.tables().await["t"]), "col0 bigint, col1 string, col2 double");
    }
}

async fn one_row_is_a_record_beside_others(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/d=1/a.csv", ONE).await;
    w.put("t/d=1/b.csv", "5,one,1\n").await;
    w.put("t/d=2/a.csv", "3,cyd,4.5\n").await;
    w.create("t/", json!({})).await;
    let preview = w.crawlers.preview(&w.scope, "c").await.unwrap();
    assert!(
        preview.targets[0].files.iter().all(|file| file.schema.is_some()),
        "{:?}",
        preview.targets[0].files
    );
    w.crawl_well().await;
    assert_eq!(
        (values(&w).await.as_str(), w.newest().await.counts.files_left_out()),
        ("1 2", 0),
        "{}",
        w.log()
    );
    let table = &w.tables().await["t"];
    assert_eq!(columns(table), "col0 bigint, col1 string, col2 double");
    assert_eq!((table.parameter("recordCount"), table.parameter("objectCount")), (Some("4"), Some("3")));
}

async fn one_row_that_is_none_is_left_out(on: &Backend) {
    for (beside, row) in [
        // It is the header.
        ("id,name,amount\n1,ann,2.5\n", "id,name,amount\n"),
        // It would be skipped as one.
        ("id,name,amount\n1,ann,2.5\n", "7,ann,2.5\n"),
        (ONE, "id,name,amount\n"),
        (ONE, "7,ann\n"),
        (ONE, "7|ann|1\n"),
        // Text that may be a header itself says nothing.
        ("a,b,c\nd,e,f\n", "g,h,i\n"),
        ("{\"a\":1}\n", "7,ann,1\n"),
    ] {
        let w = World::on(on).await;
        w.put("t/d=1/a.csv", beside).await;
        w.put("t/d=2/a.csv", row).await;
        w.create("t/", json!({})).await;
        w.crawl_well().await;
        let tables = w.tables().await;
        assert!(w.log().contains("t/d=2/a.csv: the file holds no records: one row of"), "{row}: {}", w.log());
        assert_eq!((tables.len(), values(&w).await.as_str()), (1, "1"), "{row}");
    }
}

/// As a crawl of everything.
#[tokio::test]
async fn one_row_is_a_record_by_events() {
    let w = watched(&Backend::Sqlite).await;
    w.put("t/d=1/a.csv", ONE).await;
    w.put("t/d=2/a.csv", TWO).await;
    let delete = json!({ "SchemaChangePolicy": { "DeleteBehavior": "DELETE_FROM_DATABASE" } });
    w.create("t/", by_events(delete)).await;
    w.crawl_well().await;
    w.put("t/d=2/a.csv", "9,zed,7\n").await;
    w.put("t/d=3/a.csv", "8,new,7.5\n").await;
    w.crawl_well().await;
    assert_eq!(values(&w).await, "1 2 3", "{}", w.log());
    assert!(!w.log().contains("not running in S3 event mode: s3"), "{}", w.log());
}

/// Of a table of one file, too, and of a target that is the file.
#[tokio::test]
async fn one_row_is_a_record_of_a_table_of_one_file() {
    for target in ["t/", "t/a.csv"] {
        let w = World::on(&Backend::Sqlite).await;
        w.put("t/a.csv", ONE).await;
        w.create(target, json!({})).await;
        w.crawl_well().await;
        let before = w.tables().await.keys().cloned().collect::<Vec<_>>();
        w.put("t/a.csv", "7,ann,2.5\n").await;
        w.crawl_well().await;
        let tables = w.tables().await;
        assert_eq!(tables.keys().cloned().collect::<Vec<_>>(), before);
        assert_eq!(tables[&before[0]].parameter("recordCount"), Some("1"), "{}", w.log());
    }
}
