//! Which members of a connection are secret, and taking them out and in.

use serde_json::{Map, Value};

use crate::jdbc::{holds_password, without_secrets};

/// Members of `AuthenticationConfiguration`, at any depth, that are secret. Source: marked sensitive in the service
/// model.
const CREDENTIALS: &[&str] = &[
    "AccessToken",
    "AuthorizationCode",
    "CustomAuthenticationCredentials",
    "JwtToken",
    "Password",
    "RefreshToken",
    "UserManagedClientApplicationClientSecret",
];

/// Maps whose keys the client chooses, or that hold passwords by name.
const PROPERTY_MAPS: &[&str] =
    &["ConnectionProperties", "SparkProperties", "AthenaProperties", "PythonProperties"];

/// Members of the request's `AuthenticationConfiguration` that its answer does not have.
const REQUEST_ONLY: &[&str] = &["BasicAuthenticationCredentials", "CustomAuthenticationCredentials"];
const REQUEST_ONLY_OAUTH: &[&str] = &["AuthorizationCodeProperties", "OAuth2Credentials"];

/// Whether the value of a property is secret, by its name. Names that refer to a secret elsewhere are not.
pub(super) fn is_secret_property(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let refers = ["arn", "_id", "url", "name"].iter().any(|end| lower.ends_with(end));
    let sounds = ["secret", "token", "credential", "privatekey", "accesskey", "apikey"];
    let plain = lower.replace(['_', '-', '.'], "");
    lower.contains("password")
        || lower.contains("passwd")
        || (!refers && sounds.iter().any(|word| plain.contains(word)))
}

/// The properties that would be shown although their value is an address with a password in it.
pub(super) fn addresses_with_password(input: &Value) -> Vec<String> {
    let maps = PROPERTY_MAPS.iter().filter_map(|map| input.get(map)?.as_object());
    let shown = maps.flatten().filter(|(name, _)| !is_secret_property(name));
    let addresses = shown.filter_map(|(name, value)| Some((name, value.as_str()?)));
    addresses
        .filter(|(_, text)| text.contains("//") || text.starts_with("jdbc:"))
        .filter(|(_, text)| holds_password(text))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Takes the secret members out of a connection's document, as a document of the same form. An address that may hold a
/// secret leaves the rest of itself behind.
pub(super) fn split(shown: &mut Value) -> Map<String, Value> {
    let mut secret = Map::new();
    let Some(members) = shown.as_object_mut() else {
        return secret;
    };
    for map in PROPERTY_MAPS {
        if let Some(properties) = members.get_mut(*map).and_then(Value::as_object_mut) {
            let mut taken = take(properties, &|name| is_secret_property(name));
            for (name, value) in properties {
                if let Some(rest) = value.as_str().and_then(without_secrets) {
                    taken.insert(name.clone(), std::mem::replace(value, Value::String(rest)));
                }
            }
            if !taken.is_empty() {
                secret.insert((*map).to_owned(), Value::Object(taken));
            }
        }
    }
    if let Some(authentication) =
        members.get_mut("AuthenticationConfiguration").and_then(Value::as_object_mut)
    {
        let taken = take(authentication, &|name| CREDENTIALS.contains(&name));
        if !taken.is_empty() {
            secret.insert("AuthenticationConfiguration".to_owned(), Value::Object(taken));
        }
    }
    secret
}

fn take(object: &mut Map<String, Value>, is_secret: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let mut taken = Map::new();
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        if is_secret(&name) {
            if let Some(value) = object.remove(&name) {
                taken.insert(name, value);
            }
        } else if let Some(inner) = object.get_mut(&name).and_then(Value::as_object_mut) {
            let inside = take(inner, is_secret);
            if !inside.is_empty() {
                taken.insert(name, Value::Object(inside));
            }
        }
    }
    taken
}

/// Puts secret members back where [`split`] took them from.
pub(super) fn join(shown: &mut Value, secret: Value) {
    match (shown, secret) {
        (Value::Object(shown), Value::Object(secret)) => {
            for (name, value) in secret {
                join(shown.entry(name).or_insert(Value::Null), value);
            }
        }
        (shown, secret) => *shown = secret,
    }
}

/// Removes what an answer does not have of an `AuthenticationConfiguration`; tells whether there is one.
pub(super) fn hide_credentials(shown: &mut Value) -> bool {
    let Some(authentication) = shown.get_mut("AuthenticationConfiguration").and_then(Value::as_object_mut)
    else {
        return false;
    };
    for member in REQUEST_ONLY {
        authentication.remove(*member);
    }
    if let Some(oauth) = authentication.get_mut("OAuth2Properties").and_then(Value::as_object_mut) {
        for member in REQUEST_ONLY_OAUTH {
            oauth.remove(*member);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_and_put_back() {
        let whole = json!({
            "Name": "c",
            "ConnectionProperties": { "USERNAME": "me", "PASSWORD": "s1", "ENCRYPTED_KAFKA_CLIENT_KEY_PASSWORD": "s2",
                "CONNECTION_URL": "https://s9@h/v1?api_key=s9", "JDBC_CONNECTION_URL": "jdbc:mysql://h/d?useSSL=true",
                "SECRET_ID": "not-secret", "KAFKA_SASL_SCRAM_SECRETS_ARN": "arn:x" },
            "SparkProperties": { "api_token": "s3", "api.key": "s10", "url": "u", "db.password": "s4" },
            "AuthenticationConfiguration": {
                "AuthenticationType": "BASIC", "SecretArn": "arn:y",
                "BasicAuthenticationCredentials": { "Username": "me", "Password": "s5" },
                "CustomAuthenticationCredentials": { "anything": "s6" },
                "OAuth2Properties": { "TokenUrl": "https://t", "OAuth2Credentials": { "AccessToken": "s7" },
                    "AuthorizationCodeProperties": { "AuthorizationCode": "s8" } },
            },
        });
        let mut shown = whole.clone();
        let secret = split(&mut shown);
        let text = shown.to_string();
        assert!(!(1..=10).any(|n| text.contains(&format!("\"s{n}\""))) && !text.contains("s9"), "{text}");
        for kept in
            ["https://h/v1", "jdbc:mysql://h/d?useSSL=true", "not-secret", "arn:x", "arn:y", "https://t"]
        {
            assert!(text.contains(kept), "{kept} is no secret");
        }
        let mut again = shown.clone();
        join(&mut again, Value::Object(secret));
        assert_eq!(again, whole);
        assert!(hide_credentials(&mut shown));
        assert!(!shown.to_string().contains("Username"), "{shown}");
    }
}
