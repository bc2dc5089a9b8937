//! The model's constraints, checked and phrased as AWS services do:
//! `1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than
//! or equal to 1`.
//!
//! S3 does not answer in these words: see [`crate::s3::validate`].

use serde_json::Map;

use crate::call::Document;
use crate::model::{Kind, Model, Shape, pattern};

/// So many violations are reported at most; a reply must stay short whatever the request was.
const MAX_VIOLATIONS: usize = 50;
/// So many bytes of a value are repeated at most.
const MAX_SHOWN_BYTES: usize = 2048;

/// A constraint that a value does not satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// `Value 'x'`, or `Value null`.
    value: String,
    /// Such as `table.columns.1.member.name`.
    pub(crate) path: String,
    /// Such as `Member must not be null`.
    pub(crate) constraint: String,
}

/// Violations of a request structure; empty when it is valid.
pub(crate) fn check(model: &Model, shape: &Shape, input: &Map<String, Document>) -> Vec<Violation> {
    let mut found = Vec::new();
    structure(model, shape, input, "", &mut found);
    found
}

/// All violations in AWS's words.
pub(crate) fn message(violations: &[Violation]) -> String {
    let items: Vec<String> = violations
        .iter()
        .map(|one| {
            format!("Value {} at '{}' failed to satisfy constraint: {}", one.value, one.path, one.constraint)
        })
        .collect();
    let noun = if items.len() == 1 { "error" } else { "errors" };
    format!("{} validation {noun} detected: {}", items.len(), items.join("; "))
}

fn structure(
    model: &Model,
    shape: &Shape,
    object: &Map<String, Document>,
    path: &str,
    found: &mut Vec<Violation>,
) {
    for member in &shape.members {
        if found.len() >= MAX_VIOLATIONS {
            return;
        }
        match object.get(member.name) {
            Some(value) => {
                value_at(
                    model,
                    model.shape(member.shape),
                    value,
                    &join(path, &decapitalised(member.name)),
                    found,
                );
            }
            None if member.required => found.push(null(join(path, &decapitalised(member.name)))),
            None => {}
        }
    }
}

fn value_at(model: &Model, shape: &Shape, value: &Document, path: &str, found: &mut Vec<Violation>) {
    if shape.document {
        return;
    }
    let before = found.len();
    for constraint in violated(shape, value) {
        found.push(Violation { value: shown(model, shape, value), path: path.to_owned(), constraint });
    }
    inside(model, shape, value, path, found);
    if shape.sensitive {
        for one in &mut found[before..] {
            one.value = format!("'{MASK}'");
        }
    }
}

fn inside(model: &Model, shape: &Shape, value: &Document, path: &str, found: &mut Vec<Violation>) {
    match (shape.kind, value) {
        (Kind::Structure, Document::Object(object)) => structure(model, shape, object, path, found),
        (Kind::List, Document::Array(values)) => {
            let Some(item) = &shape.member else { return };
            for (number, value) in values.iter().enumerate() {
                if found.len() >= MAX_VIOLATIONS {
                    return;
                }
                let place = format!("{path}.{}.member", number + 1);
                if value.is_null() {
                    found.push(null(place));
                } else {
                    value_at(model, model.shape(item.shape), value, &place, found);
                }
            }
        }
        (Kind::Map, Document::Object(object)) => map(model, shape, object, path, found),
        _ => {}
    }
}

/// Keys and scalar values of a map are reported at the map, which is shown as those entries alone; structures in it at
/// their own place.
fn map(model: &Model, shape: &Shape, object: &Map<String, Document>, path: &str, found: &mut Vec<Violation>) {
    let (Some(key), Some(element)) = (&shape.key, &shape.value) else { return };
    let (key, element) = (model.shape(key.shape), model.shape(element.shape));
    let nested = matches!(element.kind, Kind::Structure | Kind::List | Kind::Map);
    let mut report = |side: &str, of: &Shape, is_bad: &dyn Fn(&str, &Document) -> bool| {
        let bad = object.iter().filter(|(name, value)| is_bad(name, value));
        let bad: Map<String, Document> = bad.map(|(name, value)| (name.clone(), value.clone())).collect();
        if !bad.is_empty() {
            let constraint = format!("Map {side} must satisfy constraint: [{}]", constraints(of).join(", "));
            let value = shown(model, shape, &Document::Object(bad));
            found.push(Violation { value, path: path.to_owned(), constraint });
        }
    };
    report("keys", key, &|name, _| !violated(key, &Document::from(name)).is_empty());
    report("value", element, &|_, value| !nested && !violated(element, value).is_empty());
    if nested {
        for (name, value) in object {
            if found.len() >= MAX_VIOLATIONS {
                return;
            }
            value_at(model, element, value, &format!("{path}.{name}.member"), found);
        }
    }
}

