//! The way of a request: service, caller, operation, input, handler, response.
//!
//! ```text
//! request ─► service ─► admit (signature, chunks) ─► operation ─► built? ─► decode ─► refused? ─► valid? ─► handler
//!                                                                                                            │
//! response ◄── observer, log line ◄── render in the service's protocol ◄── reply or fault ◄──────────────────┘
//! ```
//!
//! Every request is answered: a handler that panics answers an internal fault. Request bodies are read under a limit;
//! what streams is handed on unread.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tracing::Instrument;

use crate::body::{Body, BodyError};
use crate::budget::Budget;
use crate::call::{Call, Document, Reply};
use crate::fault::Fault;
use crate::model::{Model, Operation, Protocol};
use crate::options::{Finished, Options};
use crate::paging::Paged;
use crate::render::{self, Ids, Voice};
use crate::request::Limits;
use crate::route::{self, Choice, Routed};
use crate::rules::{self, Rules};
use crate::service::Face;
use crate::sigv4::{self, AuthError, Caller, Dialect, Family};
use crate::table::{Built, Table, TableError, refuse};
use crate::{capabilities, request};

/// The AWS faces behind one port.
pub struct Wire {
    table: Table,
    pub(crate) options: Options,
    pub(crate) budget: Arc<Budget>,
}

/// What is known about a request while it is answered.
#[derive(Default)]
struct Seen {
    operation: Option<&'static Operation>,
    caller: Option<Caller>,
}

impl Wire {
    /// Joins faces. Errors: a table names what its model does not have, or two faces build one operation.
    pub fn new(faces: Vec<Arc<dyn Face>>, options: Options) -> Result<Self, TableError> {
        let budget = Budget::new(options.documents_bytes);
        Ok(Self { table: Table::new(faces)?, options, budget })
    }

    /// What this server builds: every operation of each served service, and for each request field of a built one
    /// whether it acts, is stored, or is refused (and why).
    pub fn capabilities(&self) -> Document {
        capabilities::document(&self.table)
    }

    /// Answers one request. Paths under `/_/` and `/_localstack/` are the caller's and never come here, unless the host
    /// names a bucket ([`crate::names_bucket`]).
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let credential = sigv4::credential(&parts);
        let choice = route::service(&parts, credential.as_ref(), self.table.models());
        let (model, protocol) = match &choice {
            Choice::Served(model) => (Some(*model), model.protocol),
            Choice::Unserved(_, protocol) => (None, *protocol),
        };
        let ids = Ids::new(protocol, (self.options.ids)());
        let resource = parts.uri.path().to_owned();
        let is_head = parts.method == Method::HEAD;
        let voice = Voice { protocol, model, ids: &ids, resource: &resource, is_head };
        let span = tracing::info_span!("request", request_id = %ids.request);
        let mut seen = Seen::default();
        let answered = match choice {
            Choice::Served(model) => {
                let request = Request::from_parts(parts, body);
                Box::pin(self.answer(model, request, &ids, &mut seen)).instrument(span.clone()).await
            }
            Choice::Unserved(name, _) => {
                Err(Fault::not_implemented(format!("The AWS service '{name}' is not served by this server.")))
            }
        };
        let _entered = span.enter();
        self.finish(&voice, &seen, answered, started)
    }

    /// Everything up to the handler's answer.
    async fn answer(
        &self,
        model: &'static Model,
        request: Request<Body>,
        ids: &Ids,
        seen: &mut Seen,
    ) -> Result<Reply, Fault> {
        let rules = self.rules(model);
        let dialect = if model.protocol == Protocol::RestXml { Dialect::S3 } else { Dialect::Generic };
        let now_ms = (self.options.now)();
        // What is read into memory is held until the answer is made.
        let mut share = self.budget.share();
        let limit = rules.body_limit_bytes;
        let admitted = self.options.auth.admit_shared(request, dialect, now_ms, limit, &mut share).await;
        let admitted = admitted.map_err(|error| refused_caller(error, model.protocol))?;
        seen.caller = Some(admitted.caller.clone());
        let (mut parts, mut body) = admitted.request.into_parts();
        let limits = Limits { rules, share: &mut share };
        let (routed, parameters) =
            request::route(model, &mut parts, &mut body, &self.options.hosts, limits).await?;
        seen.operation = Some(routed.operation);
        let built = self.built(model, routed.operation)?;
        let limits = Limits { rules, share: &mut share };
        let decoded = request::decode(model, &routed, &parameters, &parts.headers, &mut body, limits).await;
        let mut input = decoded?;
        request::fill_tokens(model, routed.operation, &mut input, &self.options.ids);
        refuse(model.name, &built.entry, &input)?;
        request::check(model, routed.operation, &input, rules)?;
        let paged = Paged::new(model, routed.operation, &admitted.caller, &input);
        if let Some(paged) = &paged {
            paged.open(model, routed.operation, rules, &mut input)?;
        }
        let arrived = Arrived { parts, body, content_length: admitted.content_length };
        let call = call(model, built, admitted.caller, ids, &routed, input, arrived);
        let mut reply = run(built, call).await?;
        paged.inspect(|paged| paged.close(&mut reply));
        Ok(reply)
    }

    fn rules(&self, model: &Model) -> Rules {
        let mut rules = rules::of(model.name, model.protocol);
        let limit = self.options.body_limits_bytes.iter().rfind(|(name, _)| name == model.name);
        if let Some((_, bytes)) = limit {
            rules.body_limit_bytes = *bytes;
        }
        rules
    }

    fn built(&self, model: &'static Model, operation: &'static Operation) -> Result<&Built, Fault> {
        self.table.built(model, operation.name).ok_or_else(|| {
            let mut message =
                format!("{} {} is known but not built on this server.", model.name, operation.name);
            let this = |(of, name, _): &&(&str, &str, &str)| *of == model.name && *name == operation.name;
            if let Some((_, _, instead)) = self.options.instead.iter().find(this) {
                message.push(' ');
                message.push_str(instead);
            }
            Fault::not_implemented(message)
        })
    }

    /// Renders, logs and counts.
    fn finish(
        &self,
        voice: &Voice<'_>,
        seen: &Seen,
        answered: Result<Reply, Fault>,
        started: Instant,
    ) -> Response<Body> {
        let mut problems = Vec::new();
        let rendered = match (answered, voice.model, seen.operation) {
            (Ok(reply), Some(model), Some(operation)) => {
                let response = render::reply(voice, model, operation, reply, &mut problems);
                if problems.is_empty() || !self.options.strict {
                    Ok(response)
                } else {
                    Err(mismatch(&problems))
                }
            }
            (Ok(_), _, _) => Err(Fault::internal("a reply without an operation")),
            (Err(fault), Some(model), Some(operation))
                if !render::allowed(model, operation, fault.code()) =>
            {
                problems.push(format!("the model allows no {}", fault.code()));
                if self.options.strict { Err(mismatch(&problems)) } else { Err(fault) }
            }
            (Err(fault), _, _) => Err(fault),
        };
        let operation = seen.operation.map_or("-", |operation| operation.name);
        let service = voice.model.map_or("-", |model| model.name);
        let (response, fault) = match rendered {
            Ok(response) => (response, None),
            Err(fault) => {
                let (response, code) = render::fault(voice, seen.operation, &fault);
                (response, Some((fault, code)))
            }
        };
        if !problems.is_empty() {
            unfitting(service, operation, response.status(), &problems);
        }
        let code = fault.as_ref().map(|(_, code)| code.as_str());
        let duration = started.elapsed();
        let finished = Finished { service, operation, status: response.status(), code, duration };
        if let Some(observer) = &self.options.observer {
            observer.finished(&finished);
        }
        log(&finished, seen, fault.as_ref().map(|(fault, _)| fault));
        response
    }
}

