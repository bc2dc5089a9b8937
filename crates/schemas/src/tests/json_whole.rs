//! JSON Schema: alternatives, references, what is refused, bounds, columns.

use super::{columns, refused, schema, table};
use crate::Format::Json;

#[test]
fn alternatives() {
    let shapes = |more: &str| {
        format!(
            r#"{{"oneOf":[{{"type":"object","required":["kind","r"],"properties":{{"kind":{{"const":"circle"}},"r":{{"type":"number"}}}}}},
            {{"type":"object","required":["kind"],"properties":{{"kind":{{"const":"dot"}}}}}}{more}]}}"#
        )
    };
    let square = r#",{"type":"object","required":["kind"],"properties":{"kind":{"const":"square"}}}"#;
    let dot_again = r#",{"type":"object","required":["kind"]}"#;
    table(
        Json,
        &[
            (
                "one more of any",
                r#"{"anyOf":[{"type":"string"}]}"#,
                r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
                true,
                false,
            ),
            (
                "types as alternatives",
                r#"{"type":["string","null"]}"#,
                r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#,
                true,
                true,
            ),
            (
                "overlapping alternatives",
                r#"{"type":"integer"}"#,
                r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#,
                false,
                false,
            ),
            ("told apart by a constant", &shapes(""), &shapes(square), true, false),
            ("not told apart", &shapes(""), &shapes(dot_again), false, false),
            (
                "all of",
                r#"{"allOf":[{"minimum":1},{"maximum":5}]}"#,
                r#"{"minimum":0,"maximum":5}"#,
                true,
                false,
            ),
            (
                "all of for the reader",
                r#"{"minimum":2,"maximum":4}"#,
                r#"{"allOf":[{"minimum":1},{"maximum":5}]}"#,
                true,
                false,
            ),
            ("not", r#"{"type":"string"}"#, r#"{"not":{"type":"null"}}"#, true, false),
            ("not, undecided", r#"{"type":"string"}"#, r#"{"not":{"pattern":"x"}}"#, false, false),
            (
                "the same condition",
                r#"{"if":{"type":"string"},"then":{"minLength":1},"maxLength":5}"#,
                r#"{"if":{"type":"string"},"then":{"minLength":1},"maxLength":9}"#,
                true,
                false,
            ),
            (
                "another condition",
                r#"{"if":{"type":"string"},"then":{"minLength":2}}"#,
                r#"{"if":{"type":"string"},"then":{"minLength":1}}"#,
                false,
                false,
            ),
        ],
    );
}

#[test]
fn references() {
    let list = |kind: &str| {
        format!(
            r##"{{"$ref":"#/definitions/node","definitions":{{"node":{{"type":"object","properties":{{
            "value":{{"type":"{kind}"}},"next":{{"$ref":"#/definitions/node"}}}},"additionalProperties":false}}}}}}"##
        )
    };
    table(
        Json,
        &[
            ("a list's values widen", &list("integer"), &list("number"), true, false),
            (
                "written out",
                r#"{"properties":{"a":{"type":"integer"}}}"#,
                r##"{"properties":{"a":{"$ref":"#/definitions/n%20m"}},"definitions":{"n m":{"type":"number"}}}"##,
                true,
                false,
            ),
            (
                "by identifier",
                r##"{"properties":{"a":{"$ref":"#x"}},"definitions":{"n":{"$id":"#x","type":"integer"}}}"##,
                r#"{"properties":{"a":{"type":"integer"}}}"#,
                true,
                true,
            ),
            (
                "the root",
                r##"{"type":"array","items":{"$ref":"#"},"maxItems":2}"##,
                r##"{"type":"array","items":{"$ref":"#"},"maxItems":3}"##,
                true,
                false,
            ),
        ],
    );
}

#[test]
fn what_is_not_a_schema() {
    let bad: [(&str, &str); 18] = [
        ("[]", "not a schema"),
        (r#"{"type":"text"}"#, "type"),
        (r#"{"type":[]}"#, "type"),
        (r#"{"required":["a","a"]}"#, "required"),
        (r#"{"minLength":-1}"#, "minLength"),
        (r#"{"enum":[]}"#, "enum"),
        (r#"{"multipleOf":0}"#, "multipleOf"),
        (r#"{"properties":{"a":1}}"#, "properties"),
        (r#"{"properties":{"a":{"items":3}}}"#, "items"),
        (r#"{"exclusiveMinimum":true}"#, "exclusiveMinimum"),
        (r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#, "draft 4, 6 or 7"),
        (r#"{"$schema":"http://json-schema.org/draft-04/schema#","items":true}"#, "not a schema"),
        (r#"{"$ref":"http://example.com/other.json"}"#, "inside"),
        (r##"{"$ref":"#/definitions/none"}"##, "nowhere"),
        (r##"{"$ref":"#/somewhere","somewhere":{}}"##, "not a schema of this definition"),
        (r##"{"anyOf":[{"$ref":"#"}]}"##, "without end"),
        (
            r##"{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
            "without end",
        ),
        (r#"{"a":1,"a":2}"#, "given twice"),
    ];
    for (text, words) in bad {
        refused(Json, text, words);
    }
}

#[test]
fn tangled_schemas_end_as_not_compatible() {
    // Each alternative has to be tried within each: without a bound this takes for ever.
    let make = |last: &str| {
        let mut text = format!(r#"{{"type":"{last}"}}"#);
        for level in 0..40 {
            text = format!(
                r#"{{"anyOf":[{{"properties":{{"p{level}":{text}}}}},{{"properties":{{"p{level}":{text}}},"title":"x"}}]}}"#
            );
            if text.len() > 60_000 {
                break;
            }
        }
        text
    };
    let (a, b) = (schema(Json, &make("integer")), schema(Json, &make("string")));
    assert!(a.can_read(&b).is_err());
    let chain: Vec<String> = (0..2_000)
        .map(|n| format!(r##""d{n}":{{"properties":{{"x":{{"$ref":"#/definitions/d{}"}}}}}}"##, n + 1))
        .collect();
    let deep = |kind: &str| {
        format!(
            r##"{{"$ref":"#/definitions/d0","definitions":{{{},"d2000":{{"type":"{kind}"}}}}}}"##,
            chain.join(",")
        )
    };
    let error = schema(Json, &deep("integer")).can_read(&schema(Json, &deep("string"))).unwrap_err();
    assert!(error.path.starts_with('x'), "{error}");
}

#[test]
fn columns_of_objects() {
    let text = r##"{"type":"object","properties":{
        "id":{"type":"integer","description":"the key"},"price":{"type":"number"},"day":{"type":["string","null"],"format":"date"},
        "tags":{"type":"array","items":{"type":"string"}},"more":{"type":"object","additionalProperties":{"type":"boolean"}},
        "at":{"$ref":"#/definitions/point"},"may":{"oneOf":[{"type":"null"},{"type":"integer"}]}},
        "definitions":{"point":{"type":"object","properties":{"x":{"type":"number"},"y":{"type":"number"}}}}}"##;
    assert_eq!(
        columns(Json, text),
        "id bigint, price double, day date, tags array<string>, more map<string,boolean>, \
         at struct<x:double,y:double>, may bigint"
    );
    assert_eq!(schema(Json, text).columns().unwrap()[0].comment.as_deref(), Some("the key"));
    for bad in ["{}", r#"{"type":"object","properties":{"a":{"type":["string","integer"]}}}"#] {
        assert!(schema(Json, bad).columns().is_err(), "{bad}");
    }
}
