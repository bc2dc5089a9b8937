//! API targets, a kind of our own (`ApiTargets` of a crawler's `Configuration`): one table each, of what an HTTP API answers
//! with. The records are looked at like those of one file.
//!
//! A page that cannot be taken leaves the catalog's table as it is, and nothing ever counts as vanished: an API that answers
//! with an error says nothing about its data.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::{Parameters, Table};
use formats::{CsvHints, Format, InferOptions, Inferred, JsonOptions, MemorySource, infer};
use serde_json::json;
use sources::api::{self, Records};
use sources::http::{Http, Patience};
use sources::{SourceError, connection};

use super::{CONNECTION, Described, Target, Yield};
use crate::error::CrawlerError;
use crate::plan::Shape;
use crate::run::{self, Ended, Job, UPDATED_BY};

/// An API target of a run.
pub(crate) struct ApiTable {
    target: api::Target,
}

impl ApiTable {
    pub(crate) fn new(target: api::Target) -> Self {
        Self { target }
    }

    async fn describe(&self, job: &Job<'_>, api: &api::Api) -> Result<Described, String> {
        let text = |error: SourceError| error.to_string();
        let http = Http::new(job.ground.reach, Patience::default()).map_err(|error| error.to_string())?;
        let location = location(api, &self.target).map_err(text)?;
        let mut records = api::read(&http, api, &self.target).await.map_err(text)?;
        let mut notes = records.remarks.clone();
        if let Some(stop) = records.stopped {
            notes.push(format!(
                "reading ended at {stop}, after {} pages: the columns are those of the records until there",
                records.pages
            ));
        }
        let (shape, remarks) = shape(&location, records.format, std::mem::take(&mut records.text)).await?;
        notes.extend(remarks);
        let own = self.parameters(&job.definition.name, &records);
        let input = run::of_shape(&shape, location.clone(), own);
        Ok(Described { name: name(&self.target), path: location, input, facts: Vec::new(), notes })
    }

    /// What later readers need, next to what the format says.
    fn parameters(&self, crawler: &str, records: &Records) -> Parameters {
        let target = &self.target;
        let mut all = Parameters::from([
            (UPDATED_BY.to_owned(), crawler.to_owned()),
            (CONNECTION.to_owned(), target.connection_name.clone()),
            ("typeOfData".to_owned(), "api".to_owned()),
            ("apiPath".to_owned(), target.path.clone()),
        ]);
        if let Some(path) = &target.record_path {
            all.insert("apiRecordPath".to_owned(), path.clone());
        }
        if let Some(paging) = &target.paging {
            all.insert("apiPaging".to_owned(), json!(paging).to_string());
        }
        if !target.headers.is_empty() {
            all.insert("apiHeaders".to_owned(), json!(target.headers).to_string());
        }
        if let Some(stop) = records.stopped {
            all.insert("apiStoppedAt".to_owned(), stop.to_string());
        }
        all
    }
}

/// The table's place: what is asked for, and, behind `#`, where in the reply the records are.
fn location(api: &api::Api, target: &api::Target) -> Result<String, SourceError> {
    let place = api.location(target)?;
    Ok(match &target.record_path {
        Some(path) => format!("{place}#{path}"),
        None => place,
    })
}

/// The last part of the path, or the connection.
fn name(target: &api::Target) -> String {
    if let Some(name) = &target.table_name {
        return name.clone();
    }
    let path = target.path.split('?').next().unwrap_or_default();
    match path.rsplit('/').find(|part| !part.is_empty()) {
        Some(last) => percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned(),
        None => target.connection_name.clone(),
    }
}

