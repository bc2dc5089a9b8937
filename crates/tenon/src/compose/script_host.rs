//! What scripts of job runs need of this server: folders, its address, and keys. Their requests are admitted as everybody's
//! are.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Result;
use api::views::{View, Views};
use jobs::{RunKey, RunKeys, ScriptOptions, Scripts, Traffic};
use lake::Overlay;
use scripts::{Environment, Layers};
use store::{Ids, RandomIds, Scope};
use wire::{Auth, Key, Secret, sigv4};

use super::clear;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::node;

/// Gathers it. Errors: working folders of an earlier process cannot be removed.
pub(super) fn open(
    config: &Config,
    data_dir: &DataDir,
    address: SocketAddr,
    auth: &Auth,
    views: Arc<KeyViews>,
) -> Result<Scripts> {
    let folder = data_dir.path().join("scripts");
    clear(&folder)?;
    let settings = &config.scripts;
    Ok(Scripts::new(ScriptOptions {
        enabled: settings.enabled,
        environment: Environment::new(settings.environment.clone()),
        layers: Layers::new(data_dir.path().join("modules"), settings.installing.clone()),
        folder,
        engine: settings.engine.clone(),
        spark: settings.spark.clone(),
        memory_bytes: settings.memory_bytes,
        pool: settings.pool,
        endpoint: node::endpoint(address),
        keys: Arc::new(IssuedKeys { auth: auth.clone(), views }),
    }))
}

/// Which issued keys see the lake through an overlay, and which are counted. A key of that kind tells by its id what it is:
/// once it is forgotten here, by its run's end or with an earlier process, its holder sees nothing at all.
#[derive(Default)]
pub(super) struct KeyViews {
    own: RwLock<HashMap<String, Own>>,
}

/// What is special about a key.
#[derive(Clone, Default)]
struct Own {
    overlay: Option<Overlay>,
    traffic: Option<Arc<Traffic>>,
}

impl KeyViews {
    /// What is special about a key that has an id of that kind; `None` once it is forgotten.
    fn own(&self, access_key: &str) -> Option<Own> {
        self.own.read().unwrap_or_else(PoisonError::into_inner).get(access_key).cloned()
    }
}

impl Views for KeyViews {
    fn of(&self, access_key: &str) -> View {
        if sigv4::issued(access_key).is_none() {
            return View::Everybody;
        }
        match self.own(access_key) {
            Some(own) => own.overlay.map_or(View::Everybody, View::Own),
            None => View::Ended,
        }
    }

    fn traffic(&self, access_key: &str) -> Option<Arc<Traffic>> {
        sigv4::issued(access_key)?;
        self.own(access_key)?.traffic
    }
}

/// Fills [`RunKeys`] with the keyring of the server.
struct IssuedKeys {
    auth: Auth,
    views: Arc<KeyViews>,
}

/// A new id of a key for a run.
fn key_id(scope: &Scope, is_own: bool, random: &str) -> String {
    let random = random[..16].to_ascii_uppercase();
    if is_own { sigv4::issued_id(&scope.account, &random) } else { format!("ASIA{random}") }
}

impl RunKeys for IssuedKeys {
    fn issue(&self, scope: &Scope, overlay: Option<&Overlay>, traffic: Option<&Arc<Traffic>>) -> RunKey {
        let random = || RandomIds.uuid().replace('-', "");
        let is_own = overlay.is_some() || traffic.is_some();
        let access_key_id = key_id(scope, is_own, &random());
        if is_own {
            let own = Own { overlay: overlay.cloned(), traffic: traffic.cloned() };
            let mut all = self.views.own.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(access_key_id.clone(), own);
        }
        match &self.auth {
            // Anything is let in; the id says which account is meant.
            Auth::Open => RunKey {
                access_key_id: if is_own { access_key_id } else { scope.account.clone() },
                secret: "test".to_owned(),
                session_token: None,
            },
            Auth::SigV4(keyring) => {
                let (secret, token) = (random() + &random(), random() + &random());
                keyring.issue(Key {
                    account: Some(scope.account.clone()),
                    session_token: Some(Secret::new(token.clone())),
                    ..Key::new(access_key_id.clone(), Secret::new(secret.clone()))
                });
                RunKey { access_key_id, secret, session_token: Some(token) }
            }
        }
    }

    fn revoke(&self, access_key_id: &str) {
        if let Auth::SigV4(keyring) = &self.auth {
            keyring.revoke(access_key_id);
        }
        self.views.own.write().unwrap_or_else(PoisonError::into_inner).remove(access_key_id);
    }
}

#[cfg(test)]
mod tests {
    use wire::Keyring;

    use super::*;

    fn keys(auth: Auth) -> IssuedKeys {
        IssuedKeys { auth, views: Arc::default() }
    }

    #[test]
    fn a_run_signs_with_a_key_of_its_own() {
        let scope = Scope::new("123456789012", "eu-west-1").expect("fine");
        let keyring = Keyring::new([Key::new("long", Secret::new("term"))]);
        let keys_of = keys(Auth::SigV4(keyring.clone()));
        let (one, two) = (keys_of.issue(&scope, None, None), keys_of.issue(&scope, None, None));
        assert_ne!(one.access_key_id, two.access_key_id);
        let known = keyring.get(&one.access_key_id).expect("known");
        assert_eq!(known.account.as_deref(), Some("123456789012"));
        assert!(known.session_token.is_some() && known.secret == Secret::new(one.secret.clone()));
        keys_of.revoke(&one.access_key_id);
        assert!(keyring.get(&one.access_key_id).is_none() && keyring.get(&two.access_key_id).is_some());
        let open = keys(Auth::Open).issue(&scope, None, None);
        assert_eq!((open.access_key_id.as_str(), open.session_token), ("123456789012", None));
        assert_eq!(keys_of.views.of(&two.access_key_id), View::Everybody);
    }

    #[test]
    fn a_key_with_an_overlay_is_known_by_its_id_for_ever() {
        let scope = Scope::new("123456789012", "eu-west-1").expect("fine");
        for auth in [Auth::Open, Auth::SigV4(Keyring::new([]))] {
            let keys = keys(auth);
            let (one, two) = (Overlay::new("one"), Overlay::new("two"));
            let (first, second) =
                (keys.issue(&scope, Some(&one), None), keys.issue(&scope, Some(&two), None));
            let (first, second) = (first.access_key_id.as_str(), second.access_key_id.as_str());
            assert_eq!(sigv4::issued(first).map(|(account, _)| account), Some("123456789012"));
            assert_eq!(
                (keys.views.of(first), keys.views.of(second)),
                (View::Own(one), View::Own(two.clone()))
            );
            keys.revoke(first);
            assert_eq!((keys.views.of(first), keys.views.of(second)), (View::Ended, View::Own(two)));
        }
        let traffic = Arc::default();
        let counted = keys(Auth::Open);
        let key = counted.issue(&scope, None, Some(&traffic)).access_key_id;
        assert_eq!(counted.views.of(&key), View::Everybody);
        assert!(counted.views.traffic(&key).is_some_and(|found| Arc::ptr_eq(&found, &traffic)));
        counted.revoke(&key);
        assert!(counted.views.of(&key) == View::Ended && counted.views.traffic(&key).is_none());
        for other in ["123456789012", "test", "ASIA0123456789ABCDEF", "TENONRUN", "TENONRUNaccount"] {
            assert_eq!(KeyViews::default().of(other), View::Everybody, "{other}");
        }
    }
}
