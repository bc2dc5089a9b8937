//! CopyObject, and the copy source that it shares with UploadPartCopy.

use super::S3;
use super::digest;
use super::errors::{
    access_denied, fault, invalid_argument, invalid_request, no_such_version, not_built, quoted,
};
use super::input::{
    COPY_SOURCE, begin, commit, conditions, expected_owner, key, only_private_acl, own_bucket, unescaped,
    write_conditions,
};
use super::meta;
use super::read::open_named;
use lake::{BucketName, Conditions, CopyOptions, Key, LakeError, Meta, Object};
use serde_json::{Map, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

/// Tries when the source is replaced and collected between being read and being shared.
const ATTEMPTS: usize = 5;

/// The source that a request names, percent-decoded once.
pub(super) struct Source {
    pub(super) bucket: BucketName,
    pub(super) key: Key,
}

/// Reads `x-amz-copy-source`: `bucket/key` or `/bucket/key`, percent-encoded, with an optional `?versionId=`. Errors:
/// `InvalidArgument`, `NoSuchVersion`, `NotImplemented` for access points.
pub(super) fn source(call: &Call) -> Result<Source, Fault> {
    expected_owner(call, "ExpectedSourceBucketOwner")?;
    let header = call.text("CopySource").unwrap_or_default();
    let wrong = || {
        invalid_argument(
            "x-amz-copy-source",
            header,
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    };
    if header.starts_with("arn:") {
        return Err(not_built("Copying from an access point"));
    }
    let (path, version) = match header.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (header, None),
    };
    let decoded = unescaped(path)
        .ok_or_else(|| invalid_argument("x-amz-copy-source", header, "Invalid copy source encoding"))?;
    let path = decoded.strip_prefix('/').unwrap_or(&decoded);
    let (bucket, key) = path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(wrong)?;
    let bucket =
        BucketName::new(bucket).map_err(|_| fault(LakeError::NoSuchBucket { bucket: bucket.to_owned() }))?;
    let key = Key::new(key).map_err(fault)?;
    match version {
        Some(version) if version != "null" => Err(no_such_version(key.as_str(), version)),
        _ => Ok(Source { bucket, key }),
    }
}

/// Opens the source and checks its conditions.
pub(super) async fn open(s3: &S3, call: &Call, source: &Source) -> Result<Object, Fault> {
    let owner = Some(call.scope_account.clone());
    let found = Conditions { owner, ..Conditions::NONE };
    let object = open_named(s3, &source.bucket, &source.key, &found).await?;
    conditions(call, &COPY_SOURCE).check_copy_source(object.info()).map_err(fault)?;
    Ok(object)
}

pub(super) async fn copy(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    only_private_acl(&call)?;
    let (source, conditions) = (source(&call)?, write_conditions(&call)?);
    let given = meta::from_call(&call)?;
    check_self_copy(&call, &source, (&bucket, &key), &given)?;
    let mut attempt = 1;
    let info = loop {
        let object = open(s3, &call, &source).await?;
        if object.info().size > digest::MAX_UPLOAD_BYTES {
            return Err(invalid_request(format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: {}",
                digest::MAX_UPLOAD_BYTES
            )));
        }
        let options = options(&call, &object, given.clone()).await?;
        let mut tx = begin(&s3.lake).await?;
        match s3.lake.copy(&mut tx, &object, &bucket, &key, options, &conditions).await {
            Err(LakeError::Changed) if attempt < ATTEMPTS => attempt += 1,
            Err(LakeError::NotOwner { .. }) => return Err(access_denied()),
            Err(other) => return Err(fault(other)),
            Ok(info) => {
                commit(tx).await?;
                break info;
            }
        }
    };
    let mut result = Map::new();
    result.insert("ETag".into(), quoted(&info.etag).into());
    result.insert("LastModified".into(), epoch_seconds(info.last_modified_ms));
    digest::put(&mut result, &info.checksums, true);
    Ok(Reply::from(json!({ "CopyObjectResult": Document::Object(result) })))
}

fn replaces(call: &Call, member: &str) -> bool {
    call.text(member).is_some_and(|directive| directive == "REPLACE")
}

/// Copying an object onto itself must change something. Source: Amazon S3 API Reference, CopyObject.
fn check_self_copy(
    call: &Call,
    source: &Source,
    target: (&BucketName, &Key),
    given: &Meta,
) -> Result<(), Fault> {
    let changes = replaces(call, "MetadataDirective")
        || call.text("StorageClass").is_some()
        || given.website_redirect.is_some()
        || call.text("ChecksumAlgorithm").is_some();
    if (&source.bucket, &source.key) == target && !changes {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(())
}

async fn options(call: &Call, object: &Object, given: Meta) -> Result<CopyOptions, Fault> {
    let tags = replaces(call, "TaggingDirective").then(|| given.tags.clone());
    // Storage class and redirect are never taken over; S3 copies the rest unless it is replaced.
    let meta = match replaces(call, "MetadataDirective") {
        true => given,
        false => Meta {
            storage_class: given.storage_class,
            website_redirect: given.website_redirect,
            ..object.info().meta.clone()
        },
    };
    let checksums = match digest::algorithm(call, "ChecksumAlgorithm")? {
        None => None,
        Some(algorithm) => {
            let size = object.info().size;
            let (_, sums) = object.digest(0..size, &[algorithm]).await.map_err(Fault::internal)?;
            Some(sums)
        }
    };
    Ok(CopyOptions { meta: Some(meta), tags, checksums })
}
