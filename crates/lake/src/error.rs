//! What can go wrong in the lake, as facts; the S3 face turns them into AWS's codes and messages.

use crate::{Algorithm, ObjectInfo};
use std::io::ErrorKind;
use std::path::PathBuf;
use store::StoreError;

/// A refused or failed operation. Unless it is `Store` with an unknown outcome, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The name breaks the bucket naming rules.
    #[error("bucket name {bucket:?} is not valid")]
    InvalidBucketName {
        /// The name as given.
        bucket: String,
    },
    /// No bucket has this name.
    #[error("bucket {bucket} does not exist")]
    NoSuchBucket {
        /// The bucket.
        bucket: String,
    },
    /// Another account owns a bucket of this name (names are global).
    #[error("bucket {bucket} belongs to another account")]
    BucketAlreadyExists {
        /// The bucket.
        bucket: String,
    },
    /// The caller's account owns a bucket of this name already.
    #[error("bucket {bucket} exists and is yours")]
    BucketAlreadyOwnedByYou {
        /// The bucket.
        bucket: String,
        /// The region it is in.
        region: String,
    },
    /// Another account owns the bucket.
    #[error("bucket {bucket} belongs to another account")]
    NotOwner {
        /// The bucket.
        bucket: String,
    },
    /// The bucket still holds objects.
    #[error("bucket {bucket} is not empty")]
    BucketNotEmpty {
        /// The bucket.
        bucket: String,
    },
    /// A key is empty.
    #[error("an object key is 1 to 1024 bytes of UTF-8")]
    InvalidKey,
    /// A key is longer than 1024 bytes.
    #[error("an object key of {bytes} bytes is too long")]
    KeyTooLong {
        /// Its length in bytes of UTF-8.
        bytes: usize,
    },
    /// The bucket has no object of this key.
    #[error("object {key:?} does not exist")]
    NoSuchKey {
        /// The key.
        key: String,
    },
    /// A condition of the request does not hold.
    #[error("condition {condition} does not hold")]
    PreconditionFailed {
        /// The header that failed, as AWS writes it (`If-Match`, …).
        condition: &'static str,
    },
    /// The reader has this version of the object already.
    #[error("the object has not changed")]
    NotModified(Box<ObjectInfo>),
    /// The body's MD5 is not the one announced.
    #[error("the body has MD5 {calculated}, announced was {expected}")]
    BadMd5 {
        /// As announced, hexadecimal.
        expected: String,
        /// Of the bytes received, hexadecimal.
        calculated: String,
    },
    /// The body's checksum is not the one announced.
    #[error("the body has {} {calculated}, announced was {expected}", algorithm.name())]
    BadChecksum {
        /// Which checksum.
        algorithm: Algorithm,
        /// As announced, base64.
        expected: String,
        /// Of the bytes received, base64.
        calculated: String,
    },
    /// Fewer or more bytes arrived than were announced.
    #[error("{expected} bytes announced, {received} received")]
    IncompleteBody {
        /// Bytes announced.
        expected: u64,
        /// Bytes received.
        received: u64,
    },
    /// The body is larger than one upload may be.
    #[error("{proposed} bytes are more than the {max} allowed")]
    EntityTooLarge {
        /// Bytes announced or received so far.
        proposed: u64,
        /// The limit.
        max: u64,
    },
    /// The range starts at or after the end of the object.
    #[error("the range lies outside an object of {size} bytes")]
    InvalidRange {
        /// The object's size in bytes.
        size: u64,
    },
    /// No multipart upload of this id is in progress for this bucket and key.
    #[error("multipart upload {upload_id} does not exist")]
    NoSuchUpload {
        /// The id as given.
        upload_id: String,
    },
    /// A part named in the completion was not uploaded, or its ETag or checksum differs.
    #[error("part {number} was not found or is not the one uploaded")]
    InvalidPart {
        /// The part.
        number: u32,
        /// The ETag named in the completion.
        etag: String,
    },
    /// The completion's parts are not in ascending order.
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    /// A part other than the last is under 5 MiB.
    #[error("part {number} of {size} bytes is under the minimum of {min}")]
    EntityTooSmall {
        /// The part.
        number: u32,
        /// Its size in bytes.
        size: u64,
        /// The minimum in bytes.
        min: u64,
        /// Its ETag.
        etag: String,
    },
    /// The parts of an upload would be put together from too many pieces of other objects.
    #[error("the parts of this upload would consist of {pieces} pieces, more than the {max} allowed")]
    TooManyPieces {
        /// Pieces that there would be.
        pieces: usize,
        /// The limit.
        max: usize,
    },
    /// A part number outside 1..=10000, or one the object does not have.
    #[error("part number {number} is not valid")]
    InvalidPartNumber {
        /// The number.
        number: u32,
    },
    /// The completion announces another total size than the parts have.
    #[error("the parts have {actual} bytes, announced were {expected}")]
    ObjectSizeMismatch {
        /// Bytes announced.
        expected: u64,
        /// Bytes of all parts.
        actual: u64,
    },
    /// A checksum of another algorithm or type than the upload was created with.
    #[error("the upload was created with checksum {created}, the request has {given}")]
    ChecksumTypeMismatch {
        /// Of the upload.
        created: String,
        /// Of the request.
        given: String,
    },
    /// A completion names a part without its checksum, which a composite checksum is made of.
    #[error("the upload was created using a {algorithm} checksum, which part {number} of the request lacks")]
    PartChecksumMissing {
        /// Of the upload, in lower case.
        algorithm: String,
        /// The part's number.
        number: u32,
    },
    /// The object was replaced or deleted, and its bytes collected, after the snapshot that this read used. Read again.
    #[error("the object changed while it was read")]
    Changed,
    /// Another process uses the folder.
    #[error("{} is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder belongs to another store, or the store to another folder.
    #[error(
        "the object folder {} (identity {}) does not belong to this metadata store (whose folder has identity {}): use \
         the folder and the store that were made together, or an empty folder with an empty store. If they do belong \
         together, for instance after restoring both from a backup, write the store's identity into {}",
        dir.display(), folder.as_deref().unwrap_or("none"), store.as_deref().unwrap_or("none"), file.display()
    )]
    OtherFolder {
        /// The folder.
        dir: PathBuf,
        /// What the folder says it is.
        folder: Option<String>,
        /// The folder that the store was used with.
        store: Option<String>,
        /// Where the folder says it.
        file: PathBuf,
    },
    /// A configuration of notifications that cannot be.
    #[error("{what}")]
    InvalidNotification {
        /// What is wrong, for the caller.
        what: String,
    },
    /// Notifications of something that this server never tells of.
    #[error("The event '{event}' is not supported for notifications")]
    UnsupportedEvent {
        /// The event as given.
        event: String,
    },
    /// Notifications for a queue that is not there, or not at the bucket's account and region.
    #[error("there is no queue {arn} in the bucket's account and region")]
    NoSuchQueue {
        /// The queue's ARN as given.
        arn: String,
    },
    /// A bucket tells of its changes, but nobody takes messages in this process.
    #[error("the bucket's events have no taker")]
    NoEvents,
    /// The taker of messages failed.
    #[error("the bucket's events could not be told")]
    Events(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The overlay that the caller reads and writes through was published or given up.
    #[error(
        "what {overlay} wrote was published or given up already: nothing can be read or written in its name any more"
    )]
    OverlayEnded {
        /// Its name.
        overlay: String,
    },
    /// What cannot be held back until an overlay is published.
    #[error("who writes through an overlay cannot {what}: that would be visible at once")]
    NotInOverlay {
        /// What was asked for, as in "cannot …".
        what: &'static str,
    },
    /// An overlay cannot be published over what others have done meanwhile.
    #[error("{what} meanwhile")]
    Overtaken {
        /// What has happened, where.
        what: String,
    },
    /// The metadata store's objects are kept somewhere else.
    #[error("{what}")]
    WrongPlace {
        /// What does not fit, and what to do.
        what: String,
    },
    /// The index says something it never should.
    #[error("the object index is damaged: {what}")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// The metadata store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The outside store, which keeps extents for several servers, failed or does not answer.
    #[error(
        "the outside store, which keeps the bytes of this server's objects, failed or does not answer ({what}): try again"
    )]
    Outside {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// This machine's disk is full.
    #[error("the disk that the server keeps objects on is full ({what}): make room on it, and try again")]
    Full {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Reading or writing extents failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl LakeError {
    pub(crate) fn corrupt(what: impl Into<String>) -> LakeError {
        LakeError::Corrupt { what: what.into() }
    }

    /// A failure of this machine's disk (full or not), or of the outside store. `what` was tried.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> LakeError {
        let what = what.into();
        let outside = source.get_ref().is_some_and(|inner| inner.is::<object_store::Error>());
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded if !outside => LakeError::Full { what, source },
            kind if outside && kind != ErrorKind::NotFound => LakeError::Outside { what, source },
            _ => LakeError::Io { what, source },
        }
    }
}
