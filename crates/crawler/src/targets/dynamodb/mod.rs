//! DynamoDB targets: one table each, of the configured server. Its columns are what its items hold.
//!
//! `scanAll` (the default) reads all items at `scanRate`; without it the first page is the sample, which is at most 1 MB.
//! Pages are looked at and dropped. A page that cannot be read leaves the catalog's table as it is, and nothing ever counts
//! as vanished: a table that the server does not have is an error of the target, as a path without objects is.

mod types;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use async_trait::async_trait;
use catalog::{Column, Parameters, Table, TableInput};
use sources::SourceError;
use sources::dynamodb::{DynamoDb, Page, Rate, TableInfo};

use super::{Described, Target, Yield, without_files};
use crate::definition::DynamoDbTarget;
use crate::run::{Ended, Job, UPDATED_BY};

use types::{Members, Seen};

/// Remarks of one table that are told.
const MAX_NOTES: usize = 20;

/// A DynamoDB target of a run.
pub(crate) struct Dynamo {
    target: DynamoDbTarget,
}

/// What a scan found.
struct Scanned {
    members: Members,
    items: u64,
    /// Whether that was the whole table.
    whole: bool,
}

impl Dynamo {
    pub(crate) fn new(target: DynamoDbTarget) -> Self {
        Self { target }
    }

    async fn describe(&self, job: &Job<'_>, client: &DynamoDb) -> Result<Described, String> {
        let region = job.scope.region.as_str();
        let info = client.describe(region, &self.target.path).await.map_err(|error| error.to_string())?;
        let scanned = self.scan(region, client, &info).await?;
        let mut notes = scanned.members.remarks();
        let more = notes.len().saturating_sub(MAX_NOTES);
        notes.truncate(MAX_NOTES);
        if more > 0 {
            notes.push(format!("{more} more places are not named"));
        }
        let input = table(&job.definition.name, &info, &scanned);
        Ok(Described {
            name: self.target.path.clone(),
            path: self.target.path.clone(),
            input,
            facts: Vec::new(),
            notes,
        })
    }

    async fn scan(&self, region: &str, client: &DynamoDb, info: &TableInfo) -> Result<Scanned, String> {
        let mut found = Scanned { members: Members::default(), items: 0, whole: false };
        for (name, kind) in std::iter::once(&info.hash_key).chain(&info.range_key) {
            found.members.expect(name, Seen::key(*kind));
        }
        let rate = Rate::of(info, self.target.scan_rate);
        let mut start = None;
        // Where pages began, as hashes: a table has a page per megabyte.
        let mut seen = HashSet::new();
        for number in 1_u64.. {
            let began = tokio::time::Instant::now();
            let page = client.scan(region, &self.target.path, start.as_ref()).await;
            let Page { items, next, units } =
                page.map_err(|error: SourceError| format!("page {number}: {error}"))?;
            for item in &items {
                found.members.take(item).map_err(|error| format!("page {number}: {error}"))?;
            }
            found.items += items.len() as u64;
            found.whole = next.is_none();
            if next.is_none() || !self.target.all() {
                break;
            }
            let mut hasher = DefaultHasher::new();
            serde_json::json!(next).to_string().hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                return Err(format!("page {number}: paging goes round: the next page was read already"));
            }
            start = next;
            tokio::time::sleep(rate.pause(units, began.elapsed())).await;
        }
        Ok(found)
    }
}

#[async_trait]
impl Target for Dynamo {
    fn label(&self) -> String {
        format!("DynamoDB table {}", self.target.path)
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let Some(client) = &job.ground.dynamodb else {
            return Ok(Yield { failure: Some(NO_ENDPOINT.to_owned()), ..Yield::default() });
        };
        Ok(match self.describe(job, client).await {
            Ok(table) => Yield { tables: vec![table], ..Yield::default() },
            Err(failure) => Yield { failure: Some(failure), ..Yield::default() },
        })
    }

    fn is_gone(&self, _: &Table) -> bool {
        false
    }
}

