//! Codecs between the bytes of a protocol and documents, driven by the model's shapes.
//!
//! [`json`], [`xml`] and [`form`] turn a body into a [`crate::Document`] and back; [`bindings`] adds what REST protocols
//! put into path, query, headers and status; [`scalar`] holds text forms of single values, [`timestamp`] times.
//!
//! Rules that all of them keep:
//! - Members that the model does not know are left out, as AWS services do; `null` counts as absent.
//! - A value of another type than the model's is [`Malformed`], never coerced (numbers given as text in JSON are).
//! - Nesting is bounded by the parsers (128 levels), size by the caller's limit on the body.

pub(crate) mod bindings;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod scalar;
pub(crate) mod timestamp;
pub(crate) mod xml;

/// A request that does not follow its protocol or its model's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// What is wrong, for people.
    pub(crate) message: String,
    /// Name and value of the query key or header at fault, for S3's `InvalidArgument`.
    pub(crate) argument: Option<(String, String)>,
}

impl Malformed {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), argument: None }
    }

    pub(crate) fn argument(mut self, name: &str, value: &str) -> Self {
        self.argument = Some((name.to_owned(), value.to_owned()));
        self
    }
}
