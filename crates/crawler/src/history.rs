//! Runs as `ListCrawls` and `GetCrawlerMetrics` show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::CrawlerError;

/// `CrawlerHistoryState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// Waiting or at work.
    Running,
    /// Ended well.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended by `StopCrawler`.
    Stopped,
}

impl RunState {
    /// As AWS writes it in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }

    /// `LastCrawlStatus`; `None` while it runs.
    pub fn last_crawl_status(self) -> Option<&'static str> {
        match self {
            Self::Running => None,
            Self::Completed => Some("SUCCEEDED"),
            Self::Failed => Some("FAILED"),
            Self::Stopped => Some("CANCELLED"),
        }
    }
}

/// What a run did to the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Tables made.
    pub tables_created: Vec<String>,
    /// Tables whose definition changed.
    pub tables_updated: Vec<String>,
    /// Tables deleted or deprecated.
    pub tables_deleted: Vec<String>,
    /// Partitions made.
    pub partitions_created: u64,
    /// Partitions whose definition changed.
    pub partitions_updated: u64,
    /// Partitions deleted or deprecated.
    pub partitions_deleted: u64,
    /// Tables found, changed or not.
    pub tables_found: u64,
    /// Files found.
    pub files: u64,
    /// Of these, files that had to be read; the others were as an earlier crawl had seen them.
    pub files_read: u64,
    /// Files that were left out, by the kind of reason: could not be read, hold no records, or gave no table.
    pub left_out: BTreeMap<String, u64>,
    /// Tables of targets that are no files, which could not be described or gave no table.
    pub tables_left_out: u64,
}

/// `NameString`: the longest summary.
const MAX_SUMMARY: usize = 255;

impl Counts {
    /// Files that were left out.
    pub fn files_left_out(&self) -> u64 {
        self.left_out.values().sum()
    }

    /// The `Summary` of `ListCrawls`: JSON with tables and partitions added, updated and deleted, as from Glue, and, of
    /// our own, `FILE` with the files left out by reason and `TABLE.LEFT_OUT` with tables of other targets. Names, then reasons, are left out when it would be too long.
    pub fn summary(&self) -> String {
        let details = [(true, true), (false, true), (false, false)];
        let mut texts = details.into_iter().map(|(names, reasons)| self.summary_with(names, reasons));
        let last = texts.next_back().unwrap_or_default();
        texts.find(|text| text.len() <= MAX_SUMMARY).unwrap_or(last)
    }

    fn summary_with(&self, names: bool, reasons: bool) -> String {
        let mut summary = Map::new();
        for (kind, action, count, list) in [
            ("TABLE", "ADD", self.tables_created.len() as u64, Some(&self.tables_created)),
            ("TABLE", "UPDATE", self.tables_updated.len() as u64, Some(&self.tables_updated)),
            ("TABLE", "DELETE", self.tables_deleted.len() as u64, Some(&self.tables_deleted)),
            ("TABLE", "LEFT_OUT", self.tables_left_out, None),
            ("PARTITION", "ADD", self.partitions_created, None),
            ("PARTITION", "UPDATE", self.partitions_updated, None),
            ("PARTITION", "DELETE", self.partitions_deleted, None),
            ("FILE", "LEFT_OUT", self.files_left_out(), None),
        ] {
            if count == 0 {
                continue;
            }
            let mut entry = json!({ "Count": count });
            if let Some(list) = list.filter(|_| names) {
                entry["Details"] = json!({ "names": list });
            }
            if kind == "FILE" && reasons {
                entry["Details"] = json!({ "reasons": self.left_out });
            }
            summary.entry(kind).or_insert_with(|| json!({}))[action] = entry;
        }
        Value::Object(summary).to_string()
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crawl {
    /// Its id, also the prefix of its log lines.
    pub id: String,
    /// The crawler's name.
    pub crawler: String,
    /// State.
    pub state: RunState,
    /// Epoch milliseconds.
    pub started_ms: i64,
    /// Epoch milliseconds; absent while it runs.
    pub ended_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it did.
    pub counts: Counts,
    /// How often it was begun.
    pub attempts: i64,
    /// When its changes were undone, epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_ms: Option<i64>,
}

impl Crawl {
    /// A run that nobody has begun yet.
    pub(crate) fn new(id: String, crawler: &str, started_ms: i64) -> Crawl {
        Crawl {
            id,
            crawler: crawler.to_owned(),
            state: RunState::Running,
            started_ms,
            ended_ms: None,
            error: None,
            counts: Counts::default(),
            attempts: 0,
            undone_ms: None,
        }
    }
}

/// What a filter of `ListCrawls` looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterField {
    /// `CRAWL_ID`
    Id,
    /// `STATE`
    State,
    /// `START_TIME`, epoch milliseconds
    StartTime,
    /// `END_TIME`, epoch milliseconds
    EndTime,
    /// `DPU_HOUR`; always 0 here
    DpuHour,
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Gt,
    Ge,
    Lt,
    Le,
    Eq,
    Ne,
}

/// One `CrawlsFilter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What.
    pub field: FilterField,
    /// How.
    pub operator: Operator,
    /// With what, as text.
    pub value: String,
}

