//! What is refused of transforms, and how collections are read.

use serde_json::{Value, json};

use super::tests::{csv, parse, target, with};

/// A graph of one transform, and what its refusal has to say.
#[test]
fn fields_of_transforms_are_checked() {
    let filters = json!([{"Operation": "ISNULL", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["a"]}]}]);
    let group = |name: &str| json!({"GroupName": name, "LogicalOperator": "AND", "Filters": filters});
    let cases = [
        ("Spigot", json!({"Path": "s3://b/x", "Topk": 101}), "Topk 101 is not between 1 and 100"),
        ("Spigot", json!({"Path": "s3://b/x", "Prob": 1.5}), "Prob 1.5 is not between 0 and 1"),
        ("Spigot", json!({"Path": "b/x"}), "Path b/x does not start with s3://"),
        ("Route", json!({"GroupFiltersList": []}), "no group with Filters"),
        ("Route", json!({"GroupFiltersList": [group("a"), group("a")]}), "given twice"),
        (
            "Route",
            json!({"GroupFiltersList": [{"GroupName": "a", "LogicalOperator": "AND", "Filters": []}]}),
            "Filters is empty",
        ),
        (
            "Route",
            json!({"GroupFiltersList": [{"GroupName": "a", "Magic": 1}]}),
            "GroupFiltersList.Magic is not a field",
        ),
        ("SelectFromCollection", json!({"Index": 0}), "gives one frame, not a collection"),
        (
            "DropNullFields",
            json!({"NullTextList": [{"Value": "x", "Datatype": {"Id": "int", "Label": "Integer"}}]}),
            "Value \"x\" is not of the type int",
        ),
        (
            "DropNullFields",
            json!({"NullTextList": [{"Value": "x", "Datatype": {"Id": "array", "Label": "a"}}]}),
            "not the type of single values",
        ),
        (
            "DropNullFields",
            json!({"NullCheckBoxList": {"IsZero": true}}),
            "NullCheckBoxList.IsZero is not a field",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowAudit", "EntityTypesToDetect": ["PERSON_NAME"]}),
            "EntityTypesToDetect PERSON_NAME is not supported",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowAudit", "EntityTypesToDetect": []}),
            "EntityTypesToDetect is empty",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowMasking", "EntityTypesToDetect": ["EMAIL"]}),
            "needs its MaskValue",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowAudit", "EntityTypesToDetect": ["EMAIL"], "SampleFraction": 0.5}),
            "SampleFraction means nothing with PiiType RowAudit",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "ColumnAudit", "EntityTypesToDetect": ["EMAIL"], "SampleFraction": 2}),
            "SampleFraction 2 is not between 0 and 1",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowPartialMasking", "EntityTypesToDetect": ["EMAIL"], "MatchPattern": "(a"}),
            "MatchPattern (a",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowPartialMasking", "EntityTypesToDetect": ["EMAIL"], "RedactChar": "ab"}),
            "RedactChar must be one character",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "RowAudit", "EntityTypesToDetect": ["EMAIL"], "DetectionSensitivity": "HIGH"}),
            "DetectionSensitivity HIGH is refused",
        ),
        (
            "PIIDetection",
            json!({"PiiType": "Everything", "EntityTypesToDetect": ["EMAIL"]}),
            "PiiType Everything",
        ),
    ];
    for (kind, mut members, expected) in cases {
        members["Name"] = json!("tr");
        members["Inputs"] = json!(["src"]);
        let message = parse(with(json!({kind: members}))).expect_err(expected);
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
        assert!(message.contains(&format!("node tr ({kind})")), "{message:?}");
    }
}

#[test]
fn collections_are_read_by_who_chooses_from_them() {
    let split = json!({"SplitFields": {"Name": "s", "Inputs": ["src"], "Paths": [["a"]]}});
    let choose = |index: i64| {
        json!({"src": csv(), "sp": split, "out": target("ch"),
            "ch": {"SelectFromCollection": {"Name": "c", "Inputs": ["sp"], "Index": index}}})
    };
    assert!(parse(choose(1)).is_ok());
    assert!(
        parse(choose(2)).unwrap_err().contains("Index is 2, but its input sp (SplitFields) gives 2 frames")
    );
    assert!(parse(choose(-1)).unwrap_err().contains("Index -1 is negative"));
    let unchosen = parse(json!({"src": csv(), "sp": split, "out": target("sp")})).unwrap_err();
    assert!(unchosen.contains("choose one with SelectFromCollection"), "{unchosen}");
}

#[test]
fn a_merge_names_its_source() {
    let merge = |source: &str, keys: Value| {
        json!({"a": csv(), "b": csv(), "out": target("m"),
            "m": {"Merge": {"Name": "m", "Inputs": ["a", "b"], "Source": source, "PrimaryKeys": keys}}})
    };
    assert!(parse(merge("b", json!([["id"]]))).is_ok());
    assert!(parse(merge("c", json!([["id"]]))).unwrap_err().contains("Source c is not one of its inputs"));
    assert!(parse(merge("a", json!([]))).unwrap_err().contains("PrimaryKeys is empty"));
}

#[test]
fn a_spigot_stands_once_in_the_order_however_it_is_reached() {
    let spigot = json!({"Spigot": {"Name": "s", "Inputs": ["src"], "Path": "s3://b/x"}});
    let graph = parse(json!({"src": csv(), "zz": spigot, "out": target("zz")})).unwrap();
    assert_eq!(graph.order(), ["src", "zz", "out"]);
    assert_eq!(graph.targets().count(), 2);
}

#[test]
fn functions_of_frames_are_no_python() {
    let node = |function: &str, parameters: Value| {
        let node = json!({"Name": "t", "Inputs": ["src"], "TransformName": "t", "FunctionName": function, "Path": "",
            "Parameters": parameters});
        parse(with(json!({"DynamicTransform": node})))
    };
    let specs = |value: &str| json!([{"Name": "specs", "Type": "list", "Value": [value]}]);
    let graph = node("resolveChoice", specs("id cast:int")).expect("a graph");
    assert!(!graph.is_python() && graph.modules().is_empty());
    let choice = |name: &str, value: &str| json!({"Name": name, "Type": "str", "Value": [value]});
    for (function, parameters, what) in [
        ("resolve", json!([]), "none that every frame has, which are resolveChoice"),
        ("resolveChoice", json!([]), "neither specs"),
        ("resolveChoice", specs("id cast:strnig"), "strnig is not a type"),
        ("resolveChoice", json!([choice("choice", "make_rows")]), "none of cast:<type>"),
        (
            "resolveChoice",
            json!([choice("choice", "match_catalog")]),
            "needs Parameters database and table_name",
        ),
        (
            "resolveChoice",
            json!([choice("choice", "make_cols"), choice("database", "d")]),
            "are for the choice",
        ),
        (
            "resolveChoice",
            json!([choice("choice", "make_cols"), choice("info", "x")]),
            "Parameters info is none of",
        ),
    ] {
        let error = node(function, parameters).expect_err(what);
        assert!(error.contains(what) && error.contains("node tr (DynamicTransform)"), "{error}");
    }
}
