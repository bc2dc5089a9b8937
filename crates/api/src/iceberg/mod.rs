//! The Iceberg REST catalog, under `/_/iceberg`.
//!
//! Not an AWS face: no operation table and no model, but a specification of its own (Apache Iceberg REST catalog OpenAPI
//! specification). [`ENDPOINTS`] is what is built, and what `GET v1/config` tells clients; everything else answers a
//! fault in the specification's form. Who is let in is for `wire` to say: on a server that asks for signatures every
//! request is signed with Signature Version 4, service name `glue`.
//!
//! A client's `prefix` holds account, region and warehouse (see [`scope`]): the server keeps nothing per client.

mod config;
mod errors;
mod namespaces;
mod scope;
mod tables;

use std::sync::Arc;

use ::tables::Tables;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::{Body, Caller, Question, Whole, Wire};

use crate::views::{View, Views};
use errors::Problem;
use scope::Context;

/// The name that requests are signed for.
const SIGNING_NAME: &str = "glue";

/// The longest request: a commit of many tables, or a schema of many thousand columns.
const MAX_BODY_BYTES: u64 = 16 << 20;

/// Where the catalog is.
const ROOT: &str = "/_/iceberg/";

/// What is built.
const ENDPOINTS: &[&str] = &[
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "POST /v1/{prefix}/tables/rename",
    "POST /v1/{prefix}/transactions/commit",
];

/// What paths begin with, behind the prefix if there is one.
const BEGINNINGS: &[&str] = &["config", "namespaces", "tables", "transactions", "views", "oauth"];

/// The catalog's face.
pub struct Iceberg {
    wire: Arc<Wire>,
    tables: Tables,
    views: Arc<dyn Views>,
}

/// A successful answer: its status and document; without one, the body is empty.
struct Answer(StatusCode, Option<Value>);

impl Answer {
    fn document(value: Value) -> Answer {
        Answer(StatusCode::OK, Some(value))
    }

    fn empty() -> Answer {
        Answer(StatusCode::NO_CONTENT, None)
    }
}

/// A request, taken apart.
struct Asked {
    context: Context,
    query: Vec<(String, String)>,
    whole: Whole,
}

impl Asked {
    /// A parameter of the query; empty ones count as absent.
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The body as a document.
    fn document<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.whole.body)
            .map_err(|error| Problem::BadRequest(format!("The request's JSON cannot be read: {error}")))
    }

    /// `pageToken` and `pageSize`; without both, everything is listed.
    fn page(&self) -> Result<(Option<&str>, Option<usize>), Problem> {
        let bad = || Problem::BadRequest("pageSize must be a number from 1 on".to_owned());
        let size =
            self.parameter("pageSize").map(|text| text.parse::<usize>().map_err(|_| bad())).transpose()?;
        if size == Some(0) {
            return Err(bad());
        }
        let begun = self.query.iter().any(|(name, _)| name == "pageToken");
        let place = self.parameter("pageToken").map(|token| self.question().place(token).ok_or_else(foreign));
        Ok((place.transpose()?, size.or(begun.then_some(1000))))
    }

    /// The token of the next page, which begins at a place.
    fn next(&self, place: Option<String>) -> Option<String> {
        place.map(|place| self.question().token(&place))
    }

    /// What a token is for.
    fn question(&self) -> Question {
        let Caller { account, region, .. } = &self.whole.caller;
        let paging = |name: &str| matches!(name, "pageToken" | "pageSize");
        let rest = self.query.iter().filter(|(name, _)| !paging(name));
        let rest = rest.flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        Question::new([account.as_str(), region, self.whole.parts.uri.path()].into_iter().chain(rest))
    }
}

fn foreign() -> Problem {
    Problem::BadRequest("pageToken is not a token of this listing".to_owned())
}

/// Whether a path is the catalog's.
pub fn owns(path: &str) -> bool {
    path.starts_with(ROOT)
}

impl Iceberg {
    /// Makes the face. `wire` says who is let in, `views` who cannot change tables.
    pub fn new(wire: Arc<Wire>, tables: Tables, views: Arc<dyn Views>) -> Iceberg {
        Iceberg { wire, tables, views }
    }

