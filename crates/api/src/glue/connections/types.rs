//! Which types of connections are served, and what one of them takes: the table that also opens connections
//! ([`sources::connection::kinds`]), in Glue's structures.
//!
//! Types whose connections are only kept are not listed: nothing here could read or write through one.
//!
//! Source: AWS Glue API Reference, ListConnectionTypes, DescribeConnectionType.

use serde_json::{Map, Value, json};
use sources::connection::kinds::{self, Authentication, Behind, Kind, Needed, Property};
use wire::{Call, Fault, Reply};

use super::Connections;
use crate::glue::catalog::{limit, required};
use crate::glue::errors;

/// Types on a page that names no size. Source: the largest `MaxResults` of ListConnectionTypes.
const PAGE: usize = 100;

pub(super) async fn list(_: &Connections, call: Call) -> Result<Reply, Fault> {
    let (found, next) = kinds::page(call.text("NextToken"), limit(&call, PAGE));
    let brief = |kind: &&Kind| {
        json!({
            "ConnectionType": kind.name,
            "DisplayName": kind.title,
            "Description": kind.about,
            "Capabilities": capabilities(kind),
        })
    };
    Ok(Reply::from(
        json!({ "ConnectionTypes": found.iter().map(brief).collect::<Vec<_>>(), "NextToken": next }),
    ))
}

pub(super) async fn describe(_: &Connections, call: Call) -> Result<Reply, Fault> {
    let name = required(&call, "ConnectionType");
    let kind = kinds::find(name).ok_or_else(|| unknown(name))?;
    let mut described = json!({
        "ConnectionType": kind.name,
        "Description": kind.about,
        "Capabilities": capabilities(kind),
        "ConnectionProperties": properties(kind.properties, |property| property.is_secret()),
    });
    if !kind.authentication.is_empty() {
        described["AuthenticationConfiguration"] = authentication(kind);
    }
    Ok(Reply::from(described))
}

fn unknown(name: &str) -> Fault {
    let known: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.name).collect();
    errors::invalid(format!(
        "Connection type {name} is none of those that this server serves: {}. Connections of other types are kept, and \
         cannot be opened.",
        known.join(", ")
    ))
}

/// What is really done through connections of a type: jobs read and write databases, crawlers read APIs.
fn capabilities(kind: &Kind) -> Value {
    let (operations, environments): (&[&str], &[&str]) = match kind.behind {
        Behind::Database(_) => (&["READ", "WRITE"], &["SPARK"]),
        Behind::Api => (&["READ"], &[]),
        Behind::Network => (&[], &[]),
    };
    json!({
        "SupportedAuthenticationTypes": names(kind.authentication),
        "SupportedDataOperations": operations,
        "SupportedComputeEnvironments": environments,
    })
}

fn names(ways: &[Authentication]) -> Vec<&'static str> {
    ways.iter().map(|way| way.name()).collect()
}

/// Properties as a `PropertiesMap`.
fn properties(listed: &[Property], is_secret: impl Fn(&Property) -> bool) -> Value {
    let entry = |one: &Property| (one.name.to_owned(), property(one, is_secret(one)));
    Value::Object(listed.iter().map(entry).collect::<Map<_, _>>())
}

fn property(one: &Property, secret: bool) -> Value {
    let about = match one.needed {
        Needed::Unless(other) => format!("{} Needed, unless {other}.", one.about),
        Needed::Always | Needed::No => one.about.to_owned(),
    };
    let mut shown = json!({
        "Name": one.name,
        "Description": about,
        "Required": one.needed == Needed::Always,
        "PropertyTypes": [if secret { "SECRET" } else { "USER_INPUT" }],
    });
    if let Some(default) = one.default {
        shown["DefaultValue"] = json!(default);
    }
    if !one.allowed.is_empty() {
        shown["AllowedValues"] = one.allowed.iter().map(|value| json!({ "Value": value })).collect();
    }
    shown
}

fn authentication(kind: &Kind) -> Value {
    let allowed: Vec<Value> = kind.authentication.iter().map(|way| json!({ "Value": way.name() })).collect();
    let mut shown = json!({ "AuthenticationType": {
        "Name": "AuthenticationType",
        "Description": "How to log in; left out, by USERNAME and PASSWORD of the properties.",
        "Required": false,
        "PropertyTypes": ["USER_INPUT"],
        "AllowedValues": allowed,
    } });
    for way in kind.authentication {
        let (member, all_secret) = match way {
            Authentication::Basic => ("BasicAuthenticationProperties", false),
            Authentication::Custom => ("CustomAuthenticationProperties", true),
        };
        shown[member] = properties(way.members(), |one| all_secret || one.is_secret());
    }
    shown
}
