//! The Ion Hive SerDe's parameters, as Athena documents them.

use std::collections::BTreeMap;

use super::{SerdeError, bad};
use crate::options::{Format, IonOptions};

const CASE_SENSITIVE: &str = "ion.path_extractor.case_sensitive";
const FAIL_ON_OVERFLOW: &str = "ion.fail_on_overflow";
const IGNORE_MALFORMED: &str = "ion.ignore_malformed";
const OFFSET: &str = "ion.timestamp.serialization_offset";
/// Parameters that concern writing alone.
const WRITING: [&str; 2] = ["ion.encoding", "ion.serialize_null"];

pub(super) fn ion_parameters(ion: &IonOptions) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([("serialization.format".to_owned(), "1".to_owned())]);
    let flags = [
        (CASE_SENSITIVE, ion.case_sensitive, false),
        (FAIL_ON_OVERFLOW, ion.fail_on_overflow, true),
        (IGNORE_MALFORMED, ion.ignore_malformed, false),
    ];
    for (name, value, default) in flags {
        if value != default {
            parameters.insert(name.to_owned(), value.to_string());
        }
    }
    for (column, fails) in &ion.overflow {
        parameters.insert(format!("ion.{column}.fail_on_overflow"), fails.to_string());
    }
    for (column, path) in &ion.paths {
        parameters.insert(format!("ion.{column}.path_extractor"), path.as_str().to_owned());
    }
    parameters
}

/// Errors: a parameter of the SerDe that is not honoured, by name; parameters that concern writing are passed over.
pub(super) fn ion(serde: &BTreeMap<String, String>) -> Result<Format, SerdeError> {
    let mut ion = IonOptions::default();
    for (name, value) in serde {
        let lower = name.to_lowercase();
        let Some(rest) = lower.strip_prefix("ion.") else { continue };
        match lower.as_str() {
            CASE_SENSITIVE => ion.case_sensitive = boolean(name, value)?,
            FAIL_ON_OVERFLOW => ion.fail_on_overflow = boolean(name, value)?,
            IGNORE_MALFORMED => ion.ignore_malformed = boolean(name, value)?,
            // Moments are read as UTC.
            OFFSET if matches!(value.trim(), "Z" | "00:00" | "+00:00") => {}
            written if WRITING.contains(&written) => {}
            _ => {
                if let Some(column) = rest.strip_suffix(".fail_on_overflow") {
                    ion.overflow.insert(column.to_owned(), boolean(name, value)?);
                } else if let Some(column) = rest.strip_suffix(".path_extractor") {
                    let path = value.parse().map_err(|_| bad(name, value))?;
                    ion.paths.insert(column.to_owned(), path);
                } else if !rest.ends_with("serialize_as") {
                    return Err(bad(name, value));
                }
            }
        }
    }
    Ok(Format::Ion(ion))
}

fn boolean(name: &str, value: &str) -> Result<bool, SerdeError> {
    value.trim().to_lowercase().parse().map_err(|_| bad(name, value))
}
