//! Digests of bodies: what a request announces, and what replies return.

use super::S3;
use super::errors::{fault, invalid_request, not_built};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lake::{Algorithm, Checksum, ETagKind, UploadChecks};
use serde_json::Map;
use wire::{Call, Document, Fault};

/// Largest body of one upload. Source: Amazon S3 User Guide, "Uploading objects" (5 GB), "Multipart upload limits".
pub(super) const MAX_UPLOAD_BYTES: u64 = 5 << 30;

const HEADER: &str = "x-amz-checksum-";

/// Member of requests and replies that holds a checksum.
pub(super) fn member(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "ChecksumCRC32",
        Algorithm::Crc32c => "ChecksumCRC32C",
        Algorithm::Crc64Nvme => "ChecksumCRC64NVME",
        Algorithm::Sha1 => "ChecksumSHA1",
        Algorithm::Sha256 => "ChecksumSHA256",
    }
}

/// The algorithm that a request names. Errors: `NotImplemented` for one of AWS's that is not built.
pub(super) fn algorithm(call: &Call, name: &str) -> Result<Option<Algorithm>, Fault> {
    match call.text(name) {
        None => Ok(None),
        Some(text) => match Algorithm::parse(text) {
            Some(algorithm) => Ok(Some(algorithm)),
            None => Err(not_built(format!("The checksum algorithm {text}"))),
        },
    }
}

/// Checks of a streamed body: its length, Content-MD5, checksum headers and announced trailers. Errors:
/// `MissingContentLength`, `InvalidDigest`, `InvalidRequest`, `NotImplemented`.
pub(super) fn checks(call: &Call) -> Result<UploadChecks, Fault> {
    let length = call.content_length.ok_or_else(|| {
        Fault::new("MissingContentLength", "You must provide the Content-Length HTTP header.")
    })?;
    let expected = header_checksums(call)?;
    let trailing = announced(call)?;
    if expected.len() + trailing.len() > 1 {
        return Err(invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    if let Some(sdk) = algorithm(call, "ChecksumAlgorithm")? {
        let sent = expected.iter().map(|c| c.algorithm).chain(trailing.iter().copied()).next();
        match sent {
            None => {
                return Err(invalid_request(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                     headers were found.",
                ));
            }
            Some(sent) if sent != sdk => {
                return Err(invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid."));
            }
            Some(_) => {}
        }
    }
    Ok(UploadChecks {
        content_length: Some(length),
        md5: content_md5(call)?,
        expected,
        compute: trailing,
        max_bytes: Some(MAX_UPLOAD_BYTES),
        piece_bytes: None,
        etag: ETagKind::Md5,
    })
}

fn content_md5(call: &Call) -> Result<Option<[u8; 16]>, Fault> {
    let Some(header) = call.header("content-md5") else { return Ok(None) };
    let digest = STANDARD.decode(header).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    digest.map(Some).ok_or_else(|| {
        Fault::new("InvalidDigest", "The Content-MD5 you specified was invalid.").with("Content-MD5", header)
    })
}

/// Checksums among the request's members. Errors: `InvalidRequest` for one that is no digest.
pub(super) fn header_checksums(call: &Call) -> Result<Vec<Checksum>, Fault> {
    let mut found = Vec::new();
    for algorithm in Algorithm::ALL {
        if let Some(value) = call.text(member(algorithm)) {
            found.push(parse(algorithm, value)?);
        }
    }
    Ok(found)
}

fn parse(algorithm: Algorithm, value: &str) -> Result<Checksum, Fault> {
    Checksum::parse(algorithm, value).ok_or_else(|| {
        let name = algorithm.name().to_ascii_lowercase();
        invalid_request(format!("Value for {HEADER}{name} header is invalid."))
    })
}

/// Algorithms of the checksums that `x-amz-trailer` announces.
fn announced(call: &Call) -> Result<Vec<Algorithm>, Fault> {
    let mut found = Vec::new();
    for value in call.headers.get_all("x-amz-trailer") {
        for name in value.to_str().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase())
        {
            let Some(name) = name.strip_prefix(HEADER) else { continue };
            found.push(
                Algorithm::parse(name).ok_or_else(|| not_built(format!("The checksum algorithm {name}")))?,
            );
        }
    }
    Ok(found)
}

/// Streams the call's body into an upload and ends it, with the checksums of its trailer. Errors: `SlowDown` when too
/// many bodies are being received.
pub(super) async fn receive(s3: &S3, call: &mut Call, checks: UploadChecks) -> Result<lake::Staged, Fault> {
    let announced = announced(call)?;
    let room = s3.in_flight.room(checks.content_length.unwrap_or(MAX_UPLOAD_BYTES)).await?;
    let checks = UploadChecks { piece_bytes: Some(room.piece_bytes), ..checks };
    let mut upload = s3.lake.upload(checks).map_err(fault)?;
    while let Some(piece) = call.body.chunk().await {
        upload.write(piece?).await.map_err(fault)?;
    }
    for algorithm in announced {
        let name = format!("{HEADER}{}", algorithm.name().to_ascii_lowercase());
        let value =
            call.body.trailers().and_then(|trailers| trailers.get(&name)).and_then(|v| v.to_str().ok());
        let value = value.ok_or_else(|| {
            Fault::new("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
        })?;
        upload.expect(parse(algorithm, value)?).map_err(fault)?;
    }
    upload.finish().await.map_err(fault)
}

/// Adds checksums to a reply, with their type when `with_type`.
pub(super) fn put(output: &mut Map<String, Document>, checksums: &[Checksum], with_type: bool) {
    for checksum in checksums {
        output.insert(member(checksum.algorithm).into(), checksum.value.clone().into());
        if with_type {
            output.insert("ChecksumType".into(), checksum.kind.name().into());
        }
    }
}
