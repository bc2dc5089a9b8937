//! What a message holds: its text, its attributes, and the digests by which clients check both.
//!
//! Source: Amazon SQS Developer Guide, Message metadata (attributes, and how their MD5 is calculated).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::QueueError;

/// Most attributes of one message.
const MAX_ATTRIBUTES: usize = 10;
/// Longest name, and longest type, of an attribute.
const MAX_NAME_BYTES: usize = 256;

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, perhaps with a label of the sender's behind a dot.
    pub data_type: String,
    /// The value of a string or a number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub string: Option<String>,
    /// The value of a binary one, in base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub binary: Option<String>,
}

/// A message beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Attributes by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeValue>,
    /// System attributes by name; only `AWSTraceHeader` can be sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub system: BTreeMap<String, AttributeValue>,
    /// Stored and returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Who sent it.
    pub sender: String,
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// Its text, at least one character.
    pub body: String,
    /// All else.
    pub content: Content,
    /// How long it stays hidden, in seconds, 0..=900; the queue's delay when absent.
    pub delay_s: Option<i64>,
}

/// Lower-case hexadecimal MD5 of a message's text.
pub fn md5_of_body(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}

/// Lower-case hexadecimal MD5 of attributes in the order of their names; `None` without any.
pub fn md5_of_attributes(attributes: &BTreeMap<String, AttributeValue>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for (name, value) in attributes {
        length_and(name.as_bytes(), &mut bytes);
        length_and(value.data_type.as_bytes(), &mut bytes);
        match &value.binary {
            Some(binary) => {
                bytes.push(2);
                length_and(&STANDARD.decode(binary).unwrap_or_default(), &mut bytes);
            }
            None => {
                bytes.push(1);
                length_and(value.string.as_deref().unwrap_or_default().as_bytes(), &mut bytes);
            }
        }
    }
    Some(hex::encode(Md5::digest(&bytes)))
}

fn length_and(part: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(part);
}

impl NewMessage {
    /// Bytes that count against the limits.
    pub fn size(&self) -> usize {
        let attributes = self.content.attributes.iter().map(|(name, value)| {
            let binary =
                value.binary.as_deref().map_or(0, |text| STANDARD.decode(text).map_or(0, |b| b.len()));
            name.len() + value.data_type.len() + value.string.as_deref().map_or(0, str::len) + binary
        });
        self.body.len() + attributes.sum::<usize>()
    }

    /// Errors: `InvalidContents`, `InvalidParameter`.
    pub(crate) fn check(&self, max_bytes: i64) -> Result<(), QueueError> {
        if self.body.is_empty() {
            return Err(QueueError::invalid("The request must contain the parameter MessageBody."));
        }
        if self.size() > usize::try_from(max_bytes).unwrap_or(usize::MAX) {
            return Err(QueueError::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."
            )));
        }
        check_text(&self.body)?;
        if let Some(delay) =
            self.delay_s.filter(|delay| !(0..=crate::attributes::MAX_DELAY_S).contains(delay))
        {
            return Err(QueueError::out_of(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."));
        }
        if self.content.attributes.len() > MAX_ATTRIBUTES {
            return Err(QueueError::invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
                self.content.attributes.len()
            )));
        }
        for (name, value) in &self.content.attributes {
            check_name(name)?;
            check_value(name, value)?;
        }
        for (name, value) in &self.content.system {
            if name != "AWSTraceHeader" || value.data_type != "String" {
                return Err(QueueError::invalid(format!(
                    "The message system attribute '{name}' must be AWSTraceHeader, of type String."
                )));
            }
            check_value(name, value)?;
        }
        Ok(())
    }
}

/// The characters that a message may hold: those of XML 1.0.
fn check_text(text: &str) -> Result<(), QueueError> {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}',
    };
    if text.chars().all(allowed) { Ok(()) } else { Err(QueueError::InvalidContents) }
}