    /// Answers one request whose path this face [`owns`].
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answered = Box::pin(self.answer(request)).await;
        let (status, document) = match answered {
            Ok(Answer(status, document)) => {
                tracing::info!(%method, path, status = status.as_u16(), "answered");
                (status, document)
            }
            Err(problem) => {
                let (status, kind, message) = errors::explain(&problem);
                let code = status.as_u16();
                match status.is_server_error() {
                    true => tracing::error!(%method, path, status = code, kind, %problem, "failed"),
                    false => tracing::info!(%method, path, status = code, kind, message, "refused"),
                }
                (status, Some(json!({ "error": { "message": message, "type": kind, "code": code } })))
            }
        };
        respond(status, document.filter(|_| method != Method::HEAD))
    }

    async fn answer(&self, request: Request<Body>) -> Result<Answer, Problem> {
        let whole = self.wire.admit_whole(request, SIGNING_NAME, MAX_BODY_BYTES).await?;
        check_encoding(&whole)?;
        self.check_sender(&whole)?;
        let path = whole.parts.uri.path().strip_prefix(ROOT).unwrap_or_default().to_owned();
        let query = pairs(whole.parts.uri.query().unwrap_or_default())?;
        let mut segments = path.split('/').map(decode).collect::<Result<Vec<String>, Problem>>()?;
        if segments.first().map(String::as_str) != Some("v1") {
            return Err(Problem::NoSuchRoute);
        }
        segments.remove(0);
        let begins =
            |at: usize| segments.get(at).is_some_and(|segment| BEGINNINGS.contains(&segment.as_str()));
        let prefix = match (begins(0), begins(1)) {
            (true, _) => None,
            (false, true) => Some(segments.remove(0)),
            // Neither the path nor a warehouse's.
            (false, false) => return Err(Problem::NoSuchRoute),
        };
        let context = Context::new(&whole.caller, prefix.as_deref())?;
        let method = whole.parts.method.clone();
        let asked = Asked { context, query, whole };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.route(&method, &segments, &asked).await
    }

    /// A table is what its metadata says, and that is visible at once: it must not name files that may never be.
    fn check_sender(&self, whole: &Whole) -> Result<(), Problem> {
        let reads = matches!(whole.parts.method, Method::GET | Method::HEAD);
        match self.views.of_sender(whole.caller.access_key.as_deref()) {
            View::Everybody => Ok(()),
            View::Own(_) if reads => Ok(()),
            View::Own(_) => Err(Problem::NotBuilt(
                "A run with --output-commit atomic cannot change Iceberg tables: they would name files that nobody else \
                 sees yet. Run the job without it."
                    .to_owned(),
            )),
            View::Ended => {
                Err(Problem::NotBuilt("The run that this access key was issued for has ended.".to_owned()))
            }
        }
    }

    async fn route(&self, method: &Method, path: &[&str], asked: &Asked) -> Result<Answer, Problem> {
        let tables = &self.tables;
        match (method.as_str(), path) {
            ("GET", ["config"]) => config::config(asked),
            ("GET", ["namespaces"]) => namespaces::list(tables, asked).await,
            ("POST", ["namespaces"]) => namespaces::create(tables, asked).await,
            ("GET", ["namespaces", name]) => namespaces::load(tables, asked, name).await,
            ("HEAD", ["namespaces", name]) => namespaces::exists(tables, asked, name).await,
            ("DELETE", ["namespaces", name]) => namespaces::delete(tables, asked, name).await,
            ("POST", ["namespaces", name, "properties"]) => namespaces::update(tables, asked, name).await,
            ("GET", ["namespaces", name, "tables"]) => tables::list(tables, asked, name).await,
            ("POST", ["namespaces", name, "tables"]) => Box::pin(tables::create(tables, asked, name)).await,
            ("POST", ["namespaces", name, "register"]) => tables::register(tables, asked, name).await,
            ("GET", ["namespaces", name, "tables", table]) => tables::load(tables, asked, name, table).await,
            ("HEAD", ["namespaces", name, "tables", table]) => {
                tables::exists(tables, asked, name, table).await
            }
            ("POST", ["namespaces", name, "tables", table]) => {
                tables::commit(tables, asked, name, table).await
            }
            ("DELETE", ["namespaces", name, "tables", table]) => {
                tables::delete(tables, asked, name, table).await
            }
            ("POST", ["namespaces", name, "tables", table, "metrics"]) => {
                tables::report_metrics(tables, asked, name, table).await
            }
            ("POST", ["tables", "rename"]) => tables::rename(tables, asked).await,
            ("POST", ["transactions", "commit"]) => tables::commit_many(tables, asked).await,
            _ => Err(unrouted(path)),
        }
    }
}

/// Bodies are read as they are.
fn check_encoding(whole: &Whole) -> Result<(), Problem> {
    let given = whole.parts.headers.get(CONTENT_ENCODING).filter(|_| !whole.body.is_empty());
    let encoding = given.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match encoding.filter(|name| !name.eq_ignore_ascii_case("identity")) {
        Some(name) => Err(Problem::Encoding(name)),
        None => Ok(()),
    }
}

/// What is known and not built says so.
fn unrouted(path: &[&str]) -> Problem {
    let what = match path {
        ["namespaces", _, "views" | "register-view", ..] | ["views", ..] => "Views",
        ["namespaces", _, "tables", _, "plan" | "tasks", ..] => "Scan planning on the server",
        ["namespaces", _, "tables", _, "credentials"] => "Handing out credentials",
        ["oauth", ..] => "OAuth",
        _ => return Problem::NoSuchRoute,
    };
    Problem::NotBuilt(format!("{what}: not built on this server (see `endpoints` of v1/config)."))
}

fn decode(segment: &str) -> Result<String, Problem> {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| Problem::BadRequest("The path is not UTF-8.".to_owned()))
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let decode = |text: &str| decode(&text.replace('+', " "));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn respond(status: StatusCode, document: Option<Value>) -> Response<Body> {
    let mut response = Response::new(match &document {
        Some(document) => Body::from(document.to_string()),
        None => Body::empty(),
    });
    *response.status_mut() = status;
    if document.is_some() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}
