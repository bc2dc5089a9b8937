//! Extracts AWS's public service models into compact files for `wire`.
//!
//! Source: `service-2.json` of the installed `botocore` (Apache-2.0). Taken over are interface facts only: names,
//! types, constraints, bindings, error codes. Documentation text is left out, as are shapes that no operation
//! reaches. The output is gzipped JSON, one file per service, its keys described in `wire`'s `model::file` module.
//! It is deterministic: operations and shapes sorted by name, members in model order, no times.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use serde_json::{Map, Value, json};

/// The services to extract, by the name of their folder in botocore's data. `wire` lists the same in `model::FILES`.
const SERVICES: &[&str] =
    &["athena", "cloudwatch", "databrew", "emr", "firehose", "glue", "kinesis", "logs", "s3", "sqs", "sts"];

/// Facts of an operation, of its `http` part aside: (in botocore, in ours).
const OPERATION_FACTS: &[(&str, &str)] =
    &[("deprecated", "deprecated"), ("idempotent", "idempotent"), ("unsignedPayload", "unsigned")];

/// Facts of a member or a list's, map's element.
const MEMBER_FACTS: &[(&str, &str)] = &[
    ("location", "at"),
    ("locationName", "as"),
    ("flattened", "flat"),
    ("xmlAttribute", "attr"),
    ("xmlNamespace", "ns"),
    ("streaming", "stream"),
    ("idempotencyToken", "token"),
    ("timestampFormat", "time"),
    ("eventpayload", "eventpayload"),
    ("hostLabel", "hostlabel"),
];

/// Facts of a shape.
const SHAPE_FACTS: &[(&str, &str)] = &[
    ("min", "min"),
    ("max", "max"),
    ("pattern", "pattern"),
    ("enum", "enum"),
    ("timestampFormat", "time"),
    ("flattened", "flat"),
    ("payload", "payload"),
    ("exception", "exception"),
    ("fault", "fault"),
    ("document", "document"),
    ("union", "union"),
    ("eventstream", "eventstream"),
    ("event", "event"),
    ("sensitive", "sensitive"),
    ("locationName", "as"),
    ("xmlNamespace", "ns"),
];

/// Members that the service reads and writes although botocore's model leaves them out: (service, structure, member, the
/// member's shape). Glue's console, the older SDKs and CloudTrail show `IsRowFilteringEnabled` of tables.
const UNLISTED: &[(&str, &str, &str, &str)] = &[
    ("glue", "Table", "IsRowFilteringEnabled", "Boolean"),
    ("glue", "TableInput", "IsRowFilteringEnabled", "Boolean"),
];

/// Extracts every service; with `check`, compares instead of writing and fails on a difference.
pub(crate) fn run(root: &Path, data: Option<&Path>, check: bool) -> Result<()> {
    let data = match data {
        Some(path) => path.to_path_buf(),
        None => botocore()?,
    };
    let out = root.join("crates/wire/models");
    let mut stale = Vec::new();
    for service in SERVICES {
        let mut model = read_model(&data, service)?;
        add_unlisted(service, &mut model);
        let model = compact(service, &model)?;
        let path = out.join(format!("{service}.json.gz"));
        // Values, not texts: the order of members depends on how serde_json was built.
        if unpack(&path)
            .and_then(|old| serde_json::from_str::<Value>(&old).ok())
            .is_some_and(|old| old == model)
        {
            continue;
        }
        let text = serde_json::to_string(&model)?;
        stale.push(*service);
        if !check {
            fs::create_dir_all(&out)?;
            fs::write(&path, pack(&text)?).with_context(|| format!("cannot write {}", path.display()))?;
            println!("models: {service}: {} bytes", text.len());
        }
    }
    ensure!(!check || stale.is_empty(), "models differ from botocore's: {}", stale.join(", "));
    println!("models: {} services, {} changed", SERVICES.len(), stale.len());
    Ok(())
}

/// The data folder of the botocore that python3 imports.
fn botocore() -> Result<PathBuf> {
    let code = "import os, botocore; print(os.path.join(os.path.dirname(botocore.__file__), 'data'))";
    let output = Command::new("python3").args(["-c", code]).output().context("cannot run python3")?;
    ensure!(output.status.success(), "python3 cannot import botocore; give its data folder as an argument");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// The newest version of a service's model.
fn read_model(data: &Path, service: &str) -> Result<Value> {
    let folder = data.join(service);
    let versions = fs::read_dir(&folder).with_context(|| format!("no folder {}", folder.display()))?;
    let mut names = versions.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    names.sort();
    let newest = names.last().with_context(|| format!("no version in {}", folder.display()))?;
    let plain = newest.join("service-2.json");
    let text = match fs::read_to_string(&plain) {
        Ok(text) => text,
        Err(_) => unpack(&newest.join("service-2.json.gz"))
            .with_context(|| format!("no model in {}", newest.display()))?,
    };
    Ok(serde_json::from_str(&text)?)
}

fn unpack(path: &Path) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
    Some(text)
}

