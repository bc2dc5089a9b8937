//! What a run would do.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, parquet, scope};
use crate::{Explained, JobsError, NodeExplained};

async fn explain(world: &World, job: &str) -> Result<Explained, JobsError> {
    world.service("explains").explainer().explain(&scope(), job, None).await
}

fn node<'a>(explained: &'a Explained, id: &str) -> &'a NodeExplained {
    explained.nodes.iter().find(|node| node.id == id).unwrap()
}

fn columns(node: &NodeExplained) -> Vec<String> {
    let frames = node.columns.iter();
    let listed = |frame: &Vec<crate::Column>| {
        frame.iter().map(|column| format!("{} {}", column.name, column.r#type)).collect::<Vec<_>>().join(", ")
    };
    frames.map(listed).collect()
}

fn nodes() -> Value {
    json!({
        "s": csv("in"),
        "m": {"ApplyMapping": {"Name": "m", "Inputs": ["s"], "Mapping": [
            {"FromPath": ["id"], "ToKey": "key", "ToType": "bigint"}]}},
        "f": {"Filter": {"Name": "f", "Inputs": ["m"], "LogicalOperator": "AND", "Filters": [
            {"Operation": "GT", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["key"]},
                                           {"Type": "CONSTANT", "Value": ["1"]}]}]}},
        "o": parquet("f", "out"),
        "lonely": csv("other"),
    })
}

#[tokio::test]
async fn a_run_is_explained_and_nothing_is_run() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,x\n").await;
    world.put("in/b.csv", "id,v\n2,y\n").await;
    let enabled = json!({"DefaultArguments": {"--job-bookmark-option": "job-bookmark-enable"}});
    world.create("j", nodes(), enabled).await.unwrap();
    let before = explain(&world, "j").await.unwrap();
    let source = node(&before, "s").source.unwrap();
    assert_eq!((source.listed.files, source.to_read.files, source.to_read.bytes), (2, 2, 18));
    assert!(world.keys("out/").await.is_empty());
    let id = world.start("j", &[]).await;
    world.ended("j", &id).await;
    world.put("in/b.csv", "id,v\n3,yy\n").await;
    world.put("in/c.csv", "id,v\n4,z\n").await;
    let after = explain(&world, "j").await.unwrap();
    assert_eq!((after.bookmark.as_str(), after.bookmark_version), ("enabled", 1));
    let source = node(&after, "s").source.unwrap();
    assert_eq!((source.listed.files, source.to_read.files, source.to_read.bytes), (3, 2, 19));
    assert_eq!((source.left_out, source.rewritten), (1, 1));
    assert_eq!(columns(node(&after, "s")), ["id string, v string"]);
    assert_eq!(columns(node(&after, "m")), ["key bigint"]);
    assert_eq!(columns(node(&after, "o")), ["key bigint"]);
    assert_eq!(node(&after, "m").detail, "id as key bigint");
    assert_eq!(node(&after, "f").detail, "(coalesce(`key` > '1', false))");
    assert_eq!(node(&after, "o").detail, "Parquet to s3://test-bucket/out/");
    assert_eq!(
        (after.unused, &node(&before, "f").inputs),
        (vec!["lonely".to_owned()], &vec!["m".to_owned()])
    );
}

#[tokio::test]
async fn problems_are_told_at_their_nodes_and_what_depends_on_rows_is_not_known() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,x\n").await;
    let all = json!({
        "s": csv("in"),
        "x": {"SelectFields": {"Name": "x", "Inputs": ["s"], "Paths": [["nope"]]}},
        "o": parquet("x", "out"),
        "n": {"DropNullFields": {"Name": "n", "Inputs": ["s"]}},
        "p": parquet("n", "more"),
        "f": {"FillMissingValues": {"Name": "f", "Inputs": ["s"], "ImputedPath": "v"}},
        "g": parquet("f", "filled"),
        "e": csv("empty"),
        "q": parquet("e", "last"),
        "r": {"S3DirectTarget": {"Name": "r", "Inputs": ["s"], "Path": format!("s3://{BUCKET}/t/"), "Format": "json",
              "PartitionKeys": [["absent"]]}},
    });
    world.create("j", all, json!({})).await.unwrap();
    let explained = explain(&world, "j").await.unwrap();
    let problem = |id: &str| node(&explained, id).problem.clone().unwrap_or_default();
    assert!(problem("x").contains("field nope is not in its input, which has id, v"), "{}", problem("x"));
    assert_eq!((problem("o").as_str(), node(&explained, "o").columns.len()), ("", 0));
    assert!(problem("e").contains("there are no objects under"), "{}", problem("e"));
    assert!(problem("r").contains("field absent"), "{}", problem("r"));
    assert!(node(&explained, "n").notes[0].contains("depend on its rows"), "{explained:?}");
    assert!(problem("n").is_empty() && node(&explained, "p").columns.is_empty());
    // What is filled in depends on rows, and what the fields are does not.
    let filled: Vec<&str> =
        node(&explained, "f").columns[0].iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        (filled, node(&explained, "f").detail.as_str()),
        (vec!["id", "v", "v_filled"], "v with what it lacks, as v_filled")
    );
    world.create("bare", json!({"s": csv("in"), "o": parquet("s", "o")}), json!({})).await.unwrap();
    assert!(matches!(explain(&world, "none").await, Err(JobsError::JobNotFound { .. })));
}
