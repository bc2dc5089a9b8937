//! Properties of the codecs over the real models.

use proptest::prelude::*;
use serde_json::Value;

use super::sample::{Dice, minimal, random};
use super::{decode, encode};
use crate::codec::form::{self, Parameters};
use crate::codec::{json, xml};
use crate::model::{self, Kind, Model, Protocol, Shape};
use crate::validate;

fn shape_of<'a>(model: &'a Model, dice: &mut Dice, fits: impl Fn(&Shape) -> bool) -> &'a Shape {
    let structures: Vec<&Shape> =
        model.shapes.iter().filter(|shape| shape.kind == Kind::Structure && fits(shape)).collect();
    structures[dice.below(structures.len() as u64) as usize]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn json_documents_round_trip(seed: u64) {
        let mut dice = Dice(seed);
        let model = model::get(["glue", "athena", "logs", "kinesis", "firehose", "emr"][dice.below(6) as usize]).unwrap();
        let shape = shape_of(model, &mut dice, |shape| !shape.document);
        let Some(document) = random(model, shape, &mut dice, 0) else { return Ok(()) };
        let mut problems = Vec::new();
        let encoded = json::encode_members(model, shape, &document, &mut problems);
        prop_assert!(problems.is_empty(), "{:?}", problems);
        let object = json::parse(encoded.to_string().as_bytes()).unwrap();
        let decoded = json::decode_members(model, shape, object).unwrap();
        prop_assert_eq!(Value::Object(decoded), document);
    }

    #[test]
    fn doubles_keep_their_last_bit(bits: u64) {
        let sent = f64::from_bits(bits);
        prop_assume!(sent.is_finite());
        let body = format!("{{\"Value\": {sent:e}}}");
        let got = json::parse(body.as_bytes()).unwrap()["Value"].as_f64();
        prop_assert_eq!(got.map(f64::to_bits), Some(bits), "{}", body);
    }

    #[test]
    fn xml_documents_round_trip(seed: u64) {
        let mut dice = Dice(seed);
        let model = model::get(["s3", "sts"][dice.below(2) as usize]).unwrap();
        // Deprecated notification structures have two members of one element.
        let is_plain = |shape: &Shape| !shape.name.ends_with("Deprecated") && shape.name != "CloudFunctionConfiguration";
        let is_body = |shape: &Shape| !shape.members.is_empty() && is_plain(shape) && shape.members.iter().all(|member| member.at.is_none() && !member.attribute);
        let shape = shape_of(model, &mut dice, is_body);
        let Some(document) = random(model, shape, &mut dice, 0) else { return Ok(()) };
        let mut problems = Vec::new();
        let mut writer = xml::Writer::document();
        writer.open("Root", None);
        xml::encode_members(&mut writer, model, shape, &document, &mut problems);
        writer.close("Root");
        prop_assert!(problems.is_empty(), "{:?}", problems);
        let root = xml::parse(writer.finish().as_bytes()).unwrap();
        prop_assert_eq!(xml::decode_structure(model, shape, &root).unwrap(), document);
    }

    #[test]
    fn forms_round_trip(seed: u64) {
        let mut dice = Dice(seed);
        let model = model::get("sts").unwrap();
        let operation = &model.operations[dice.below(model.operations.len() as u64) as usize];
        let shape = model.input(operation).unwrap();
        let document = random(model, shape, &mut dice, 0).unwrap();
        let request = encode::request(model, operation, &document);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let decoded = runtime.block_on(decode("sts", request)).unwrap();
        prop_assert_eq!(decoded.operation.name, operation.name);
        let input = Value::Object(decoded.input);
        prop_assert!(same(&input, &document), "{input} is not {document}");
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(seed: u64, bytes: Vec<u8>, text in "\\PC*", markup in "(<[a-zA-Z/!?&#;=\"' ]{0,12}>|[a-z&;]{0,4}){0,12}") {
        let mut dice = Dice(seed);
        let _ = json::parse(&bytes);
        let _ = xml::parse(&bytes);
        let _ = xml::parse(text.as_bytes());
        let _ = form::pairs(&text);
        for name in model::names() {
            let model = model::get(name).unwrap();
            let shape = shape_of(model, &mut dice, |_| true);
            if let Ok(root) = xml::parse(markup.as_bytes()) {
                let _ = xml::decode_structure(model, shape, &root);
            }
            let parameters: Parameters = form::pairs(&text).unwrap_or_default().into_iter().collect();
            let _ = form::decode_structure(model, shape, "", &parameters);
            // A document of one shape is bad input for another.
            let other = shape_of(model, &mut dice, |_| true);
            if let Some(Value::Object(object)) = random(model, other, &mut dice, 3)
                && let Ok(input) = json::decode_members(model, shape, object)
            {
                let found = validate::check(model, shape, &input);
                let _ = validate::message(&found);
            }
        }
    }
}

/// A structure without members cannot be told from none at all in a form, nor a list that begins with one.
fn unsaid(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.values().all(unsaid),
        Value::Array(values) => values.first().is_none_or(unsaid),
        _ => false,
    }
}

fn same(decoded: &Value, document: &Value) -> bool {
    match (decoded, document) {
        (Value::Object(one), Value::Object(other)) => {
            other.iter().all(|(name, value)| match one.get(name) {
                Some(found) => same(found, value),
                None => unsaid(value),
            }) && one.keys().all(|name| other.contains_key(name))
        }
        (Value::Array(one), Value::Array(other)) => {
            // A list ends at its first element that is not there.
            one.iter().zip(other).all(|(one, other)| same(one, other)) && one.len() <= other.len()
        }
        _ => decoded == document,
    }
}

#[tokio::test]
async fn every_operation_decodes_its_minimal_request() {
    let mut skipped = Vec::new();
    for name in model::names() {
        let model = model::get(name).unwrap();
        for operation in &model.operations {
            let hidden = ["WriteGetObjectResponse", "ListDirectoryBuckets"].contains(&operation.name);
            let Some(shape) = model.input(operation) else { continue };
            if hidden || operation.deprecated && model.protocol == Protocol::RestXml {
                continue;
            }
            let Some(document) = minimal(model, shape, 0) else {
                skipped.push(format!("{name} {}", operation.name));
                continue;
            };
            let decoded = decode(name, encode::request(model, operation, &document)).await;
            let decoded = decoded.unwrap_or_else(|fault| panic!("{name} {}: {fault:?}", operation.name));
            assert_eq!(decoded.operation.name, operation.name);
            let input = Value::Object(decoded.input);
            for (member, value) in document.as_object().unwrap() {
                let streamed =
                    shape.payload().is_some_and(|payload| payload.name == member && payload.streaming);
                let is_none = value.as_object().is_some_and(serde_json::Map::is_empty);
                if !streamed && !is_none {
                    assert_eq!(input.get(member), Some(value), "{name} {} {member}", operation.name);
                }
            }
            let is_said =
                model.protocol != Protocol::Query || !document.as_object().unwrap().values().any(unsaid);
            if model.protocol != Protocol::RestXml && is_said {
                let found = validate::check(model, shape, input.as_object().unwrap());
                assert!(found.is_empty(), "{name} {}: {}", operation.name, validate::message(&found));
            }
        }
    }
    assert!(skipped.len() < 12, "no text is known for the patterns of {skipped:?}");
}
