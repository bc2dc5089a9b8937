//! Amazon DynamoDB and servers that speak its protocol: describing a table, and scanning it page by page.
//!
//! Where requests go is configured; nothing here knows an address of AWS. Signing is a trait ([`Sign`]), which whoever
//! has the signer fills in. Source: Amazon DynamoDB API Reference, DescribeTable, Scan, Error handling.

mod attribute;
mod reply;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::SourceError;
use crate::http::{Http, Patience, Reach, Request, is_busy};

pub use attribute::Attribute;
pub use reply::{KeyKind, Page, TableInfo};

/// The largest reply taken: a page holds 1 MB of items, which base64 and JSON make longer.
const MAX_REPLY_BYTES: usize = 32 << 20;
const CONTENT: &str = "application/x-amz-json-1.0";
const TARGET: &str = "DynamoDB_20120810";
/// Faults that say "later". Source: Error handling with DynamoDB.
const BUSY: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "InternalServerError",
    "ServiceUnavailable",
];

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is to be signed.
#[derive(Debug)]
pub struct Unsigned<'a> {
    /// Host, with its port where it is not the usual one.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// The region.
    pub region: &'a str,
    /// Headers that the signature has to cover.
    pub headers: &'a [(&'static str, String)],
    /// The whole body.
    pub body: &'a [u8],
}

/// Signs `POST` requests of the service `dynamodb` (Signature Version 4).
pub trait Sign: Send + Sync {
    /// The headers that the signature adds. Errors: the request or the credentials cannot be signed.
    fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(String, String)>, BoxError>;
}

/// A server that speaks DynamoDB's protocol. Clones share connections.
#[derive(Clone)]
pub struct DynamoDb {
    http: Http,
    endpoint: Url,
    signer: Arc<dyn Sign>,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl DynamoDb {
    /// Makes a client; it connects with its first request. `endpoint` was configured, so that it may be on this machine.
    ///
    /// # Errors
    /// [`SourceError::Http`] when the system's certificates cannot be read.
    pub fn new(endpoint: Url, signer: Arc<dyn Sign>, patience: Patience) -> Result<Self, SourceError> {
        Ok(Self { http: Http::new(Reach::guarded(true), patience)?, endpoint, signer })
    }

    /// The server, for messages.
    pub fn label(&self) -> String {
        format!("DynamoDB at {}", crate::http::place(&self.endpoint).trim_end_matches('/'))
    }

    /// Describes a table.
    ///
    /// # Errors
    /// [`SourceError::Service`] with DynamoDB's code, such as `ResourceNotFoundException`; [`SourceError::Reply`],
    /// [`SourceError::Http`].
    pub async fn describe(&self, region: &str, table: &str) -> Result<TableInfo, SourceError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Asked<'a> {
            table_name: &'a str,
        }
        let body = self.call(region, "DescribeTable", &Asked { table_name: table }).await?;
        reply::table(&body).map_err(|problem| self.bad_reply("DescribeTable", problem))
    }

    /// Scans a page of a table, behind `start`, the [`Page::next`] of the page before.
    ///
    /// # Errors
    /// As [`DynamoDb::describe`].
    pub async fn scan(
        &self,
        region: &str,
        table: &str,
        start: Option<&Map<String, Value>>,
    ) -> Result<Page, SourceError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Asked<'a> {
            table_name: &'a str,
            return_consumed_capacity: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            exclusive_start_key: Option<&'a Map<String, Value>>,
        }
        let asked =
            Asked { table_name: table, return_consumed_capacity: "TOTAL", exclusive_start_key: start };
        let body = self.call(region, "Scan", &asked).await?;
        reply::page(&body).map_err(|problem| self.bad_reply("Scan", problem))
    }

    fn bad_reply(&self, operation: &str, problem: String) -> SourceError {
        SourceError::Reply { place: format!("{}, {operation}", self.label()), problem }
    }

    async fn call<T: Serialize>(
        &self,
        region: &str,
        operation: &'static str,
        input: &T,
    ) -> Result<Vec<u8>, SourceError> {
        let unable = |problem: String| SourceError::Http(crate::http::HttpError::Setup { reason: problem });
        let body = serde_json::to_vec(input).map_err(|error| unable(error.to_string()))?;
        let headers = self.headers(region, operation, &body).map_err(unable)?;
        let request = Request { method: Method::POST, url: self.endpoint.clone(), headers, body };
        let busy = |reply: &crate::http::Reply| {
            is_busy(reply.status)
                || reply.status == 400 && BUSY.contains(&reply::fault(&reply.body).0.as_str())
        };
        let reply = self.http.send(&request, MAX_REPLY_BYTES, busy).await?;
        if reply.status == 200 {
            return Ok(reply.body);
        }
        let (code, message) = reply::fault(&reply.body);
        let (code, message) = match code.is_empty() {
            true => (format!("status {}", reply.status), "the reply is none of DynamoDB's".to_owned()),
            false => (code, message),
        };
        Err(SourceError::Service { service: self.label(), operation, code, message })
    }

    fn headers(&self, region: &str, operation: &str, body: &[u8]) -> Result<HeaderMap, String> {
        let host = self.endpoint.host_str().unwrap_or_default();
        let host = self.endpoint.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let own = [("content-type", CONTENT.to_owned()), ("x-amz-target", format!("{TARGET}.{operation}"))];
        let unsigned = Unsigned { host: &host, path: self.endpoint.path(), region, headers: &own, body };
        let signed = self.signer.sign(&unsigned).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        for (name, value) in own.chain(signed) {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
            value.set_sensitive(name == "authorization" || name == "x-amz-security-token");
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// The share of a table's read capacity that a scan may use, as `scanRate` gives it.
///
/// Source: AWS Glue API Reference, DynamoDBTarget: by default half of the configured units, or a quarter of an on-demand
/// table's most, which is 40,000 units where the table has none of its own (DynamoDB Developer Guide, Quotas).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    units_per_second: f64,
}

impl Rate {
    /// The rate for a table.
    pub fn of(table: &TableInfo, share: Option<f64>) -> Self {
        const ON_DEMAND: u64 = 40_000;
        let (most, default) = match table.read_units {
            Some(units) => (units, 0.5),
            None => (table.most_on_demand.unwrap_or(ON_DEMAND), 0.25),
        };
        Self { units_per_second: (most.max(1) as f64) * share.unwrap_or(default) }
    }

    /// How long to wait after a page that used `units` and took `took`, so that the rate holds.
    pub fn pause(self, units: f64, took: Duration) -> Duration {
        let due = units / self.units_per_second;
        if !due.is_finite() || due <= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX).saturating_sub(took)
    }
}

#[cfg(test)]
mod tests;
