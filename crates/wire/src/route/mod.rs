//! Which service and operation a request is for.
//!
//! The service: by the name in the credential scope first (DataBrew's paths would be buckets otherwise), then by the
//! prefix of `X-Amz-Target`, then a form or an `Action` means awsQuery; all else is S3's. The operation: by target
//! (awsJson), `Action` (awsQuery), or method and URI ([`rest`]; S3 has its own rules, [`s3`]). A service that has moved
//! from awsQuery to awsJson is asked in either, which the request tells.

pub(crate) mod host;
pub(crate) mod rest;
pub(crate) mod s3;

use http::HeaderMap;
use http::request::Parts;

use crate::fault::Fault;
use crate::model::{self, Model, Operation, Protocol};
use crate::sigv4::Credential;

/// An operation with what the request's target holds for it.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) operation: &'static Operation,
    /// Labels of the URI, decoded.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// Query pairs, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    /// S3: whether the host named the bucket, not the path.
    pub(crate) bucket_in_host: bool,
}

impl Routed {
    /// An operation that something other than the URI names.
    fn named(operation: &'static Operation) -> Self {
        Self { operation, labels: Vec::new(), query: Vec::new(), bucket_in_host: false }
    }
}

/// The service that a request is for.
#[derive(Debug)]
pub(crate) enum Choice {
    /// A service with a face.
    Served(&'static Model),
    /// A service that this server does not have: its name, and the protocol to answer in.
    Unserved(String, Protocol),
}

/// Chooses the service; `served` are the models with a face.
pub(crate) fn service(parts: &Parts, credential: Option<&Credential>, served: &[&'static Model]) -> Choice {
    if let Some(credential) = credential {
        return by_signing_name(&credential.service, parts, served);
    }
    if let Some(target) = text(&parts.headers, "x-amz-target") {
        let prefix = target.rsplit_once('.').map_or(target, |(prefix, _)| prefix);
        let found = served.iter().find(|model| model.target == Some(prefix));
        return match found {
            Some(model) => Choice::Served(model),
            None => Choice::Unserved(prefix.to_owned(), Protocol::Json),
        };
    }
    let query_protocol = served.iter().find(|model| model.protocol == Protocol::Query);
    if let Some(model) = query_protocol
        && is_query_protocol(parts)
    {
        return Choice::Served(model);
    }
    match served.iter().find(|model| model.name == "s3") {
        Some(model) => Choice::Served(model),
        None => Choice::Unserved("s3".to_owned(), Protocol::RestXml),
    }
}

fn by_signing_name(name: &str, parts: &Parts, served: &[&'static Model]) -> Choice {
    if let Some(model) = served.iter().find(|model| model.signing == name) {
        let older = || model::older(model).filter(|_| is_query_protocol(parts));
        let names_target = parts.headers.contains_key("x-amz-target");
        return Choice::Served(if names_target { model } else { older().unwrap_or(model) });
    }
    let known = model::names().filter_map(model::get).find(|model| model.signing == name);
    let protocol = match known {
        Some(model) => model.protocol,
        // Directory buckets, outposts, object lambdas.
        None if name.starts_with("s3") => Protocol::RestXml,
        None if parts.headers.contains_key("x-amz-target") => Protocol::Json,
        None if is_query_protocol(parts) => Protocol::Query,
        None => Protocol::RestJson,
    };
    Choice::Unserved(name.to_owned(), protocol)
}

fn is_query_protocol(parts: &Parts) -> bool {
    let form = text(&parts.headers, "content-type").is_some_and(|kind| {
        kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    });
    let action =
        parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("Action=")));
    parts.uri.path() == "/" && ((form && parts.method == http::Method::POST) || action)
}

/// The operation that `X-Amz-Target` names. Errors: AWS's `UnknownOperationException`.
pub(crate) fn target(model: &'static Model, parts: &Parts) -> Result<Routed, Fault> {
    let sent = text(&parts.headers, "x-amz-target").unwrap_or_default();
    let name = match sent.rsplit_once('.') {
        Some((prefix, name)) if Some(prefix) == model.target => name,
        _ => return Err(unknown_operation(model, sent)),
    };
    if parts.method != http::Method::POST {
        return Err(unknown_operation(model, sent));
    }
    let operation = model.operation(name).ok_or_else(|| unknown_operation(model, sent))?;
    Ok(Routed::named(operation))
}

/// AWS's fault for an operation that the service does not have.
pub(crate) fn unknown_operation(model: &Model, sent: &str) -> Fault {
    let message = match sent {
        "" => format!("The request names no operation of {}.", model.name),
        name => format!("{} has no operation {name}.", model.name),
    };
    Fault::new("UnknownOperationException", message)
}

/// The operation that `Action` names. Errors: AWS's `InvalidAction`.
pub(crate) fn action(
    model: &'static Model,
    action: Option<&str>,
    version: Option<&str>,
) -> Result<Routed, Fault> {
    let Some(name) = action else {
        return Err(Fault::new("MissingAction", "The request is missing an action or a required parameter."));
    };
    let version_fits = version.is_none_or(|version| version == model.version);
    match model.operation(name).filter(|_| version_fits) {
        Some(operation) => Ok(Routed::named(operation)),
        None => {
            let version = version.unwrap_or("NO_VERSION_SPECIFIED");
            Err(Fault::new("InvalidAction", format!("Could not find operation {name} for version {version}")))
        }
    }
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