fn check_name(name: &str) -> Result<(), QueueError> {
    let lower = name.to_ascii_lowercase();
    let well_formed = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if well_formed {
        return Ok(());
    }
    Err(QueueError::invalid(format!("The message attribute name '{name}' is not valid.")))
}

fn check_value(name: &str, value: &AttributeValue) -> Result<(), QueueError> {
    let data_type = value.data_type.as_str();
    let base = data_type.split('.').next().unwrap_or_default();
    if data_type.len() > MAX_NAME_BYTES || !["String", "Number", "Binary"].contains(&base) {
        return Err(QueueError::invalid(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is \
             Binary, Number, and String."
        )));
    }
    check_text(data_type)?;
    let (wanted, other, field) = match base {
        "Binary" => (&value.binary, &value.string, "Binary"),
        _ => (&value.string, &value.binary, "String"),
    };
    if other.is_some() {
        return Err(QueueError::invalid(format!(
            "The message attribute '{name}' with type '{data_type}' must use field '{field}'."
        )));
    }
    let Some(text) = wanted.as_deref().filter(|text| !text.is_empty()) else {
        return Err(QueueError::invalid(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
             '{data_type}'."
        )));
    };
    if base == "Number" && text.trim().parse::<f64>().map_or(true, |number| !number.is_finite()) {
        return Err(QueueError::invalid(format!(
            "Could not cast message attribute '{name}' value to number."
        )));
    }
    check_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> AttributeValue {
        AttributeValue { data_type: data_type.to_owned(), string: Some(value.to_owned()), binary: None }
    }

    #[test]
    fn digests_are_those_of_the_documentation() {
        assert_eq!(md5_of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
        assert_eq!(md5_of_attributes(&BTreeMap::new()), None);
        // Encoded by hand: length and text of name, type and value, and 1 for text or 2 for bytes.
        let one = BTreeMap::from([("n".to_owned(), text("String", "v"))]);
        let bytes = b"\0\0\0\x01n\0\0\0\x06String\x01\0\0\0\x01v";
        assert_eq!(md5_of_attributes(&one), Some(hex::encode(Md5::digest(bytes))));
        let binary = AttributeValue { data_type: "Binary".into(), string: None, binary: Some("AAE=".into()) };
        let two = BTreeMap::from([("n".to_owned(), binary)]);
        let bytes = b"\0\0\0\x01n\0\0\0\x06Binary\x02\0\0\0\x02\0\x01";
        assert_eq!(md5_of_attributes(&two), Some(hex::encode(Md5::digest(bytes))));
    }

    #[test]
    fn what_no_message_may_hold_is_refused() {
        let message = |body: &str| NewMessage { body: body.to_owned(), ..NewMessage::default() };
        assert!(message("tab\tline\r\nü 🎉").check(1024).is_ok());
        assert!(matches!(message("\u{1}").check(1024), Err(QueueError::InvalidContents)));
        assert!(matches!(message("\u{ffff}").check(1024), Err(QueueError::InvalidContents)));
        assert!(message("").check(1024).is_err());
        assert!(message(&"x".repeat(1025)).check(1024).is_err());
        for (name, value, word) in [
            ("a", text("Strin", "x"), "attribute type"),
            ("a", text("Number", "x"), "cast"),
            ("a", text("String", ""), "non-empty"),
            ("a", text("Binary", "x"), "must use field"),
            (".a", text("String", "x"), "not valid"),
            ("AWS.a", text("String", "x"), "not valid"),
        ] {
            let mut one = message("x");
            one.content.attributes.insert(name.to_owned(), value);
            let error = one.check(1024).unwrap_err().to_string();
            assert!(error.contains(word), "{name}: {error}");
        }
        let mut many = message("x");
        for n in 0..11 {
            many.content.attributes.insert(format!("a{n}"), text("Number.int", "1e3"));
        }
        assert!(many.check(1024).unwrap_err().to_string().contains("[11]"));
    }
}
