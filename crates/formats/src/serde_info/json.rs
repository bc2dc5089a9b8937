//! The JSON SerDes' parameters.

use std::collections::BTreeMap;

use super::settings::refuse_other_times;
use super::{JSON_PATH, SerdeError, bad, flag, get};
use crate::options::{Format, JsonOptions, Malformed};

pub(super) fn openx_parameters(json: &JsonOptions, columns: &[String]) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([("paths".to_owned(), columns.join(","))]);
    if json.malformed_record == Malformed::Null {
        parameters.insert("ignore.malformed.json".to_owned(), "true".to_owned());
    }
    if json.malformed_value == Malformed::Null {
        parameters.insert("use.null.for.invalid.data".to_owned(), "true".to_owned());
    }
    if json.dots_in_keys {
        parameters.insert("dots.in.keys".to_owned(), "true".to_owned());
    }
    if !json.case_insensitive {
        parameters.insert("case.insensitive".to_owned(), "false".to_owned());
    }
    if let Some(path) = &json.path {
        parameters.insert(JSON_PATH.to_owned(), path.as_str().to_owned());
    }
    for (column, name) in &json.mapping {
        parameters.insert(format!("mapping.{column}"), name.clone());
    }
    parameters
}

/// Hive's own, which has no parameters but the formats of timestamps.
pub(super) fn hive_json(serde: &BTreeMap<String, String>) -> Result<Format, SerdeError> {
    refuse_other_times(serde)?;
    Ok(Format::Json(JsonOptions::default()))
}

pub(super) fn openx(serde: &BTreeMap<String, String>) -> Result<Format, SerdeError> {
    refuse_other_times(serde)?;
    let mut json =
        JsonOptions { case_insensitive: flag(serde, "case.insensitive", true)?, ..JsonOptions::default() };
    if flag(serde, "ignore.malformed.json", false)? {
        json.malformed_record = Malformed::Null;
    }
    if flag(serde, "use.null.for.invalid.data", false)? {
        json.malformed_value = Malformed::Null;
    }
    if let Some(path) = get(serde, JSON_PATH) {
        json.path = Some(path.parse().map_err(|_| bad(JSON_PATH, path))?);
    }
    json.dots_in_keys = flag(serde, "dots.in.keys", false)?;
    for (name, value) in serde {
        if let Some(column) = name.strip_prefix("mapping.") {
            json.mapping.insert(column.to_lowercase(), value.clone());
        }
    }
    Ok(Format::Json(json))
}
