//! The compact model's structures; they are read straight from the file's JSON.
//!
//! Keys of the file: a model has `name version protocol endpoint signing json target ns operations shapes`; an
//! operation `name method uri status input root ns output wrapper errors host checksum checksumRequired anonymous
//! deprecated idempotent unsigned`; a shape `name type min max pattern enum time flat payload exception fault document
//! union eventstream event sensitive as ns code status sender members member key value`; a member (also a list's
//! element, a map's key and value) `name shape required at as flat attr ns stream token time eventpayload hostlabel`.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Protocol {
    /// awsJson 1.0 or 1.1.
    #[serde(rename = "json")]
    Json,
    /// restJson1.
    #[serde(rename = "rest-json")]
    RestJson,
    /// restXml.
    #[serde(rename = "rest-xml")]
    RestXml,
    /// awsQuery.
    #[serde(rename = "query")]
    Query,
}

/// Number of a shape in its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct ShapeId(pub(crate) u16);

/// A service's interface.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) signing: &'static str,
    pub(crate) json: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    pub(crate) ns: Option<&'static str>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) shapes: Vec<Shape>,
    #[serde(skip)]
    by_name: HashMap<&'static str, usize>,
}

/// An operation of a model.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) uri: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) input: Option<ShapeId>,
    pub(crate) output: Option<ShapeId>,
    pub(crate) wrapper: Option<&'static str>,
    #[serde(default)]
    pub(crate) errors: Vec<ShapeId>,
    /// Request member that names the checksum algorithm; present where requests may carry checksums.
    pub(crate) checksum: Option<&'static str>,
    #[serde(default, rename = "checksumRequired")]
    pub(crate) checksum_required: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
}

/// Kind of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    List,
    Map,
    #[serde(alias = "character")]
    String,
    #[serde(alias = "byte", alias = "short")]
    Integer,
    #[serde(alias = "biginteger")]
    Long,
    #[serde(alias = "bigdecimal")]
    Double,
    Float,
    Boolean,
    Timestamp,
    Blob,
}

/// Where an HTTP binding puts a member; absent means the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Location {
    #[serde(rename = "header")]
    Header,
    /// A map, each entry a header with a prefix.
    #[serde(rename = "headers")]
    Headers,
    #[serde(rename = "querystring")]
    Query,
    #[serde(rename = "uri")]
    Label,
    #[serde(rename = "statusCode")]
    Status,
}

/// An XML namespace.
#[derive(Debug, Deserialize)]
pub(crate) struct Namespace {
    pub(crate) prefix: Option<&'static str>,
    pub(crate) uri: &'static str,
}

/// A type of a model.
#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) min: Option<serde_json::Number>,
    pub(crate) max: Option<serde_json::Number>,
    pub(crate) pattern: Option<Box<str>>,
    #[serde(default, rename = "enum")]
    pub(crate) values: Vec<&'static str>,
    pub(crate) time: Option<&'static str>,
    #[serde(default, rename = "flat")]
    pub(crate) flattened: bool,
    pub(crate) payload: Option<&'static str>,
    #[serde(default)]
    pub(crate) fault: bool,
    #[serde(default)]
    pub(crate) document: bool,
    #[serde(default)]
    pub(crate) union: bool,
    #[cfg(test)]
    #[serde(default)]
    pub(crate) eventstream: bool,
    #[serde(default)]
    pub(crate) sensitive: bool,
    #[serde(rename = "as")]
    pub(crate) serialized: Option<&'static str>,
    pub(crate) ns: Option<Namespace>,
    /// Error code on the wire, where it is not the shape's name.
    pub(crate) code: Option<&'static str>,
    /// HTTP status of an error.
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) members: Vec<Member>,
    pub(crate) member: Option<Member>,
    pub(crate) key: Option<Member>,
    pub(crate) value: Option<Member>,
    /// The compiled pattern; `None` inside when it cannot be checked.
    #[serde(skip)]
    pub(crate) regex: OnceLock<Option<Regex>>,
}

/// A member of a structure, or the element of a list, or the key or value of a map.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) name: &'static str,
    pub(crate) shape: ShapeId,
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) at: Option<Location>,
    #[serde(rename = "as")]
    serialized: Option<&'static str>,
    #[serde(default, rename = "flat")]
    pub(crate) flattened: bool,
    #[serde(default, rename = "attr")]
    pub(crate) attribute: bool,
    #[serde(default, rename = "stream")]
    pub(crate) streaming: bool,
    #[serde(default)]
    pub(crate) token: bool,
    pub(crate) time: Option<&'static str>,
}

impl Model {
    pub(super) fn indexed(mut self) -> Self {
        self.by_name =
            self.operations.iter().enumerate().map(|(number, operation)| (operation.name, number)).collect();
        self
    }

    /// The shape of a number. Numbers come from the same model, so they are in range (a test sees to it).
    pub(crate) fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[usize::from(id.0)]
    }

    /// The operation of that name.
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(name).map(|number| &self.operations[*number])
    }

    /// The request structure of an operation; `None` when it takes no members.
    pub(crate) fn input(&self, operation: &Operation) -> Option<&Shape> {
        operation.input.map(|id| self.shape(id))
    }

    /// The response structure of an operation.
    pub(crate) fn output(&self, operation: &Operation) -> Option<&Shape> {
        operation.output.map(|id| self.shape(id))
    }

    /// The error structure that an operation declares for a code.
    pub(crate) fn error(&self, operation: &Operation, code: &str) -> Option<&Shape> {
        let shapes = operation.errors.iter().map(|id| self.shape(*id));
        shapes.into_iter().find(|shape| shape.name == code || shape.code == Some(code))
    }
}

impl Shape {
    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The member that is the whole body, where there is one.
    pub(crate) fn payload(&self) -> Option<&Member> {
        self.payload.and_then(|name| self.member(name))
    }
}

impl Member {
    /// The member's name on the wire in restXml, restJson bindings and awsQuery.
    pub(crate) fn wire_name(&self) -> &'static str {
        self.serialized.unwrap_or(self.name)
    }

    /// The name that the model gives an element of a list, or a map's key or value.
    pub(crate) fn wire_name_or(&self, default: &'static str) -> &'static str {
        self.serialized.unwrap_or(default)
    }
}
