//! What an API wants to be shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use store::vault::Secret;

use crate::SourceError;
use crate::connection::given::Given;
use crate::connection::kinds::{self, Authentication, Kind};
use crate::connection::{ConnectionInput, basic_of};

/// How to log in.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// User and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Headers and query parameters; a bearer token is the header `Authorization`.
    Keys {
        /// Headers with their whole values.
        headers: Vec<(HeaderName, Secret)>,
        /// Query parameters.
        query: Vec<(String, Secret)>,
    },
}

const AUTHENTICATION: &str = "AuthenticationConfiguration";

fn wrong(problem: impl Into<String>) -> SourceError {
    SourceError::Property { property: AUTHENTICATION, problem: problem.into() }
}

impl Auth {
    /// Of a connection: by its `AuthenticationConfiguration`, else `USERNAME` and `PASSWORD`.
    ///
    /// # Errors
    /// [`SourceError::Property`], [`SourceError::NotBuilt`].
    pub(crate) fn of(kind: &Kind, given: &Given<'_>, input: &ConnectionInput) -> Result<Self, SourceError> {
        match kind.login(input)? {
            Some(Authentication::Basic) => {
                let (user, password) = basic_of(input)?;
                Self::basic(user, password)
            }
            Some(Authentication::Custom) => {
                let found = input.other.get(AUTHENTICATION);
                let found = found.and_then(|found| found.get("CustomAuthenticationCredentials"));
                let found: BTreeMap<String, String> =
                    found.and_then(|found| serde_json::from_value(found.clone()).ok()).unwrap_or_default();
                Self::keys(&found)
            }
            None => Self::of_properties(given),
        }
    }

    fn of_properties(given: &Given<'_>) -> Result<Self, SourceError> {
        if given.get("USERNAME").is_none() && given.get("PASSWORD").is_none() {
            return Ok(Self::None);
        }
        Self::basic(given.needed("USERNAME")?, given.needed("PASSWORD")?)
    }

    /// Source: RFC 7617 §2: a user has no colon.
    fn basic(user: &str, password: &str) -> Result<Self, SourceError> {
        if user.contains(':') {
            return Err(wrong("holds a user with a colon, which basic authentication has not"));
        }
        Ok(Self::Basic { user: user.to_owned(), password: Secret::new(password) })
    }

    /// By the members of [`Authentication::Custom`].
    fn keys(given: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let (mut headers, mut query) = (Vec::new(), Vec::new());
        for (name, value) in given {
            // The value is a secret: no message repeats it.
            let unfit = || wrong(format!("has a value for {name} that no header can hold"));
            let header = |name: HeaderName, value: String| {
                HeaderValue::try_from(value.as_str()).map(|_| (name, Secret::new(value))).map_err(|_| unfit())
            };
            match member(name) {
                Some((kinds::BEARER, _)) => headers.push(header(AUTHORIZATION, format!("Bearer {value}"))?),
                Some((kinds::HEADER, rest)) => {
                    let named = HeaderName::try_from(rest).ok().filter(|named| !is_ours(named));
                    let named =
                        named.ok_or_else(|| wrong(format!("names a header {rest:?} that cannot be set")))?;
                    headers.push(header(named, value.clone())?);
                }
                Some((kinds::QUERY, rest)) if !rest.is_empty() => {
                    query.push((rest.to_owned(), Secret::new(value.as_str())));
                }
                _ => {
                    return Err(wrong(format!(
                        "has CustomAuthenticationCredentials {name:?}, but takes {}",
                        members()
                    )));
                }
            }
        }
        if headers.is_empty() && query.is_empty() {
            return Err(wrong(format!(
                "needs CustomAuthenticationCredentials: one or more of {}",
                members()
            )));
        }
        Ok(Self::Keys { headers, query })
    }

    /// Adds what the API wants to a request.
    pub(super) fn apply(&self, url: &mut Url, headers: &mut HeaderMap) {
        let mut add = |name: HeaderName, text: &str| {
            // Both kinds of text were checked or are base64.
            if let Ok(mut value) = HeaderValue::from_str(text) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        };
        match self {
            Self::None => {}
            Self::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                add(AUTHORIZATION, &format!("Basic {pair}"));
            }
            Self::Keys { headers, query } => {
                for (name, value) in headers {
                    add(name.clone(), value.expose());
                }
                for (name, value) in query {
                    super::paging::set_query(url, name, value.expose());
                }
            }
        }
    }
}

/// The member of custom credentials that a key is, and what it names: `header.X-Key` is `header.<name>`, of `X-Key`.
fn member(key: &str) -> Option<(&'static str, &str)> {
    let known = Authentication::Custom.members().iter().map(|member| member.name);
    known.into_iter().find_map(|known| match known.strip_suffix("<name>") {
        Some(before) => key.strip_prefix(before).map(|rest| (known, rest)),
        None => (key == known).then_some((known, "")),
    })
}

/// The members of custom credentials, for messages.
fn members() -> String {
    let known: Vec<&str> = Authentication::Custom.members().iter().map(|member| member.name).collect();
    known.join(", ")
}

/// Headers that the client itself sets.
pub(super) fn is_ours(name: &HeaderName) -> bool {
    let ours =
        ["host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"];
    ours.contains(&name.as_str())
}