fn pack(text: &str) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(text.as_bytes())?;
    Ok(writer.finish()?)
}

/// Completes a service's model. What botocore has come to list stays as it is there.
fn add_unlisted(service: &str, model: &mut Value) {
    for (_, structure, member, shape) in UNLISTED.iter().filter(|(of, ..)| *of == service) {
        if let Some(members) = model["shapes"][structure]["members"].as_object_mut() {
            members.entry(*member).or_insert_with(|| json!({ "shape": shape }));
        }
    }
}

/// The compact form of one model.
fn compact(service: &str, model: &Value) -> Result<Value> {
    let operations = model["operations"].as_object().context("no operations")?;
    let shapes = model["shapes"].as_object().context("no shapes")?;
    let reached = reach(operations, shapes)?;
    let numbers: BTreeMap<&str, usize> =
        reached.iter().enumerate().map(|(number, name)| (*name, number)).collect();
    let number = |name: &Value| -> Result<Value> {
        let name = name.as_str().context("a shape reference without a name")?;
        Ok(json!(numbers.get(name).with_context(|| format!("no shape {name}"))?))
    };
    let metadata = &model["metadata"];
    let endpoint = &metadata["endpointPrefix"];
    let mut out = Map::new();
    out.insert("name".into(), json!(service));
    out.insert("version".into(), metadata["apiVersion"].clone());
    out.insert("protocol".into(), json!(protocol(metadata)?));
    out.insert("endpoint".into(), endpoint.clone());
    out.insert("signing".into(), metadata.get("signingName").unwrap_or(endpoint).clone());
    for (theirs, ours) in [("jsonVersion", "json"), ("targetPrefix", "target"), ("xmlNamespace", "ns")] {
        copy(metadata, theirs, &mut out, ours);
    }
    let mut sorted: Vec<(&String, &Value)> = operations.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let operations = sorted.into_iter().map(|(name, operation)| self::operation(name, operation, &number));
    out.insert("operations".into(), Value::Array(operations.collect::<Result<_>>()?));
    let shapes = reached.iter().map(|name| shape(name, &shapes[*name], &number));
    out.insert("shapes".into(), Value::Array(shapes.collect::<Result<_>>()?));
    Ok(Value::Object(out))
}

/// The protocols that `wire` speaks, in the order in which botocore chooses among those of a service.
const PROTOCOLS: [&str; 4] = ["json", "rest-json", "rest-xml", "query"];

/// The protocol that clients choose. Some services speak several: their `protocol` is then AWS's favourite.
fn protocol(metadata: &Value) -> Result<&'static str> {
    let spoken = metadata["protocols"].as_array().into_iter().flatten().chain([&metadata["protocol"]]);
    let spoken: BTreeSet<&str> = spoken.filter_map(Value::as_str).collect();
    let found = PROTOCOLS.into_iter().find(|known| spoken.contains(known));
    found.with_context(|| format!("none of the protocols {spoken:?} is one of {PROTOCOLS:?}"))
}

/// Names of the shapes that operations reach, sorted.
fn reach<'a>(
    operations: &'a Map<String, Value>,
    shapes: &'a Map<String, Value>,
) -> Result<BTreeSet<&'a str>> {
    let mut open: Vec<&Value> = Vec::new();
    for operation in operations.values() {
        open.extend(["input", "output"].into_iter().filter_map(|part| operation.get(part)));
        open.extend(operation["errors"].as_array().into_iter().flatten());
    }
    let mut reached = BTreeSet::new();
    while let Some(reference) = open.pop() {
        let name = reference["shape"].as_str().context("a shape reference without a name")?;
        if !reached.insert(name) {
            continue;
        }
        let shape = shapes.get(name).with_context(|| format!("no shape {name}"))?;
        open.extend(["member", "key", "value"].into_iter().filter_map(|part| shape.get(part)));
        open.extend(shape["members"].as_object().into_iter().flat_map(Map::values));
    }
    Ok(reached)
}

fn operation(name: &str, operation: &Value, number: &impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    let http = &operation["http"];
    let mut out = Map::new();
    out.insert("name".into(), json!(name));
    out.insert("method".into(), http["method"].clone());
    out.insert("uri".into(), http["requestUri"].clone());
    copy(http, "responseCode", &mut out, "status");
    if let Some(input) = operation.get("input") {
        out.insert("input".into(), number(&input["shape"])?);
        copy(input, "locationName", &mut out, "root");
        copy(&input["xmlNamespace"], "uri", &mut out, "ns");
    }
    if let Some(output) = operation.get("output") {
        out.insert("output".into(), number(&output["shape"])?);
        copy(output, "resultWrapper", &mut out, "wrapper");
    }
    let errors = operation["errors"].as_array().into_iter().flatten().map(|error| number(&error["shape"]));
    let errors = errors.collect::<Result<Vec<_>>>()?;
    if !errors.is_empty() {
        out.insert("errors".into(), Value::Array(errors));
    }
    copy(&operation["endpoint"], "hostPrefix", &mut out, "host");
    let checksum = &operation["httpChecksum"];
    copy(checksum, "requestAlgorithmMember", &mut out, "checksum");
    copy(checksum, "requestChecksumRequired", &mut out, "checksumRequired");
    if operation["httpChecksumRequired"] == json!(true) {
        out.insert("checksumRequired".into(), json!(true));
    }
    if operation["authtype"] == json!("none") {
        out.insert("anonymous".into(), json!(true));
    }
    for (theirs, ours) in OPERATION_FACTS {
        copy(operation, theirs, &mut out, ours);
    }
    Ok(Value::Object(out))
}

