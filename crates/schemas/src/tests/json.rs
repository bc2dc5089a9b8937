//! JSON Schema: types, values, limits, objects, arrays.

use super::table;
use crate::Format::Json;

const OPEN: &str = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
const CLOSED: &str = r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;

#[test]
fn new_definitions_have_patterns_that_are_some() {
    for bad in [r#"{"pattern":"["}"#, r#"{"patternProperties":{"a)":{}}}"#] {
        assert!(
            crate::Schema::parse_new(Json, bad).unwrap_err().message.contains("regular expression"),
            "{bad}"
        );
        assert!(crate::Schema::parse(Json, bad).is_ok(), "one that is stored can be read");
    }
    assert!(crate::Schema::parse_new(Json, r#"{"pattern":"^[a-z]+$"}"#).is_ok());
}

#[test]
fn properties_of_open_and_closed_objects() {
    table(
        Json,
        &[
            (
                "add to open",
                OPEN,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}}"#,
                false,
                true,
            ),
            (
                "add anything to open",
                OPEN,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{}}}"#,
                true,
                true,
            ),
            (
                "add to closed",
                CLOSED,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"additionalProperties":false}"#,
                true,
                false,
            ),
            ("open a closed one", CLOSED, OPEN, true, false),
            (
                "add to partly open",
                r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"integer"}}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}},"additionalProperties":{"type":"integer"}}"#,
                true,
                false,
            ),
            (
                "add to partly open, of another type",
                r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"integer"}}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"additionalProperties":{"type":"integer"}}"#,
                false,
                false,
            ),
            (
                "require",
                OPEN,
                r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#,
                false,
                true,
            ),
            (
                "require what is there",
                r#"{"type":"object","required":["a","b"]}"#,
                r#"{"type":"object","required":["b"]}"#,
                true,
                false,
            ),
            (
                "widen additional",
                r#"{"additionalProperties":{"type":"integer"}}"#,
                r#"{"additionalProperties":{"type":"number"}}"#,
                true,
                false,
            ),
            (
                "limit the number",
                r#"{"type":"object","maxProperties":3}"#,
                r#"{"type":"object","maxProperties":2}"#,
                false,
                true,
            ),
            ("limit known by closing", CLOSED, r#"{"type":"object","maxProperties":1}"#, true, false),
            (
                "minimum known by required",
                r#"{"type":"object","required":["a","b"]}"#,
                r#"{"type":"object","minProperties":2}"#,
                true,
                false,
            ),
            (
                "names",
                r#"{"type":"object","propertyNames":{"maxLength":3}}"#,
                r#"{"type":"object","propertyNames":{"maxLength":5}}"#,
                true,
                false,
            ),
            (
                "the same demand from another",
                r#"{"type":"object","dependencies":{"a":["b"]}}"#,
                r#"{"title":"t","type":"object","dependencies":{"a":["b"]}}"#,
                true,
                true,
            ),
            (
                "a demand from another",
                r#"{"type":"object"}"#,
                r#"{"type":"object","dependencies":{"a":["b"]}}"#,
                false,
                true,
            ),
        ],
    );
}

#[test]
fn patterns_of_names() {
    let open =
        r#"{"type":"object","patternProperties":{"^n_":{"type":"integer"}},"additionalProperties":false}"#;
    table(
        Json,
        &[
            (
                "values widen",
                open,
                r#"{"type":"object","patternProperties":{"^n_":{"type":"number"}},"additionalProperties":false}"#,
                true,
                false,
            ),
            (
                "listed name falls under it",
                r#"{"type":"object","properties":{"n_a":{"type":"integer"}},"additionalProperties":false}"#,
                open,
                true,
                false,
            ),
            (
                "listed name of another type",
                r#"{"type":"object","properties":{"n_a":{"type":"string"}},"additionalProperties":false}"#,
                open,
                false,
                false,
            ),
            (
                "listed name outside",
                r#"{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}"#,
                open,
                false,
                false,
            ),
            (
                "a pattern that cannot be decided",
                r#"{"type":"object","properties":{"x":{}},"additionalProperties":false}"#,
                r#"{"type":"object","patternProperties":{"(?=x)":{"type":"integer"}}}"#,
                false,
                false,
            ),
        ],
    );
}

