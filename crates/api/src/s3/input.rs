//! What most requests name: bucket, key, owner, version, conditions.

use super::errors::{access_denied, fault, invalid_argument, no_such_version, not_built, store_fault};
use lake::{Bucket, BucketName, Conditions, EtagCondition, Key, Lake};
use percent_encoding::percent_decode_str;
use store::{Scope, Tx};
use wire::{Call, Document, Fault};

pub(super) fn bucket_name(call: &Call) -> Result<BucketName, Fault> {
    BucketName::new(call.text("Bucket").unwrap_or_default()).map_err(fault)
}

pub(super) fn key(call: &Call) -> Result<Key, Fault> {
    Key::new(call.text("Key").unwrap_or_default()).map_err(fault)
}

/// The name of a bucket that must belong to the caller, whom `ExpectedBucketOwner` must name when it is there.
pub(super) fn own_bucket(call: &Call) -> Result<BucketName, Fault> {
    expected_owner(call, "ExpectedBucketOwner")?;
    // A name that no bucket can have is the name of no bucket.
    let name = call.text("Bucket").unwrap_or_default();
    BucketName::new(name).map_err(|_| fault(lake::LakeError::NoSuchBucket { bucket: name.to_owned() }))
}

pub(super) fn expected_owner(call: &Call, member: &str) -> Result<(), Fault> {
    match call.text(member) {
        Some(owner) if owner.len() != 12 || !owner.bytes().all(|b| b.is_ascii_digit()) => Err(Fault::new(
            "InvalidBucketOwnerAWSAccountID",
            "The value of the expected bucket owner parameter must be an AWS Account ID",
        )),
        Some(owner) if owner != call.scope_account => Err(access_denied()),
        _ => Ok(()),
    }
}

/// Looks up a bucket of the caller's. Errors: `NoSuchBucket`, `AccessDenied`.
pub(super) async fn require_bucket(
    lake: &Lake,
    tx: &mut Tx,
    call: &Call,
) -> Result<(BucketName, Bucket), Fault> {
    let name = own_bucket(call)?;
    let bucket = lake.bucket(tx, &name).await.map_err(fault)?;
    if bucket.scope.account != call.scope_account {
        return Err(access_denied());
    }
    Ok((name, bucket))
}

pub(super) async fn begin(lake: &Lake) -> Result<Tx, Fault> {
    lake.store().begin().await.map_err(store_fault)
}

pub(super) async fn read(lake: &Lake) -> Result<Tx, Fault> {
    lake.store().read().await.map_err(store_fault)
}

pub(super) async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(store_fault)
}

pub(super) fn scope(call: &Call, region: &str) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), region)
        .map_err(|error| invalid_argument("region", region, error.to_string()))
}

/// Without versioning the only version is `null`. Errors: `NoSuchVersion` for any other, `InvalidArgument` for none.
pub(super) fn only_null_version(call: &Call) -> Result<(), Fault> {
    match call.text("VersionId") {
        Some("") => Err(invalid_argument("versionId", "", "Version id cannot be the empty string")),
        Some(version) if version != "null" => {
            Err(no_such_version(call.text("Key").unwrap_or_default(), version))
        }
        _ => Ok(()),
    }
}

/// Decodes percent-encoding exactly once; `None` for a `%` without two hexadecimal digits, or bytes that are not UTF-8.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let is_escape = |rest: &[u8]| rest.iter().take(2).filter(|byte| byte.is_ascii_hexdigit()).count() == 2;
    let bytes = text.as_bytes();
    let broken = (0..bytes.len()).any(|at| bytes[at] == b'%' && !is_escape(&bytes[at + 1..]));
    let decoded = percent_decode_str(text).decode_utf8().ok()?.into_owned();
    (!broken).then_some(decoded)
}

/// Objects and buckets are private to their account; that is what these canned lists ask for here.
pub(super) fn only_private_acl(call: &Call) -> Result<(), Fault> {
    match call.text("ACL") {
        None | Some("private" | "bucket-owner-full-control" | "bucket-owner-read") => Ok(()),
        Some(other) => Err(not_built(format!("The access control list '{other}'"))),
    }
}

/// Conditions from the members of these names; the caller must own the bucket.
pub(super) struct ConditionNames {
    pub(super) if_match: &'static str,
    pub(super) if_none_match: &'static str,
    pub(super) modified: &'static str,
    pub(super) unmodified: &'static str,
}

pub(super) const PLAIN: ConditionNames = ConditionNames {
    if_match: "IfMatch",
    if_none_match: "IfNoneMatch",
    modified: "IfModifiedSince",
    unmodified: "IfUnmodifiedSince",
};

pub(super) const COPY_SOURCE: ConditionNames = ConditionNames {
    if_match: "CopySourceIfMatch",
    if_none_match: "CopySourceIfNoneMatch",
    modified: "CopySourceIfModifiedSince",
    unmodified: "CopySourceIfUnmodifiedSince",
};

pub(super) fn conditions(call: &Call, names: &ConditionNames) -> Conditions {
    let seconds = |member: &str| {
        let ms = call.input.get(member).and_then(wire::epoch_ms)?;
        Some(ms.div_euclid(1000))
    };
    Conditions {
        if_match: call.text(names.if_match).map(EtagCondition::parse),
        if_none_match: call.text(names.if_none_match).map(EtagCondition::parse),
        if_modified_since_secs: seconds(names.modified),
        if_unmodified_since_secs: seconds(names.unmodified),
        owner: Some(call.scope_account.clone()),
    }
}

/// Conditions of a write. Errors: `NotImplemented` for an `If-None-Match` other than `*`, as in S3.
pub(super) fn write_conditions(call: &Call) -> Result<Conditions, Fault> {
    if let Some(value) = call.text("IfNoneMatch").filter(|value| value.trim() != "*") {
        return Err(Fault::not_implemented(
            "A header you provided implies functionality that is not implemented",
        )
        .with("Header", "If-None-Match")
        .with("additionalMessage", format!("We don't accept the provided value of If-None-Match: {value}")));
    }
    Ok(conditions(call, &PLAIN))
}

/// A paging limit: at most 1000, the default. Errors: `InvalidArgument` when negative.
pub(super) fn page_limit(call: &Call, member: &str, argument: &str) -> Result<usize, Fault> {
    match call.integer(member) {
        None => Ok(1000),
        Some(limit) => usize::try_from(limit).map(|limit| limit.min(1000)).map_err(|_| {
            let message = format!("Argument {argument} must be an integer between 0 and 2147483647");
            invalid_argument(argument, &limit.to_string(), message)
        }),
    }
}

/// The owner of a bucket and of everything in it, by a canonical id made of the account.
pub(super) fn owner(account: &str) -> Document {
    serde_json::json!({ "ID": format!("{account:0>64}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_whole() {
        assert_eq!(unescaped("a%20b%2Fc+%C3%BC").as_deref(), Some("a b/c+\u{fc}"));
        for bad in ["%", "%2", "a%zz", "%2g", "%ff", "%C3", "%%41"] {
            assert_eq!(unescaped(bad), None, "{bad}");
        }
    }
}
