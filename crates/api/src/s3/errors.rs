//! S3's errors: the one place where the lake's refusals get codes and messages.
//!
//! Source: Amazon S3 API Reference, "Error responses", "List of error codes".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lake::{LakeError, ObjectInfo};
use store::{Outcome, Retry, StoreError};
use wire::{Fault, INTERNAL_FAILURE, causes};

use crate::outcome::{FULL, UNKNOWN, down, explained, is_down};

/// The fault for what the lake refused.
pub(super) fn fault(error: LakeError) -> Fault {
    let (text, causes) = (error.to_string(), causes(&error));
    match error {
        LakeError::InvalidBucketName { bucket } => {
            Fault::new("InvalidBucketName", "The specified bucket is not valid.").with("BucketName", bucket)
        }
        LakeError::NoSuchBucket { bucket } => {
            Fault::new("NoSuchBucket", "The specified bucket does not exist").with("BucketName", bucket)
        }
        LakeError::BucketAlreadyExists { bucket } => Fault::new(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Please select a different name and try again.",
        )
        .with("BucketName", bucket),
        LakeError::BucketAlreadyOwnedByYou { bucket, .. } => Fault::new(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        )
        .with("BucketName", bucket),
        LakeError::NotOwner { .. } => access_denied(),
        LakeError::BucketNotEmpty { bucket } => {
            Fault::new("BucketNotEmpty", "The bucket you tried to delete is not empty").with("BucketName", bucket)
        }
        LakeError::InvalidKey => invalid_request("An object key is 1 to 1024 bytes of UTF-8."),
        LakeError::KeyTooLong { bytes } => Fault::new("KeyTooLongError", "Your key is too long")
            .with("Size", bytes as u64)
            .with("MaxSizeAllowed", lake::MAX_KEY_BYTES as u64),
        LakeError::NoSuchKey { key } => {
            Fault::new("NoSuchKey", "The specified key does not exist.").with("Key", key)
        }
        LakeError::PreconditionFailed { condition } => Fault::new(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
        .with("Condition", condition),
        LakeError::NotModified(info) => not_modified(&info),
        LakeError::BadMd5 { expected, calculated } => {
            Fault::new("BadDigest", "The Content-MD5 you specified did not match what we received.")
                .with("ExpectedDigest", base64_of_hex(&expected))
                .with("CalculatedDigest", base64_of_hex(&calculated))
        }
        LakeError::BadChecksum { algorithm, .. } => Fault::new(
            "BadDigest",
            format!("The {} you specified did not match the calculated checksum.", algorithm.name()),
        ),
        LakeError::IncompleteBody { .. } => Fault::new(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        LakeError::EntityTooLarge { proposed, max } => {
            Fault::new("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                .with("ProposedSize", proposed)
                .with("MaxSizeAllowed", max)
        }
        LakeError::InvalidRange { size } => invalid_argument(
            "x-amz-copy-source-range",
            "",
            format!("Range specified is not valid for source object of size: {size}"),
        ),
        LakeError::NoSuchUpload { upload_id } => no_such_upload(&upload_id),
        LakeError::InvalidPart { number, etag } => Fault::new(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
             specified entity tag may not match the part's entity tag.",
        )
        .with("PartNumber", number)
        .with("ETag", etag),
        LakeError::InvalidPartOrder => Fault::new(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ),
        LakeError::EntityTooSmall { number, size, min, etag } => {
            Fault::new("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
                .with("ProposedSize", size)
                .with("MinSizeAllowed", min)
                .with("PartNumber", number)
                .with("ETag", etag)
        }
        LakeError::InvalidPartNumber { number } => {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            invalid_argument("partNumber", &number.to_string(), message)
        }
        LakeError::ObjectSizeMismatch { expected, actual } => invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {actual}"
        )),
        LakeError::ChecksumTypeMismatch { created, given } => {
            invalid_request(format!("Checksum Type mismatch occurred, expected checksum Type: {created}, actual checksum Type: {given}"))
        }
        LakeError::PartChecksumMissing { algorithm, number } => invalid_request(format!(
            "The upload was created using a {algorithm} checksum. The complete request must include the checksum for each \
             part. It was missing for part {number} in the request."
        )),
        LakeError::TooManyPieces { .. } => invalid_request(text),
        LakeError::Changed => slow_down(&text),
        LakeError::InvalidNotification { what } => Fault::new("InvalidArgument", what),
        LakeError::UnsupportedEvent { .. } => Fault::not_implemented(text),
        LakeError::NoSuchQueue { arn } => invalid_argument(
            &arn,
            "The destination queue does not exist",
            "Unable to validate the following destination configurations",
        ),
        // The key of a run is of no use after the run.
        LakeError::OverlayEnded { .. } => Fault::new("AccessDenied", text),
        LakeError::NotInOverlay { .. } => Fault::not_implemented(text),
        // Nobody publishes through this face.
        LakeError::Overtaken { .. } => Fault::new("OperationAborted", text),
        LakeError::Store(error) => store_fault(error),
        // The bytes are sent before anything is changed: SDKs repeat a 503 by themselves.
        LakeError::Outside { .. } => Fault::new("ServiceUnavailable", OUTSIDE).with_cause(causes),
        // Nothing was changed here either.
        LakeError::Full { .. } => Fault::new("ServiceUnavailable", FULL).with_cause(causes),
        LakeError::InUse { .. }
        | LakeError::OtherFolder { .. }
        | LakeError::NoEvents
        | LakeError::Events(_)
        | LakeError::WrongPlace { .. }
        | LakeError::Corrupt { .. }
        | LakeError::Io { .. } => Fault::internal(causes),
    }
}

const OUTSIDE: &str = "The outside store, which keeps the bytes of this server's objects, failed or does not answer. \
     Please try again.";

/// The fault for what the store refused.
pub(super) fn store_fault(error: StoreError) -> Fault {
    let fault = match (error.outcome(), error.retry()) {
        (Outcome::Unknown, _) => {
            Fault::new(INTERNAL_FAILURE, UNKNOWN).with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        // Nothing was changed: SDKs repeat a 503 by themselves.
        (Outcome::NotApplied, _) if is_down(&error) => Fault::new("ServiceUnavailable", down(&error)),
        (Outcome::NotApplied, Retry::Backoff) => slow_down(""),
        (Outcome::NotApplied, Retry::Never) => Fault::internal(&error),
    };
    explained(fault, &error)
}

pub(super) fn slow_down(cause: &str) -> Fault {
    Fault::new("SlowDown", "Please reduce your request rate.").with_cause(cause)
}

/// Source: RFC 9110 §15.4.5: what a 200 would have said about validity and caching.
fn not_modified(info: &ObjectInfo) -> Fault {
    let mut headers = HeaderMap::new();
    let quoted = quoted(&info.etag);
    for (name, value) in [
        (header::ETAG, Some(&quoted)),
        (header::CACHE_CONTROL, info.meta.cache_control.as_ref()),
        (header::EXPIRES, info.meta.expires.as_ref()),
    ] {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if let Some(date) = http_date(info.last_modified_ms) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    let fault = Fault::new("NotModified", "Not Modified").with_status(StatusCode::NOT_MODIFIED);
    headers.into_iter().fold(fault, |fault, (name, value)| match name {
        Some(name) => fault.with_header(name, value),
        None => fault,
    })
}

fn http_date(ms: i64) -> Option<HeaderValue> {
    let date = chrono::DateTime::from_timestamp_millis(ms)?;
    HeaderValue::from_str(&date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

fn base64_of_hex(digest: &str) -> String {
    hex::decode(digest).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default()
}

/// An ETag as it goes over the wire.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

pub(super) fn access_denied() -> Fault {
    Fault::new("AccessDenied", "Access Denied")
}

/// The key of a run that has ended.
pub(super) fn ended_key() -> Fault {
    Fault::new("AccessDenied", "The run that this access key was issued for has ended.")
}

pub(super) fn no_such_upload(id: &str) -> Fault {
    Fault::new(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
    .with("UploadId", id)
}

pub(super) fn no_such_version(key: &str, version: &str) -> Fault {
    Fault::new("NoSuchVersion", "The specified version does not exist.")
        .with("Key", key)
        .with("VersionId", version)
}

pub(super) fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::new("InvalidRequest", message)
}

pub(super) fn invalid_argument(name: &str, value: &str, message: impl Into<String>) -> Fault {
    Fault::new("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
}

pub(super) fn malformed_xml() -> Fault {
    Fault::new(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(super) fn not_built(what: impl std::fmt::Display) -> Fault {
    Fault::not_implemented(format!("{what} is not built on this server."))
}
