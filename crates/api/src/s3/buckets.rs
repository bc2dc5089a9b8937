//! Buckets: CreateBucket, HeadBucket, ListBuckets, DeleteBucket, GetBucketLocation, GetBucketVersioning.

use super::S3;
use super::errors::{fault, invalid_argument, not_built};
use super::input::{begin, bucket_name, commit, only_private_acl, owner, read, require_bucket, scope};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::{Bucket, LakeError};
use serde_json::json;
use wire::{Call, Document, Fault, Reply, epoch_seconds};

const DEFAULT_REGION: &str = "us-east-1";
const MAX_BUCKETS: usize = 10_000;

pub(super) async fn create(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let name = bucket_name(&call)?;
    only_private_acl(&call)?;
    if call.flag("ObjectLockEnabledForBucket") {
        return Err(not_built("Object Lock"));
    }
    if let Some(other) = call.text("ObjectOwnership").filter(|value| *value != "BucketOwnerEnforced") {
        return Err(not_built(format!("Object ownership '{other}'")));
    }
    let region = region_of(&call)?;
    let mut tx = begin(&s3.lake).await?;
    match s3.lake.create_bucket(&mut tx, &scope(&call, &region)?, &name).await {
        Ok(_) => commit(tx).await?,
        // Source: CreateBucket, BucketAlreadyOwnedByYou: us-east-1 answers 200 for legacy compatibility.
        Err(LakeError::BucketAlreadyOwnedByYou { region: there, .. })
            if there == DEFAULT_REGION && region == DEFAULT_REGION => {}
        Err(other) => return Err(fault(other)),
    }
    Ok(Reply::from(json!({ "Location": format!("/{name}"), "BucketArn": arn(name.as_str()) })))
}

fn arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// The region to make a bucket in. A request to us-east-1 may name any other; one to another region must name that one.
fn region_of(call: &Call) -> Result<String, Fault> {
    let wanted = call
        .input
        .get("CreateBucketConfiguration")
        .and_then(|config| config.get("LocationConstraint"))
        .and_then(Document::as_str)
        .filter(|constraint| !constraint.is_empty());
    let illegal = |message: String| Err(Fault::new("IllegalLocationConstraintException", message));
    match wanted.map(|region| if region == "EU" { "eu-west-1" } else { region }) {
        None if call.region == DEFAULT_REGION => Ok(DEFAULT_REGION.to_owned()),
        None => illegal(
            "The unspecified location constraint is incompatible for the region specific endpoint this request was \
             sent to."
                .to_owned(),
        ),
        Some(region) if region == DEFAULT_REGION || store::Scope::new("000000000000", region).is_err() => {
            Err(Fault::new("InvalidLocationConstraint", "The specified location-constraint is not valid")
                .with("LocationConstraint", region))
        }
        Some(region) if call.region != DEFAULT_REGION && region != call.region => illegal(format!(
            "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
        )),
        Some(region) => Ok(region.to_owned()),
    }
}

pub(super) async fn head(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let mut tx = read(&s3.lake).await?;
    let (name, bucket) = require_bucket(&s3.lake, &mut tx, &call).await?;
    Ok(Reply::from(json!({
        "BucketRegion": bucket.scope.region,
        "BucketArn": arn(name.as_str()),
        "AccessPointAlias": false,
    })))
}

pub(super) async fn location(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let mut tx = read(&s3.lake).await?;
    let (_, bucket) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let region = bucket.scope.region;
    Ok(Reply::from(
        json!({ "LocationConstraint": if region == DEFAULT_REGION { None } else { Some(region) } }),
    ))
}

/// No bucket here has ever been versioned, and AWS says that with an empty document.
pub(super) async fn versioning(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let mut tx = read(&s3.lake).await?;
    require_bucket(&s3.lake, &mut tx, &call).await?;
    Ok(Reply::from(json!({})))
}

pub(super) async fn delete(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let mut tx = begin(&s3.lake).await?;
    let (name, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    s3.lake.delete_bucket(&mut tx, &name).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn list(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let limit = match call.integer("MaxBuckets") {
        None => MAX_BUCKETS,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_BUCKETS).contains(limit))
            .ok_or_else(|| {
                let message = format!("Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}");
                invalid_argument("max-buckets", &limit.to_string(), message)
            })?,
    };
    let prefix = call.text("Prefix").unwrap_or_default();
    let mut after = match call.text("ContinuationToken").filter(|token| !token.is_empty()) {
        None => String::new(),
        Some(token) => decode_token(token)?,
    };
    let mut tx = read(&s3.lake).await?;
    let mut found: Vec<Bucket> = Vec::new();
    let more = loop {
        let page =
            s3.lake.list_buckets(&mut tx, &call.scope_account, &after, MAX_BUCKETS).await.map_err(fault)?;
        let Some(last) = page.last() else { break false };
        after = last.name.as_str().to_owned();
        let in_region =
            |bucket: &Bucket| call.text("BucketRegion").is_none_or(|region| bucket.scope.region == region);
        found.extend(
            page.into_iter().filter(|bucket| bucket.name.as_str().starts_with(prefix) && in_region(bucket)),
        );
        if found.len() > limit {
            break true;
        }
    };
    found.truncate(limit);
    let token = found.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.name.as_str()));
    let paged = call.integer("MaxBuckets").is_some() || call.text("ContinuationToken").is_some();
    let buckets: Document = found.iter().map(|bucket| described(bucket, paged)).collect();
    Ok(Reply::from(json!({
        "Buckets": buckets,
        "Owner": owner(&call.scope_account),
        "ContinuationToken": token,
        "Prefix": call.text("Prefix"),
    })))
}

/// AWS names the region only in paged listings and those that filter by it; clients read it when it is there.
fn described(bucket: &Bucket, paged: bool) -> Document {
    let mut out = json!({ "Name": bucket.name.as_str(), "CreationDate": epoch_seconds(bucket.created_ms) });
    if paged {
        out["BucketRegion"] = bucket.scope.region.clone().into();
    }
    out
}

fn decode_token(token: &str) -> Result<String, Fault> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.filter(|name| !name.contains('\0')).ok_or_else(|| {
        invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}
