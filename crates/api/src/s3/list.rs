//! ListObjects and ListObjectsV2. Keys are given plain; the wire encodes them when `encoding-type=url` was asked for.

use super::S3;
use super::errors::{fault, invalid_argument, quoted};
use super::input::{owner, page_limit, read, require_bucket};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::{ListPage, ListQuery, ObjectInfo};
use serde_json::json;
use wire::{Call, Document, Fault, Reply, epoch_seconds};

pub(super) async fn v1(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let limit = page_limit(&call, "MaxKeys", "maxKeys")?;
    let marker = call.text("Marker").unwrap_or_default();
    let page = page(s3, &call, limit, non_empty(marker)).await?;
    let owner = owner(&call.scope_account);
    let contents: Document = page.objects.iter().map(|info| entry(info, Some(&owner))).collect();
    // Source: ListObjects, NextMarker: only with a delimiter; without one the last key serves.
    let next = page.next.as_ref().filter(|_| call.text("Delimiter").is_some_and(|d| !d.is_empty()));
    Ok(Reply::from(json!({
        "IsTruncated": page.next.is_some(),
        "Marker": marker,
        "NextMarker": next,
        "Contents": contents,
        "Name": call.text("Bucket"),
        "Prefix": call.text("Prefix").unwrap_or_default(),
        "Delimiter": call.text("Delimiter").and_then(non_empty),
        "MaxKeys": limit,
        "CommonPrefixes": prefixes(&page),
        "EncodingType": call.text("EncodingType"),
    })))
}

pub(super) async fn v2(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let limit = page_limit(&call, "MaxKeys", "maxKeys")?;
    let token = call.text("ContinuationToken");
    let after = match token {
        Some(token) => Some(decode_token(token)?),
        None => call.text("StartAfter").and_then(non_empty),
    };
    let page = page(s3, &call, limit, after).await?;
    let owner = call.flag("FetchOwner").then(|| owner(&call.scope_account));
    let contents: Document = page.objects.iter().map(|info| entry(info, owner.as_ref())).collect();
    Ok(Reply::from(json!({
        "IsTruncated": page.next.is_some(),
        "Contents": contents,
        "Name": call.text("Bucket"),
        "Prefix": call.text("Prefix").unwrap_or_default(),
        "Delimiter": call.text("Delimiter").and_then(non_empty),
        "MaxKeys": limit,
        "CommonPrefixes": prefixes(&page),
        "EncodingType": call.text("EncodingType"),
        "KeyCount": page.objects.len() + page.common_prefixes.len(),
        "ContinuationToken": token,
        "NextContinuationToken": page.next.as_ref().map(|next| URL_SAFE_NO_PAD.encode(next)),
        "StartAfter": call.text("StartAfter"),
    })))
}

async fn page(s3: &S3, call: &Call, limit: usize, after: Option<String>) -> Result<ListPage, Fault> {
    let query = ListQuery {
        prefix: call.text("Prefix").unwrap_or_default().to_owned(),
        delimiter: call.text("Delimiter").and_then(non_empty),
        after,
        limit,
    };
    let mut tx = read(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, call).await?;
    s3.lake.list(&mut tx, &bucket, &query).await.map_err(fault)
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn decode_token(token: &str) -> Result<String, Fault> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.filter(|key| !key.is_empty()).ok_or_else(|| {
        invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}

fn entry(info: &ObjectInfo, owner: Option<&Document>) -> Document {
    let mut out = json!({
        "Key": info.key.as_str(),
        "LastModified": epoch_seconds(info.last_modified_ms),
        "ETag": quoted(&info.etag),
        "Size": info.size,
        "StorageClass": info.meta.storage_class.as_deref().unwrap_or("STANDARD"),
    });
    if let Some(checksum) = info.checksums.first() {
        out["ChecksumAlgorithm"] = json!([checksum.algorithm.name()]);
        out["ChecksumType"] = checksum.kind.name().into();
    }
    if let Some(owner) = owner {
        out["Owner"] = owner.clone();
    }
    out
}

fn prefixes(page: &ListPage) -> Document {
    page.common_prefixes.iter().map(|prefix| json!({ "Prefix": prefix })).collect()
}
