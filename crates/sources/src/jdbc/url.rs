//! JDBC addresses.
//!
//! `jdbc:postgresql://host:port/database?…`, `jdbc:mysql://…`, `jdbc:mariadb://…`. Addresses may hold passwords, so no
//! error repeats one.

use percent_encoding::percent_decode_str;
use url::Url;

use super::{Engine, Tls};
use crate::SourceError;

/// The parts of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) engine: Engine,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    pub(super) tls: Option<Tls>,
}

/// Parameters that tune a Java driver and change nothing of what we read, in lower case.
const TUNING: &[&str] = &[
    "allowmultiqueries",
    "allowpublickeyretrieval",
    "applicationname",
    "autoreconnect",
    "characterencoding",
    "connecttimeout",
    "defaultrowfetchsize",
    "logintimeout",
    "nullcatalogmeansnocurrent",
    "nullcatalogmeanscurrent",
    "preparethreshold",
    "rewritebatchedinserts",
    "rewritebatchedstatements",
    "servertimezone",
    "sockettimeout",
    "tcpkeepalive",
    "usecompression",
    "usecursorfetch",
    "uselegacydatetimecode",
    "useunicode",
    "zerodatetimebehavior",
];

/// Parameters that say how far a connection is encrypted, in lower case.
const ENCRYPTION: &[&str] = &["sslmode", "ssl", "usessl", "requiressl", "verifyservercertificate"];

fn refused(problem: impl Into<String>) -> SourceError {
    SourceError::Property { property: "JDBC_CONNECTION_URL", problem: problem.into() }
}

const FORMS: &str =
    "is not understood: write jdbc:postgresql://host:port/database or jdbc:mysql://host:port/database";

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<Address, SourceError> {
    let rest = text.trim().strip_prefix("jdbc:").ok_or_else(|| refused(FORMS))?;
    let scheme = rest.split(':').next().unwrap_or_default();
    let Some(engine) = Engine::parse(scheme) else {
        let known = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && scheme.len() < 20;
        return if known && !scheme.is_empty() {
            Err(SourceError::NotBuilt { what: format!("A JDBC connection to {scheme}") })
        } else {
            Err(refused(FORMS))
        };
    };
    let url = Url::parse(rest).map_err(|_| refused(FORMS))?;
    if url.password().is_some() || !url.username().is_empty() || url.fragment().is_some() {
        return Err(refused("must not hold a user, a password or a fragment: give USERNAME and PASSWORD"));
    }
    let host = host(url.host_str().unwrap_or_default())?;
    let mut address = Address {
        engine,
        host,
        port: url.port().unwrap_or(engine.default_port()),
        database: database(url.path())?,
        user: None,
        tls: None,
    };
    for (name, value) in url.query_pairs() {
        address.parameter(&name, &value)?;
    }
    Ok(address)
}

/// Whether an address holds a password. Connections with one are refused when they are made: addresses are shown.
/// Names are compared as drivers read them, percent-decoded.
pub(crate) fn holds_password(text: &str) -> bool {
    const NAMES: &[&str] = &["password=", "passwd=", "pwd=", "secret=", "passcode=", "token="];
    let text = &*percent_decode_str(text).decode_utf8_lossy();
    let lower = text.to_ascii_lowercase();
    let in_parameters = NAMES.iter().any(|word| lower.contains(word));
    let authority = text.split_once("//").map_or("", |(_, rest)| rest).split(['/', '?']).next();
    let in_authority =
        authority.and_then(|text| text.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'));
    // Oracle's form: jdbc:oracle:thin:user/password@host.
    let oracle =
        lower.split_once('@').is_some_and(|(head, _)| head.starts_with("jdbc:oracle") && head.contains('/'));
    in_parameters || in_authority || oracle
}

/// An address without what may be secret in it: the user, and all parameters as soon as one is not of those that only
/// tune a driver. `None`: nothing may be. (The path is shown: messages name it.) Behind an `@` that lies beyond the host's
/// place nothing is sure, as passwords may hold any character: only the scheme is left then.
pub(crate) fn without_secrets(text: &str) -> Option<String> {
    let (head, rest) = text.split_once("//")?;
    let authority = &rest[..rest.find(['/', '?', ';', '#']).unwrap_or(rest.len())];
    let user = rest.rfind('@').map_or(0, |at| at + 1);
    if user > authority.len() {
        return Some(format!("{head}//…"));
    }
    let (place, parameters) = rest.split_at(rest.find(['?', ';', '#']).unwrap_or(rest.len()));
    let harmless = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or_default().to_ascii_lowercase();
        name.is_empty() || TUNING.contains(&name.as_str()) || ENCRYPTION.contains(&name.as_str())
    };
    let tunes = head.starts_with("jdbc:") && parameters.split(['?', '&', ';']).all(harmless);
    if user == 0 && (parameters.is_empty() || tunes) {
        return None;
    }
    Some(format!("{head}//{}{}", &place[user..], if tunes { parameters } else { "" }))
}

