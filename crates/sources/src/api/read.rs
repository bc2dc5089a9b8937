//! Reads the pages of a target.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};

use super::page::{self, Page};
use super::target::{Format, Paging, Target, names};
use super::{Api, paging};
use crate::SourceError;
use crate::http::{Http, HttpError, Reply, Request, is_busy, place};

/// What is read of a reply whose text does not matter.
const MAX_PROBE_BYTES: usize = 64 << 10;
/// Redirects that are followed one after the other.
const MAX_REDIRECTS: usize = 5;

/// Why reading ended before the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// At the target's `MaxPages`.
    Pages(u64),
    /// At the target's `MaxBytes`.
    Bytes(u64),
    /// At the target's `MaxSeconds`.
    Seconds(u64),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pages(most) => write!(f, "MaxPages = {most}"),
            Self::Bytes(most) => write!(f, "MaxBytes = {most}"),
            Self::Seconds(most) => write!(f, "MaxSeconds = {most}"),
        }
    }
}

/// What a target holds.
#[derive(Debug)]
pub struct Records {
    /// What the text is.
    pub format: Format,
    /// JSON: an object per line. CSV: the lines, with one header where there is one.
    pub text: Vec<u8>,
    /// Pages that were read.
    pub pages: u64,
    /// Set when there is more than was read.
    pub stopped: Option<Stop>,
    /// What somebody should know.
    pub remarks: Vec<String>,
}

/// Reads the pages of a target, up to its bounds.
///
/// # Errors
/// [`SourceError::Page`] naming the page, and why it cannot be taken; [`SourceError::InvalidInput`] for a path that leads
/// elsewhere. Nothing of a target with a bad page is returned.
pub async fn read(http: &Http, api: &Api, target: &Target) -> Result<Records, SourceError> {
    let mut reading = Reading::new(http, api, target)?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(target.max_seconds);
    loop {
        let next = match tokio::time::timeout_at(deadline, reading.page()).await {
            Ok(Ok(next)) => next,
            Ok(Err(SourceError::Http(HttpError::TooLarge { .. }))) if reading.found.pages > 0 => {
                reading.found.stopped = Some(Stop::Bytes(target.max_bytes));
                return Ok(reading.found);
            }
            Ok(Err(SourceError::Http(error))) => return Err(reading.bad(error.to_string())),
            Ok(Err(error)) => return Err(error),
            // A first page that takes so long is none; later ones leave what there is.
            Err(_) if reading.found.pages == 0 => {
                let problem = format!("no whole page within MaxSeconds = {}", target.max_seconds);
                return Err(reading.bad(problem));
            }
            Err(_) => {
                reading.found.stopped = Some(Stop::Seconds(target.max_seconds));
                return Ok(reading.found);
            }
        };
        match next {
            None => return Ok(reading.found),
            Some(_) if reading.found.pages >= target.max_pages => {
                reading.found.stopped = Some(Stop::Pages(target.max_pages));
                return Ok(reading.found);
            }
            Some(_) if reading.left() == 0 => {
                reading.found.stopped = Some(Stop::Bytes(target.max_bytes));
                return Ok(reading.found);
            }
            Some(next) => reading.url = next,
        }
    }
}

/// Asks an API's own address once, with its login. What it answers does not matter, as long as it is no refusal: an address
/// that other paths begin with is often none itself (404).
///
/// # Errors
/// [`SourceError::Page`]: it cannot be reached, refuses the login, or fails.
pub async fn probe(http: &Http, api: &Api) -> Result<(), SourceError> {
    let bad = |problem: String| SourceError::Page { place: place(&api.base), page: 1, problem };
    let (mut url, mut headers) = (api.base.clone(), HeaderMap::new());
    api.auth.apply(&mut url, &mut headers);
    let request = Request { method: Method::GET, url, headers, body: Vec::new() };
    let reply = match http.send(&request, MAX_PROBE_BYTES, |_| false).await {
        // Whoever answers with so much answers.
        Err(HttpError::TooLarge { .. }) => return Ok(()),
        reply => reply.map_err(|error| bad(error.to_string()))?,
    };
    match reply.status {
        401 | 403 => {
            Err(bad(format!("the API refuses the login of the connection (status {})", reply.status)))
        }
        500.. => Err(bad(format!("the API answers with status {}", reply.status))),
        _ => Ok(()),
    }
}

