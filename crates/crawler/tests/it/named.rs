//! The log names the file that a remark is about.

use serde_json::{Value, json};

use crate::world::{Backend, World, columns};

scenarios! {
    the_file_that_differs_is_named,
    a_table_whose_files_are_split_names_what_it_misreads,
    digits_that_are_lost_across_files_are_told,
    digits_that_a_definition_loses_are_told,
    digits_that_readers_refuse_are_told,
    files_that_are_not_looked_at_are_told_by_table,
}

fn logging() -> Value {
    json!({ "SchemaChangePolicy": { "UpdateBehavior": "LOG", "DeleteBehavior": "LOG" } })
}

fn merging() -> Value {
    let configuration = json!({
        "Version": 1.0, "CrawlerOutput": { "Tables": { "AddOrUpdateBehavior": "MergeNewColumns" } },
    });
    json!({ "Configuration": configuration.to_string() })
}

/// The only line that holds the text.
fn line(w: &World, text: &str) -> String {
    let log = w.log();
    let mut found = log.lines().filter(|line| line.contains(text));
    let line = found.next().unwrap_or_else(|| panic!("{text}: {log}")).to_owned();
    assert!(found.next().is_none(), "{text}: {log}");
    line
}

async fn the_file_that_differs_is_named(on: &Backend) {
    let csv = "id,n\n1,1\n2,2\n";
    for (how, name, text, why) in [
        (merging(), "b.csv", "id,n\nx,1\ny,2\n", "column id is string in its files and bigint in it"),
        (merging(), "c.csv", "id,n\n1,1.5\n2,2\n", "column n is double in its files and bigint in it"),
        (logging(), "b.csv", "id,n\n1,x\n2,y\n", "column n is string in its files and bigint in it"),
        (logging(), "c.csv", "id,n\n1,\"7\"\n2,8\n", "are quoted"),
    ] {
        let w = World::on(on).await;
        for file in ["a.csv", "b.csv", "c.csv", "d.csv"] {
            w.put(&format!("t/{file}"), csv).await;
            w.put(&format!("p/day=1/{file}"), csv).await;
        }
        w.create("", how).await;
        w.crawl_well().await;
        w.put(&format!("t/{name}"), text).await;
        w.put(&format!("p/day=1/{name}"), text).await;
        w.crawl_well().await;
        let said = line(&w, "WARN : table t: it misreads its files");
        assert!(said.contains(&format!("such as s3://bucket/t/{name}: ")) && said.contains(why), "{said}");
        if why.starts_with("column") {
            let said = line(&w, "WARN : table p: it misreads its files");
            assert!(said.contains(&format!("such as s3://bucket/p/day=1/{name}: ")), "{said}");
        }
    }
    // One of several types, and a column that only some files have.
    let w = World::on(on).await;
    w.put("t/a.json", "{\"id\":1,\"n\":1,\"m\":1,\"k\":1}").await;
    w.create("t/", logging()).await;
    w.crawl_well().await;
    w.put("t/b.json", "{\"id\":1,\"n\":null,\"m\":1,\"k\":1}").await;
    w.put("t/c.json", "{\"id\":2,\"m\":1,\"k\":1}").await;
    w.put("t/d.json", "{\"id\":2,\"n\":3000000000,\"m\":2,\"k\":1}").await;
    w.crawl_well().await;
    let said = line(&w, "WARN : table t: it misreads its files");
    assert!(said.contains("such as s3://bucket/t/d.json: column n is bigint in its files"), "{said}");
}

