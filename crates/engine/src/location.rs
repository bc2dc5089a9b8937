//! `s3://bucket/prefix` locations.

use lake::BucketName;

/// A bucket and what follows it, exactly as written: keys are arbitrary text and never normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: BucketName,
    pub(crate) prefix: String,
}

impl Location {
    /// Parses `s3://`, `s3a://` and `s3n://` locations; `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rest = lake::s3_path(text);
        let Some(rest) = rest else {
            return Err("it does not begin with s3://".to_owned());
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = BucketName::new(bucket).map_err(|error| error.to_string())?;
        Ok(Self { bucket, prefix: prefix.to_owned() })
    }

    /// The prefix as a folder: with a `/` at its end, unless it is the whole bucket.
    pub(crate) fn folder(&self) -> String {
        if self.prefix.is_empty() || self.prefix.ends_with('/') {
            return self.prefix.clone();
        }
        format!("{}/", self.prefix)
    }
}

/// The name of an object in messages and in `$path`.
pub(crate) fn uri(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

/// Whether a key is hidden below `folder`.
pub(crate) fn is_hidden(key: &str, folder: &str) -> bool {
    formats::hive::is_hidden(key.strip_prefix(folder).unwrap_or(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_without_normalising() {
        let location = Location::parse("s3://bucket/a//b/../c%41 ").expect("location");
        assert_eq!(location.prefix, "a//b/../c%41 ");
        assert_eq!(Location::parse("s3a://bucket").expect("location").folder(), "");
        assert!(Location::parse("hdfs://x/y").is_err());
        assert!(Location::parse("s3:///y").is_err());
    }

    #[test]
    fn hides_below_the_folder_alone() {
        assert!(is_hidden("t/_SUCCESS", "t/"));
        assert!(!is_hidden("t/_id=5/x.csv", "t/"));
        assert!(is_hidden("t/", "t/"));
        assert!(!is_hidden("_raw/t/x.csv", "_raw/t/"));
        assert!(!is_hidden("t/a/x_.csv", "t/"));
    }
}
