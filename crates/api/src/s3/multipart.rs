//! CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload.

use super::S3;
use super::copy;
use super::digest;
use super::errors::{fault, invalid_argument, invalid_request, malformed_xml, no_such_upload, quoted};
use super::input::{
    begin, commit, key, only_private_acl, own_bucket, read, require_bucket, write_conditions,
};
use super::meta;
use super::range;
use lake::{
    Algorithm, Checksum, ChecksumType, CompleteChecks, CompletePart, Key, LakeError, MAX_PART_NUMBER,
    UploadInfo,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, json};
use store::Tx;
use wire::{Call, Document, Fault, Reply, epoch_seconds};

const ATTEMPTS: usize = 5;

pub(super) async fn create(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let key = key(&call)?;
    only_private_acl(&call)?;
    let meta = meta::from_call(&call)?;
    let algorithm = digest::algorithm(&call, "ChecksumAlgorithm")?;
    let kind = checksum_type(&call)?;
    let checksum = match (algorithm, kind) {
        (Some(algorithm), kind) => Some((algorithm, kind)),
        (None, None) => None,
        (None, Some(_)) => {
            return Err(invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            ));
        }
    };
    let mut tx = begin(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let upload = match s3.lake.create_upload(&mut tx, &bucket, &key, meta, checksum).await {
        Err(LakeError::ChecksumTypeMismatch { created, given }) => {
            let message =
                format!("The {given} checksum type cannot be used with the {created} checksum algorithm.");
            return Err(invalid_request(message));
        }
        other => other.map_err(fault)?,
    };
    commit(tx).await?;
    Ok(Reply::from(json!({
        "Bucket": bucket.as_str(),
        "Key": key.as_str(),
        "UploadId": upload.id,
        "ChecksumAlgorithm": upload.algorithm.map(Algorithm::name),
        "ChecksumType": upload.kind.map(ChecksumType::name),
    })))
}

fn checksum_type(call: &Call) -> Result<Option<ChecksumType>, Fault> {
    match call.text("ChecksumType") {
        None => Ok(None),
        Some("COMPOSITE") => Ok(Some(ChecksumType::Composite)),
        Some("FULL_OBJECT") => Ok(Some(ChecksumType::FullObject)),
        Some(_) => Err(invalid_request("Value for x-amz-checksum-type header is invalid.")),
    }
}

fn upload_id(call: &Call) -> &str {
    call.text("UploadId").unwrap_or_default()
}

fn part_number(call: &Call) -> Result<u32, Fault> {
    let number = call.integer("PartNumber").unwrap_or(0);
    u32::try_from(number).ok().filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        invalid_argument("partNumber", &number.to_string(), message)
    })
}

/// The upload that a part is for, looked up before its body is taken.
async fn open_upload(s3: &S3, tx: &mut Tx, call: &Call, key: &Key) -> Result<UploadInfo, Fault> {
    let (bucket, _) = require_bucket(&s3.lake, tx, call).await?;
    s3.lake.open_upload(tx, &bucket, key, upload_id(call)).await.map_err(fault)
}

pub(super) async fn put_part(s3: &S3, mut call: Call) -> Result<Reply, Fault> {
    let (bucket, key, number) = (own_bucket(&call)?, key(&call)?, part_number(&call)?);
    let mut tx = read(&s3.lake).await?;
    let target = open_upload(s3, &mut tx, &call, &key).await?;
    drop(tx);
    let mut checks = digest::checks(&call)?;
    let sent = checks.expected.iter().map(|c| c.algorithm).chain(checks.compute.iter().copied()).next();
    if let Some(created) = target.algorithm
        && sent != Some(created)
        && (sent.is_some() || target.needs_part_checksums().is_some())
    {
        let given = sent.map_or("null".to_owned(), |sent| sent.name().to_lowercase());
        let created = created.name().to_lowercase();
        return Err(fault(LakeError::ChecksumTypeMismatch { created, given }));
    }
    // The part's checksum of the upload's kind is what the whole is made of.
    checks.compute.push(target.checksum().0);
    let staged = digest::receive(s3, &mut call, checks).await?;
    let mut tx = begin(&s3.lake).await?;
    let id = upload_id(&call);
    let part = s3.lake.put_part(&mut tx, &bucket, &key, id, number, staged).await.map_err(fault)?;
    commit(tx).await?;
    s3.has_kept(part.size);
    let mut output = Map::new();
    output.insert("ETag".into(), quoted(&part.etag).into());
    digest::put(&mut output, shown(&part.checksums, &target), false);
    Ok(Reply::from(Document::Object(output)))
}

/// The checksums of a part that S3 tells of: all when the client chose one, none when S3 keeps its own.
pub(super) fn shown<'a>(checksums: &'a [Checksum], upload: &UploadInfo) -> &'a [Checksum] {
    if upload.algorithm.is_some() { checksums } else { &[] }
}