impl Filter {
    /// Reads a filter of the API. Errors: `Invalid` for values that cannot be compared.
    pub fn parse(field: &str, operator: &str, value: &str) -> Result<Self, CrawlerError> {
        let field = match field {
            "CRAWL_ID" => FilterField::Id,
            "STATE" => FilterField::State,
            "START_TIME" => FilterField::StartTime,
            "END_TIME" => FilterField::EndTime,
            "DPU_HOUR" => FilterField::DpuHour,
            other => return Err(CrawlerError::invalid(format!("FieldName {other} is not known"))),
        };
        let operator = match operator {
            "GT" => Operator::Gt,
            "GE" => Operator::Ge,
            "LT" => Operator::Lt,
            "LE" => Operator::Le,
            "EQ" => Operator::Eq,
            "NE" => Operator::Ne,
            other => return Err(CrawlerError::invalid(format!("FilterOperator {other} is not known"))),
        };
        let numeric = matches!(field, FilterField::StartTime | FilterField::EndTime | FilterField::DpuHour);
        if numeric && value.trim().parse::<f64>().is_err() {
            return Err(CrawlerError::invalid(format!(
                "FieldValue {value:?} is not a number (epoch milliseconds)"
            )));
        }
        let equality = matches!(operator, Operator::Eq | Operator::Ne);
        if !numeric && !equality {
            return Err(CrawlerError::invalid("CRAWL_ID and STATE can be compared by EQ and NE only"));
        }
        Ok(Self { field, operator, value: value.trim().to_owned() })
    }

    /// Whether the run passes.
    pub(crate) fn passes(&self, crawl: &Crawl) -> bool {
        let number = self.value.parse::<f64>().unwrap_or(f64::NAN);
        let ordering = match self.field {
            FilterField::Id => Some(crawl.id.as_str().cmp(&self.value)),
            FilterField::State => Some(crawl.state.as_str().cmp(&self.value)),
            FilterField::StartTime => (crawl.started_ms as f64).partial_cmp(&number),
            FilterField::EndTime => crawl.ended_ms.and_then(|ms| (ms as f64).partial_cmp(&number)),
            FilterField::DpuHour => 0f64.partial_cmp(&number),
        };
        ordering.is_some_and(|o| match self.operator {
            Operator::Gt => o.is_gt(),
            Operator::Ge => o.is_ge(),
            Operator::Lt => o.is_lt(),
            Operator::Le => o.is_le(),
            Operator::Eq => o.is_eq(),
            Operator::Ne => o.is_ne(),
        })
    }
}

