//! The service models: what AWS's public interface descriptions say, compact and parsed once.
//!
//! `models/<service>.json.gz` is made by `cargo xtask models` and holds interface facts only. A model is decoded on
//! first use (a few milliseconds) and lives as long as the process. Shapes are interned: a member refers to its
//! shape by number, names borrow from the decoded text.
//!
//! A service whose clients have moved from awsQuery to awsJson is asked in both: [`older`] is its model for those that
//! have not.
//!
//! Invariants (checked by tests for every model): numbers are in range; names are unique; each operation's URI parses;
//! every pattern compiles or is listed as one that this server cannot check.

mod file;
pub(crate) mod pattern;

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

#[cfg(test)]
pub(crate) use file::ShapeId;
pub(crate) use file::{Kind, Location, Member, Model, Operation, Protocol, Shape};

/// One embedded model.
struct Embedded {
    name: &'static str,
    packed: &'static [u8],
    model: OnceLock<Option<Model>>,
    older: OnceLock<Option<Model>>,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(Embedded {
            name: $name,
            packed: include_bytes!(concat!("../../models/", $name, ".json.gz")),
            model: OnceLock::new(),
            older: OnceLock::new(),
        }),*]
    };
}

/// Every model that `cargo xtask models` extracts.
static FILES: [Embedded; 11] = embedded![
    "athena",
    "cloudwatch",
    "databrew",
    "emr",
    "firehose",
    "glue",
    "kinesis",
    "logs",
    "s3",
    "sqs",
    "sts"
];

/// The model of that name, decoded on first use; `None` when there is no such model.
pub(crate) fn get(name: &str) -> Option<&'static Model> {
    let file = FILES.iter().find(|file| file.name == name)?;
    file.model.get_or_init(|| decode(file)).as_ref()
}

/// Services that speak awsQuery to clients older than their awsJson.
const MOVED: [&str; 1] = ["cloudwatch"];

/// The model of a service as clients know it that still speak awsQuery with it; `None` for services of one protocol.
pub(crate) fn older(model: &Model) -> Option<&'static Model> {
    let file = FILES.iter().find(|file| file.name == model.name && MOVED.contains(&file.name))?;
    let decode = || {
        let mut model = decode(file)?;
        model.protocol = Protocol::Query;
        Some(model)
    };
    file.older.get_or_init(decode).as_ref()
}

/// Names of all embedded models, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.name)
}

fn decode(file: &Embedded) -> Option<Model> {
    let mut text = String::new();
    if let Err(error) = GzDecoder::new(file.packed).read_to_string(&mut text) {
        tracing::error!(model = file.name, %error, "the embedded service model does not unpack");
        return None;
    }
    // The model borrows from its text for as long as the process lives.
    let text: &'static str = Box::leak(text.into_boxed_str());
    match serde_json::from_str::<Model>(text) {
        Ok(model) => Some(model.indexed()),
        Err(error) => {
            tracing::error!(model = file.name, %error, "the embedded service model does not decode");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_model_decodes_with_references_in_range_and_unique_names() {
        for name in names() {
            let model = get(name).unwrap();
            assert_eq!(model.name, name);
            let count = model.shapes.len();
            let fits = |id: ShapeId| usize::from(id.0) < count;
            for shape in &model.shapes {
                let elements = shape.member.iter().chain(&shape.key).chain(&shape.value);
                assert!(
                    shape.members.iter().chain(elements).all(|member| fits(member.shape)),
                    "{}",
                    shape.name
                );
                let unique: BTreeSet<_> = shape.members.iter().map(|member| member.name).collect();
                assert_eq!(unique.len(), shape.members.len());
                match shape.kind {
                    Kind::List => assert!(shape.member.is_some()),
                    Kind::Map => assert!(shape.key.is_some() && shape.value.is_some()),
                    _ => {}
                }
            }
            for operation in &model.operations {
                assert!(operation.input.is_none_or(fits) && operation.output.is_none_or(fits));
                assert!(operation.errors.iter().all(|error| fits(*error)));
                assert!(operation.uri.starts_with('/'));
                assert_eq!(model.operation(operation.name).unwrap().name, operation.name);
            }
        }
        assert!(get("nosuch").is_none());
    }

    #[test]
    fn known_facts_are_there() {
        let glue = get("glue").unwrap();
        assert_eq!((glue.protocol, glue.target, glue.json), (Protocol::Json, Some("AWSGlue"), Some("1.1")));
        let table = glue.operation("GetTable").unwrap();
        let input = glue.shape(table.input.unwrap());
        assert!(input.member("DatabaseName").unwrap().required);
        assert!(!input.member("CatalogId").unwrap().required);
        assert_eq!(get("emr").unwrap().signing, "elasticmapreduce");
        let s3 = get("s3").unwrap();
        assert_eq!(s3.operation("DeleteObject").unwrap().status, Some(204));
        let grantee = s3.shapes.iter().find(|shape| shape.name == "Grantee").unwrap();
        assert!(grantee.member("Type").unwrap().attribute);
        assert_eq!(
            get("sts").unwrap().operation("GetCallerIdentity").unwrap().wrapper,
            Some("GetCallerIdentityResult")
        );
    }
}