/// All constraints of a shape, phrased.
fn constraints(shape: &Shape) -> Vec<String> {
    let mut out = Vec::new();
    let numeric = matches!(shape.kind, Kind::Integer | Kind::Long | Kind::Double | Kind::Float);
    let measure = if numeric { "value" } else { "length" };
    if let Some(max) = &shape.max {
        out.push(format!("Member must have {measure} less than or equal to {max}"));
    }
    if let Some(min) = &shape.min {
        out.push(format!("Member must have {measure} greater than or equal to {min}"));
    }
    if let Some(pattern) = &shape.pattern {
        out.push(format!("Member must satisfy regular expression pattern: {pattern}"));
    }
    if !shape.values.is_empty() {
        out.push(format!("Member must satisfy enum value set: [{}]", shape.values.join(", ")));
    }
    out
}

/// The constraints of a shape that a value does not satisfy.
fn violated(shape: &Shape, value: &Document) -> Vec<String> {
    let size = size(shape, value);
    let above = bound(&shape.max).is_some_and(|max| size.is_some_and(|size| size > max));
    let below = bound(&shape.min).is_some_and(|min| size.is_some_and(|size| size < min));
    let text = value.as_str().filter(|_| shape.kind == Kind::String);
    let unmatched = text.is_some_and(|text| !pattern::matches(shape, text));
    let unlisted = text.is_some_and(|text| !shape.values.is_empty() && !shape.values.contains(&text));
    if !(above || below || unmatched || unlisted) {
        return Vec::new();
    }
    let broken = [
        (shape.max.is_some(), above),
        (shape.min.is_some(), below),
        (shape.pattern.is_some(), unmatched),
        (!shape.values.is_empty(), unlisted),
    ];
    let mut all = constraints(shape).into_iter();
    let mut out = Vec::new();
    for (_, violated) in broken.into_iter().filter(|(present, _)| *present) {
        let Some(text) = all.next() else { break };
        if violated {
            out.push(text);
        }
    }
    out
}

fn bound(number: &Option<serde_json::Number>) -> Option<f64> {
    number.as_ref().and_then(serde_json::Number::as_f64)
}

/// What `min` and `max` count: a number's value, a text's characters, a blob's bytes, a list's or map's entries.
fn size(shape: &Shape, value: &Document) -> Option<f64> {
    let count = |count: usize| Some(count as f64);
    match (shape.kind, value) {
        (Kind::String, Document::String(text)) => count(text.chars().count()),
        (Kind::Blob, Document::String(text)) => {
            let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
            count((text.len() / 4 * 3).saturating_sub(padding))
        }
        (Kind::List, Document::Array(values)) => count(values.len()),
        (Kind::Map, Document::Object(object)) => count(object.len()),
        (Kind::Integer | Kind::Long | Kind::Double | Kind::Float, Document::Number(number)) => {
            number.as_f64()
        }
        _ => None,
    }
}

