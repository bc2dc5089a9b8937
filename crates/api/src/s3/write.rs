//! Writing and deleting objects: PutObject, DeleteObject, DeleteObjects.

use super::S3;
use super::digest;
use super::errors::{fault, malformed_xml, no_such_version, quoted};
use super::input::{
    begin, commit, key, only_null_version, only_private_acl, own_bucket, read, require_bucket,
    write_conditions,
};
use super::meta;
use lake::{BucketName, Conditions, EtagCondition, Key};
use serde_json::{Map, json};
use store::Tx;
use wire::{Call, Document, Fault, Reply};

/// Bodies above this are not taken before bucket and conditions have been looked at (and are looked at again when the
/// object is written); smaller ones are worth no extra query.
const LOOK_FIRST_BYTES: u64 = 1 << 20;

pub(super) async fn put(s3: &S3, mut call: Call) -> Result<Reply, Fault> {
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    only_private_acl(&call)?;
    let (meta, conditions) = (meta::from_call(&call)?, write_conditions(&call)?);
    let checks = digest::checks(&call)?;
    if call.content_length.is_some_and(|length| length > LOOK_FIRST_BYTES) {
        let mut tx = read(&s3.lake).await?;
        s3.lake.check_put(&mut tx, &bucket, &key, &conditions).await.map_err(fault)?;
    }
    let staged = digest::receive(s3, &mut call, checks).await?;
    let mut tx = begin(&s3.lake).await?;
    let info = s3.lake.put(&mut tx, &bucket, &key, staged, meta, &conditions).await.map_err(fault)?;
    commit(tx).await?;
    s3.has_kept(info.size);
    let mut output = Map::new();
    output.insert("ETag".into(), quoted(&info.etag).into());
    digest::put(&mut output, &info.checksums, true);
    Ok(Reply::from(Document::Object(output)))
}

pub(super) async fn delete(s3: &S3, call: Call) -> Result<Reply, Fault> {
    only_null_version(&call)?;
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    let mut tx = begin(&s3.lake).await?;
    s3.lake.delete(&mut tx, &bucket, &key, &write_conditions(&call)?).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

/// What DeleteObjects says of one key.
type Outcome = Result<(), Fault>;

pub(super) async fn delete_many(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let asked =
        call.input.get("Delete").and_then(|delete| delete.get("Objects")).and_then(Document::as_array);
    let asked = asked.filter(|objects| (1..=1000).contains(&objects.len())).ok_or_else(malformed_xml)?;
    let quiet =
        call.input.get("Delete").and_then(|d| d.get("Quiet")).and_then(Document::as_bool).unwrap_or(false);
    let mut tx = begin(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let mut outcomes: Vec<(&str, Outcome)> = Vec::with_capacity(asked.len());
    let mut plain: Vec<Key> = Vec::new();
    for object in asked {
        let text = |member: &str| object.get(member).and_then(Document::as_str);
        let name = text("Key").ok_or_else(malformed_xml)?;
        if name.is_empty() {
            return Err(Fault::new("UserKeyMustBeSpecified", "An object to delete has an empty key."));
        }
        let outcome = match (Key::new(name), text("VersionId"), text("ETag")) {
            (Err(error), _, _) => Err(fault(error)),
            (_, Some(version), _) if version != "null" => Err(no_such_version(name, version)),
            (Ok(key), _, Some(etag)) => delete_matching(s3, &mut tx, &bucket, &key, etag).await,
            (Ok(key), _, None) => {
                plain.push(key);
                Ok(())
            }
        };
        outcomes.push((name, outcome));
    }
    s3.lake.delete_many(&mut tx, &bucket, &plain).await.map_err(fault)?;
    commit(tx).await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (name, outcome) in outcomes {
        match outcome {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(json!({ "Key": name })),
            Err(fault) => {
                errors.push(json!({ "Key": name, "Code": fault.code(), "Message": fault.message() }))
            }
        }
    }
    Ok(Reply::from(json!({ "Deleted": deleted, "Errors": errors })))
}

async fn delete_matching(s3: &S3, tx: &mut Tx, bucket: &BucketName, key: &Key, etag: &str) -> Outcome {
    let conditions = Conditions { if_match: Some(EtagCondition::parse(etag)), ..Conditions::NONE };
    match s3.lake.delete(tx, bucket, key, &conditions).await {
        Ok(_) => Ok(()),
        Err(error) => Err(fault(error)),
    }
}
