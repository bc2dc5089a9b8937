//! The arguments of a run: how they are put together and which of them the native engine obeys.
//!
//! Defaults of the job < arguments of the run < `NonOverridableArguments` of the job. All of them
//! are stored and echoed; those of [`Options`] act. The others are for scripts, or tune Spark.

use std::collections::BTreeMap;

use crate::JobsError;
use crate::graph::{S3Path, s3_path};

/// Arguments by name, `--name` → value.
pub type ArgumentMap = BTreeMap<String, String>;

/// The most bad records that a run keeps of each source.
pub(crate) const MAX_KEPT: u64 = 1_000_000;

/// What a run does with the job's bookmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookmarkOption {
    /// Read what is new and remember it.
    Enable,
    /// Read everything and remember nothing.
    Disable,
    /// Read what is new since `from` (else since the last run) up to and including `to`; remember nothing.
    Pause {
        /// Run id of `--job-bookmark-from`.
        from: Option<String>,
        /// Run id of `--job-bookmark-to`.
        to: Option<String>,
    },
}

/// The arguments that act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `--job-bookmark-option`, disabled by default as on AWS.
    pub bookmark: BookmarkOption,
    /// `--max-bad-records`: malformed rows that a run may leave out before it fails; 0 by default.
    /// This argument is ours; AWS Glue has none and drops such rows unseen.
    pub max_bad_records: u64,
    /// `--bad-records-path`: where the records that are left out are kept, as JSON lines. This argument is ours, too.
    pub bad_records_path: Option<S3Path>,
    /// `--bookmark-full-sources`: names or ids of source nodes, comma-separated, that ignore the bookmark:
    /// they are read as a whole by every run. For dimension tables that new facts are joined with.
    /// This argument is ours; on AWS such sources are left without a `transformation_ctx`.
    pub full_sources: Vec<String>,
    /// `--target-file-size`: targets end a file at about so many bytes; at least [`MIN_FILE_BYTES`].
    /// This argument is ours; on AWS it is an option of Iceberg's writer, or follows from how many partitions a frame has.
    pub target_file_bytes: Option<u64>,
}

/// The least size in bytes that files may be ended at.
pub(crate) const MIN_FILE_BYTES: u64 = 1 << 20;

/// A size at which files are ended, in bytes. The error says what is wrong with the text, and begins with it.
pub(crate) fn file_bytes(text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(bytes) if bytes >= MIN_FILE_BYTES => Ok(bytes),
        _ => Err(format!("{text} is not a whole number of bytes, {MIN_FILE_BYTES} or more")),
    }
}

