//! Names of buckets and objects.
//!
//! A key is kept exactly as given: `a`, `a/`, `a//b` and `a/b` are four objects, and `..` means nothing.
//! Keys order by their UTF-8 bytes, as in S3.

use crate::LakeError;
use std::fmt;

/// Most bytes of UTF-8 that a key may have. Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
pub const MAX_KEY_BYTES: usize = 1024;

/// Name of an object inside its bucket: any UTF-8 of 1..=1024 bytes, never normalised.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// Takes a key as given. Errors: `InvalidKey` when empty, `KeyTooLong` over [`MAX_KEY_BYTES`].
    pub fn new(key: impl Into<String>) -> Result<Key, LakeError> {
        let key = key.into();
        if key.is_empty() {
            return Err(LakeError::InvalidKey);
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(LakeError::KeyTooLong { bytes: key.len() });
        }
        Ok(Key(key))
    }

    /// The key as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Key, LakeError> {
        String::from_utf8(bytes).map(Key).map_err(|_| LakeError::corrupt("a key in the index is not UTF-8"))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Name of a bucket, valid by the general-purpose bucket rules of Amazon S3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(String);

impl BucketName {
    /// Checks a name: 3..=63 of lower-case letters, digits, dots and hyphens, letter or digit at both ends, no two
    /// dots together, not an IPv4 address, none of the reserved prefixes and suffixes. Errors: `InvalidBucketName`.
    /// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
    pub fn new(name: impl Into<String>) -> Result<BucketName, LakeError> {
        let name = name.into();
        if is_valid_bucket_name(&name) {
            Ok(BucketName(name))
        } else {
            Err(LakeError::InvalidBucketName { bucket: name })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name read back from the index, where only valid ones are written.
    pub(crate) fn trusted(name: String) -> BucketName {
        BucketName(name)
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bucket and key, as they are written, of a location `s3://bucket/key`, `s3a://…` or `s3n://…`; `None` for any other.
pub fn s3_path(location: &str) -> Option<&str> {
    ["s3://", "s3a://", "s3n://"].iter().find_map(|scheme| location.strip_prefix(scheme))
}

const RESERVED_PREFIXES: [&str; 4] = ["xn--", "sthree-", "amzn-s3-demo-", "aws:"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

fn is_valid_bucket_name(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    (3..=63).contains(&bytes.len())
        && alphanumeric(first)
        && alphanumeric(last)
        && bytes.iter().all(|&b| alphanumeric(b) || b == b'.' || b == b'-')
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !RESERVED_PREFIXES.iter().any(|p| name.starts_with(p))
        && !RESERVED_SUFFIXES.iter().any(|s| name.ends_with(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_aws_rules() {
        for good in ["abc", "my.bucket-1", "1-2-3", "a.b.c", &"x".repeat(63)] {
            assert!(BucketName::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "ä-b",
            &long,
        ] {
            assert!(BucketName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_of_locations() {
        for location in ["s3://b/k//", "s3a://b/k//", "s3n://b/k//"] {
            assert_eq!(s3_path(location), Some("b/k//"));
        }
        assert!(["b/k", "s3:b", "S3://b", "file:///b", ""].iter().all(|other| s3_path(other).is_none()));
    }

    #[test]
    fn keys_are_kept_as_given() {
        for good in ["a", "a/", "a//b", "/", "..", "a\u{0}b", "\u{10ffff}", &"k".repeat(1024)] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        assert!(matches!(Key::new(""), Err(LakeError::InvalidKey)));
        assert!(matches!(Key::new("é".repeat(513)), Err(LakeError::KeyTooLong { bytes: 1026 })));
    }
}
