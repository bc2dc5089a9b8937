//! Keys that may sign requests, and the type that keeps their secrets out of logs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text: masked when printed, compared in constant time, wiped from memory on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret over; the caller should not keep a copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself: for deriving keys only, never for logs, errors, URLs or listings.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"***\"")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

/// One access key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Access key id as clients send it.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret: Secret,
    /// Account of the key's owner; `None`: the id itself when it has twelve digits, else the default account.
    pub account: Option<String>,
    /// Set for temporary credentials: requests must carry exactly this token.
    pub session_token: Option<Secret>,
    /// End of temporary credentials, epoch milliseconds.
    pub expires_ms: Option<i64>,
}

impl Key {
    /// A long-term key of the account that its id names, or of the default account.
    pub fn new(access_key_id: impl Into<String>, secret: Secret) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret,
            account: None,
            session_token: None,
            expires_ms: None,
        }
    }
}

/// The keys that a server accepts, by access key id. Never empty when made by [`Keyring::new`] with a key. Clones share
/// the keys that are issued while the server runs; these are in memory only.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: HashMap<String, Key>,
    issued: Arc<RwLock<HashMap<String, Key>>>,
}

impl Keyring {
    /// Gathers keys; of two with one id the last wins (configuration refuses doubles before).
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let keys = keys.into_iter().map(|key| (key.access_key_id.clone(), key)).collect();
        Self { keys, issued: Arc::default() }
    }

    /// The key of that id.
    pub fn get(&self, access_key_id: &str) -> Option<Key> {
        let issued =
            || self.issued.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned();
        self.keys.get(access_key_id).cloned().or_else(issued)
    }

    /// Lets a temporary key in, until it is revoked. It cannot take the place of one that the server was started with.
    pub fn issue(&self, key: Key) {
        let mut issued = self.issued.write().unwrap_or_else(PoisonError::into_inner);
        issued.insert(key.access_key_id.clone(), key);
    }

    /// Ends a key that was issued; others are left alone.
    pub fn revoke(&self, access_key_id: &str) {
        self.issued.write().unwrap_or_else(PoisonError::into_inner).remove(access_key_id);
    }

    /// Whether no key is known, so that every signed request is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_everywhere() {
        let key =
            Key { session_token: Some(Secret::new("tok3n")), ..Key::new("AKID", Secret::new("s3cret")) };
        let printed = format!("{key:?} {:?}", Keyring::new([key.clone()]));
        assert!(!printed.contains("s3cret") && !printed.contains("tok3n"), "{printed}");
        assert!(printed.contains("***"));
        let keyring = Keyring::new([]);
        keyring.issue(key);
        assert!(!format!("{keyring:?}").contains("s3cret"));
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
    }

    #[test]
    fn issued_keys_are_shared_by_clones_and_end_when_revoked() {
        let keyring = Keyring::new([Key::new("own", Secret::new("first"))]);
        let other = keyring.clone();
        keyring.issue(Key::new("run", Secret::new("s")));
        keyring.issue(Key::new("own", Secret::new("second")));
        assert!(other.get("run").is_some());
        assert_eq!(other.get("own").unwrap().secret, Secret::new("first"));
        keyring.revoke("run");
        keyring.revoke("own");
        assert!(other.get("run").is_none() && other.get("own").is_some());
    }
}
