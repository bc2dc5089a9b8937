//! Metadata files: their names, their compression, and where they may be.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lake::{BucketName, Key};

use crate::error::{MetadataError, TablesError};
use crate::metadata::TableMetadata;

/// The most bytes of a metadata file, compressed or not.
pub const MAX_METADATA_BYTES: u64 = 64 << 20;

/// A place in a bucket of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// The key or prefix, exactly as written.
    pub key: String,
}

impl Place {
    /// Parses `s3://`, `s3a://` and `s3n://` locations.
    /// Errors: `Location`.
    pub fn parse(location: &str) -> Result<Place, TablesError> {
        let bad = |what: String| TablesError::Location { location: location.to_owned(), what };
        let rest = lake::s3_path(location);
        let rest = rest.ok_or_else(|| {
            bad("tables of this server are in its own buckets (s3://bucket/prefix)".to_owned())
        })?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = BucketName::new(bucket).map_err(|error| bad(error.to_string()))?;
        Ok(Place { bucket, key: key.to_owned() })
    }

    /// The key as one of an object.
    /// Errors: `Location`.
    pub fn object_key(&self) -> Result<Key, TablesError> {
        Key::new(self.key.clone()).map_err(|error| TablesError::Location {
            location: format!("s3://{}/{}", self.bucket.as_str(), self.key),
            what: error.to_string(),
        })
    }
}

/// Whether the table wants its metadata compressed.
/// Errors: `Invalid` for a codec that is not known.
pub fn is_gzip(metadata: &TableMetadata) -> Result<bool, MetadataError> {
    let codec = metadata.properties.get("write.metadata.compression-codec").map(String::as_str);
    match codec.unwrap_or("none").to_ascii_lowercase().as_str() {
        "none" | "uncompressed" | "" => Ok(false),
        "gzip" => Ok(true),
        other => Err(MetadataError::invalid(format!(
            "write.metadata.compression-codec is {other:?}; none and gzip are known"
        ))),
    }
}

/// The location of the next metadata file: `…/metadata/00007-<uuid>.metadata.json`, numbered on from `previous`.
/// Errors: as [`is_gzip`].
pub fn next_location(
    metadata: &TableMetadata,
    previous: Option<&str>,
    uuid: &str,
) -> Result<String, MetadataError> {
    let version = previous.map_or(0, |location| version_of(location).map_or(0, |version| version + 1));
    let suffix = if is_gzip(metadata)? { ".gz.metadata.json" } else { ".metadata.json" };
    let own = metadata.properties.get("write.metadata.path").map(|path| path.trim_end_matches('/'));
    let folder = match own {
        Some(folder) => folder.to_owned(),
        None => format!("{}/metadata", metadata.location.trim_end_matches('/')),
    };
    Ok(format!("{folder}/{version:05}-{uuid}{suffix}"))
}

/// The number in the name of a metadata file.
fn version_of(location: &str) -> Option<u32> {
    let name = location.rsplit('/').next()?;
    name.split_once('-')?.0.parse().ok().filter(|version| *version < u32::MAX)
}

/// The bytes of a metadata file.
/// Errors: `Invalid` for an unknown codec and for metadata beyond [`MAX_METADATA_BYTES`].
pub fn encode(metadata: &TableMetadata) -> Result<Vec<u8>, MetadataError> {
    let document = metadata.to_vec()?;
    if document.len() as u64 > MAX_METADATA_BYTES {
        let (size, max) = (document.len(), MAX_METADATA_BYTES);
        let message = format!("the metadata has {size} bytes, more than {max}: expire snapshots");
        return Err(MetadataError::invalid(message));
    }
    if !is_gzip(metadata)? {
        return Ok(document);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let failed = |error: std::io::Error| MetadataError::Unreadable { what: error.to_string() };
    encoder.write_all(&document).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// Reads the bytes of a metadata file, compressed or not, whatever its name says.
/// Errors: see [`TableMetadata::from_slice`]; `Unreadable` also beyond [`MAX_METADATA_BYTES`].
pub fn decode(bytes: &[u8]) -> Result<TableMetadata, MetadataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return TableMetadata::from_slice(bytes);
    }
    let mut document = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(MAX_METADATA_BYTES + 1);
    let read = decoder.read_to_end(&mut document);
    read.map_err(|error| MetadataError::Unreadable { what: error.to_string() })?;
    if document.len() as u64 > MAX_METADATA_BYTES {
        let what = format!("it is larger than {MAX_METADATA_BYTES} bytes");
        return Err(MetadataError::Unreadable { what });
    }
    TableMetadata::from_slice(&document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_are_places() {
        let place = Place::parse("s3a://lake/db/t/metadata/0.json").expect("place");
        assert_eq!((place.bucket.as_str(), place.key.as_str()), ("lake", "db/t/metadata/0.json"));
        for location in ["file:///tmp/x", "hdfs://x/y", "s3://", "s3:///x", "/tmp", "", "gs://bucket/x"] {
            assert!(matches!(Place::parse(location), Err(TablesError::Location { .. })), "{location}");
        }
    }

    #[test]
    fn numbers_go_on_from_names_that_have_one() {
        assert_eq!(version_of("s3://b/t/metadata/00041-aa-bb.metadata.json"), Some(41));
        assert_eq!(version_of("s3://b/t/metadata/v3.metadata.json"), None);
        assert_eq!(version_of("s3://b/t/metadata/4294967295-a.metadata.json"), None);
    }
}
