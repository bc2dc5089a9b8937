//! Reading objects: GetObject, HeadObject, GetObjectAttributes.

use super::S3;
use super::digest;
use super::errors::{fault, invalid_argument, invalid_request, quoted};
use super::input::{PLAIN, conditions, key, only_null_version, own_bucket, page_limit, read};
use super::meta;
use super::parts::part_marker;
use super::range::{self, Wanted};
use futures::TryStreamExt;
use http::{HeaderValue, StatusCode};
use jobs::Traffic;
use lake::{Conditions, LakeError, Object, ObjectInfo, PartInfo};
use serde_json::{Map, json};
use std::ops::Range;
use wire::{Body, Call, Document, Fault, Reply, epoch_seconds};

/// Snapshots to try when an object is replaced and collected between the snapshot and the opening of its bytes.
const ATTEMPTS: usize = 5;

pub(super) async fn get(s3: &S3, call: Call) -> Result<Reply, Fault> {
    only_null_version(&call)?;
    let object = open(s3, &call, &conditions(&call, &PLAIN)).await?;
    let (mut output, wanted) = describe(&call, object.info())?;
    override_headers(&call, &mut output)?;
    let (range, status) = match wanted {
        Wanted::All => (0..object.info().size, StatusCode::OK),
        Wanted::Bytes(range) => (range, StatusCode::PARTIAL_CONTENT),
    };
    let length = range.end - range.start;
    let body = match length <= SMALL_BYTES {
        true => {
            let bytes = object.read_range(range).await.map_err(Fault::internal)?;
            count(s3.traffic.as_deref(), bytes.len());
            Body::from(bytes)
        }
        false => {
            let traffic = s3.traffic.clone();
            let pieces = object.read(range).inspect_ok(move |piece| count(traffic.as_deref(), piece.len()));
            Body::from_sized_stream(length, pieces)
        }
    };
    Ok(Reply::from(Document::Object(output)).with_body(body).with_status(status))
}

/// Counts bytes that go to the sender.
fn count(traffic: Option<&Traffic>, bytes: usize) {
    if let Some(traffic) = traffic {
        traffic.add_read(bytes as u64);
    }
}

/// Up to this length bytes are read before the answer starts, so that what cannot be read is an error and no torn body.
const SMALL_BYTES: u64 = 256 << 10;

/// Members of the request, the query keys that they come as, and the members of the reply that they replace.
const OVERRIDES: &[(&str, &str, &str)] = &[
    ("ResponseCacheControl", "response-cache-control", "CacheControl"),
    ("ResponseContentDisposition", "response-content-disposition", "ContentDisposition"),
    ("ResponseContentEncoding", "response-content-encoding", "ContentEncoding"),
    ("ResponseContentLanguage", "response-content-language", "ContentLanguage"),
    ("ResponseContentType", "response-content-type", "ContentType"),
    ("ResponseExpires", "response-expires", "Expires"),
];

/// Errors: `InvalidArgument` for what no header can hold.
fn override_headers(call: &Call, output: &mut Map<String, Document>) -> Result<(), Fault> {
    for (parameter, key, member) in OVERRIDES {
        let Some(value) = call.text(parameter) else { continue };
        if HeaderValue::from_str(value).is_err() {
            return Err(invalid_argument(key, value, "Header value cannot be represented using ISO-8859-1."));
        }
        output.insert((*member).to_owned(), value.into());
    }
    Ok(())
}

pub(super) async fn head(s3: &S3, call: Call) -> Result<Reply, Fault> {
    only_null_version(&call)?;
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    let mut tx = read(&s3.lake).await?;
    let info = s3.lake.head(&mut tx, &bucket, &key, &conditions(&call, &PLAIN)).await.map_err(fault)?;
    let (mut output, wanted) = describe(&call, &info)?;
    override_headers(&call, &mut output)?;
    let status = match wanted {
        Wanted::All => StatusCode::OK,
        Wanted::Bytes(_) => StatusCode::PARTIAL_CONTENT,
    };
    Ok(Reply::from(Document::Object(output)).with_status(status))
}

/// Opens the object that a call names.
pub(super) async fn open(s3: &S3, call: &Call, conditions: &Conditions) -> Result<Object, Fault> {
    let (bucket, key) = (own_bucket(call)?, key(call)?);
    open_named(s3, &bucket, &key, conditions).await
}

pub(super) async fn open_named(
    s3: &S3,
    bucket: &lake::BucketName,
    key: &lake::Key,
    conditions: &Conditions,
) -> Result<Object, Fault> {
    let mut attempt = 1;
    loop {
        let mut tx = read(&s3.lake).await?;
        match s3.lake.get(&mut tx, bucket, key, conditions).await {
            Err(LakeError::Changed) if attempt < ATTEMPTS => attempt += 1,
            other => return other.map_err(fault),
        }
    }
}