/// Puts the arguments of a run together.
pub(crate) fn merge(
    defaults: Option<&ArgumentMap>,
    run: Option<&ArgumentMap>,
    fixed: Option<&ArgumentMap>,
) -> ArgumentMap {
    let mut merged = defaults.cloned().unwrap_or_default();
    for layer in [run, fixed].into_iter().flatten() {
        merged.extend(layer.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    merged
}

impl Options {
    /// Reads the arguments that act.
    ///
    /// # Errors
    /// `InvalidInput` naming the argument whose value means nothing.
    pub fn parse(arguments: &ArgumentMap) -> Result<Self, JobsError> {
        let max_bad_records = match arguments.get("--max-bad-records") {
            None => 0,
            Some(text) => text.parse().map_err(|_| {
                JobsError::invalid(format!("--max-bad-records {text} is not a whole number of records"))
            })?,
        };
        let bad_records_path = bad_records_path(arguments, max_bad_records)?;
        let full = arguments.get("--bookmark-full-sources").map_or("", String::as_str);
        let full_sources = full.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let target_file_bytes = arguments.get("--target-file-size").map(|text| file_bytes(text)).transpose();
        let target_file_bytes =
            target_file_bytes.map_err(|what| JobsError::invalid(format!("--target-file-size {what}")))?;
        let (bookmark, full_sources) = (bookmark(arguments)?, full_sources.collect());
        Ok(Self { bookmark, max_bad_records, bad_records_path, full_sources, target_file_bytes })
    }
}

fn bad_records_path(arguments: &ArgumentMap, max_bad_records: u64) -> Result<Option<S3Path>, JobsError> {
    let Some(text) = arguments.get("--bad-records-path") else { return Ok(None) };
    let path = s3_path("--bad-records-path", text).map_err(JobsError::invalid)?;
    if max_bad_records > MAX_KEPT {
        return Err(JobsError::invalid(format!(
            "--max-bad-records {max_bad_records} is more than the {MAX_KEPT} records that --bad-records-path keeps: lower it, or \
             leave the path out"
        )));
    }
    Ok(Some(path))
}

fn bookmark(arguments: &ArgumentMap) -> Result<BookmarkOption, JobsError> {
    let from = arguments.get("--job-bookmark-from").cloned();
    let to = arguments.get("--job-bookmark-to").cloned();
    let option = arguments.get("--job-bookmark-option").map_or("job-bookmark-disable", String::as_str);
    if option != "job-bookmark-pause" && (from.is_some() || to.is_some()) {
        return Err(JobsError::invalid(
            "--job-bookmark-from and --job-bookmark-to need --job-bookmark-option job-bookmark-pause",
        ));
    }
    if from.is_some() != to.is_some() {
        return Err(JobsError::invalid("--job-bookmark-from and --job-bookmark-to must be given together"));
    }
    match option {
        "job-bookmark-enable" => Ok(BookmarkOption::Enable),
        "job-bookmark-disable" => Ok(BookmarkOption::Disable),
        "job-bookmark-pause" => Ok(BookmarkOption::Pause { from, to }),
        other => Err(JobsError::invalid(format!(
            "--job-bookmark-option {other} is not one of job-bookmark-enable, job-bookmark-disable, \
             job-bookmark-pause"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> ArgumentMap {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_run_beats_the_job_and_the_fixed_beat_both() {
        let merged = merge(
            Some(&map(&[("--a", "job"), ("--b", "job"), ("--c", "job")])),
            Some(&map(&[("--b", "run"), ("--c", "run")])),
            Some(&map(&[("--c", "fixed")])),
        );
        assert_eq!(merged, map(&[("--a", "job"), ("--b", "run"), ("--c", "fixed")]));
    }

    #[test]
    fn options_are_read_or_refused() {
        assert_eq!(Options::parse(&map(&[])).unwrap().bookmark, BookmarkOption::Disable);
        let enabled = Options::parse(&map(&[("--job-bookmark-option", "job-bookmark-enable")])).unwrap();
        assert_eq!(enabled.bookmark, BookmarkOption::Enable);
        assert!(Options::parse(&map(&[("--job-bookmark-option", "on")])).is_err());
        assert!(Options::parse(&map(&[("--job-bookmark-from", "jr_1")])).is_err());
        assert!(Options::parse(&map(&[("--max-bad-records", "-1")])).is_err());
        let sized = |text: &str| Options::parse(&map(&[("--target-file-size", text)]));
        assert_eq!(sized("1048576").unwrap().target_file_bytes, Some(1 << 20));
        for wrong in ["1048575", "64MB", "", "-1"] {
            let message = sized(wrong).unwrap_err().to_string();
            assert!(
                message.contains(&format!("--target-file-size {wrong} is not a whole number of bytes")),
                "{message}"
            );
        }
        assert_eq!(Options::parse(&map(&[("--max-bad-records", "7")])).unwrap().max_bad_records, 7);
        let kept = |path, most| {
            let options = Options::parse(&map(&[("--bad-records-path", path), ("--max-bad-records", most)]));
            options.map(|options| options.bad_records_path.map(|path| path.to_string()))
        };
        assert_eq!(kept("s3://b/bad", "1000000").unwrap().as_deref(), Some("s3://b/bad"));
        assert!(
            kept("s3://b/bad", "1000001").is_err()
                && kept("b/bad", "1").is_err()
                && kept("s3:///x", "1").is_err()
        );
    }
}