pub(super) async fn copy_part(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let (bucket, key, number) = (own_bucket(&call)?, key(&call)?, part_number(&call)?);
    let source = copy::source(&call)?;
    let mut tx = read(&s3.lake).await?;
    let target = open_upload(s3, &mut tx, &call, &key).await?;
    drop(tx);
    let mut attempt = 1;
    let part = loop {
        let object = copy::open(s3, &call, &source).await?;
        let range = match call.text("CopySourceRange") {
            Some(header) => range::copy_source(header, object.info().size)?,
            None => 0..object.info().size,
        };
        if range.end - range.start > digest::MAX_UPLOAD_BYTES {
            let (proposed, max) = (range.end - range.start, digest::MAX_UPLOAD_BYTES);
            return Err(fault(LakeError::EntityTooLarge { proposed, max }));
        }
        let copied = object.copy_range(range, &[target.checksum().0]).await.map_err(fault)?;
        let mut tx = begin(&s3.lake).await?;
        match s3.lake.put_part_copy(&mut tx, &bucket, &key, upload_id(&call), number, copied).await {
            Err(LakeError::Changed) if attempt < ATTEMPTS => attempt += 1,
            Err(other) => return Err(fault(other)),
            Ok(part) => {
                commit(tx).await?;
                break part;
            }
        }
    };
    let mut result = Map::new();
    result.insert("ETag".into(), quoted(&part.etag).into());
    result.insert("LastModified".into(), epoch_seconds(part.last_modified_ms));
    digest::put(&mut result, shown(&part.checksums, &target), false);
    Ok(Reply::from(json!({ "CopyPartResult": Document::Object(result) })))
}

pub(super) async fn complete(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    let (named, conditions) = (named_parts(&call)?, write_conditions(&call)?);
    let mut checks = CompleteChecks { kind: checksum_type(&call)?, ..CompleteChecks::default() };
    if let Some(size) = call.integer("MpuObjectSize") {
        checks.size = Some(
            u64::try_from(size)
                .map_err(|_| invalid_request("Value for x-amz-mp-object-size header is invalid."))?,
        );
    }
    for algorithm in Algorithm::ALL {
        if let Some(value) = call.text(digest::member(algorithm)) {
            checks.checksums.push((algorithm, value.to_owned()));
        }
    }
    let mut tx = begin(&s3.lake).await?;
    let done =
        s3.lake.complete_upload(&mut tx, &bucket, &key, upload_id(&call), &named, &checks, &conditions).await;
    let info = done.map_err(|error| match error {
        // A repeated completion of an upload whose object is gone.
        LakeError::NoSuchKey { .. } if call.text("IfMatch").is_none() => no_such_upload(upload_id(&call)),
        other => fault(other),
    })?;
    commit(tx).await?;
    let mut output = Map::new();
    output.insert("Location".into(), location(&call, bucket.as_str(), key.as_str()).into());
    output.insert("Bucket".into(), bucket.as_str().into());
    output.insert("Key".into(), key.as_str().into());
    output.insert("ETag".into(), quoted(&info.etag).into());
    digest::put(&mut output, &info.checksums, true);
    Ok(Reply::from(Document::Object(output)))
}

/// The URL of an object, in the style in which the request named its bucket.
fn location(call: &Call, bucket: &str, key: &str) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    let host = call.host.as_deref().unwrap_or("localhost");
    let key = utf8_percent_encode(key, KEPT);
    match call.bucket_in_host {
        true => format!("http://{host}/{key}"),
        false => format!("http://{host}/{bucket}/{key}"),
    }
}

/// The parts of a completion. Errors: `MalformedXML` when there are none or too many, or one lacks number or ETag;
/// `InvalidArgument` for a number below one.
fn named_parts(call: &Call) -> Result<Vec<CompletePart>, Fault> {
    let list =
        call.input.get("MultipartUpload").and_then(|upload| upload.get("Parts")).and_then(Document::as_array);
    let list = list
        .filter(|parts| (1..=MAX_PART_NUMBER as usize).contains(&parts.len()))
        .ok_or_else(malformed_xml)?;
    list.iter().map(named_part).collect()
}

fn named_part(part: &Document) -> Result<CompletePart, Fault> {
    let text = |member: &str| part.get(member).and_then(Document::as_str);
    if let Some(number) = part.get("PartNumber").and_then(Document::as_i64).filter(|number| *number < 1) {
        return Err(invalid_argument("PartNumber", &number.to_string(), "PartNumber must be >= 1"));
    }
    let number =
        part.get("PartNumber").and_then(Document::as_u64).and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(malformed_xml)?;
    let etag = text("ETag").ok_or_else(malformed_xml)?.trim_matches('"').to_owned();
    let mut checksums = Vec::new();
    for algorithm in Algorithm::ALL {
        if let Some(value) = text(digest::member(algorithm)) {
            // A value that is no digest matches no part.
            let wrong = || fault(LakeError::InvalidPart { number, etag: etag.clone() });
            checksums.push(Checksum::parse(algorithm, value).ok_or_else(wrong)?);
        }
    }
    Ok(CompletePart { number, etag, checksums })
}

pub(super) async fn abort(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let key = key(&call)?;
    let mut tx = begin(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    s3.lake.abort_upload(&mut tx, &bucket, &key, upload_id(&call)).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
