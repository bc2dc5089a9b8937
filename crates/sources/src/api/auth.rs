//! What an API wants to be shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use store::vault::Secret;

use crate::SourceError;
use crate::connection::ConnectionInput;

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
    /// Of a connection: `BASIC` and `CUSTOM` of its `AuthenticationConfiguration`, else `USERNAME` and `PASSWORD`.
    ///
    /// # Errors
    /// [`SourceError::Property`], [`SourceError::NotBuilt`].
    pub fn of(input: &ConnectionInput) -> Result<Self, SourceError> {
        let authentication = input.other.get(AUTHENTICATION);
        let kind = authentication.and_then(|found| found.get("AuthenticationType")).and_then(Value::as_str);
        match kind {
            Some("BASIC") => {
                let text = |member: &str| {
                    let path = format!("/BasicAuthenticationCredentials/{member}");
                    authentication.and_then(|found| found.pointer(&path)).and_then(Value::as_str)
                };
                match (text("Username"), text("Password")) {
                    (Some(user), Some(password)) => Self::basic(user, password),
                    _ => Err(wrong(
                        "needs BasicAuthenticationCredentials with Username and Password: secrets of Secrets Manager are \
                         not built",
                    )),
                }
            }
            Some("CUSTOM") => {
                let given = authentication.and_then(|found| found.get("CustomAuthenticationCredentials"));
                let given: BTreeMap<String, String> =
                    given.and_then(|found| serde_json::from_value(found.clone()).ok()).unwrap_or_default();
                Self::keys(&given)
            }
            Some(other) => Err(SourceError::NotBuilt { what: format!("An API with {other} authentication") }),
            None => Self::of_properties(&input.connection_properties),
        }
    }

    fn of_properties(properties: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        match (properties.get("USERNAME"), properties.get("PASSWORD")) {
            (Some(user), Some(password)) => Self::basic(user, password),
            (None, None) => Ok(Self::None),
            (Some(_), None) => Err(SourceError::Property {
                property: "PASSWORD",
                problem: "is needed with USERNAME".to_owned(),
            }),
            (None, Some(_)) => Err(SourceError::Property {
                property: "USERNAME",
                problem: "is needed with PASSWORD".to_owned(),
            }),
        }
    }

    /// Source: RFC 7617 §2: a user has no colon.
    fn basic(user: &str, password: &str) -> Result<Self, SourceError> {
        if user.contains(':') {
            return Err(wrong("holds a user with a colon, which basic authentication has not"));
        }
        Ok(Self::Basic { user: user.to_owned(), password: Secret::new(password) })
    }

    /// `bearer`, `header.<name>` and `query.<name>`.
    fn keys(given: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let (mut headers, mut query) = (Vec::new(), Vec::new());
        for (name, value) in given {
            // The value is a secret: no message repeats it.
            let unfit = || wrong(format!("has a value for {name} that no header can hold"));
            let header = |name: HeaderName, value: String| {
                HeaderValue::try_from(value.as_str()).map(|_| (name, Secret::new(value))).map_err(|_| unfit())
            };
            match name.split_once('.') {
                None if name == "bearer" => headers.push(header(AUTHORIZATION, format!("Bearer {value}"))?),
                Some(("header", rest)) => {
                    let named = HeaderName::try_from(rest).ok().filter(|named| !is_ours(named));
                    let named =
                        named.ok_or_else(|| wrong(format!("names a header {rest:?} that cannot be set")))?;
                    headers.push(header(named, value.clone())?);
                }
                Some(("query", rest)) if !rest.is_empty() => {
                    query.push((rest.to_owned(), Secret::new(value.as_str())));
                }
                _ => {
                    return Err(wrong(format!(
                        "has CustomAuthenticationCredentials {name:?}: bearer, header.<name> and query.<name> are known"
                    )));
                }
            }
        }
        if headers.is_empty() && query.is_empty() {
            return Err(wrong(
                "needs CustomAuthenticationCredentials: bearer, header.<name> or query.<name>",
            ));
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

/// Headers that the client itself sets.
pub(super) fn is_ours(name: &HeaderName) -> bool {
    let ours =
        ["host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"];
    ours.contains(&name.as_str())
}
