//! Custom classifiers: what users say of their files, tried by crawlers in order before the built-in ones.
//!
//! # What it owns
//! The table `crawler_classifiers` of the metadata store. A classifier is one of Glue's four kinds; what its request
//! says is checked when it is made, so that a stored one always gives a way to read ([`Classifier::ways`]).
//!
//! # Invariants
//! - Names are unique over all kinds.
//! - A crawl reads the classifiers that its crawler names once, at its start.
//!
//! Source: AWS Glue API Reference, Classifier API; Developer Guide, Writing custom classifiers.

mod kinds;
mod rows;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Scope, Store};

use crate::error::CrawlerError;

pub use rows::MIGRATIONS as CLASSIFIER_MIGRATIONS;
pub(crate) use rows::get_all;

/// The member of a request or reply that says the kind.
const MEMBERS: [(&str, Kind); 4] = [
    ("GrokClassifier", Kind::Grok),
    ("XMLClassifier", Kind::Xml),
    ("JsonClassifier", Kind::Json),
    ("CsvClassifier", Kind::Csv),
];

/// The kinds of classifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Log lines, by a pattern.
    Grok,
    /// XML, by the elements that are rows.
    Xml,
    /// JSON, by a path.
    Json,
    /// Delimited text.
    Csv,
}

impl Kind {
    /// Glue's name of the member that holds a classifier of this kind.
    pub fn member(self) -> &'static str {
        MEMBERS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// A custom classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// Unique in account and region.
    pub name: String,
    /// Which of the four.
    pub kind: Kind,
    /// Its definition, with Glue's names of members.
    pub definition: Map<String, Value>,
    /// Counts changes, from 1.
    pub version: i64,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds.
    pub updated_ms: i64,
}

/// The one kind that a request gives. Errors: none, or several.
fn given(request: &Map<String, Value>) -> Result<(Kind, Map<String, Value>), CrawlerError> {
    let mut found = MEMBERS.iter().filter_map(|(member, kind)| {
        request.get(*member).and_then(Value::as_object).map(|definition| (*kind, definition.clone()))
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(CrawlerError::invalid(
            "Exactly one of GrokClassifier, XMLClassifier, JsonClassifier and CsvClassifier must be given",
        )),
    }
}

fn name_of(definition: &Map<String, Value>) -> String {
    definition.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Makes a classifier from a `CreateClassifier` request. Errors: `ClassifierExists`, `Invalid`.
pub async fn create(store: &Store, scope: &Scope, request: &Map<String, Value>) -> Result<(), CrawlerError> {
    let (kind, definition) = given(request)?;
    let name = name_of(&definition);
    kinds::check(kind, &definition)?;
    let mut tx = store.begin().await?;
    if !rows::insert(&mut tx, scope, &name, kind, &definition).await? {
        return Err(CrawlerError::ClassifierExists { name });
    }
    Ok(tx.commit().await?)
}

/// Changes the members that an `UpdateClassifier` request gives. Errors: `ClassifierNotFound`, `Invalid`.
pub async fn update(store: &Store, scope: &Scope, request: &Map<String, Value>) -> Result<(), CrawlerError> {
    let (kind, changes) = given(request)?;
    let name = name_of(&changes);
    let mut tx = store.begin().await?;
    let stored = rows::get(&mut tx, scope, &name).await?;
    if stored.kind != kind {
        let message = format!("Classifier {name} is a {}, not a {}", stored.kind.member(), kind.member());
        return Err(CrawlerError::Invalid { message });
    }
    let mut definition = stored.definition;
    definition.extend(changes);
    kinds::check(kind, &definition)?;
    rows::replace(&mut tx, scope, &name, &definition).await?;
    Ok(tx.commit().await?)
}

/// Looks a classifier up. Errors: `ClassifierNotFound`.
pub async fn get(store: &Store, scope: &Scope, name: &str) -> Result<Classifier, CrawlerError> {
    let mut tx = store.read().await?;
    rows::get(&mut tx, scope, name).await
}

/// Classifiers by name behind `after`, up to `limit`, and whether more follow.
pub async fn list(
    store: &Store,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<(Vec<Classifier>, bool), CrawlerError> {
    let mut tx = store.read().await?;
    let mut found = rows::list(&mut tx, scope, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// Deletes a classifier; crawlers that name it fail until they are changed. Errors: `ClassifierNotFound`.
pub async fn delete(store: &Store, scope: &Scope, name: &str) -> Result<(), CrawlerError> {
    let mut tx = store.begin().await?;
    rows::get(&mut tx, scope, name).await?;
    rows::delete(&mut tx, scope, name).await?;
    Ok(tx.commit().await?)
}