fn shape(name: &str, shape: &Value, number: &impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    let mut out = Map::new();
    out.insert("name".into(), json!(name));
    out.insert("type".into(), shape["type"].clone());
    for (theirs, ours) in SHAPE_FACTS {
        copy(shape, theirs, &mut out, ours);
    }
    copy(&shape["error"], "code", &mut out, "code");
    copy(&shape["error"], "httpStatusCode", &mut out, "status");
    copy(&shape["error"], "senderFault", &mut out, "sender");
    let required: BTreeSet<&str> =
        shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(members) = shape["members"].as_object() {
        let members = members.iter().map(|(member, facts)| {
            let mut one = self::member(facts, number)?;
            one.insert("name".into(), json!(member));
            if required.contains(member.as_str()) {
                one.insert("required".into(), json!(true));
            }
            Ok(Value::Object(one))
        });
        out.insert("members".into(), Value::Array(members.collect::<Result<_>>()?));
    }
    for part in ["member", "key", "value"] {
        if let Some(facts) = shape.get(part) {
            out.insert(part.into(), Value::Object(member(facts, number)?));
        }
    }
    Ok(Value::Object(out))
}

fn member(facts: &Value, number: &impl Fn(&Value) -> Result<Value>) -> Result<Map<String, Value>> {
    let mut out = Map::new();
    out.insert("shape".into(), number(&facts["shape"])?);
    for (theirs, ours) in MEMBER_FACTS {
        copy(facts, theirs, &mut out, ours);
    }
    if out.get("ns").is_some_and(|namespace| namespace.get("uri").is_none()) {
        bail!("an XML namespace without its URI");
    }
    Ok(out)
}

/// Copies a fact that is present and not `false`.
fn copy(from: &Value, theirs: &str, to: &mut Map<String, Value>, ours: &str) {
    match from.get(theirs) {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(value) => {
            to.insert(ours.to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_text_and_unreached_shapes_and_numbers_the_rest() {
        let model = json!({
            "metadata": {"apiVersion": "1", "protocol": "json", "endpointPrefix": "x", "jsonVersion": "1.1"},
            "operations": {"Do": {"name": "Do", "documentation": "long", "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "In"}, "errors": [{"shape": "Bad"}]}},
            "shapes": {
                "In": {"type": "structure", "documentation": "long", "required": ["A"],
                    "members": {"A": {"shape": "S", "documentation": "long"}}},
                "Bad": {"type": "structure", "members": {}, "exception": true, "error": {"httpStatusCode": 404}},
                "S": {"type": "string", "min": 1},
                "Unused": {"type": "string"}
            }
        });
        let compact = compact("x", &model).unwrap();
        assert_eq!(
            compact["shapes"],
            json!([
                {"name": "Bad", "type": "structure", "exception": true, "status": 404, "members": []},
                {"name": "In", "type": "structure", "members": [{"shape": 2, "name": "A", "required": true}]},
                {"name": "S", "type": "string", "min": 1},
            ])
        );
        assert_eq!(compact["operations"][0]["input"], json!(1));
        assert_eq!(compact["signing"], json!("x"));
        assert!(!compact.to_string().contains("long"));
    }

    #[test]
    fn what_botocore_does_not_list_is_added_and_what_it_lists_is_kept() {
        let mut model = json!({"shapes": {
            "Table": {"type": "structure", "members": {"IsRowFilteringEnabled": {"shape": "Theirs"}}},
            "TableInput": {"type": "structure", "members": {}},
        }});
        add_unlisted("glue", &mut model);
        let shape = |name: &str| model["shapes"][name]["members"]["IsRowFilteringEnabled"]["shape"].clone();
        assert_eq!((shape("Table"), shape("TableInput")), (json!("Theirs"), json!("Boolean")));
    }

    #[test]
    fn of_several_protocols_the_one_that_clients_choose() {
        let several =
            json!({"protocol": "smithy-rpc-v2-cbor", "protocols": ["smithy-rpc-v2-cbor", "json", "query"]});
        assert_eq!(protocol(&several).unwrap(), "json");
        assert_eq!(protocol(&json!({"protocol": "query"})).unwrap(), "query");
        assert!(protocol(&json!({"protocol": "ec2"})).is_err());
    }

    #[test]
    fn packing_round_trips() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gz");
        fs::write(&path, pack("text").unwrap()).unwrap();
        assert_eq!(unpack(&path).as_deref(), Some("text"));
        assert_eq!(pack("text").unwrap(), pack("text").unwrap());
    }
}
