//! ListParts and ListMultipartUploads.

use super::S3;
use super::digest;
use super::errors::{fault, invalid_argument, quoted};
use super::input::{key, owner, page_limit, read, require_bucket};
use super::multipart::shown;
use lake::{Algorithm, ChecksumType, UploadInfo, UploadedPart, UploadsQuery};
use serde_json::{Map, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

pub(super) async fn list_parts(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let key = key(&call)?;
    let limit = page_limit(&call, "MaxParts", "max-parts")?;
    let marker = part_marker(&call)?;
    let mut tx = read(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let id = call.text("UploadId").unwrap_or_default();
    // One more than asked for tells whether there are more.
    let listed = s3.lake.list_parts(&mut tx, &bucket, &key, id, marker, limit + 1).await;
    let (upload, mut parts) = listed.map_err(fault)?;
    let truncated = parts.len() > limit && limit > 0;
    parts.truncate(limit);
    let owner = owner(&call.scope_account);
    let last = parts.last().map_or(0, |part| part.number);
    let shown: Document = parts.iter().map(|part| part_entry(part, &upload)).collect();
    Ok(Reply::from(json!({
        "Bucket": bucket.as_str(),
        "Key": key.as_str(),
        "UploadId": upload.id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": last,
        "MaxParts": limit,
        "IsTruncated": truncated,
        "Parts": shown,
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": upload.meta.storage_class.as_deref().unwrap_or("STANDARD"),
        "ChecksumAlgorithm": upload.algorithm.map(Algorithm::name),
        "ChecksumType": upload.kind.map(ChecksumType::name),
    })))
}

pub(super) fn part_marker(call: &Call) -> Result<u32, Fault> {
    let marker = call.integer("PartNumberMarker").unwrap_or(0);
    u32::try_from(marker).map_err(|_| {
        let message = "Argument part-number-marker must be an integer between 0 and 2147483647";
        invalid_argument("part-number-marker", &marker.to_string(), message)
    })
}

fn part_entry(part: &UploadedPart, upload: &UploadInfo) -> Document {
    let mut out = Map::new();
    out.insert("PartNumber".into(), part.number.into());
    out.insert("LastModified".into(), epoch_seconds(part.last_modified_ms));
    out.insert("ETag".into(), quoted(&part.etag).into());
    out.insert("Size".into(), part.size.into());
    digest::put(&mut out, shown(&part.checksums, upload), false);
    out.into()
}

pub(super) async fn list_uploads(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let limit = page_limit(&call, "MaxUploads", "max-uploads")?;
    let text = |member: &str| call.text(member).filter(|text| !text.is_empty()).map(str::to_owned);
    let query = UploadsQuery {
        prefix: text("Prefix").unwrap_or_default(),
        delimiter: text("Delimiter"),
        after_key: text("KeyMarker"),
        after_id: text("UploadIdMarker").filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric())),
        limit,
    };
    let mut tx = read(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let page = s3.lake.list_uploads(&mut tx, &bucket, &query).await.map_err(fault)?;
    let owner = owner(&call.scope_account);
    let uploads: Document = page.uploads.iter().map(|upload| upload_entry(upload, &owner)).collect();
    let prefixes: Document = page.common_prefixes.iter().map(|prefix| json!({ "Prefix": prefix })).collect();
    let (next_key, next_id) = page.next.clone().unzip();
    Ok(Reply::from(json!({
        "Bucket": bucket.as_str(),
        "KeyMarker": call.text("KeyMarker").unwrap_or_default(),
        "UploadIdMarker": call.text("UploadIdMarker").unwrap_or_default(),
        "NextKeyMarker": next_key,
        "Prefix": call.text("Prefix").unwrap_or_default(),
        "Delimiter": query.delimiter,
        "NextUploadIdMarker": next_id,
        "MaxUploads": limit,
        "IsTruncated": page.next.is_some(),
        "Uploads": uploads,
        "CommonPrefixes": prefixes,
        "EncodingType": call.text("EncodingType"),
    })))
}

fn upload_entry(upload: &UploadInfo, owner: &Document) -> Document {
    json!({
        "UploadId": upload.id,
        "Key": upload.key.as_str(),
        "Initiated": epoch_seconds(upload.initiated_ms),
        "StorageClass": upload.meta.storage_class.as_deref().unwrap_or("STANDARD"),
        "Owner": owner,
        "Initiator": owner,
        "ChecksumAlgorithm": upload.algorithm.map(Algorithm::name),
        "ChecksumType": upload.kind.map(ChecksumType::name),
    })
}