struct Reading<'a> {
    http: &'a Http,
    api: &'a Api,
    target: &'a Target,
    records: Vec<String>,
    pointer: Option<Vec<String>>,
    headers: HeaderMap,
    /// Of the page that comes next.
    url: Url,
    seen: HashSet<Url>,
    /// CSV: the first page's first line.
    header: Option<Vec<u8>>,
    /// The page before.
    before: Vec<u8>,
    received: u64,
    /// Records of the pages so far.
    taken: u64,
    /// Records of the page before, when they are not as many as were asked for.
    uneven: Option<u64>,
    found: Records,
}

impl<'a> Reading<'a> {
    fn new(http: &'a Http, api: &'a Api, target: &'a Target) -> Result<Self, SourceError> {
        let pointer = match &target.paging {
            Some(Paging::NextLink { path } | Paging::Cursor { path, .. }) => Some(names(path)),
            _ => None,
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/csv;q=0.9, */*;q=0.1"));
        for (name, value) in &target.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|error| SourceError::invalid(error.to_string()))?;
            let value = HeaderValue::try_from(value.as_str())
                .map_err(|error| SourceError::invalid(error.to_string()))?;
            headers.insert(name, value);
        }
        Ok(Self {
            http,
            api,
            target,
            records: names(target.record_path.as_deref().unwrap_or_default())
                .map_err(SourceError::invalid)?,
            pointer: pointer.transpose().map_err(SourceError::invalid)?,
            headers,
            url: paging::first(target.paging.as_ref(), api.url(&target.path)?),
            seen: HashSet::new(),
            header: None,
            before: Vec::new(),
            received: 0,
            taken: 0,
            uneven: None,
            found: Records {
                format: target.format.unwrap_or(Format::Json),
                text: Vec::new(),
                pages: 0,
                stopped: None,
                remarks: Vec::new(),
            },
        })
    }

    fn left(&self) -> u64 {
        self.target.max_bytes.saturating_sub(self.received)
    }

    fn bad(&self, problem: impl Into<String>) -> SourceError {
        SourceError::Page { place: place(&self.url), page: self.found.pages + 1, problem: problem.into() }
    }

    /// Reads the page at `url`; returns where the next one is.
    async fn page(&mut self) -> Result<Option<Url>, SourceError> {
        if !self.api.is_own(&self.url) {
            let origin = self.url.origin().ascii_serialization();
            return Err(
                self.bad(format!("it is on another host ({origin}), where the connection does not lead"))
            );
        }
        if !self.seen.insert(self.url.clone()) {
            return Err(self.bad("paging goes round: this page was read already"));
        }
        let mut reply = self.reply().await?;
        let page = self.take(&mut reply).await?;
        let paging = self.target.paging.as_ref();
        let behind = (self.found.pages + 1, self.offset(&page)?);
        let next = paging::next(paging, &self.url, behind, &reply.headers, &page);
        let next = next.map_err(|problem| self.bad(problem))?;
        let is_counted = matches!(paging, Some(Paging::Page { .. } | Paging::Offset { .. }));
        if is_counted && page.records > 0 && reply.body == self.before {
            return Err(self.bad(
                "it is the same as the page before: the API does not know the parameter of Paging, and reading would not end",
            ));
        }
        self.received += reply.body.len() as u64;
        self.found.text.extend_from_slice(&page.text);
        self.found.remarks.extend(page.remark);
        if let (Some(path), 0, false) = (&self.pointer, self.found.pages, page.pointed) {
            let path = path.join(".");
            let remark = format!(
                "the first page has nothing at Paging's Path {path:?}, and was taken for the only one"
            );
            self.found.remarks.push(remark);
        }
        self.found.pages += 1;
        self.before = reply.body;
        Ok(next)
    }

    /// At which record the page behind this one begins. Of CSV it is not known which line is a header: its pages must be of
    /// the size that was asked for.
    fn offset(&mut self, page: &Page) -> Result<u64, SourceError> {
        self.taken += page.records;
        let Some(Paging::Offset { size, .. }) = self.target.paging else { return Ok(0) };
        if self.found.format == Format::Json || page.records == 0 {
            return Ok(self.taken);
        }
        if let Some(records) = self.uneven {
            return Err(self.bad(format!(
                "the page before has {records} records, not Size = {size}: the API gives pages of another size; make that \
                 the Size, or records are left out"
            )));
        }
        let with_header = size + u64::from(self.found.pages == 0);
        self.uneven = Some(page.records).filter(|records| *records != size && *records != with_header);
        Ok(size.saturating_mul(self.found.pages + 1))
    }

    async fn take(&mut self, reply: &mut Reply) -> Result<Page, SourceError> {
        let first = self.found.pages == 0;
        if reply.status == 204 {
            return Ok(Page { pointed: true, ..Page::default() });
        }
        let format = page::format(reply, self.target.format).map_err(|problem| self.bad(problem))?;
        page::decode(reply).map_err(|problem| self.bad(problem))?;
        if first {
            self.found.format = format;
        } else if format != self.found.format {
            return Err(self.bad("it is of another format than the first page"));
        }
        match format {
            Format::Json => {
                let body = std::mem::take(&mut reply.body);
                let (records, pointer) = (self.records.clone(), self.pointer.clone());
                let (body, page) = page::json_apart(body, records, pointer, first).await;
                reply.body = body;
                page.map_err(|problem| self.bad(problem))
            }
            Format::Csv if self.pointer.is_some() => {
                Err(self.bad("it is CSV, which holds no address of a next page as Paging has it"))
            }
            Format::Csv if !self.records.is_empty() => Err(self.bad("it is CSV, and RecordPath is for JSON")),
            Format::Csv => {
                let page =
                    page::csv(&reply.body, self.header.as_deref()).map_err(|problem| self.bad(problem))?;
                if self.header.is_none() {
                    let body = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reply.body);
                    self.header = body.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
                }
                Ok(page)
            }
        }
    }

    /// The reply of the page's address, after redirects. Credentials go along within the API's origin only.
    async fn reply(&self) -> Result<Reply, SourceError> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let reply = self.ask(&url).await?;
            match reply.status {
                202 => {
                    return Err(self.bad("the API has taken the request and has no answer yet (status 202)"));
                }
                200..=299 => return Ok(reply),
                301 | 302 | 303 | 307 | 308 => url = self.redirected(&url, &reply)?,
                401 | 403 => {
                    let status = reply.status;
                    let shown = if self.api.is_own(&url) {
                        "the login of the connection"
                    } else {
                        "requests without a login"
                    };
                    return Err(self.bad(format!("the API refuses {shown} (status {status})")));
                }
                404 | 410 => return Err(self.bad(format!("there is nothing (status {})", reply.status))),
                status => return Err(self.bad(format!("the API answers with status {status}"))),
            }
        }
        Err(self.bad(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn redirected(&self, url: &Url, reply: &Reply) -> Result<Url, SourceError> {
        let location = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        let next = next.ok_or_else(|| self.bad("it is a redirect to nowhere"))?;
        if !matches!(next.scheme(), "http" | "https") || url.scheme() == "https" && next.scheme() != "https" {
            return Err(self.bad("it is a redirect to an address without encryption"));
        }
        Ok(next)
    }

    async fn ask(&self, url: &Url) -> Result<Reply, SourceError> {
        let (mut url, mut headers) = (url.clone(), HeaderMap::new());
        if self.api.is_own(&url) {
            headers.clone_from(&self.headers);
            self.api.auth.apply(&mut url, &mut headers);
        }
        let request = Request { method: Method::GET, url, headers, body: Vec::new() };
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX);
        Ok(self.http.send(&request, most, |reply| is_busy(reply.status)).await?)
    }
}