/// What the records look like, and remarks. Errors: no columns can be made of them.
async fn shape(location: &str, format: api::Format, text: Vec<u8>) -> Result<(Shape, Vec<String>), String> {
    let size = text.len();
    if text.trim_ascii().is_empty() {
        return Err("the API answers with no records, of which no columns can be made".to_owned());
    }
    let known = InferOptions { sample_bytes: size.max(1), ..InferOptions::default() };
    let known = match format {
        api::Format::Json => InferOptions { format: Some(Format::Json(JsonOptions::default())), ..known },
        api::Format::Csv => {
            InferOptions { csv: Some(CsvHints { single_column: true, ..CsvHints::default() }), ..known }
        }
    };
    let source = Arc::new(MemorySource::new(location, text));
    let runtime = tokio::runtime::Handle::current();
    let looked = tokio::task::spawn_blocking(move || runtime.block_on(infer(source, &known)));
    let inferred: Inferred = match looked.await {
        Ok(inferred) => inferred.map_err(|error| error.to_string())?,
        // A defect of a decoder on damaged input.
        Err(_) => return Err("the records could not be examined".to_owned()),
    };
    let remarks = inferred.problems.iter().map(ToString::to_string).collect();
    Ok((Shape::of(inferred, size as u64), remarks))
}

#[async_trait]
impl Target for ApiTable {
    fn label(&self) -> String {
        format!("API of connection {}: {}", self.target.connection_name, self.target.path)
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let failed = |failure: String| Ok(Yield { failure: Some(failure), ..Yield::default() });
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let stored = connection::get(&mut tx, job.scope, &self.target.connection_name).await;
        drop(tx);
        let api = match stored.and_then(|stored| stored.api(&job.ground.vault)) {
            Ok(api) => api,
            Err(SourceError::Store(error)) => return Err(CrawlerError::Store(error).into()),
            Err(error) => return failed(error.to_string()),
        };
        match self.describe(job, &api).await {
            Ok(table) => Ok(Yield { tables: vec![table], ..Yield::default() }),
            Err(failure) => failed(failure),
        }
    }

    fn is_gone(&self, _: &Table) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(more: serde_json::Value) -> api::Target {
        let mut whole = json!({"ConnectionName": "shop", "Path": "/v2/Orders/?state=all"});
        for (name, value) in more.as_object().unwrap() {
            whole[name] = value.clone();
        }
        api::Target::parse(&whole).unwrap()
    }

    #[test]
    fn tables_are_told_apart_by_what_is_asked_for() {
        let api = api::Api::new("https://h/api", api::Auth::None).unwrap();
        assert_eq!(location(&api, &target(json!({}))).unwrap(), "https://h/api/v2/Orders/?state=all");
        let nested = target(json!({"RecordPath": "a.b"}));
        assert_eq!(location(&api, &nested).unwrap(), "https://h/api/v2/Orders/?state=all#a.b");
        for (more, wanted) in [
            (json!({}), "Orders"),
            (json!({"Path": ""}), "shop"),
            (json!({"Path": "?x=/y"}), "shop"),
            (json!({"TableName": "t"}), "t"),
            (json!({"Path": "/my%20orders"}), "my orders"),
        ] {
            assert_eq!(name(&target(more)), wanted);
        }
    }

    #[tokio::test]
    async fn records_look_like_those_of_a_file() {
        let columns = |format, text: &'static str| async move {
            let (shape, _) = shape("https://h/x", format, text.into()).await?;
            let own = Parameters::from([(UPDATED_BY.to_owned(), "c".to_owned())]);
            let input = run::of_shape(&shape, "https://h/x".to_owned(), own);
            let columns = input.storage_descriptor.and_then(|found| found.columns).unwrap_or_default();
            Ok::<_, String>(
                columns.iter().map(|c| format!("{}:{}", c.name, c.hive_type())).collect::<Vec<_>>(),
            )
        };
        let json = "{\"Id\":1,\"b\":2.5}\n{\"Id\":3000000000,\"c\":[\"x\"]}\n";
        assert_eq!(
            columns(api::Format::Json, json).await.unwrap(),
            ["id:bigint", "b:double", "c:array<string>"]
        );
        assert_eq!(columns(api::Format::Csv, "a,b\n1,x\n2,y\n").await.unwrap(), ["a:bigint", "b:string"]);
        assert_eq!(columns(api::Format::Csv, "total\n1\n2\n").await.unwrap(), ["total:bigint"]);
        for text in ["", " \n"] {
            assert!(columns(api::Format::Json, text).await.unwrap_err().contains("no records"));
        }
    }
}
