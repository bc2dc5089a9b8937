//! Glue's custom classifiers.
//!
//! Source: AWS Glue API Reference, Classifier API.

use ::crawler::classifier::{self, Classifier};
use serde_json::{Map, Value, json};
use store::{Scope, Store};
use wire::{Call, Fault, Fields, Operation, Reply, Service, epoch_seconds};

use super::crawlers::fault;
use super::errors;

/// What the handlers work on.
pub struct ClassifierFace {
    store: Store,
}

/// Makes the face.
pub fn face(store: Store) -> Service<ClassifierFace> {
    Service { model: "glue", state: ClassifierFace { store }, operations: OPERATIONS }
}

/// Entries of a page when the request does not say.
const PAGE: usize = 100;
/// Source: AWS Glue API Reference, GetClassifiers (MaxResults).
const MAX_PAGE: usize = 1000;

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

fn shown(classifier: &Classifier) -> Value {
    let mut definition = classifier.definition.clone();
    definition.insert("CreationTime".to_owned(), epoch_seconds(classifier.created_ms));
    definition.insert("LastUpdated".to_owned(), epoch_seconds(classifier.updated_ms));
    definition.insert("Version".to_owned(), json!(classifier.version));
    Value::Object(Map::from_iter([(classifier.kind.member().to_owned(), Value::Object(definition))]))
}

async fn create(face: &ClassifierFace, call: Call) -> Result<Reply, Fault> {
    classifier::create(&face.store, &scope(&call)?, &call.input).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn update(face: &ClassifierFace, call: Call) -> Result<Reply, Fault> {
    classifier::update(&face.store, &scope(&call)?, &call.input).await.map_err(fault)?;
    Ok(Reply::empty())
}

async fn get(face: &ClassifierFace, call: Call) -> Result<Reply, Fault> {
    let name = call.text("Name").unwrap_or_default();
    let found = classifier::get(&face.store, &scope(&call)?, name).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Classifier": shown(&found) })))
}

async fn get_many(face: &ClassifierFace, call: Call) -> Result<Reply, Fault> {
    let after = call.text("NextToken").unwrap_or_default();
    let asked = call.integer("MaxResults").and_then(|n| usize::try_from(n).ok());
    let limit = asked.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let (found, more) = classifier::list(&face.store, &scope(&call)?, after, limit).await.map_err(fault)?;
    let next = found.last().filter(|_| more).map(|c| c.name.clone());
    let found: Vec<Value> = found.iter().map(shown).collect();
    Ok(Reply::from(json!({ "Classifiers": found, "NextToken": next })))
}

async fn delete(face: &ClassifierFace, call: Call) -> Result<Reply, Fault> {
    let name = call.text("Name").unwrap_or_default();
    classifier::delete(&face.store, &scope(&call)?, name).await.map_err(fault)?;
    Ok(Reply::empty())
}

const fn acts(acts: &'static [&'static str]) -> Fields {
    Fields { acts, refused: &[], ignored: &[] }
}

const DEFINITION: Fields = acts(&[
    "GrokClassifier.Name",
    "GrokClassifier.Classification",
    "GrokClassifier.GrokPattern",
    "GrokClassifier.CustomPatterns",
    "XMLClassifier.Name",
    "XMLClassifier.Classification",
    "XMLClassifier.RowTag",
    "JsonClassifier.Name",
    "JsonClassifier.JsonPath",
    "CsvClassifier.Name",
    "CsvClassifier.Delimiter",
    "CsvClassifier.QuoteSymbol",
    "CsvClassifier.ContainsHeader",
    "CsvClassifier.Header",
    "CsvClassifier.DisableValueTrimming",
    "CsvClassifier.AllowSingleColumn",
    "CsvClassifier.CustomDatatypeConfigured",
    "CsvClassifier.CustomDatatypes",
    "CsvClassifier.Serde",
]);

const OPERATIONS: &[Operation<ClassifierFace>] = &[
    Operation { name: "CreateClassifier", fields: DEFINITION, run: |s, c| Box::pin(create(s, c)) },
    Operation { name: "UpdateClassifier", fields: DEFINITION, run: |s, c| Box::pin(update(s, c)) },
    Operation { name: "GetClassifier", fields: acts(&["Name"]), run: |s, c| Box::pin(get(s, c)) },
    Operation {
        name: "GetClassifiers",
        fields: acts(&["MaxResults", "NextToken"]),
        run: |s, c| Box::pin(get_many(s, c)),
    },
    Operation { name: "DeleteClassifier", fields: acts(&["Name"]), run: |s, c| Box::pin(delete(s, c)) },
];