async fn a_table_whose_files_are_split_names_what_it_misreads(on: &Backend) {
    for (text, why) in [
        ("who,what,n\nx,y,2\n", "they are found by position"),
        ("id;n\n1;2\n", "semicolons"),
        ("7,8\n9,10\n", "without a header"),
    ] {
        let w = World::on(on).await;
        w.put("t/a.csv", "id,n\n1,1\n").await;
        w.put("t/b.csv", "id,n\n2,2\n").await;
        w.create("t/", logging()).await;
        w.crawl_well().await;
        w.put("t/b.csv", text).await;
        w.crawl_well().await;
        assert_eq!(w.tables().await.keys().collect::<Vec<_>>(), ["a_csv", "b_csv", "t"]);
        let said = line(&w, "WARN : Table t was not found again: its files belong to a_csv, b_csv now");
        let named =
            said.contains("until it is dropped it misreads s3://bucket/t/b.csv (") && said.contains(why);
        assert!(named && !said.contains("t/a.csv"), "{said}");
        // Nor is it silent when a file lies there that nobody can read.
        w.put("t/c.csv", "PAR1").await;
        w.crawl_well().await;
        let said = line(&w, "WARN : Table t was not found again, but s3://bucket/t/ still holds files");
        assert!(said.contains("it misreads s3://bucket/t/b.csv ("), "{said}");
    }
    // Of partitions, each reads what lies at its own place.
    let w = World::on(on).await;
    w.put("t/day=1/a.csv", "id,n\n1,1\n").await;
    w.put("t/day=2/b.csv", "id,n\n2,2\n").await;
    w.create("t/", logging()).await;
    w.crawl_well().await;
    w.put("t/day=2/b.csv", "id;n\n1;2\n").await;
    w.crawl_well().await;
    let said = line(&w, "WARN : Table t was not found again: its files belong to day_1, day_2 now");
    assert!(said.contains("it misreads s3://bucket/t/day=2/b.csv (its files are CSV, "), "{said}");
    assert!(!said.contains("day=1/a.csv"), "{said}");
}

async fn digits_that_are_lost_across_files_are_told(on: &Backend) {
    let w = World::on(on).await;
    for (key, text) in [
        ("j/a.json", "{\"n\":1}"),
        ("j/b.json", "{\"n\":9007199254740993}"),
        ("j/c.json", "{\"n\":1.5}"),
        ("d/day=1/a.json", "{\"s\":{\"n\":1.5}}"),
        ("d/day=2/a.json", "{\"s\":{\"n\":9007199254740993}}"),
        ("c/a.csv", "id,n\n1,1.5\n"),
        ("c/b.csv", "id,n\n2,9007199254740993\n"),
        // Nothing is lost here.
        ("exact/a.csv", "id,n\n1,9007199254740993\n"),
        ("exact/b.csv", "id,n\n2,5\n"),
        ("small/a.csv", "id,n\n1,1.5\n"),
        ("small/b.csv", "id,n\n2,9007199254740992\n"),
        ("words/a.csv", "id,n\n1,9007199254740993\n"),
        ("words/b.csv", "id,n\n2,x\n"),
        ("words/c.csv", "id,n\n2,1.5\n"),
    ] {
        w.put(&format!("x/{key}"), text).await;
    }
    w.create("x/", json!({})).await;
    for _ in 0..2 {
        let lines = w.log().lines().count();
        w.crawl_well().await;
        let log: Vec<String> =
            w.log().lines().skip(lines).filter(|line| line.contains("2^53")).map(str::to_owned).collect();
        assert_eq!(log.len(), 3, "{}", w.log());
        for (table, column, file) in
            [("j", "n", "j/b.json"), ("d", "s", "d/day=2/a.json"), ("c", "n", "c/b.csv")]
        {
            let said = format!(
                "WARN : table {table}: column {column} is double, and some files hold whole numbers beyond 2^53 there, \
                 such as s3://bucket/x/{file}: they lose digits"
            );
            assert!(log.iter().any(|line| line.contains(&said)), "{said}: {log:?}");
        }
    }
    assert_eq!(columns(&w.tables().await["words"]), "id bigint, n string");
}

async fn digits_that_a_definition_loses_are_told(on: &Backend) {
    let w = World::on(on).await;
    w.put("t/day=1/a.json", "{\"n\":1.5}").await;
    let mut definition = logging();
    definition["RecrawlPolicy"] = json!({ "RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY" });
    w.create("t/", definition).await;
    w.crawl_well().await;
    w.put("t/day=2/a.json", "{\"n\":9007199254740993}").await;
    w.crawl_well().await;
    let said = line(&w, "beyond 2^53");
    assert!(said.contains("WARN") && said.contains("such as s3://bucket/t/day=2/a.json"), "{said}");
    assert_eq!(w.partitions("t").await.len(), 2);
}