#[test]
fn types_widen_and_narrow() {
    table(
        Json,
        &[
            ("integer to number", r#"{"type":"integer"}"#, r#"{"type":"number"}"#, true, false),
            ("string to any", r#"{"type":"string"}"#, "{}", true, false),
            ("one more type", r#"{"type":"string"}"#, r#"{"type":["string","null"]}"#, true, false),
            ("another type", r#"{"type":"string"}"#, r#"{"type":"integer"}"#, false, false),
            ("nothing at all", "false", r#"{"type":"integer"}"#, true, false),
            (
                "in a property",
                r#"{"properties":{"a":{"type":"integer"}}}"#,
                r#"{"properties":{"a":{"type":"number"}}}"#,
                true,
                false,
            ),
            (
                "number is integer or fraction",
                r#"{"type":"number"}"#,
                r#"{"anyOf":[{"type":"integer"},{"type":"number"}]}"#,
                true,
                true,
            ),
        ],
    );
}

#[test]
fn listed_values() {
    table(
        Json,
        &[
            ("one more", r#"{"enum":["a","b"]}"#, r#"{"enum":["a","b","c"]}"#, true, false),
            ("list to type", r#"{"enum":["a","b"]}"#, r#"{"type":"string"}"#, true, false),
            ("mixed list to type", r#"{"enum":["a",1]}"#, r#"{"type":"string"}"#, false, false),
            ("list within limits", r#"{"enum":[1,5]}"#, r#"{"minimum":1,"maximum":5}"#, true, false),
            ("constant in list", r#"{"const":1}"#, r#"{"enum":[1.0,2]}"#, true, false),
            ("booleans are listed", r#"{"type":"boolean"}"#, r#"{"enum":[true,false]}"#, true, true),
            (
                "impossible ones do not count",
                r#"{"type":"string","enum":["a",1]}"#,
                r#"{"const":"a"}"#,
                true,
                true,
            ),
            (
                "objects in a list",
                r#"{"enum":[{"a":1}]}"#,
                r#"{"type":"object","required":["a"]}"#,
                true,
                false,
            ),
            (
                "draft 4 has no const",
                r#"{"$schema":"http://json-schema.org/draft-04/schema#","const":1}"#,
                r#"{"const":1}"#,
                false,
                true,
            ),
        ],
    );
}

#[test]
fn limits() {
    table(
        Json,
        &[
            (
                "higher minimum",
                r#"{"type":"integer","minimum":1}"#,
                r#"{"type":"integer","minimum":2}"#,
                false,
                true,
            ),
            ("no minimum", r#"{"type":"number","minimum":1}"#, r#"{"type":"number"}"#, true, false),
            ("lower maximum", r#"{"maximum":10}"#, r#"{"maximum":9.5}"#, false, true),
            ("exclusive", r#"{"exclusiveMinimum":1}"#, r#"{"minimum":1}"#, true, false),
            (
                "exclusive of draft 4",
                r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true}"#,
                r#"{"$schema":"http://json-schema.org/draft-06/schema#","exclusiveMinimum":1}"#,
                true,
                true,
            ),
            ("multiples", r#"{"multipleOf":6}"#, r#"{"multipleOf":3}"#, true, false),
            ("multiples of one", r#"{"type":"integer"}"#, r#"{"type":"integer","multipleOf":1}"#, true, true),
            (
                "longer",
                r#"{"type":"string","maxLength":5}"#,
                r#"{"type":"string","maxLength":8}"#,
                true,
                false,
            ),
            (
                "shorter least",
                r#"{"type":"string","minLength":2}"#,
                r#"{"type":"string","minLength":1}"#,
                true,
                false,
            ),
            (
                "limits of another type do not count",
                r#"{"type":"integer"}"#,
                r#"{"type":"integer","maxLength":1}"#,
                true,
                true,
            ),
            ("pattern added", r#"{"type":"string"}"#, r#"{"type":"string","pattern":"^a"}"#, false, true),
            (
                "pattern changed",
                r#"{"type":"string","pattern":"^ab"}"#,
                r#"{"type":"string","pattern":"^a"}"#,
                false,
                false,
            ),
            ("format added", r#"{"type":"string"}"#, r#"{"type":"string","format":"date"}"#, false, true),
        ],
    );
}

#[test]
fn arrays() {
    table(
        Json,
        &[
            (
                "items widen",
                r#"{"type":"array","items":{"type":"integer"}}"#,
                r#"{"type":"array","items":{"type":"number"}}"#,
                true,
                false,
            ),
            (
                "items added",
                r#"{"type":"array"}"#,
                r#"{"type":"array","items":{"type":"number"}}"#,
                false,
                true,
            ),
            (
                "more items",
                r#"{"type":"array","maxItems":2}"#,
                r#"{"type":"array","maxItems":3}"#,
                true,
                false,
            ),
            ("different items", r#"{"type":"array","uniqueItems":true}"#, r#"{"type":"array"}"#, true, false),
            (
                "one item is different",
                r#"{"type":"array","maxItems":1}"#,
                r#"{"type":"array","maxItems":1,"uniqueItems":true}"#,
                true,
                true,
            ),
            (
                "tuple to list",
                r#"{"type":"array","items":[{"type":"integer"},{"type":"number"}],"additionalItems":false}"#,
                r#"{"type":"array","items":{"type":"number"}}"#,
                true,
                false,
            ),
            (
                "open tuple to list",
                r#"{"type":"array","items":[{"type":"integer"}]}"#,
                r#"{"type":"array","items":{"type":"integer"}}"#,
                false,
                true,
            ),
            (
                "longer tuple",
                r#"{"type":"array","items":[{"type":"integer"}],"additionalItems":false}"#,
                r#"{"type":"array","items":[{"type":"integer"},{"type":"string"}],"additionalItems":false}"#,
                true,
                false,
            ),
            (
                "contains",
                r#"{"type":"array","contains":{"type":"integer"}}"#,
                r#"{"type":"array","minItems":1,"contains":{"type":"number"}}"#,
                true,
                false,
            ),
        ],
    );
}
