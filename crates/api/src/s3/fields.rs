//! Request members that are refused, each with the reason that the client is told.

/// A refused member and why.
type Refused = (&'static str, &'static str);

const NO_ENCRYPTION: &str = "objects are not encrypted at rest; leave server-side encryption out";
const NO_GRANTS: &str =
    "access control lists are not built; buckets and objects are private to their account";
const NO_LOCK: &str = "Object Lock is not built";
const NO_ALGORITHM: &str =
    "this checksum algorithm is not built; use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256";
const NO_MFA: &str = "MFA delete needs versioning, which is not built";
const DIRECTORY_ONLY: &str = "only directory buckets have this; they are not built";
const NO_BUCKET_TAGS: &str = "bucket tags are not built";

pub(super) const CREATE_BUCKET: &[Refused] = &[
    ("GrantFullControl", NO_GRANTS),
    ("GrantRead", NO_GRANTS),
    ("GrantReadACP", NO_GRANTS),
    ("GrantWrite", NO_GRANTS),
    ("GrantWriteACP", NO_GRANTS),
    ("BucketNamespace", "bucket namespaces are not built"),
    ("CreateBucketConfiguration.Location", DIRECTORY_ONLY),
    ("CreateBucketConfiguration.Bucket", DIRECTORY_ONLY),
    ("CreateBucketConfiguration.Tags", NO_BUCKET_TAGS),
];

/// Joins lists of one type at compile time.
macro_rules! joined {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[Refused]] = &[$($list),+];
        const COUNT: usize = {
            let (mut count, mut list) = (0, 0);
            while list < LISTS.len() {
                count += LISTS[list].len();
                list += 1;
            }
            count
        };
        const JOINED: [Refused; COUNT] = {
            let mut joined = [("", ""); COUNT];
            let (mut at, mut list) = (0, 0);
            while list < LISTS.len() {
                let mut entry = 0;
                while entry < LISTS[list].len() {
                    joined[at] = LISTS[list][entry];
                    at += 1;
                    entry += 1;
                }
                list += 1;
            }
            joined
        };
        &JOINED
    }};
}

/// Reads of one object, and operations on parts: encryption with a customer's key.
pub(super) const CUSTOMER_KEY: &[Refused] = &[
    ("SSECustomerAlgorithm", NO_ENCRYPTION),
    ("SSECustomerKey", NO_ENCRYPTION),
    ("SSECustomerKeyMD5", NO_ENCRYPTION),
];

const SOURCE_KEY: &[Refused] = &[
    ("CopySourceSSECustomerAlgorithm", NO_ENCRYPTION),
    ("CopySourceSSECustomerKey", NO_ENCRYPTION),
    ("CopySourceSSECustomerKeyMD5", NO_ENCRYPTION),
];

const OTHER_CHECKSUMS: &[Refused] = &[
    ("ChecksumSHA512", NO_ALGORITHM),
    ("ChecksumMD5", NO_ALGORITHM),
    ("ChecksumXXHASH64", NO_ALGORITHM),
    ("ChecksumXXHASH3", NO_ALGORITHM),
    ("ChecksumXXHASH128", NO_ALGORITHM),
];

/// Whatever makes an object: grants, encryption at rest, locks.
const NEW_OBJECT: &[Refused] = &[
    ("GrantFullControl", NO_GRANTS),
    ("GrantRead", NO_GRANTS),
    ("GrantReadACP", NO_GRANTS),
    ("GrantWriteACP", NO_GRANTS),
    ("ServerSideEncryption", NO_ENCRYPTION),
    ("SSEKMSKeyId", NO_ENCRYPTION),
    ("SSEKMSEncryptionContext", NO_ENCRYPTION),
    ("BucketKeyEnabled", NO_ENCRYPTION),
    ("ObjectLockMode", NO_LOCK),
    ("ObjectLockRetainUntilDate", NO_LOCK),
    ("ObjectLockLegalHoldStatus", NO_LOCK),
    ("ObjectLockEventHold", NO_LOCK),
    ("ObjectLockEventHoldDurationDays", NO_LOCK),
    ("ObjectLockEventHoldDurationYears", NO_LOCK),
];

pub(super) const PUT: &[Refused] =
    joined!(NEW_OBJECT, CUSTOMER_KEY, OTHER_CHECKSUMS, &[("WriteOffsetBytes", DIRECTORY_ONLY)]);

/// CreateMultipartUpload.
pub(super) const CREATE_UPLOAD: &[Refused] = joined!(NEW_OBJECT, CUSTOMER_KEY);

pub(super) const COPY: &[Refused] = joined!(NEW_OBJECT, CUSTOMER_KEY, SOURCE_KEY);

pub(super) const PART: &[Refused] = joined!(CUSTOMER_KEY, OTHER_CHECKSUMS);

pub(super) const PART_COPY: &[Refused] = joined!(CUSTOMER_KEY, SOURCE_KEY);

/// CompleteMultipartUpload.
pub(super) const COMPLETE: &[Refused] = joined!(CUSTOMER_KEY, OTHER_CHECKSUMS);

pub(super) const DELETE: &[Refused] =
    &[("MFA", NO_MFA), ("IfMatchLastModifiedTime", DIRECTORY_ONLY), ("IfMatchSize", DIRECTORY_ONLY)];

pub(super) const DELETE_MANY: &[Refused] = &[
    ("MFA", NO_MFA),
    ("Delete.Objects.LastModifiedTime", DIRECTORY_ONLY),
    ("Delete.Objects.Size", DIRECTORY_ONLY),
];

pub(super) const ABORT: &[Refused] = &[("IfMatchInitiatedTime", DIRECTORY_ONLY)];
