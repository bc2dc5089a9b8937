//! `tenon env`: what to export so that AWS clients use the server. For `eval "$(tenon env)"`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use super::{Outcome, print};
use crate::client::Target;

/// The export lines; placeholders for credentials only where any will do.
pub(crate) fn exports(endpoint: &str, any_credentials: bool) -> Vec<String> {
    let mut lines = vec![format!("export AWS_ENDPOINT_URL={endpoint}")];
    if any_credentials {
        lines.extend(
            ["AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1"]
                .map(|pair| format!("export {pair}")),
        );
    }
    lines
}

/// What a client of the server needs in its environment. Credentials and region that are there already are left alone.
pub(crate) fn missing(
    target: &Target,
    environment: &BTreeMap<String, String>,
) -> Vec<(&'static str, String)> {
    let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
    let mut pairs = vec![("AWS_ENDPOINT_URL", target.endpoint.clone())];
    if !set("AWS_ACCESS_KEY_ID") && !set("AWS_PROFILE") {
        pairs.push(("AWS_ACCESS_KEY_ID", "test".to_owned()));
        pairs.push(("AWS_SECRET_ACCESS_KEY", "test".to_owned()));
    }
    if !set("AWS_REGION") && !set("AWS_DEFAULT_REGION") {
        pairs.push(("AWS_DEFAULT_REGION", target.region.clone()));
    }
    pairs
}

/// Prints the lines.
pub(crate) fn run(target: &Target, environment: &BTreeMap<String, String>, json: bool) -> Result<Outcome> {
    let pairs = missing(target, environment);
    if json {
        let all: serde_json::Map<_, _> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        print(&format!("{}\n", serde_json::Value::from(all)))?;
    } else {
        let lines: Vec<String> =
            pairs.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
        print(&lines.concat())?;
    }
    Ok(Outcome::Succeeded)
}

/// Quotes for a POSIX shell where that is needed.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_safe_in_a_shell() {
        assert_eq!(quoted("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(rm x)'"), "'$(rm x)'\\'''");
        assert_eq!(quoted(""), "''");
    }
}