/// The reply's members and what of the body is wanted.
fn describe(call: &Call, info: &ObjectInfo) -> Result<(Map<String, Document>, Wanted), Fault> {
    let (header, number) = (call.text("Range"), call.integer("PartNumber"));
    let (wanted, part) = match (header, number) {
        (Some(_), Some(_)) => {
            return Err(invalid_request("Cannot specify both Range header and partNumber query parameter"));
        }
        (Some(header), None) => (range::parse(header, info.size)?, None),
        (None, Some(number)) => part_wanted(info, number)?,
        (None, None) => (Wanted::All, None),
    };
    let mut output = Map::new();
    output.insert("AcceptRanges".into(), "bytes".into());
    output.insert("ETag".into(), quoted(&info.etag).into());
    output.insert("LastModified".into(), epoch_seconds(info.last_modified_ms));
    let length = match &wanted {
        Wanted::All => info.size,
        Wanted::Bytes(range) => {
            if info.size > 0 {
                output.insert("ContentRange".into(), range::content_range(range, info.size).into());
            }
            range.end - range.start
        }
    };
    output.insert("ContentLength".into(), length.into());
    if number.is_some() && !info.parts.is_empty() {
        output.insert("PartsCount".into(), info.parts.len().into());
    }
    meta::describe(&mut output, info);
    if call.text("ChecksumMode").is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED")) {
        put_checksums(&mut output, info, &wanted, part);
    }
    Ok((output, wanted))
}

fn part_wanted(info: &ObjectInfo, number: i64) -> Result<(Wanted, Option<&PartInfo>), Fault> {
    let number =
        u32::try_from(number).ok().filter(|n| (1..=lake::MAX_PART_NUMBER).contains(n)).ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            invalid_argument("partNumber", &number.to_string(), message)
        })?;
    let range = range::part(info, number)?;
    Ok((Wanted::Bytes(range), info.parts.iter().find(|part| part.number == number)))
}

/// A checksum goes with the bytes it covers: the whole, or one part.
fn put_checksums(
    output: &mut Map<String, Document>,
    info: &ObjectInfo,
    wanted: &Wanted,
    part: Option<&PartInfo>,
) {
    let whole: Range<u64> = 0..info.size;
    match (wanted, part) {
        (_, Some(part)) => {
            digest::put(output, &part.checksums, false);
            if let Some(checksum) = info.checksums.first() {
                output.insert("ChecksumType".into(), checksum.kind.name().into());
            }
        }
        (Wanted::Bytes(range), None) if *range != whole => {}
        _ => digest::put(output, &info.checksums, true),
    }
}

pub(super) async fn attributes(s3: &S3, call: Call) -> Result<Reply, Fault> {
    only_null_version(&call)?;
    let (bucket, key) = (own_bucket(&call)?, key(&call)?);
    let mut tx = read(&s3.lake).await?;
    let conditions = Conditions { owner: Some(call.scope_account.clone()), ..Conditions::NONE };
    let info = s3.lake.head(&mut tx, &bucket, &key, &conditions).await.map_err(fault)?;
    let asked = call.input.get("ObjectAttributes").and_then(Document::as_array);
    let asked: Vec<&str> = asked.into_iter().flatten().filter_map(Document::as_str).collect();
    let mut output = Map::new();
    output.insert("LastModified".into(), epoch_seconds(info.last_modified_ms));
    if asked.contains(&"ETag") {
        output.insert("ETag".into(), info.etag.clone().into());
    }
    if asked.contains(&"ObjectSize") {
        output.insert("ObjectSize".into(), info.size.into());
    }
    if asked.contains(&"StorageClass") {
        output.insert(
            "StorageClass".into(),
            info.meta.storage_class.clone().unwrap_or("STANDARD".into()).into(),
        );
    }
    if asked.contains(&"Checksum") {
        let mut checksum = Map::new();
        digest::put(&mut checksum, &info.checksums, true);
        output.insert("Checksum".into(), checksum.into());
    }
    if asked.contains(&"ObjectParts") && !info.parts.is_empty() {
        output.insert("ObjectParts".into(), attribute_parts(&call, &info)?);
    }
    Ok(Reply::from(Document::Object(output)))
}

fn attribute_parts(call: &Call, info: &ObjectInfo) -> Result<Document, Fault> {
    let limit = page_limit(call, "MaxParts", "max-parts")?;
    let marker = part_marker(call)?;
    let mut rest = info.parts.iter().filter(|part| part.number > marker);
    let page: Vec<&PartInfo> = rest.by_ref().take(limit).collect();
    let parts: Vec<Document> = page
        .iter()
        .map(|part| {
            let mut out = Map::new();
            out.insert("PartNumber".into(), part.number.into());
            out.insert("Size".into(), part.size.into());
            digest::put(&mut out, &part.checksums, false);
            out.into()
        })
        .collect();
    Ok(json!({
        "TotalPartsCount": info.parts.len(),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page.last().map_or(marker, |part| part.number),
        "MaxParts": limit,
        "IsTruncated": rest.next().is_some(),
        "Parts": parts,
    }))
}