/// An Avro file with one record of one field, whose bytes are as its type has them.
fn avro(name: &str, ty: &Value, value: &[u8]) -> Vec<u8> {
    let varint = |n: usize| {
        // Zigzag, in one or two bytes.
        let n = n * 2;
        if n < 128 { vec![n as u8] } else { vec![(n & 127) as u8 | 128, (n >> 7) as u8] }
    };
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": name, "type": ty}]}).to_string();
    let mut bytes = b"Obj\x01\x02\x16avro.schema".to_vec();
    bytes.extend(varint(schema.len()));
    bytes.extend(schema.as_bytes());
    bytes.push(0);
    bytes.extend([7; 16]);
    bytes.extend([varint(1), varint(value.len()), value.to_vec(), vec![7; 16]].concat());
    bytes
}

async fn digits_that_readers_refuse_are_told(on: &Backend) {
    let w = World::on(on).await;
    let decimal = |digits: u8, scale: u8| json!({"type": "bytes", "logicalType": "decimal", "precision": digits, "scale": scale});
    // Tables of their own have columns of their own.
    let double = json!("double");
    for (table, other) in
        [("long", json!("long")), ("wide", decimal(38, 2)), ("narrow", decimal(15, 2)), ("int", json!("int"))]
    {
        w.put(&format!("x/{table}/a.avro"), avro(table, &double, &1.5_f64.to_le_bytes())).await;
        let value: &[u8] = if other.is_string() { &[2] } else { &[2, 5] };
        w.put(&format!("x/{table}/b.avro"), avro(table, &other, value)).await;
    }
    w.put("x/exact/a.avro", avro("exact", &json!("long"), &[2])).await;
    w.put("x/exact/b.avro", avro("exact", &decimal(38, 2), &[2, 5])).await;
    w.create("x/", json!({})).await;
    w.crawl_well().await;
    let tables = w.tables().await;
    for table in ["long", "wide", "narrow", "int"] {
        assert_eq!(columns(&tables[table]), format!("{table} double"), "{}", w.log());
    }
    assert_eq!(columns(&tables["exact"]), "exact decimal(38,2)");
    for table in ["long", "wide"] {
        let said = line(
            &w,
            &format!("WARN : table {table}: column {table} is double, and some files hold, or may hold,"),
        );
        assert!(said.contains(&format!("such as s3://bucket/x/{table}/b.avro: queries refuse")), "{said}");
    }
    assert_eq!(w.log().matches("queries refuse").count(), 2, "{}", w.log());
}

async fn files_that_are_not_looked_at_are_told_by_table(on: &Backend) {
    let w = World::on(on).await;
    for i in 0..5 {
        w.put(&format!("x/d/{i}.csv"), "a,b\n1,x\n2,y\n").await;
        w.put(&format!("x/p/day={}/{i}.csv", i % 2), "a,b\n1,x\n2,y\n").await;
    }
    w.put("x/one/a.csv", "a,b\n1,x\n2,y\n").await;
    for (name, text) in [("a", "a,b\n1,x\n"), ("b", "u;v;w\n1;2;3\n"), ("c", "a,b\n1,x\n")] {
        w.put(&format!("x/mixed/{name}.csv"), text).await;
    }
    let target = json!({ "Path": "s3://bucket/x/", "SampleSize": 2 });
    w.create("x/", json!({ "Targets": { "S3Targets": [target] } })).await;
    w.crawl_well().await;
    for (table, passed, files, example) in [("d", 3, 5, "d/2.csv"), ("p", 1, 5, "p/day=0/4.csv")] {
        let said = line(&w, &format!("INFO : table {table}: with SampleSize"));
        let wanted = format!(
            "with SampleSize 2, {passed} of its {files} files were not looked at, such as s3://bucket/x/{example}: of each \
             folder the first 2 by their names were"
        );
        assert!(said.contains(&wanted), "{said}");
    }
    assert!(!w.log().contains("table one: with SampleSize"), "{}", w.log());
    line(
        &w,
        "folder x/mixed/: 1 of its files were not looked at (SampleSize), and no tables are made of them",
    );
}