fn null(path: String) -> Violation {
    Violation { value: "null".to_owned(), path, constraint: "Member must not be null".to_owned() }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// AWS names members in messages with a small first letter.
fn decapitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn shown(model: &Model, shape: &Shape, value: &Document) -> String {
    let mut out = String::from("'");
    print(model, Some(shape), value, &mut out);
    if out.len() > MAX_SHOWN_BYTES {
        let mut end = MAX_SHOWN_BYTES;
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
        out.push('…');
    }
    out.push('\'');
    out
}

const MASK: &str = "***";

/// Members of structures that hold secrets, although no model says so.
fn is_secret(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    ["password", "secret", "token", "credential"].iter().any(|word| member.contains(word))
}

/// Appends a value as the services print it (`[a, b]`, `{k=v}`). What the model calls sensitive is masked, and so is what
/// a map holds: clients choose its keys, and put secrets under any of them (Glue's `ConnectionProperties`, a job's
/// `DefaultArguments`).
fn print(model: &Model, shape: Option<&Shape>, value: &Document, out: &mut String) {
    if out.len() > MAX_SHOWN_BYTES {
        return;
    }
    if shape.is_some_and(|shape| shape.sensitive) {
        out.push_str(MASK);
        return;
    }
    match value {
        Document::String(text) => out.push_str(text),
        Document::Array(values) => {
            let item = shape.and_then(|shape| shape.member.as_ref()).map(|item| model.shape(item.shape));
            out.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                print(model, item, value, out);
            }
            out.push(']');
        }
        Document::Object(object) => {
            out.push('{');
            for (number, (key, value)) in object.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                out.push_str(key);
                out.push('=');
                match shape.and_then(|shape| shape.member(key)).filter(|_| !is_secret(key)) {
                    Some(member) => print(model, Some(model.shape(member.shape)), value, out),
                    None => out.push_str(MASK),
                }
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model;

    fn glue(operation: &str, input: Value) -> String {
        let model = model::get("glue").unwrap();
        let shape = model.input(model.operation(operation).unwrap()).unwrap();
        let found = check(model, shape, input.as_object().unwrap());
        if found.is_empty() { String::new() } else { message(&found) }
    }

    #[test]
    fn aws_words() {
        assert_eq!(glue("GetTable", json!({"DatabaseName": "d", "Name": "t"})), "");
        assert_eq!(
            glue("GetTable", json!({"DatabaseName": "d"})),
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(
            glue("GetTable", json!({"DatabaseName": "", "Name": "a\u{1}"})),
            "2 validation errors detected: Value '' at 'databaseName' failed to satisfy constraint: Member must have \
             length greater than or equal to 1; Value 'a\u{1}' at 'name' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*"
        );
        let long = glue(
            "CreateTable",
            json!({"DatabaseName": "d", "TableInput": {"Name": "t", "StorageDescriptor": {"Columns": [
                {"Name": "a"}, {"Name": "b", "Comment": "x".repeat(256)}, null]}}}),
        );
        assert!(long.contains("at 'tableInput.storageDescriptor.columns.2.member.comment'"), "{long}");
        assert!(long.contains("Value null at 'tableInput.storageDescriptor.columns.3.member'"), "{long}");
        assert!(long.contains("Member must have length less than or equal to 255"), "{long}");
    }

    #[test]
    fn ranges_enums_and_maps() {
        let text = glue("GetTables", json!({"DatabaseName": "d", "MaxResults": 0}));
        assert!(text.contains("Value '0' at 'maxResults'"), "{text}");
        assert!(text.contains("Member must have value greater than or equal to 1"), "{text}");
        let text = glue(
            "TagResource",
            json!({"ResourceArn": "arn:aws:glue:us-east-1:000000000000:job/x", "TagsToAdd": {"": "v"}}),
        );
        assert!(text.contains("Value '{=***}' at 'tagsToAdd' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1"), "{text}");
        let text = glue("CreateJob", json!({"Name": "j", "Role": "r", "Command": {}, "WorkerType": "G.9"}));
        assert!(
            text.contains(
                "at 'workerType' failed to satisfy constraint: Member must satisfy enum value set: ["
            ),
            "{text}"
        );
    }

    #[test]
    fn messages_stay_short() {
        let many = vec![json!({"Name": ""}); 10_000];
        let text = glue(
            "CreateTable",
            json!({"DatabaseName": "d", "TableInput": {"Name": "x".repeat(100_000),
            "PartitionKeys": many}}),
        );
        assert!(text.len() < 100_000, "{}", text.len());
    }

    #[test]
    fn secrets_are_masked() {
        let input = json!({"Name": "c", "ConnectionType": "JDBC",
            "ConnectionProperties": {"PASSWORD": "hunter2", "API_KEY": "hunter3", "HOST": "h"}});
        let text = glue("CreateConnection", json!({ "ConnectionInput": input }));
        assert!(text.contains("Value '{API_KEY=***}' at 'connectionInput.connectionProperties'"), "{text}");
        let long = "hunter4".repeat(1000);
        let input = json!({"Name": "c", "ConnectionType": "JDBC", "ConnectionProperties": {"HOST": long},
            "AuthenticationConfiguration": {"BasicAuthenticationCredentials": {"Password": long}}});
        let other = glue("CreateConnection", json!({ "ConnectionInput": input }));
        assert!(other.contains("Value '***' at") && other.contains("Value '{HOST=***}'"), "{other}");
        assert!(!(text + &other).contains("hunter"), "{other}");
        let nodes =
            json!({"n": {"S3CsvSource": {"Name": "hunter5 \u{1}", "Paths": ["p"], "Separator": "hunter6"}}});
        let input = json!({"Name": "j", "Role": "r", "Command": {}, "CodeGenConfigurationNodes": nodes});
        let text = glue("CreateJob", input);
        assert!(
            text.contains("Value '***' at 'codeGenConfigurationNodes.n.member.s3CsvSource.separator'"),
            "{text}"
        );
        assert!(!text.contains("hunter"), "{text}");
    }

    #[test]
    fn whatever_the_models_call_sensitive_is_masked() {
        let mut seen = 0;
        for name in model::names() {
            let model = model::get(name).unwrap();
            for shape in model.shapes.iter().filter(|shape| shape.sensitive) {
                assert_eq!(shown(model, shape, &json!({ "k": ["hunter2"] })), "'***'", "{name}");
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
