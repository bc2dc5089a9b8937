//! What S3 does its own way: names of reply documents, `encoding-type=url`, error statuses, checks of requests.

mod errors;
mod integrity;
mod keys;
mod roots;

pub(crate) use errors::status;
pub(crate) use integrity::check as check_integrity;
pub(crate) use keys::encode_keys;
pub(crate) use roots::root;

use serde_json::Map;

use crate::call::Document;
use crate::codec::Malformed;
use crate::fault::Fault;
use crate::model::{Location, Model, Shape};
use crate::validate::{self, Violation};

/// Namespace of S3's documents.
pub(crate) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// S3's fault for a request that cannot be read: a query key or header has its name told, a body is malformed.
pub(crate) fn malformed(error: Malformed) -> Fault {
    match error.argument {
        Some((name, value)) => {
            let message = match name.as_str() {
                "max-keys" | "max-parts" | "max-uploads" | "max-buckets" | "part-number-marker" => {
                    format!("Provided {name} not an integer or within integer range")
                }
                "partNumber" => "Part number must be an integer between 1 and 10000, inclusive".to_owned(),
                _ => format!("The value of {name} is invalid: {}", error.message),
            };
            Fault::new("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
        }
        None => Fault::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
        .with_cause(error.message),
    }
}

/// The AWS SDK for C++ writes the only value of `x-amz-checksum-mode` in lower case, which S3 takes.
fn is_checksum_mode(one: &Violation, input: &Map<String, Document>) -> bool {
    let sent = input.get("ChecksumMode").and_then(Document::as_str);
    one.path.eq_ignore_ascii_case("ChecksumMode")
        && sent.is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"))
}

/// Checks a request against the model in S3's way. S3 knows no `ValidationException`: a violation in the document is
/// `MalformedXML`, one in a header or query key names it. Lengths are left to the operation, which has better words.
pub(crate) fn validate(model: &Model, shape: &Shape, input: &Map<String, Document>) -> Result<(), Fault> {
    let found = validate::check(model, shape, input);
    let relevant = |one: &&Violation| {
        let is_length = one.constraint.contains("length") || one.constraint.contains("value less");
        !is_length && !is_checksum_mode(one, input)
    };
    let Some(first) = found.iter().find(relevant) else { return Ok(()) };
    if first.path.eq_ignore_ascii_case("createBucketConfiguration.locationConstraint") {
        return Err(Fault::new(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        ));
    }
    let top = first.path.split('.').next().unwrap_or_default();
    let member = shape.members.iter().find(|member| member.name.eq_ignore_ascii_case(top));
    let Some(member) = member.filter(|member| member.at.is_some()) else {
        return Err(malformed(Malformed::new(format!("{}: {}", first.path, first.constraint))));
    };
    let name = member.wire_name();
    if !input.contains_key(member.name) {
        let place = if member.at == Some(Location::Query) { "query parameter" } else { "header" };
        return Err(Fault::new(
            "InvalidRequest",
            format!("Missing required {place} for this request: {name}"),
        ));
    }
    let value = input.get(member.name).and_then(Document::as_str).unwrap_or_default();
    if member.name == "StorageClass" {
        return Err(Fault::new("InvalidStorageClass", "The storage class you specified is not valid")
            .with("StorageClassRequested", value));
    }
    let message = match name {
        "encoding-type" => "Invalid Encoding Method specified in Request".to_owned(),
        "x-amz-copy-source" => {
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey".to_owned()
        }
        "x-amz-metadata-directive" => "Unknown metadata directive.".to_owned(),
        "x-amz-tagging-directive" => "Unknown tagging directive.".to_owned(),
        "x-amz-object-attributes" => "Invalid attribute name specified.".to_owned(),
        _ => format!("{name}: {}", first.constraint),
    };
    Err(Fault::new("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value))
}