/// Says that an answer is not one of the model's. Whoever can bring it about with a request of theirs (a fault below 500)
/// does not raise an alarm by it: the line is a warning then.
fn unfitting(service: &str, operation: &str, status: StatusCode, problems: &[String]) {
    let message = "the answer does not fit the service's model";
    if status.is_client_error() {
        tracing::warn!(service, operation, ?problems, message);
    } else {
        tracing::error!(service, operation, ?problems, message);
    }
}

/// One line per request; causes of our own failures only ever go here.
fn log(finished: &Finished<'_>, seen: &Seen, fault: Option<&Fault>) {
    let account = seen.caller.as_ref().map(|caller| caller.account.as_str());
    let Finished { service, operation, .. } = finished;
    let status = finished.status.as_u16();
    let duration_us = u64::try_from(finished.duration.as_micros()).unwrap_or(u64::MAX);
    let Some(fault) = fault else {
        tracing::info!(service, operation, account, status, duration_us, "answered");
        return;
    };
    let (code, message, cause) = (finished.code, fault.message(), fault.cause());
    if status >= 500 && status != 501 {
        tracing::error!(service, operation, account, status, code, cause, duration_us, "failed");
    } else {
        tracing::info!(service, operation, account, status, code, message, cause, duration_us, "refused");
    }
}

fn mismatch(problems: &[String]) -> Fault {
    Fault::internal(format!("the answer does not fit the model: {}", problems.join("; ")))
}

fn refused_caller(error: AuthError, protocol: Protocol) -> Fault {
    let family = match protocol {
        Protocol::RestXml => Family::S3,
        Protocol::Json | Protocol::RestJson => Family::Json,
        Protocol::Query => Family::Query,
    };
    if let AuthError::Body(error @ (BodyError::TooLarge { .. } | BodyError::Busy)) = error {
        return request::unread(protocol, error);
    }
    let (code, status, message) = error.fault(family);
    let mut fault = Fault::new(code, message).with_status(status);
    if family == Family::S3 {
        for (name, value) in error.s3_members() {
            fault = fault.with(name, value);
        }
    }
    fault
}

/// A request as it was admitted.
struct Arrived {
    parts: Parts,
    body: Body,
    content_length: Option<u64>,
}

fn call(
    model: &'static Model,
    built: &Built,
    caller: Caller,
    ids: &Ids,
    routed: &Routed,
    input: serde_json::Map<String, Document>,
    arrived: Arrived,
) -> Call {
    let Arrived { parts, body, content_length } = arrived;
    let host = sigv4::host(&parts).map(str::to_owned);
    Call {
        service: model.name,
        operation: built.entry.name,
        scope_account: caller.account,
        region: caller.region,
        access_key: caller.access_key,
        request_id: ids.request.clone(),
        input,
        body,
        content_length,
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        host,
        bucket_in_host: routed.bucket_in_host,
    }
}

/// Runs the handler; a panic of it becomes an internal fault, and other requests go on.
async fn run(built: &Built, call: Call) -> Result<Reply, Fault> {
    let running = AssertUnwindSafe(built.face.run(built.index, call)).catch_unwind();
    match running.await {
        Ok(answered) => answered,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Fault::internal(format!("a handler panicked: {}", text.unwrap_or_default())))
        }
    }
}
