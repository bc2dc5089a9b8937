//! Custom classifiers: kept, checked, tried in order.

use crawler::CrawlerError;
use crawler::classifier::{self, Kind};
use serde_json::{Value, json};

use crate::world::{Backend, World, columns};

scenarios! {
    classifiers_are_kept_and_changed,
    the_first_that_knows_a_file_decides,
    partitions_and_bad_lines_of_a_log,
    an_empty_list_of_records_is_left_out,
    a_header_that_does_not_fit_is_told,
}

async fn make(w: &World, request: Value) {
    classifier::create(&w.store, &w.scope, request.as_object().unwrap()).await.unwrap();
}

fn grok(name: &str, classification: &str, pattern: &str) -> Value {
    json!({"GrokClassifier": {"Name": name, "Classification": classification, "GrokPattern": pattern}})
}

async fn classifiers_are_kept_and_changed(on: &Backend) {
    let w = World::on(on).await;
    make(&w, grok("b", "log", "%{INT:n}")).await;
    make(&w, json!({"XMLClassifier": {"Name": "a", "Classification": "x", "RowTag": "row"}})).await;
    let taken = json!({"JsonClassifier": {"Name": "a", "JsonPath": "$"}});
    let error = classifier::create(&w.store, &w.scope, taken.as_object().unwrap()).await.unwrap_err();
    assert!(matches!(error, CrawlerError::ClassifierExists { .. }));
    let (found, more) = classifier::list(&w.store, &w.scope, "", 1).await.unwrap();
    assert_eq!((found[0].name.as_str(), found[0].kind, more), ("a", Kind::Xml, true));
    let (found, more) = classifier::list(&w.store, &w.scope, "a", 1).await.unwrap();
    assert_eq!((found[0].name.as_str(), found[0].kind, more), ("b", Kind::Grok, false));

    let change = json!({"GrokClassifier": {"Name": "b", "GrokPattern": "%{WORD:w}"}});
    classifier::update(&w.store, &w.scope, change.as_object().unwrap()).await.unwrap();
    let changed = classifier::get(&w.store, &w.scope, "b").await.unwrap();
    assert_eq!((changed.version, &changed.definition["Classification"]), (2, &json!("log")));
    let bad = json!({"GrokClassifier": {"Name": "b", "GrokPattern": "%{NONE:w}"}});
    let error = classifier::update(&w.store, &w.scope, bad.as_object().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("NONE"));
    let other = json!({"XMLClassifier": {"Name": "b", "RowTag": "r"}});
    let error = classifier::update(&w.store, &w.scope, other.as_object().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("is a GrokClassifier"));
    classifier::delete(&w.store, &w.scope, "b").await.unwrap();
    let error = classifier::get(&w.store, &w.scope, "b").await.unwrap_err();
    assert!(matches!(error, CrawlerError::ClassifierNotFound { .. }));
}

