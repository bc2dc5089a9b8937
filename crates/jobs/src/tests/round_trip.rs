//! A graph comes back as it was given: the document is kept, the checked graph is made of it each time.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::definition::JobSpec;
use crate::graph::Graph;

/// Names as people write them, and values of every sort.
fn name() -> impl Strategy<Value = String> {
    "[\\PC&&[^\\x00]]{1,12}"
}

fn path() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..3)
}

fn transform() -> impl Strategy<Value = Value> {
    let paths = || prop::collection::vec(path(), 1..4);
    prop_oneof![
        paths().prop_map(|paths| json!({"SelectFields": {"Paths": paths}})),
        paths().prop_map(|paths| json!({"DropFields": {"Paths": paths}})),
        (path(), prop::option::of(any::<bool>())).prop_map(|(field, negated)| json!({"Filter": {
            "LogicalOperator": "OR", "Filters": [{"Operation": "ISNULL", "Negated": negated,
                "Values": [{"Type": "COLUMNEXTRACTED", "Value": field}]}]}})),
        // Of a number with seventeen digits the parser may take another one for the last.
        (1..=100_i64, (0..=1_000_i32).prop_map(|n| f64::from(n) / 1_000.0)).prop_map(|(rows, chance)| json!({"Spigot": {
            "Path": "s3://b/x", "Topk": rows, "Prob": chance}})),
        (name(), prop::option::of(name())).prop_map(|(from, to)| json!({"FillMissingValues": {
            "ImputedPath": from, "FilledPath": to}})),
        (any::<bool>(), prop::option::of(name())).prop_map(|(empty, value)| json!({"DropNullFields": {
            "NullCheckBoxList": {"IsEmpty": empty},
            "NullTextList": value.map(|value| json!([{"Value": value, "Datatype": {"Id": "string", "Label": "String"}}]))}})),
        (path(), any::<bool>()).prop_map(|(field, dropped)| json!({"ApplyMapping": {"Mapping": [
            {"ToKey": "kept", "FromPath": ["a"], "ToType": "string"},
            {"ToKey": "other", "FromPath": field, "FromType": "string", "ToType": "long", "Dropped": dropped}]}})),
    ]
}

prop_compose! {
    /// A source, a chain of transforms and a target.
    fn graph()(transforms in prop::collection::vec((transform(), name()), 1..5), label in name()) -> Map<String, Value> {
        let mut nodes = Map::new();
        nodes.insert("n0".to_owned(), json!({"S3JsonSource": {"Name": label, "Paths": ["s3://b/in/"], "Recurse": true}}));
        let last = transforms.len();
        for (at, (mut node, label)) in transforms.into_iter().enumerate() {
            for (_, members) in node.as_object_mut().into_iter().flatten() {
                members["Name"] = json!(label);
                members["Inputs"] = json!([format!("n{at}")]);
            }
            nodes.insert(format!("n{}", at + 1), node);
        }
        nodes.insert("out".to_owned(), json!({"S3DirectTarget": {"Name": "o", "Inputs": [format!("n{last}")],
            "Path": "s3://b/out/", "Format": "json"}}));
        nodes
    }
}

proptest! {
    #[test]
    fn graphs_come_back_as_they_were_given(nodes in graph()) {
        let document = json!({"Role": "r", "Command": {"Name": "glueetl"}, "CodeGenConfigurationNodes": nodes});
        let spec: JobSpec = serde_json::from_value(document).unwrap();
        let stored = serde_json::to_string(&spec).unwrap();
        let again: JobSpec = serde_json::from_str(&stored).unwrap();
        let kept = again.code_gen_configuration_nodes.clone().unwrap();
        prop_assert_eq!(&kept, &nodes);
        prop_assert_eq!(serde_json::to_value(&again).unwrap()["CodeGenConfigurationNodes"].clone(), Value::Object(nodes.clone()));
        prop_assert_eq!(Graph::parse(&kept).unwrap(), Graph::parse(&nodes).unwrap());
    }
}
