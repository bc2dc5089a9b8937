//! What is known about an object besides its bytes, and the versioned JSON in which the index keeps it.

use crate::{Algorithm, Checksum, ChecksumType, Key, LakeError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Everything a client may say about an object. Values are kept and returned exactly as given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Expires`, as text: S3 never interprets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Storage class when it is not STANDARD; a label, all classes are stored alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// `x-amz-website-redirect-location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
    /// User metadata, names in lower case without `x-amz-meta-`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
    /// Object tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Meta {
    /// Metadata of nothing but a content type.
    pub fn of_type(content_type: impl Into<String>) -> Meta {
        Meta { content_type: Some(content_type.into()), ..Meta::default() }
    }
}

/// One part of an object that was completed from a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInfo {
    /// Its number, 1..=10000; numbers may have gaps.
    #[serde(rename = "n")]
    pub number: u32,
    /// Size in bytes.
    #[serde(rename = "s")]
    pub size: u64,
    /// Its checksums.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
}

/// An object as its index row describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key.
    pub key: Key,
    /// Size in bytes.
    pub size: u64,
    /// ETag without quotes: MD5 in hexadecimal, or MD5 of the parts' MD5s with `-<parts>`.
    pub etag: String,
    /// When it was written, epoch milliseconds.
    pub last_modified_ms: i64,
    /// Metadata and tags.
    pub meta: Meta,
    /// Its checksums; at least one.
    pub checksums: Vec<Checksum>,
    /// The parts it was made of, in order; empty when it was put whole. Listings leave it empty too.
    pub parts: Vec<PartInfo>,
}

pub(crate) const DOC_VERSION: u32 = 1;

/// `lake_objects.doc`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectDoc {
    pub(crate) v: u32,
    pub(crate) meta: Meta,
    pub(crate) checksums: Vec<Checksum>,
}

/// `lake_uploads.doc`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadDoc {
    pub(crate) v: u32,
    pub(crate) meta: Meta,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) kind: Option<ChecksumType>,
}

/// `lake_parts.doc`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartDoc {
    pub(crate) v: u32,
    pub(crate) checksums: Vec<Checksum>,
}

/// Every document starts with a version; one that a later release wrote is refused, not guessed at.
pub(crate) trait Versioned {
    fn version(&self) -> u32;
}

impl Versioned for ObjectDoc {
    fn version(&self) -> u32 {
        self.v
    }
}

impl Versioned for UploadDoc {
    fn version(&self) -> u32 {
        self.v
    }
}

impl Versioned for PartDoc {
    fn version(&self) -> u32 {
        self.v
    }
}

pub(crate) fn encode<T: Serialize>(doc: &T) -> Result<String, LakeError> {
    serde_json::to_string(doc)
        .map_err(|err| LakeError::corrupt(format!("a document cannot be written: {err}")))
}

pub(crate) fn decode<T: DeserializeOwned + Versioned>(text: &str) -> Result<T, LakeError> {
    let doc: T = serde_json::from_str(text)
        .map_err(|err| LakeError::corrupt(format!("a document cannot be read: {err}")))?;
    if doc.version() != DOC_VERSION {
        return Err(LakeError::corrupt(format!("a document has version {}", doc.version())));
    }
    Ok(doc)
}
