//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.

use super::S3;
use super::errors::fault;
use super::input::{begin, commit, key, only_null_version, own_bucket, read, require_bucket};
use super::meta;
use lake::Conditions;
use serde_json::json;
use std::collections::BTreeMap;
use wire::{Call, Fault, Reply};

pub(super) async fn get(s3: &S3, call: Call) -> Result<Reply, Fault> {
    only_null_version(&call)?;
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    let mut tx = read(&s3.lake).await?;
    let conditions = Conditions { owner: Some(call.scope_account.clone()), ..Conditions::NONE };
    let info = s3.lake.head(&mut tx, &bucket, &key, &conditions).await.map_err(fault)?;
    Ok(Reply::from(json!({ "TagSet": meta::tag_set(&info.meta.tags) })))
}

pub(super) async fn put(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let tags = meta::document_tags(&call)?;
    replace(s3, &call, tags).await
}

pub(super) async fn delete(s3: &S3, call: Call) -> Result<Reply, Fault> {
    replace(s3, &call, BTreeMap::new()).await
}

async fn replace(s3: &S3, call: &Call, tags: BTreeMap<String, String>) -> Result<Reply, Fault> {
    only_null_version(call)?;
    let key = key(call)?;
    let mut tx = begin(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, call).await?;
    s3.lake.set_tags(&mut tx, &bucket, &key, tags).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