/// Why there are no DynamoDB targets on this server.
pub(crate) const NO_ENDPOINT: &str = "this server has no DynamoDB to read: set sources.dynamodb_endpoint in its \
     configuration (TENON_SOURCES_DYNAMODB_ENDPOINT), for example to http://127.0.0.1:8000";

/// The table as Glue's crawlers write it: its place is its ARN. Keys come first, other attributes by name.
fn table(crawler: &str, info: &TableInfo, scanned: &Scanned) -> TableInput {
    let keys: Vec<String> =
        std::iter::once(&info.hash_key).chain(&info.range_key).map(|(name, _)| name.to_lowercase()).collect();
    let mut columns = scanned.members.hive();
    columns.sort_by_key(|(name, _)| keys.iter().position(|key| key == name).unwrap_or(keys.len()));
    let columns = columns.into_iter().map(|(name, ty)| Column::new(name, ty.to_string())).collect();
    without_files(info.arn.clone(), columns, parameters(crawler, info, scanned))
}

/// Where all items were read, their number is exact; else it is the server's, which AWS's counts every six hours.
fn parameters(crawler: &str, info: &TableInfo, scanned: &Scanned) -> Parameters {
    let items = if scanned.whole { scanned.items } else { info.items.max(scanned.items) };
    let average = info.bytes.checked_div(info.items).unwrap_or(0);
    let mut all = Parameters::from([
        ("CrawlerSchemaDeserializerVersion".to_owned(), "1.0".to_owned()),
        ("CrawlerSchemaSerializerVersion".to_owned(), "1.0".to_owned()),
        (UPDATED_BY.to_owned(), crawler.to_owned()),
        ("classification".to_owned(), "dynamodb".to_owned()),
        ("compressionType".to_owned(), "none".to_owned()),
        ("typeOfData".to_owned(), "table".to_owned()),
        ("hashKey".to_owned(), info.hash_key.0.clone()),
        ("recordCount".to_owned(), items.to_string()),
        ("sizeKey".to_owned(), info.bytes.to_string()),
        ("averageRecordSize".to_owned(), average.to_string()),
    ]);
    if let Some((name, _)) = &info.range_key {
        all.insert("rangeKey".to_owned(), name.clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use sources::dynamodb::KeyKind;

    use super::*;

    #[test]
    fn keys_come_first_and_counts_say_what_they_count() {
        let info = TableInfo {
            arn: "arn:aws:dynamodb:us-east-1:1:table/t".to_owned(),
            items: 4,
            bytes: 100,
            hash_key: ("Zone".to_owned(), KeyKind::S),
            range_key: Some(("at".to_owned(), KeyKind::N)),
            read_units: None,
            most_on_demand: None,
        };
        let mut members = Members::default();
        members.expect("Zone", Seen::key(KeyKind::S));
        members.expect("at", Seen::key(KeyKind::N));
        let item = r#"{"Zone":{"S":"x"},"at":{"N":"1"},"a":{"BOOL":true},"b":{"N":"0.5"}}"#;
        members.take(&serde_json::from_str(item).unwrap()).unwrap();
        let described = |items, whole| table("c", &info, &Scanned { members: members.clone(), items, whole });
        let input = described(1, true);
        let descriptor = input.storage_descriptor.as_ref().unwrap();
        let columns: Vec<String> =
            descriptor.columns.iter().flatten().map(|c| format!("{}:{}", c.name, c.hive_type())).collect();
        assert_eq!(columns, ["zone:string", "at:bigint", "a:boolean", "b:double"]);
        assert_eq!(descriptor.location.as_deref(), Some(info.arn.as_str()));
        let parameters = input.parameters.unwrap();
        let count = |parameters: &Parameters| parameters["recordCount"].clone();
        assert_eq!((count(&parameters).as_str(), parameters["hashKey"].as_str()), ("1", "Zone"));
        assert_eq!(parameters["averageRecordSize"], "25");
        assert_eq!(count(&described(1, false).parameters.unwrap()), "4", "a sample: the server's count");
        assert_eq!(count(&described(9, false).parameters.unwrap()), "9", "which may be old");
    }
}
