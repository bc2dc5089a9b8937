//! Statuses of S3's error codes, which its model mostly lacks.
//! Source: Amazon S3 API Reference, "Error responses", "List of error codes".

/// The status of a code; `None` for a code that S3 does not have.
pub(crate) fn status(code: &str) -> Option<u16> {
    CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(status, _)| *status)
}

const CODES: &[(u16, &[&str])] = &[
    (301, &["PermanentRedirect"]),
    (304, &["NotModified"]),
    (307, &["TemporaryRedirect", "Redirect"]),
    (
        400,
        &[
            "AmbiguousGrantByEmailAddress",
            "AuthorizationHeaderMalformed",
            "AuthorizationQueryParametersError",
            "BadDigest",
            "BadRequest",
            "CredentialsNotSupported",
            "EntityTooLarge",
            "EntityTooSmall",
            "ExpiredToken",
            "IllegalLocationConstraintException",
            "IllegalVersioningConfigurationException",
            "IncompleteBody",
            "IncorrectEndpoint",
            "IncorrectNumberOfFilesInPostRequest",
            "InlineDataTooLarge",
            "InvalidArgument",
            "InvalidBucketName",
            "InvalidBucketOwnerAWSAccountID",
            "InvalidChunkSizeError",
            "InvalidDigest",
            "InvalidEncryptionAlgorithmError",
            "InvalidLocationConstraint",
            "InvalidPart",
            "InvalidPartNumber",
            "InvalidPartOrder",
            "InvalidPolicyDocument",
            "InvalidRedirectLocation",
            "InvalidRequest",
            "InvalidSOAPRequest",
            "InvalidStorageClass",
            "InvalidTag",
            "InvalidTargetBucketForLogging",
            "InvalidToken",
            "InvalidURI",
            "KeyTooLongError",
            "MalformedACLError",
            "MalformedPOSTRequest",
            "MalformedPolicy",
            "MalformedTrailerError",
            "MalformedXML",
            "MaxMessageLengthExceeded",
            "MaxPostPreDataLengthExceededError",
            "MetadataTooLarge",
            "MissingAttachment",
            "MissingRequestBodyError",
            "MissingSecurityElement",
            "MissingSecurityHeader",
            "NoLoggingStatusForKey",
            "RequestHeaderSectionTooLarge",
            "RequestIsNotMultiPartContent",
            "RequestTimeout",
            "RequestTorrentOfBucketError",
            "ServerSideEncryptionConfigurationNotFoundError",
            "TokenRefreshRequired",
            "TooManyBuckets",
            "UnexpectedContent",
            "UnresolvableGrantByEmailAddress",
            "UserKeyMustBeSpecified",
            "XAmzContentSHA256Mismatch",
        ],
    ),
    (
        403,
        &[
            "AccessDenied",
            "AccountProblem",
            "AllAccessDisabled",
            "CrossLocationLoggingProhibited",
            "InvalidAccessKeyId",
            "InvalidObjectState",
            "InvalidPayer",
            "InvalidSecurity",
            "NotSignedUp",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
        ],
    ),
    (
        404,
        &[
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchCORSConfiguration",
            "NoSuchKey",
            "NoSuchLifecycleConfiguration",
            "NoSuchObjectLockConfiguration",
            "NoSuchTagSet",
            "NoSuchUpload",
            "NoSuchVersion",
            "NoSuchWebsiteConfiguration",
            "NotFound",
            "ObjectLockConfigurationNotFoundError",
            "OwnershipControlsNotFoundError",
            "NoSuchPublicAccessBlockConfiguration",
            "ReplicationConfigurationNotFoundError",
        ],
    ),
    (405, &["MethodNotAllowed"]),
    (
        409,
        &[
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "BucketNotEmpty",
            "ConditionalRequestConflict",
            "InvalidBucketState",
            "OperationAborted",
            "RestoreAlreadyInProgress",
        ],
    ),
    (411, &["MissingContentLength"]),
    (412, &["PreconditionFailed"]),
    (416, &["InvalidRange"]),
    (500, &["InternalError"]),
    (501, &["NotImplemented"]),
    (503, &["ServiceUnavailable", "SlowDown", "Busy"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_known() {
        let mut all: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!((status("NoSuchKey"), status("Nonsense")), (Some(404), None));
    }
}