/// `CrawlerMetrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The crawler's name.
    pub name: String,
    /// Whether a run is at work, whose end is not known.
    pub still_estimating: bool,
    /// Of the newest ended run; 0 without one.
    pub last_runtime_secs: f64,
    /// Of the last hundred ended runs.
    pub median_runtime_secs: f64,
    /// Tables that the crawler made in the last hundred runs.
    pub tables_created: u64,
    /// Tables that it changed.
    pub tables_updated: u64,
    /// Tables that it deleted or deprecated.
    pub tables_deleted: u64,
}

impl Metrics {
    /// Sums up runs, the newest first.
    pub(crate) fn of(name: &str, crawls: &[Crawl]) -> Self {
        let seconds = |c: &Crawl| c.ended_ms.map(|end| (end - c.started_ms).max(0) as f64 / 1000.0);
        let times: Vec<f64> = crawls.iter().filter_map(seconds).collect();
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        let median = match sorted.len() {
            0 => 0.0,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        };
        let sum = |of: fn(&Counts) -> usize| crawls.iter().map(|c| of(&c.counts) as u64).sum();
        Self {
            name: name.to_owned(),
            still_estimating: crawls.first().is_some_and(|c| c.state == RunState::Running),
            last_runtime_secs: times.first().copied().unwrap_or(0.0),
            median_runtime_secs: median,
            tables_created: sum(|c| c.tables_created.len()),
            tables_updated: sum(|c| c.tables_updated.len()),
            tables_deleted: sum(|c| c.tables_deleted.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crawl(state: RunState, seconds: i64) -> Crawl {
        let ended_ms = (state != RunState::Running).then_some(1_000 + seconds * 1000);
        let counts = Counts { tables_created: vec!["t".into()], ..Counts::default() };
        Crawl {
            id: "i".into(),
            crawler: "c".into(),
            state,
            started_ms: 1_000,
            ended_ms,
            error: None,
            counts,
            attempts: 1,
            undone_ms: None,
        }
    }

    #[test]
    fn metrics_and_filters() {
        let runs = [crawl(RunState::Running, 0), crawl(RunState::Completed, 4), crawl(RunState::Failed, 2)];
        let metrics = Metrics::of("c", &runs);
        assert!(metrics.still_estimating);
        assert_eq!(
            (metrics.last_runtime_secs, metrics.median_runtime_secs, metrics.tables_created),
            (4.0, 3.0, 3)
        );
        let passes = |f: &str, o: &str, v: &str| Filter::parse(f, o, v).map(|f| f.passes(&runs[1]));
        assert!(passes("STATE", "EQ", "COMPLETED").unwrap());
        assert!(passes("END_TIME", "GT", "4999").unwrap());
        assert!(!passes("START_TIME", "LT", "1000").unwrap());
        assert!(passes("START_TIME", "LT", "yesterday").is_err());
        assert!(passes("STATE", "GT", "x").is_err());
    }

    #[test]
    fn summaries_stay_short() {
        let counts = Counts { tables_created: vec!["a".into()], partitions_created: 2, ..Counts::default() };
        assert_eq!(
            counts.summary(),
            r#"{"TABLE":{"ADD":{"Count":1,"Details":{"names":["a"]}}},"PARTITION":{"ADD":{"Count":2}}}"#
        );
        let many =
            Counts { tables_created: (0..100).map(|i| format!("table{i}")).collect(), ..Counts::default() };
        assert_eq!(many.summary(), r#"{"TABLE":{"ADD":{"Count":100}}}"#);
        let left_out = BTreeMap::from([("not UTF-8".to_owned(), 2), ("damaged Parquet".to_owned(), 1)]);
        let bad = Counts { left_out, ..many };
        assert_eq!(
            bad.summary(),
            r#"{"TABLE":{"ADD":{"Count":100}},"FILE":{"LEFT_OUT":{"Count":3,"Details":{"reasons":{"damaged Parquet":1,"not UTF-8":2}}}}}"#
        );
        let every_reason = (0..20).map(|i| (format!("a reason of some length {i}"), 1)).collect();
        let worse = Counts { left_out: every_reason, ..Counts::default() };
        assert_eq!(worse.summary(), r#"{"FILE":{"LEFT_OUT":{"Count":20}}}"#);
    }
}
