//! HTTP APIs that answer with JSON or CSV: where they are, how to log in, how their pages follow each other, and
//! reading them.
//!
//! [`Api`] is made of a connection; [`Target`] says what to read of it; [`read`] reads it. What comes out are the records
//! in one text, exactly as the server wrote them: JSON objects line by line, or CSV with one header.
//!
//! # Invariants
//! - Credentials go to the origin (scheme, host, port) that the connection names, and nowhere else: not after a
//!   redirect, and a next page elsewhere is an error.
//! - Pages, bytes and time are bounded by the target; what comes out says whether a bound was met.
//! - Pages that lead nowhere new are an error, not an endless loop.

mod auth;
mod page;
mod paging;
mod read;
mod target;
#[cfg(test)]
mod tests;

use reqwest::Url;

use crate::SourceError;

pub use auth::Auth;
pub use read::{Records, Stop, probe, read};
pub use target::{Format, Paging, Target};

/// An API: its address, and what it takes to be let in.
#[derive(Debug, Clone)]
pub struct Api {
    base: Url,
    auth: Auth,
}

const URL: &str = "CONNECTION_URL";

impl Api {
    /// An API at an address.
    ///
    /// # Errors
    /// [`SourceError::Property`]: it is no address that requests can go to.
    pub fn new(address: &str, auth: Auth) -> Result<Self, SourceError> {
        // The text may hold a password: it is not repeated.
        let wrong = |problem: &str| SourceError::Property { property: URL, problem: problem.to_owned() };
        let base =
            Url::parse(address.trim()).map_err(|_| wrong("is no address such as https://host/path"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("must begin with https:// or http://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("holds a user: give the login as AuthenticationConfiguration"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("holds a query or a fragment: give them in the target's Path"));
        }
        Ok(Self { base, auth })
    }

    /// The address of what `path` names below the base. Errors: it leads elsewhere.
    fn url(&self, path: &str) -> Result<Url, SourceError> {
        let base = self.base.as_str().trim_end_matches('/');
        let rest = path.trim_start_matches('/');
        // `?x=1` asks the base itself.
        let whole = if rest.is_empty() || rest.starts_with('?') {
            format!("{}{rest}", self.base)
        } else {
            format!("{base}/{rest}")
        };
        let url = Url::parse(&whole).ok().filter(|url| self.is_own(url) && url.fragment().is_none());
        url.ok_or_else(|| SourceError::invalid(format!("Path {path:?} is no path below {}", self.base)))
    }

    /// What is asked for: the address of the first page, without what paging and logging in add.
    ///
    /// # Errors
    /// [`SourceError::InvalidInput`]: the target's path leads elsewhere.
    pub fn location(&self, target: &Target) -> Result<String, SourceError> {
        Ok(self.url(&target.path)?.to_string())
    }

    /// Whether an address is one that the credentials may go to.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}
