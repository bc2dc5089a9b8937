//! Where files are looked for.

use lake::BucketName;

use crate::definition::S3Target;
use crate::error::CrawlerError;

/// A place to look at.
pub(crate) struct Place {
    pub(crate) bucket: BucketName,
    pub(crate) path: String,
    pub(crate) exclusions: Vec<String>,
    pub(crate) sample: Option<u32>,
}

impl Place {
    /// Of an S3 target.
    pub(crate) fn of(target: &S3Target) -> Result<Self, CrawlerError> {
        let (bucket, path) = target.place()?;
        Ok(Self { bucket, path, exclusions: target.exclusions.clone(), sample: target.sample_size })
    }
}
