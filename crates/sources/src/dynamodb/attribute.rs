//! Values of items.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A value with its type, as DynamoDB sends it. Numbers and bytes stay text: every digit counts.
/// Source: DynamoDB API Reference, AttributeValue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub enum Attribute {
    /// Text.
    S(String),
    /// A number, up to 38 digits.
    N(String),
    /// Bytes, in base64.
    B(String),
    /// True or false.
    #[serde(rename = "BOOL")]
    Bool(bool),
    /// No value; DynamoDB sends `true`.
    #[serde(rename = "NULL")]
    Null(bool),
    /// Named values.
    M(BTreeMap<String, Attribute>),
    /// Values of any types.
    L(Vec<Attribute>),
    /// A set of texts.
    #[serde(rename = "SS")]
    Texts(Vec<String>),
    /// A set of numbers.
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    /// A set of bytes.
    #[serde(rename = "BS")]
    Binaries(Vec<String>),
}