/// Refuses what is no host: the drivers would take a path for a socket.
pub(super) fn host(text: &str) -> Result<String, SourceError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if bare.is_empty() || !bare.bytes().all(fits) {
        return Err(SourceError::Property {
            property: "HOST",
            problem: "is not a host name or address".to_owned(),
        });
    }
    Ok(bare.to_owned())
}

fn database(path: &str) -> Result<Option<String>, SourceError> {
    let encoded = path.strip_prefix('/').unwrap_or(path);
    if encoded.is_empty() {
        return Ok(None);
    }
    let decoded = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| refused("names a database that is not UTF-8"))?;
    if decoded.contains('/') {
        return Err(refused("names a database with a / in it"));
    }
    Ok(Some(decoded.into_owned()))
}

impl Address {
    fn parameter(&mut self, name: &str, value: &str) -> Result<(), SourceError> {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "user" => self.user = Some(value.to_owned()),
            "password" => return Err(refused("must not hold a password: give PASSWORD")),
            "sslmode" => self.tls = Some(mode(value)?),
            "ssl" | "usessl" | "requiressl" | "verifyservercertificate" => {
                let on = switch(name, value)?;
                if let Some(tls) = of_switch(self.engine, &lower, on) {
                    self.tls = Some(self.tls.map_or(tls, |before| before.max(tls)));
                }
            }
            _ if TUNING.contains(&lower.as_str()) => {}
            _ => return Err(refused(format!("has the parameter {name}, which this server does not know"))),
        }
        Ok(())
    }
}

fn switch(name: &str, value: &str) -> Result<bool, SourceError> {
    match value.to_ascii_lowercase().as_str() {
        // pgjdbc reads `?ssl` alone as on.
        "true" | "" => Ok(true),
        "false" => Ok(false),
        _ => Err(refused(format!("has a {name} that is neither true nor false"))),
    }
}

/// What a switch of the drivers means; `None`: nothing by itself.
fn of_switch(engine: Engine, name: &str, on: bool) -> Option<Tls> {
    match (engine, name, on) {
        (Engine::Postgres, "ssl", true) => Some(Tls::VerifyFull),
        (Engine::MySql, "verifyservercertificate", true) => Some(Tls::VerifyCa),
        (Engine::MySql, "usessl" | "ssl" | "requiressl", true) => Some(Tls::Require),
        (_, "usessl" | "ssl", false) => Some(Tls::Disable),
        _ => None,
    }
}

