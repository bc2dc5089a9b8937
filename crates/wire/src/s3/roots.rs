//! Names of the root elements of S3's reply documents. The models give them for payload members only; SDKs that parse
//! by name (and people) expect these. Source: Amazon S3 API Reference, each operation's response syntax.

use crate::model::Operation;

const ROOTS: &[(&str, &str)] = &[
    ("CompleteMultipartUpload", "CompleteMultipartUploadResult"),
    ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
    ("CreateSession", "CreateSessionResult"),
    ("DeleteObjects", "DeleteResult"),
    ("GetBucketAccelerateConfiguration", "AccelerateConfiguration"),
    ("GetBucketAcl", "AccessControlPolicy"),
    ("GetBucketCors", "CORSConfiguration"),
    ("GetBucketLifecycle", "LifecycleConfiguration"),
    ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    ("GetBucketLocation", "LocationConstraint"),
    ("GetBucketLogging", "BucketLoggingStatus"),
    ("GetBucketNotification", "NotificationConfiguration"),
    ("GetBucketNotificationConfiguration", "NotificationConfiguration"),
    ("GetBucketRequestPayment", "RequestPaymentConfiguration"),
    ("GetBucketTagging", "Tagging"),
    ("GetBucketVersioning", "VersioningConfiguration"),
    ("GetBucketWebsite", "WebsiteConfiguration"),
    ("GetObjectAcl", "AccessControlPolicy"),
    ("GetObjectAttributes", "GetObjectAttributesResponse"),
    ("GetObjectTagging", "Tagging"),
    ("ListBucketAnalyticsConfigurations", "ListBucketAnalyticsConfigurationResult"),
    ("ListBucketIntelligentTieringConfigurations", "ListBucketIntelligentTieringConfigurationsOutput"),
    ("ListBucketInventoryConfigurations", "ListInventoryConfigurationsResult"),
    ("ListBucketMetricsConfigurations", "ListMetricsConfigurationsResult"),
    ("ListBuckets", "ListAllMyBucketsResult"),
    ("ListDirectoryBuckets", "ListAllMyDirectoryBucketsResult"),
    ("ListMultipartUploads", "ListMultipartUploadsResult"),
    ("ListObjectVersions", "ListVersionsResult"),
    ("ListObjects", "ListBucketResult"),
    ("ListObjectsV2", "ListBucketResult"),
    ("ListParts", "ListPartsResult"),
];

/// The root element of an operation's reply, where the model does not say it.
pub(crate) fn root(operation: &Operation) -> Option<&'static str> {
    ROOTS.iter().find(|(name, _)| *name == operation.name).map(|(_, root)| *root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    /// Whoever builds these looks up the names of their documents.
    const NOT_LOOKED_UP: &[&str] = &["ListObjectAnnotations", "PutObjectAnnotation"];

    #[test]
    fn every_document_has_a_root() {
        let model = model::get("s3").unwrap();
        for operation in &model.operations {
            let Some(output) = model.output(operation) else { continue };
            let has_document =
                output.payload().is_none() && output.members.iter().any(|member| member.at.is_none());
            let known = has_document && !NOT_LOOKED_UP.contains(&operation.name);
            assert_eq!(root(operation).is_some(), known, "{}", operation.name);
        }
    }
}
