//! What to read of an API.

use std::collections::BTreeMap;

use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::auth::is_ours;

/// The most that a target may ask for.
const MOST_PAGES: u64 = 100_000;
const MOST_BYTES: u64 = 64 << 20;
const MOST_SECONDS: u64 = 3600;

/// What a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Objects.
    Json,
    /// Delimited text.
    Csv,
}

/// How pages follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "Type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "PascalCase",
    deny_unknown_fields
)]
pub enum Paging {
    /// The header `Link` has a `rel="next"`. Source: RFC 8288.
    LinkHeader {},
    /// The body holds the next page's address.
    NextLink {
        /// Where, as names with dots between.
        path: String,
    },
    /// The body holds a text that asks for the next page.
    Cursor {
        /// Where, as names with dots between.
        path: String,
        /// The query parameter that takes it.
        parameter: String,
    },
    /// Pages have numbers; the first empty one ends.
    Page {
        /// The query parameter.
        parameter: String,
        /// The first page's number.
        #[serde(default = "one")]
        start: u64,
        /// The query parameter for records on a page.
        #[serde(skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Records on a page.
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    /// Pages begin at a record; the first empty one ends.
    Offset {
        /// The query parameter.
        parameter: String,
        /// The query parameter for records on a page.
        #[serde(skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Records on a page.
        size: u64,
    },
}

fn one() -> u64 {
    1
}

/// A part of an API that is one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Target {
    /// The connection that says where the API is.
    pub connection_name: String,
    /// Below the connection's address, perhaps with a query.
    #[serde(default)]
    pub path: String,
    /// The table's name; else that of the path's last part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// What replies are; else as they say themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// JSON: where in a reply the records are, as names with dots between; else the whole reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_path: Option<String>,
    /// Further headers, which are no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How pages follow each other; else there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// The most pages that are read.
    #[serde(default = "pages")]
    pub max_pages: u64,
    /// The most bytes that are read.
    #[serde(default = "bytes")]
    pub max_bytes: u64,
    /// How long reading may take.
    #[serde(default = "seconds")]
    pub max_seconds: u64,
}

fn pages() -> u64 {
    100
}

fn bytes() -> u64 {
    16 << 20
}

fn seconds() -> u64 {
    300
}

/// Names with dots between, or, where a name holds a dot, `['the.name']`; `$.` in front and `[*]` behind change nothing.
/// Errors: it is none.
pub(super) fn names(path: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{path:?} is no path such as data.items or $['the.name']");
    let rest = path.trim();
    let rest = rest.strip_prefix('$').unwrap_or(rest);
    let mut rest = rest.strip_suffix("[*]").unwrap_or(rest);
    let mut names = Vec::new();
    while !rest.is_empty() {
        let name;
        (name, rest) = match rest.strip_prefix('[') {
            Some(bracket) => quoted_name(bracket).ok_or_else(wrong)?,
            None => {
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()))
            }
        };
        if name.is_empty() || rest == "." || name.contains([']', '*', '$']) {
            return Err(wrong());
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The name of `'name']` or `"name"]`, and what follows.
fn quoted_name(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    let (name, rest) = text[1..].split_once(quote)?;
    Some((name, rest.strip_prefix(']')?))
}

impl Target {
    /// Reads a target. Errors: what is wrong with it, naming the member.
    pub fn parse(value: &serde_json::Value) -> Result<Self, String> {
        let target: Self = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        target.check()?;
        Ok(target)
    }

    fn check(&self) -> Result<(), String> {
        if self.connection_name.trim().is_empty() {
            return Err("ConnectionName is needed: the connection says where the API is".to_owned());
        }
        if self.path.contains("://")
            || self.path.contains(['\\', '#'])
            || self.path.chars().any(char::is_control)
        {
            return Err(format!("Path {:?} is no path below the connection's address", self.path));
        }
        for (name, most, given) in [
            ("MaxPages", MOST_PAGES, self.max_pages),
            ("MaxBytes", MOST_BYTES, self.max_bytes),
            ("MaxSeconds", MOST_SECONDS, self.max_seconds),
        ] {
            if !(1..=most).contains(&given) {
                return Err(format!("{name} = {given}, but a number from 1 to {most} is needed"));
            }
        }
        if let Some(path) = &self.record_path {
            names(path).map_err(|problem| format!("RecordPath {problem}"))?;
            if self.format == Some(Format::Csv) {
                return Err("RecordPath is for JSON: CSV has records only".to_owned());
            }
        }
        self.check_headers()?;
        self.check_paging()
    }

    /// A secret here would be shown with the crawler.
    fn check_headers(&self) -> Result<(), String> {
        const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];
        for (name, value) in &self.headers {
            let known = HeaderName::try_from(name.as_str()).ok().filter(|name| !is_ours(name));
            let Some(known) = known else { return Err(format!("Headers: {name:?} cannot be set")) };
            if SECRET.contains(&known.as_str()) {
                return Err(format!(
                    "Headers: {name} is a secret: give it in the connection, which seals it"
                ));
            }
            if HeaderValue::try_from(value.as_str()).is_err() {
                return Err(format!("Headers: {name} has a value that no header can hold"));
            }
        }
        Ok(())
    }

    fn check_paging(&self) -> Result<(), String> {
        let problem = match &self.paging {
            Some(Paging::NextLink { path } | Paging::Cursor { path, .. }) => {
                if self.format == Some(Format::Csv) {
                    return Err("Paging: a CSV reply holds no address of the next page".to_owned());
                }
                match names(path) {
                    Ok(names) if names.is_empty() => Some("Path is needed".to_owned()),
                    Ok(_) => None,
                    Err(problem) => Some(format!("Path {problem}")),
                }
            }
            Some(Paging::Page { size_parameter, size, .. }) if size_parameter.is_some() != size.is_some() => {
                Some("SizeParameter and Size belong together".to_owned())
            }
            Some(Paging::Offset { size: 0, .. } | Paging::Page { size: Some(0), .. }) => {
                Some("Size = 0, but a positive number is needed".to_owned())
            }
            _ => None,
        };
        let parameters = match &self.paging {
            Some(Paging::Cursor { parameter, .. }) => vec![parameter],
            Some(
                Paging::Page { parameter, size_parameter, .. }
                | Paging::Offset { parameter, size_parameter, .. },
            ) => std::iter::once(parameter).chain(size_parameter).collect(),
            _ => Vec::new(),
        };
        match problem {
            Some(problem) => Err(format!("Paging: {problem}")),
            None if parameters.iter().any(|name| name.is_empty()) => {
                Err("Paging: a parameter needs a name".to_owned())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn paths_are_names_with_dots_or_in_brackets() {
        for (path, wanted) in [
            ("", vec![]),
            ("$", vec![]),
            ("data.items", vec!["data", "items"]),
            ("$.data.items[*]", vec!["data", "items"]),
            ("$['@odata.nextLink']", vec!["@odata.nextLink"]),
            ("['a.b'].c[\"d\"]", vec!["a.b", "c", "d"]),
        ] {
            assert_eq!(names(path).unwrap(), wanted, "{path}");
        }
        for path in ["a..b", "a.", ".", "a[0]", "a['b", "a['b'", "['']", "a.*", "a[*].b"] {
            assert!(names(path).unwrap_err().contains("is no path"), "{path}");
        }
    }
}