async fn the_first_that_knows_a_file_decides(on: &Backend) {
    let w = World::on(on).await;
    make(&w, grok("numbers", "numbers", "^%{INT:n:int},%{INT:m:int}$")).await;
    make(&w, grok("words", "words", "^%{DATA:a},%{DATA:b}$")).await;
    w.put("d/n/a.csv", "1,2\n3,4\n").await;
    w.put("d/w/a.csv", "x,y\nz,w\n").await;
    w.put("d/j/a.json", "{\"k\":1}\n").await;
    w.create("d/", json!({"Classifiers": ["numbers", "words"]})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    let kinds: Vec<_> = tables.values().map(|t| t.parameter("classification").unwrap()).collect();
    assert_eq!(kinds, ["json", "numbers", "words"]);
    assert_eq!(columns(&tables["n"]), "n int, m int");
    assert_eq!(tables["n"].parameter("grokPattern"), Some("^%{INT:n:int},%{INT:m:int}$"));

    let order = json!({"Name": "c", "Classifiers": ["words", "numbers"]});
    w.crawlers.update(&w.scope, order.as_object().unwrap()).await.unwrap();
    w.crawl_well().await;
    assert_eq!(w.tables().await["n"].parameter("classification"), Some("words"));

    // What is remembered of unchanged files holds until a classifier says something else.
    w.crawl_well().await;
    assert_eq!(w.newest().await.counts.files_read, 0);
    assert_eq!(w.tables().await["n"].parameter("classification"), Some("words"));
    let renamed = json!({"GrokClassifier": {"Name": "words", "Classification": "texts"}});
    classifier::update(&w.store, &w.scope, renamed.as_object().unwrap()).await.unwrap();
    w.crawl_well().await;
    assert_eq!(w.newest().await.counts.files_read, 3);
    assert_eq!(w.tables().await["n"].parameter("classification"), Some("texts"));

    let unknown = json!({"Name": "c", "Classifiers": ["nobody"]});
    let error = w.crawlers.update(&w.scope, unknown.as_object().unwrap()).await.unwrap_err();
    assert!(matches!(error, CrawlerError::ClassifierNotFound { .. }));
    classifier::delete(&w.store, &w.scope, "words").await.unwrap();
    let last = w.crawl().await.last_crawl.unwrap();
    assert_eq!(last.error.as_deref(), Some("Classifier with name words does not exist"));
}

async fn partitions_and_bad_lines_of_a_log(on: &Backend) {
    let w = World::on(on).await;
    make(&w, grok("app", "app", "^%{LOGLEVEL:level} %{INT:n:int}$")).await;
    w.put("d/log/day=1/a", "INFO 1\nWARN 2\nINFO 3\n-\n").await;
    w.put("d/log/day=2/a", "INFO 4\n").await;
    w.create("d/", json!({"Classifiers": ["app"]})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(columns(&tables["log"]), "level string, n int");
    assert_eq!(w.partitions("log").await.len(), 2);
    let log = w.log();
    assert!(
        log.contains("WARN : s3://bucket/d/log/day=1/a, line 4: 1 of the 4 lines looked at do not match"),
        "{log}"
    );
}

async fn an_empty_list_of_records_is_left_out(on: &Backend) {
    let w = World::on(on).await;
    make(&w, json!({"JsonClassifier": {"Name": "items", "JsonPath": "$.items[*]"}})).await;
    w.put("d/t/a.json", "{\"items\":[{\"a\":1}]}").await;
    w.put("d/t/b.json", "{\"items\":[]}").await;
    w.put("d/t/c.json", "{\"items\":[{\"a\":2}]}").await;
    // No file of this classifier.
    w.put("d/u/a.json", "{\"other\":1}").await;
    w.create("d/", json!({"Classifiers": ["items"]})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["t", "u"], "{}", w.log());
    assert_eq!((columns(&tables["t"]).as_str(), columns(&tables["u"]).as_str()), ("a int", "other int"));
    assert_eq!(tables["t"].parameter("jsonPath"), Some("$.items[*]"));
    let said = "ERROR : s3://bucket/d/t/b.json: the file holds no records: an empty list at the JSON path $.items[*]; the \
                file is left out";
    assert!(w.log().contains(said), "{}", w.log());
}

async fn a_header_that_does_not_fit_is_told(on: &Backend) {
    let w = World::on(on).await;
    let csv = |name: &str, header: Value| json!({"CsvClassifier": {"Name": name, "Delimiter": ",", "Header": header, "ContainsHeader": "ABSENT"}});
    make(&w, csv("three", json!(["a", "b", "c"]))).await;
    make(&w, csv("four", json!(["a", "b", "c", "d"]))).await;
    w.put("d/t/a.csv", "1,2\n3,4\n").await;
    w.put("d/u/a.csv", "1,2,3,4\n5,6,7,8\n").await;
    w.create("d/", json!({"Classifiers": ["three", "four"]})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    assert_eq!(columns(&tables["t"]), "col0 bigint, col1 bigint");
    assert_eq!(columns(&tables["u"]), "a bigint, b bigint, c bigint, d bigint");
    let log = w.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("the header of the classifier")).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert!(
        told.iter().all(|line| line.contains("WARN : s3://bucket/d/t/a.csv: its rows have 2 fields")),
        "{log}"
    );
}
