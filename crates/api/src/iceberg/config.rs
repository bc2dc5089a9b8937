//! What a client is told first: its prefix, what is built, and how it reaches the files.

use serde_json::{Map, Value, json};

use super::errors::Problem;
use super::{Answer, Asked, ENDPOINTS};

/// `GET v1/config`. Files are read from and written to this server by the name that the client calls it by. These are
/// defaults: what the client itself is configured with counts more.
pub(super) fn config(asked: &Asked) -> Result<Answer, Problem> {
    let context = asked.context.of_warehouse(asked.parameter("warehouse"))?;
    let caller = &asked.whole.caller;
    if caller.access_key.is_some() && context.scope.account != caller.account {
        return Err(Problem::NoSuchWarehouse(asked.parameter("warehouse").unwrap_or_default().to_owned()));
    }
    let mut defaults = Map::new();
    let mut set = |name: &str, value: &str| defaults.insert(name.to_owned(), Value::from(value));
    if let Some(host) = &asked.whole.host {
        set("s3.endpoint", &format!("{}://{host}", scheme(asked)));
    }
    set("s3.path-style-access", "true");
    set("s3.region", &context.scope.region);
    set("client.region", &context.scope.region);
    if caller.access_key.is_none() {
        // Whoever comes without keys is let in with any, too; file systems insist on some. The account goes with them.
        set("s3.access-key-id", &context.scope.account);
        set("s3.secret-access-key", "anything");
    }
    Ok(Answer::document(json!({
        "defaults": defaults,
        "overrides": { "prefix": context.prefix() },
        "endpoints": ENDPOINTS,
    })))
}

fn scheme(asked: &Asked) -> &'static str {
    let forwarded = asked.whole.parts.headers.get("x-forwarded-proto");
    if forwarded.is_some_and(|value| value.as_bytes() == b"https") { "https" } else { "http" }
}