/// The modes of both drivers, which have one word for one thing but for MariaDB's `trust`.
fn mode(value: &str) -> Result<Tls, SourceError> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(Tls::Disable),
        "allow" | "prefer" | "preferred" => Ok(Tls::Prefer),
        "require" | "required" | "trust" => Ok(Tls::Require),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-full" | "verify-identity" => Ok(Tls::VerifyFull),
        _ => Err(refused("has an sslmode that no driver knows")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_engines_are_read() {
        let found =
            parse("jdbc:postgresql://db.example.com:5433/sales?sslmode=require&ApplicationName=x").unwrap();
        assert_eq!(
            (found.engine, found.host.as_str(), found.port),
            (Engine::Postgres, "db.example.com", 5433)
        );
        assert_eq!((found.database.as_deref(), found.tls), (Some("sales"), Some(Tls::Require)));
        let found = parse("jdbc:mysql://127.0.0.1/a%20b?useSSL=false&serverTimezone=UTC").unwrap();
        assert_eq!((found.engine, found.port, found.database.as_deref()), (Engine::MySql, 3306, Some("a b")));
        assert_eq!(found.tls, Some(Tls::Disable));
        let found = parse("jdbc:mariadb://[::1]:3307/").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.database), ("::1", 3307, None));
        assert_eq!(parse("jdbc:postgresql://h/d?ssl=true").unwrap().tls, Some(Tls::VerifyFull));
        assert_eq!(parse("jdbc:postgresql://h/d?user=me").unwrap().user.as_deref(), Some("me"));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for bad in [
            "",
            "postgresql://h/d",
            "jdbc:",
            "jdbc:postgresql:",
            "jdbc:postgresql://",
            "jdbc:postgresql://h:99999/d",
            "jdbc:postgresql://h1:1,h2:2/d",
            "jdbc:postgresql://%2Ftmp/d",
            "jdbc:postgresql://me:hunter2@h/d",
            "jdbc:postgresql://h/d?password=hunter2",
            "jdbc:postgresql://h/d?socketFactory=evil",
            "jdbc:mysql://h/d?sslMode=maybe",
            "jdbc:mysql://h/a/b",
            "jdbc:mysql:loadbalance://h/d",
        ] {
            let text = parse(bad).unwrap_err().to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
        let oracle = parse("jdbc:oracle:thin://@h:1521/x").unwrap_err();
        assert!(matches!(oracle, SourceError::NotBuilt { .. }), "{oracle}");
    }

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        for (given, shown) in [
            ("https://s1@api.example.com/v1", "https://api.example.com/v1"),
            ("https://api.example.com:8443/v1?api_key=s1#s2", "https://api.example.com:8443/v1"),
            ("https://api.example.com?x=s1@h", "https://…"),
            ("https://me:s1/s1@api.example.com/v1", "https://…"),
            ("https://me:s1#s1@api.example.com/v1?s1@h", "https://…"),
            ("https://me:s1@s1@api.example.com/v1", "https://api.example.com/v1"),
            ("jdbc:mysql://s1@h:3306/d?useSSL=true", "jdbc:mysql://h:3306/d?useSSL=true"),
            ("jdbc:postgresql://h/d?user=s1", "jdbc:postgresql://h/d"),
            ("jdbc:postgresql://h/d?sslmode=require&apiKey=s1", "jdbc:postgresql://h/d"),
            ("jdbc:sqlserver://h:1433;privateKey=s1", "jdbc:sqlserver://h:1433"),
        ] {
            assert_eq!(without_secrets(given).as_deref(), Some(shown), "{given}");
        }
        for plain in [
            "https://api.example.com/v1",
            "jdbc:postgresql://h/d",
            "jdbc:postgresql://h/d?sslmode=require&ApplicationName=x",
            "jdbc:oracle:thin:@//h:1521/x",
            "a text",
        ] {
            assert_eq!(without_secrets(plain), None, "{plain}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_seen() {
        for text in [
            "jdbc:postgresql://me:hunter2@h/d",
            "jdbc:mysql://h/d?user=a&PASSWORD=b",
            "jdbc:oracle:thin:me/hunter2@//h:1521/x",
            "jdbc:sqlserver://h:1433;user=a;password=b",
        ] {
            assert!(holds_password(text), "{text}");
        }
        for text in ["jdbc:postgresql://h:5432/d", "jdbc:oracle:thin:@//h:1521/x", "mongodb://h/d"] {
            assert!(!holds_password(text), "{text}");
        }
    }
}
