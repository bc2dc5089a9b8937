//! Form parameters of awsQuery requests: `A.member.1.B=value`.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::Map;

use super::{Malformed, scalar};
use crate::call::Document;
use crate::model::{Kind, Model, Shape};

/// Parameters by name; of two with one name the last wins.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Splits `a=b&c=d` into decoded pairs, in order; `+` is a space. Errors: bad percent-encoding, not UTF-8.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((unescape(name, true)?, unescape(value, true)?))
        })
        .collect()
}

/// Decodes percent-encoding exactly once. Errors: a `%` without two hexadecimal digits, or bytes that are not UTF-8.
pub(crate) fn unescape(text: &str, plus_is_space: bool) -> Result<String, Malformed> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' if plus_is_space => out.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                match (digit(bytes.next()), digit(bytes.next())) {
                    (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
                    _ => return Err(Malformed::new("an escape is not % and two hexadecimal digits")),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| Malformed::new("the text is not UTF-8"))
}

/// Reads a structure from the parameters whose names begin with `prefix` (empty, or ending in a dot).
pub(crate) fn decode_structure(
    model: &Model,
    shape: &Shape,
    prefix: &str,
    parameters: &Parameters,
) -> Result<Map<String, Document>, Malformed> {
    let mut out = Map::new();
    for member in &shape.members {
        let name = format!("{prefix}{}", member.wire_name());
        let shape = model.shape(member.shape);
        if let Some(value) = decode(model, shape, &name, member.flattened || shape.flattened, parameters)? {
            out.insert(member.name.to_owned(), value);
        }
    }
    Ok(out)
}

fn decode(
    model: &Model,
    shape: &Shape,
    name: &str,
    flattened: bool,
    parameters: &Parameters,
) -> Result<Option<Document>, Malformed> {
    let below = format!("{name}.");
    match shape.kind {
        Kind::Structure if !any_below(&below, parameters) => Ok(None),
        Kind::Structure => {
            decode_structure(model, shape, &below, parameters).map(|map| Some(Document::Object(map)))
        }
        Kind::List => {
            let Some(item) = &shape.member else { return Ok(None) };
            let base = if flattened { below } else { format!("{below}{}.", item.wire_name_or("member")) };
            let item = model.shape(item.shape);
            let mut values = Vec::new();
            while let Some(value) =
                decode(model, item, &format!("{base}{}", values.len() + 1), false, parameters)?
            {
                values.push(value);
            }
            let present = !values.is_empty() || parameters.contains_key(name);
            Ok(present.then_some(Document::Array(values)))
        }
        Kind::Map => decode_map(model, shape, &below, flattened, parameters),
        _ => match parameters.get(name) {
            Some(text) => scalar::read(shape, text).map(Some).map_err(|error| error.argument(name, text)),
            None => Ok(None),
        },
    }
}

fn decode_map(
    model: &Model,
    shape: &Shape,
    below: &str,
    flattened: bool,
    parameters: &Parameters,
) -> Result<Option<Document>, Malformed> {
    let (Some(key), Some(element)) = (&shape.key, &shape.value) else { return Ok(None) };
    let base = if flattened { below.to_owned() } else { format!("{below}entry.") };
    let mut out = Map::new();
    for number in 1_u32.. {
        let entry = format!("{base}{number}.");
        let Some(name) = parameters.get(&format!("{entry}{}", key.wire_name_or("key"))) else { break };
        let place = format!("{entry}{}", element.wire_name_or("value"));
        let value = decode(model, model.shape(element.shape), &place, false, parameters)?;
        out.insert(name.clone(), value.unwrap_or_default());
    }
    Ok((!out.is_empty()).then_some(Document::Object(out)))
}

fn any_below(prefix: &str, parameters: &Parameters) -> bool {
    let mut from = parameters.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
    from.next().is_some_and(|(name, _)| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;

    #[test]
    fn nested_members() {
        let model = model::get("sts").unwrap();
        let shape = model.input(model.operation("AssumeRole").unwrap()).unwrap();
        let text = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=a+b&DurationSeconds=900\
            &Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=x&PolicyArns=";
        let parameters: Parameters = pairs(text).unwrap().into_iter().collect();
        let decoded = decode_structure(model, shape, "", &parameters).unwrap();
        let expected = json!({"RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "a b", "DurationSeconds": 900,
            "Tags": [{"Key": "k", "Value": "v"}, {"Key": "x"}], "PolicyArns": []});
        assert_eq!(Document::Object(decoded), expected);
        let bad: Parameters = [("DurationSeconds".to_owned(), "soon".to_owned())].into();
        assert!(decode_structure(model, shape, "", &bad).is_err());
    }

    #[test]
    fn escapes_are_decoded_once() {
        assert_eq!(unescape("a%2525+b", false).unwrap(), "a%25+b");
        assert_eq!(unescape("a+b", true).unwrap(), "a b");
        for bad in ["%", "%2", "%zz", "%ff", "%+1"] {
            assert!(unescape(bad, false).is_err(), "{bad}");
        }
    }
}
