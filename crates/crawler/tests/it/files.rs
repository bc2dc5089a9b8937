//! Files of all sorts, good and bad.

use serde_json::json;

use crate::world::{Backend, World, columns};

scenarios! {
    files_that_cannot_be_read_do_not_end_the_crawl,
    missing_places_fail_and_empty_ones_say_so,
    sampling_counts_the_other_files,
    odd_files_cost_only_themselves,
    a_file_without_values_does_not_change_types,
    a_prefix_that_no_table_could_have_is_refused,
}

async fn files_that_cannot_be_read_do_not_end_the_crawl(on: &Backend) {
    let w = World::on(on).await;
    w.put("d/good/a.csv", "a,b\n1,x\n2,y\n").await;
    w.put("d/bad/a.parquet", "PAR1 cut").await;
    w.put("d/empty/a.csv", "").await;
    w.put("d/gz/a.csv.gz", vec![0x1f, 0x8b, 8, 0, 0]).await;
    w.put("d/odd//a.csv", "a,b\n1,2\n2,3\n").await;
    w.create("d", json!({})).await;
    w.crawl_well().await;
    assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["good"]);
    let log = w.log();
    for wanted in [
        "s3://bucket/d/bad/a.parquet: damaged",
        "s3://bucket/d/empty/a.csv: the file is empty",
        "gz/a.csv.gz",
        "empty folder name",
    ] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    let (crawls, _) = w.crawlers.crawls(&w.scope, "c", &[], None, 10).await.unwrap();
    assert_eq!((crawls[0].counts.files, crawls[0].counts.files_left_out()), (5, 3));
    assert!(log.contains(
        "WARN : 3 of 5 files were left out (1 damaged Parquet, 1 damaged compression, 1 key not usable); lines"
    ));
    assert_eq!(
        crawls[0].counts.summary(),
        "{\"TABLE\":{\"ADD\":{\"Count\":1,\"Details\":{\"names\":[\"good\"]}}},\"FILE\":{\"LEFT_OUT\":{\"Count\":3,\
         \"Details\":{\"reasons\":{\"damaged Parquet\":1,\"damaged compression\":1,\"key not usable\":1}}}}}"
    );
}

async fn missing_places_fail_and_empty_ones_say_so(on: &Backend) {
    let w = World::on(on).await;
    w.put("notes/readme.txt", "words").await;
    w.create("notes/", json!({})).await;
    w.crawl_well().await;
    assert!(w.tables().await.is_empty());
    assert!(w.log().contains("No tables were found"));
    for (path, wanted) in
        [("s3://bucket/nowhere/", "does not exist"), ("s3://other-bucket/", "bucket does not exist")]
    {
        let change = json!({ "Name": "c", "Targets": { "S3Targets": [{ "Path": path }] } });
        w.crawlers.update(&w.scope, change.as_object().unwrap()).await.unwrap();
        let last = w.crawl().await.last_crawl.unwrap();
        assert_eq!(last.status, "FAILED");
        assert!(last.error.unwrap().contains(wanted));
    }
}

async fn sampling_counts_the_other_files(on: &Backend) {
    let w = World::on(on).await;
    for i in 0..5 {
        w.put(&format!("d/{i}.csv"), "a,b\n1,x\n2,y\n").await;
    }
    let target = json!({ "Targets": { "S3Targets": [{ "Path": "s3://bucket/d", "SampleSize": 2 }] } });
    w.create("d", target).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables["d"].parameter("objectCount"), Some("5"));
    assert_eq!(tables["d"].parameter("sizeKey"), Some("60"));
}

async fn odd_files_cost_only_themselves(on: &Backend) {
    let w = World::on(on).await;
    for name in ["a", "b", "c"] {
        w.put(&format!("d/{name}.json"), "{\"id\":1,\"v\":\"x\"}\n").await;
    }
    w.put("d/odd.json", "{\"other\":true}\n").await;
    w.create("d", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(columns(&tables["d"]), "id int, v string");
    assert!(w.log().contains("d/odd.json: columns differ from those of most files in d/"), "{}", w.log());
}

async fn a_file_without_values_does_not_change_types(on: &Backend) {
    let w = World::on(on).await;
    w.put("d/a.csv", "id,gap\n1,\n2,\n").await;
    w.put("d/b.csv", "id,gap\n1,5\n2,6\n").await;
    w.put("d/c.csv", "id,gap\n").await;
    w.create("d", json!({})).await;
    w.crawl_well().await;
    assert_eq!(columns(&w.tables().await["d"]), "id bigint, gap bigint");
    assert!(
        w.log().contains("d/c.csv: the file holds no records: one row of 2 fields (comma)"),
        "{}",
        w.log()
    );
}

async fn a_prefix_that_no_table_could_have_is_refused(on: &Backend) {
    let w = World::on(on).await;
    let request = json!({ "Name": "c", "Role": "r", "DatabaseName": "db", "TablePrefix": "p/",
                          "Targets": { "S3Targets": [{ "Path": "s3://bucket/d" }] } });
    let refused = w.crawlers.create(&w.scope, request.as_object().unwrap().clone()).await.unwrap_err();
    assert_eq!(refused.to_string(), "TablePrefix must not contain '/': no table's name does");
    w.create("d", json!({ "TablePrefix": "p_" })).await;
    let change = json!({ "Name": "c", "TablePrefix": "a\nb" });
    assert!(w.crawlers.update(&w.scope, change.as_object().unwrap()).await.is_err());
}
