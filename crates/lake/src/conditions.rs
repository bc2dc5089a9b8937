//! Conditional requests: the four `If-…` headers on reads, `If-Match` and `If-None-Match` on writes.

use crate::{BucketName, LakeError, ObjectInfo};

/// The value of an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtagCondition {
    /// `*`: any object.
    Any,
    /// One of these ETags, without quotes.
    OneOf(Vec<String>),
}

impl EtagCondition {
    /// Reads a header: `*`, or ETags separated by commas, quoted or bare, weak ones compared like strong ones.
    pub fn parse(header: &str) -> EtagCondition {
        if header.trim() == "*" {
            return EtagCondition::Any;
        }
        let bare = |tag: &str| {
            let tag = tag.trim();
            tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()
        };
        EtagCondition::OneOf(header.split(',').map(bare).collect())
    }

    fn holds(&self, etag: &str) -> bool {
        match self {
            EtagCondition::Any => true,
            EtagCondition::OneOf(tags) => tags.iter().any(|t| t == etag),
        }
    }
}

/// Conditions of a request. Times are epoch seconds, as HTTP dates have no finer unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`.
    pub if_match: Option<EtagCondition>,
    /// `If-None-Match`.
    pub if_none_match: Option<EtagCondition>,
    /// `If-Modified-Since`; reads only.
    pub if_modified_since_secs: Option<i64>,
    /// `If-Unmodified-Since`; reads only.
    pub if_unmodified_since_secs: Option<i64>,
    /// The account that must own the bucket; `NotOwner` otherwise.
    pub owner: Option<String>,
}

impl Conditions {
    /// No conditions.
    pub const NONE: Conditions = Conditions {
        if_match: None,
        if_none_match: None,
        if_modified_since_secs: None,
        if_unmodified_since_secs: None,
        owner: None,
    };

    pub(crate) fn check_owner(&self, bucket: &BucketName, account: &str) -> Result<(), LakeError> {
        match &self.owner {
            Some(owner) if owner != account => {
                Err(LakeError::NotOwner { bucket: bucket.as_str().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Checks a read: `If-Match` outweighs `If-Unmodified-Since`, `If-None-Match` outweighs `If-Modified-Since`.
    /// Errors: `PreconditionFailed`, `NotModified`. Source: Amazon S3 API Reference, GetObject; RFC 9110 §13.2.2.
    pub fn check_read(&self, info: &ObjectInfo) -> Result<(), LakeError> {
        let modified_secs = info.last_modified_ms.div_euclid(1000);
        if let Some(condition) = &self.if_match {
            if !condition.holds(&info.etag) {
                return Err(LakeError::PreconditionFailed { condition: "If-Match" });
            }
        } else if self.if_unmodified_since_secs.is_some_and(|since| modified_secs > since) {
            return Err(LakeError::PreconditionFailed { condition: "If-Unmodified-Since" });
        }
        let unchanged = match &self.if_none_match {
            Some(condition) => condition.holds(&info.etag),
            None => self.if_modified_since_secs.is_some_and(|since| modified_secs <= since),
        };
        if unchanged { Err(LakeError::NotModified(Box::new(info.clone()))) } else { Ok(()) }
    }

    /// Checks the source of a copy, where S3 answers 412 also for what is a 304 on reads. Errors: `PreconditionFailed`.
    pub fn check_copy_source(&self, info: &ObjectInfo) -> Result<(), LakeError> {
        self.check_read(info).map_err(|err| match err {
            LakeError::NotModified(_) if self.if_none_match.is_some() => {
                LakeError::PreconditionFailed { condition: "x-amz-copy-source-If-None-Match" }
            }
            LakeError::NotModified(_) => {
                LakeError::PreconditionFailed { condition: "x-amz-copy-source-If-Modified-Since" }
            }
            LakeError::PreconditionFailed { condition: "If-Match" } => {
                LakeError::PreconditionFailed { condition: "x-amz-copy-source-If-Match" }
            }
            LakeError::PreconditionFailed { .. } => {
                LakeError::PreconditionFailed { condition: "x-amz-copy-source-If-Unmodified-Since" }
            }
            other => other,
        })
    }

    /// Checks a write to `key` over what is there (its ETag). Errors: `NoSuchKey` for `If-Match` on nothing,
    /// `PreconditionFailed`. Source: Amazon S3 User Guide, "Add preconditions to S3 operations".
    pub(crate) fn check_write(&self, key: &str, existing_etag: Option<&str>) -> Result<(), LakeError> {
        if let Some(condition) = &self.if_match {
            match existing_etag {
                None => return Err(LakeError::NoSuchKey { key: key.to_owned() }),
                Some(etag) if !condition.holds(etag) => {
                    return Err(LakeError::PreconditionFailed { condition: "If-Match" });
                }
                Some(_) => {}
            }
        }
        match (&self.if_none_match, existing_etag) {
            (Some(condition), Some(etag)) if condition.holds(etag) => {
                Err(LakeError::PreconditionFailed { condition: "If-None-Match" })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Meta};

    fn info() -> ObjectInfo {
        ObjectInfo {
            key: Key::new("k").unwrap(),
            size: 1,
            etag: "abc".into(),
            last_modified_ms: 5_500,
            meta: Meta::default(),
            checksums: vec![],
            parts: vec![],
        }
    }

    fn tag(header: &str) -> Option<EtagCondition> {
        Some(EtagCondition::parse(header))
    }

    #[test]
    fn headers_parse() {
        assert_eq!(tag(" * "), Some(EtagCondition::Any));
        let tags = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(tag("\"a\", W/\"b\",c"), Some(EtagCondition::OneOf(tags)));
    }

    #[test]
    fn reads_follow_the_precedence_of_aws() {
        let none = Conditions::default;
        let ok = |c: Conditions| c.check_read(&info()).is_ok();
        let failed =
            |c: Conditions| matches!(c.check_read(&info()), Err(LakeError::PreconditionFailed { .. }));
        let unchanged = |c: Conditions| matches!(c.check_read(&info()), Err(LakeError::NotModified(_)));
        assert!(ok(Conditions { if_match: tag("\"abc\""), if_unmodified_since_secs: Some(1), ..none() }));
        assert!(failed(Conditions { if_match: tag("x"), ..none() }));
        assert!(failed(Conditions { if_unmodified_since_secs: Some(4), ..none() }));
        assert!(ok(Conditions { if_unmodified_since_secs: Some(5), ..none() }));
        assert!(unchanged(Conditions {
            if_none_match: tag("abc"),
            if_modified_since_secs: Some(1),
            ..none()
        }));
        assert!(ok(Conditions { if_none_match: tag("x"), if_modified_since_secs: Some(9), ..none() }));
        assert!(unchanged(Conditions { if_modified_since_secs: Some(5), ..none() }));
        assert!(ok(Conditions { if_modified_since_secs: Some(4), ..none() }));
    }

    #[test]
    fn writes_check_what_is_there() {
        let create = Conditions { if_none_match: tag("*"), ..Conditions::default() };
        assert!(create.check_write("k", None).is_ok());
        assert!(matches!(create.check_write("k", Some("e")), Err(LakeError::PreconditionFailed { .. })));
        let replace = Conditions { if_match: tag("e"), ..Conditions::default() };
        assert!(replace.check_write("k", Some("e")).is_ok());
        assert!(matches!(replace.check_write("k", Some("f")), Err(LakeError::PreconditionFailed { .. })));
        assert!(matches!(replace.check_write("k", None), Err(LakeError::NoSuchKey { .. })));
    }
}
