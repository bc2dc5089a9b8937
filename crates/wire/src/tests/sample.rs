//! Documents made from shapes: random ones, and minimal valid ones.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::model::{Kind, Member, Model, Shape, pattern};

/// A source of numbers from a seed (a multiplicative generator is random enough for shapes of documents).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn text(&mut self) -> String {
        const PARTS: &[&str] =
            &["a", "Z9", " ", "ü", "🦀", "&<>\"'", "a b", "+", "%41", "/", "=", "\t", "\n", "]]>", "0"];
        (0..self.below(5)).map(|_| PARTS[self.below(PARTS.len() as u64) as usize]).collect()
    }
}

/// A random document of a shape; `None` where the depth ends.
pub(super) fn random(model: &Model, shape: &Shape, dice: &mut Dice, depth: u32) -> Option<Value> {
    if shape.document {
        return Some(json!({"free": [1, "x", {}]}));
    }
    Some(match shape.kind {
        Kind::Structure if depth > 6 || shape.eventstream => return None,
        Kind::Structure => Value::Object(structure(model, shape, dice, depth)?),
        Kind::List => {
            let item = model.shape(shape.member.as_ref()?.shape);
            let count = 1 + dice.below(3);
            let values: Vec<Value> =
                (0..count).filter_map(|_| random(model, item, dice, depth + 1)).collect();
            if values.is_empty() {
                return None;
            }
            Value::Array(values)
        }
        Kind::Map => {
            let item = model.shape(shape.value.as_ref()?.shape);
            let mut out = Map::new();
            for number in 0..=dice.below(2) {
                out.insert(format!("key-{number}"), random(model, item, dice, depth + 1)?);
            }
            Value::Object(out)
        }
        Kind::String => Value::from(dice.text()),
        Kind::Integer => Value::from(dice.below(1 << 31) as i32),
        Kind::Long => Value::from((dice.below(1 << 31) as i64) << 20),
        Kind::Double | Kind::Float => Value::from(dice.below(1000) as f64 + 0.5),
        Kind::Boolean => Value::from(dice.below(2) == 1),
        Kind::Timestamp => Value::from(dice.below(2_000_000_000)),
        Kind::Blob => Value::from(STANDARD.encode(dice.text())),
    })
}

fn structure(model: &Model, shape: &Shape, dice: &mut Dice, depth: u32) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    let only = shape.union.then(|| dice.below(shape.members.len() as u64) as usize);
    for (number, member) in shape.members.iter().enumerate() {
        let wanted = only.map_or_else(|| dice.below(3) > 0, |only| only == number);
        if !wanted {
            continue;
        }
        if let Some(value) = random(model, model.shape(member.shape), dice, depth + 1) {
            out.insert(member.name.to_owned(), value);
        }
    }
    (only.is_none() || !out.is_empty()).then_some(out)
}

/// Texts that fit the patterns of the models.
const TEXTS: &[&str] = &[
    "a",
    "aaaa",
    "A1",
    "1",
    "1.0",
    "true",
    "s3://bucket/key",
    "s3://bucket",
    "/path",
    "$.a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "000000000000",
    "us-east-1",
    "arn:aws:iam::000000000000:role/name",
    "arn:aws:kinesis:us-east-1:000000000000:stream/name",
    "arn:aws:kinesis:us-east-1:000000000000:stream/name/consumer/name:1",
    "arn:aws:s3:::bucket",
    "arn:aws:glue:us-east-1:000000000000:job/name",
    "arn:aws:logs:us-east-1:000000000000:log-group:name",
    "arn:aws:lambda:us-east-1:000000000000:function:name",
    "arn:aws:iam::000000000000:mfa/name",
    "123456",
    "jdbc:redshift://c.abc.us-east-1.redshift.amazonaws.com:5439/dev",
    "https://example.com",
    "https://example.com/path",
    "00000000-0000-0000-0000-000000000000",
    "glue:ListCrawlers",
    "FULL_TABLE",
];

/// The smallest document that satisfies a shape; `None` where none of the known texts fits a pattern.
pub(super) fn minimal(model: &Model, shape: &Shape, depth: u32) -> Option<Value> {
    if shape.document {
        return Some(json!({}));
    }
    if depth > 12 {
        return None;
    }
    let least = shape.min.as_ref().and_then(serde_json::Number::as_f64).unwrap_or(0.0);
    Some(match shape.kind {
        Kind::Structure if shape.union => {
            let first = shape.members.first()?;
            json!({first.name: minimal(model, model.shape(first.shape), depth + 1)?})
        }
        Kind::Structure => {
            let required = shape.members.iter().filter(|member| member.required);
            let pair = |member: &Member| {
                Some((member.name.to_owned(), minimal(model, model.shape(member.shape), depth + 1)?))
            };
            Value::Object(required.map(pair).collect::<Option<Map<_, _>>>()?)
        }
        Kind::List => {
            let item = model.shape(shape.member.as_ref()?.shape);
            Value::Array(
                (0..least.max(1.0) as usize)
                    .map(|_| minimal(model, item, depth + 1))
                    .collect::<Option<_>>()?,
            )
        }
        Kind::Map => {
            let (key, item) =
                (model.shape(shape.key.as_ref()?.shape), model.shape(shape.value.as_ref()?.shape));
            let Value::String(key) = minimal(model, key, depth + 1)? else { return None };
            json!({ key: minimal(model, item, depth + 1)? })
        }
        Kind::String if !shape.values.is_empty() => Value::from(shape.values[0]),
        Kind::String => {
            let most = shape.max.as_ref().and_then(serde_json::Number::as_f64).unwrap_or(f64::MAX);
            let fits = |text: &&&str| {
                let length = text.chars().count() as f64;
                length >= least && length <= most && pattern::matches(shape, text)
            };
            match TEXTS.iter().find(fits) {
                Some(text) => Value::from(*text),
                None if shape.pattern.is_none() => Value::from("a".repeat(least as usize)),
                None => return None,
            }
        }
        Kind::Integer | Kind::Long => Value::from(least as i64),
        Kind::Double | Kind::Float => Value::from(least),
        Kind::Boolean => Value::from(true),
        Kind::Timestamp => Value::from(1_700_000_000),
        Kind::Blob => Value::from(STANDARD.encode("a".repeat(least.max(1.0) as usize))),
    })
}
