//! What scripts of job runs need of this server: folders, its address, and keys. Their requests are admitted as everybody's
//! are.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use jobs::{RunKey, RunKeys, ScriptOptions, Scripts};
use scripts::{Environment, Layers};
use store::{Ids, RandomIds, Scope};
use wire::{Auth, Key, Secret};

use super::clear;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::node;

/// Gathers it. Errors: working folders of an earlier process cannot be removed.
pub(super) fn open(config: &Config, data_dir: &DataDir, address: SocketAddr, auth: &Auth) -> Result<Scripts> {
    let folder = data_dir.path().join("scripts");
    clear(&folder)?;
    let settings = &config.scripts;
    Ok(Scripts::new(ScriptOptions {
        enabled: settings.enabled,
        environment: Environment::new(settings.environment.clone()),
        layers: Layers::new(data_dir.path().join("modules"), settings.installing.clone()),
        folder,
        engine: settings.engine.clone(),
        memory_bytes: settings.memory_bytes,
        pool: settings.pool,
        endpoint: node::endpoint(address),
        keys: Arc::new(IssuedKeys { auth: auth.clone() }),
    }))
}

/// Fills [`RunKeys`] with the keyring of the server.
struct IssuedKeys {
    auth: Auth,
}

impl RunKeys for IssuedKeys {
    fn issue(&self, scope: &Scope) -> RunKey {
        let random = || RandomIds.uuid().replace('-', "");
        match &self.auth {
            // Anything is let in; the id says which account is meant.
            Auth::Open => RunKey {
                access_key_id: scope.account.clone(),
                secret: "test".to_owned(),
                session_token: None,
            },
            Auth::SigV4(keyring) => {
                let access_key_id = format!("ASIA{}", &random()[..16].to_ascii_uppercase());
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
    }
}

#[cfg(test)]
mod tests {
    use wire::Keyring;

    use super::*;

    #[test]
    fn a_run_signs_with_a_key_of_its_own() {
        let scope = Scope::new("123456789012", "eu-west-1").expect("fine");
        let keyring = Keyring::new([Key::new("long", Secret::new("term"))]);
        let keys = IssuedKeys { auth: Auth::SigV4(keyring.clone()) };
        let (one, two) = (keys.issue(&scope), keys.issue(&scope));
        assert_ne!(one.access_key_id, two.access_key_id);
        let known = keyring.get(&one.access_key_id).expect("known");
        assert_eq!(known.account.as_deref(), Some("123456789012"));
        assert!(known.session_token.is_some() && known.secret == Secret::new(one.secret.clone()));
        keys.revoke(&one.access_key_id);
        assert!(keyring.get(&one.access_key_id).is_none() && keyring.get(&two.access_key_id).is_some());
        let open = IssuedKeys { auth: Auth::Open }.issue(&scope);
        assert_eq!((open.access_key_id.as_str(), open.session_token), ("123456789012", None));
    }
}
