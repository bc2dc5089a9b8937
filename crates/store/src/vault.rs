//! Secrets encrypted at rest: AES-256-GCM under one key per installation.
//!
//! The key comes from the configuration, or from a file of the data folder that is made once and that nobody else may
//! read. Services keep the sealed bytes in their own rows; what leaves the store (a copy of the database, a backup)
//! holds no secret without the key.
//!
//! # Layout of sealed bytes
//! `01` (format), four bytes that identify the key (of its SHA-256), twelve bytes of nonce, the ciphertext with its tag.
//! What the secret belongs to is authenticated along: bytes that were moved to another row do not open.
//!
//! # After a crash
//! The key file is written under another name, synced and renamed: it is whole or not there, and then nothing was
//! sealed with it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 4;
const HEAD_BYTES: usize = 1 + ID_BYTES + NONCE_LEN;

/// A text that is never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What can go wrong with sealed secrets. No text holds a secret or a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The configuration names no key, and this kind of store cannot make one.
    #[error(
        "this server has no key for secrets: its metadata store is shared, so that the key must be the same on all \
         servers and come from the configuration; set secrets_key to 64 hexadecimal digits (openssl rand -hex 32)"
    )]
    NoKey,
    /// A key is not 64 hexadecimal digits.
    #[error("the key for secrets is not 64 hexadecimal digits (32 bytes)")]
    KeyFormat,
    /// The key file can be read by others.
    #[error("{path} may be read by other users (mode {mode:o}): it holds the key for secrets; chmod 600 it")]
    KeyMode {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file cannot be read or made.
    #[error("cannot read or make the key file {path}")]
    KeyFile {
        /// The file.
        path: String,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// The secret was sealed under another key than this server's.
    #[error(
        "the secret was sealed with another key than this server has: give it the key it was sealed with"
    )]
    OtherKey,
    /// The sealed bytes are damaged, or belong to something else.
    #[error("a sealed secret cannot be opened: it is damaged or was moved")]
    Damaged,
    /// The operating system gives no random bytes, or the cipher refuses.
    #[error("a secret cannot be sealed: the system gives no random bytes")]
    Unsealable,
}

/// Seals and opens secrets. Clones share the key.
#[derive(Clone)]
pub struct Vault(Option<Arc<Key>>);

struct Key {
    id: [u8; ID_BYTES],
    cipher: LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("has_key", &self.0.is_some()).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault without a key: everything else works, sealing and opening answer [`VaultError::NoKey`].
    pub fn without_key() -> Self {
        Self(None)
    }

    /// A vault with a key of 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`VaultError::KeyFormat`].
    pub fn with_key(hex_digits: &Secret) -> Result<Self, VaultError> {
        let bytes = hex::decode(hex_digits.expose().trim()).map_err(|_| VaultError::KeyFormat)?;
        let bytes = Zeroizing::new(bytes);
        let unbound = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| VaultError::KeyFormat)?;
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&Sha256::digest(bytes.as_slice())[..ID_BYTES]);
        Ok(Self(Some(Arc::new(Key { id, cipher: LessSafeKey::new(unbound), random: SystemRandom::new() }))))
    }

    /// A vault with the key of a file, which is made (with a random key, mode 0600) when it is missing.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`], [`VaultError::KeyMode`] when others may read it, [`VaultError::KeyFormat`].
    pub fn with_key_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::KeyFile { path: path.display().to_string(), source };
        if !path.try_exists().map_err(failed)? {
            make_key_file(path)?;
        }
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::KeyMode { path: path.display().to_string(), mode });
        }
        Self::with_key(&Secret::new(fs::read_to_string(path).map_err(failed)?))
    }

    fn key(&self) -> Result<&Key, VaultError> {
        self.0.as_deref().ok_or(VaultError::NoKey)
    }

    /// Seals a secret. `owner` says what it belongs to; the same text opens it.
    ///
    /// # Errors
    /// [`VaultError::NoKey`], [`VaultError::Unsealable`].
    pub fn seal(&self, owner: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.key()?;
        let mut nonce = [0; NONCE_LEN];
        key.random.fill(&mut nonce).map_err(|_| VaultError::Unsealable)?;
        let mut body = secret.to_vec();
        key.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut body,
            )
            .map_err(|_| VaultError::Unsealable)?;
        Ok([&[FORMAT], &key.id[..], &nonce[..], &body[..]].concat())
    }

    /// Opens what [`Vault::seal`] sealed for the same owner. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// [`VaultError::NoKey`], [`VaultError::OtherKey`], [`VaultError::Damaged`].
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let key = self.key()?;
        let (head, body) = sealed.split_at_checked(HEAD_BYTES).ok_or(VaultError::Damaged)?;
        if head[0] != FORMAT {
            return Err(VaultError::Damaged);
        }
        if head[1..=ID_BYTES] != key.id {
            return Err(VaultError::OtherKey);
        }
        let nonce =
            Nonce::try_assume_unique_for_key(&head[1 + ID_BYTES..]).map_err(|_| VaultError::Damaged)?;
        let mut bytes = Zeroizing::new(body.to_vec());
        let opened = key.cipher.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut bytes);
        let length = opened.map_err(|_| VaultError::Damaged)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn make_key_file(path: &Path) -> Result<(), VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(key.as_mut()).map_err(|_| VaultError::Unsealable)?;
    let text = Zeroizing::new(hex::encode(key.as_slice()));
    let temporary = path.with_extension("new");
    let written = write_new(&temporary, text.as_bytes()).and_then(|()| {
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    });
    written.map_err(|source| VaultError::KeyFile { path: path.display().to_string(), source })
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_owner_and_key_open_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::with_key_file(&folder.path().join("secrets.key")).unwrap();
        let sealed = vault.seal("connection/a", b"hunter2").unwrap();
        assert!(!sealed.windows(7).any(|bytes| bytes == b"hunter2"));
        assert_eq!(vault.open("connection/a", &sealed).unwrap().as_slice(), b"hunter2");
        assert!(matches!(vault.open("connection/b", &sealed), Err(VaultError::Damaged)));
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(matches!(vault.open("connection/a", &bent), Err(VaultError::Damaged)));
        assert!(matches!(vault.open("connection/a", &sealed[..9]), Err(VaultError::Damaged)));
        let other = Vault::with_key(&Secret::new("ab".repeat(32))).unwrap();
        assert!(matches!(other.open("connection/a", &sealed), Err(VaultError::OtherKey)));
        assert!(matches!(Vault::without_key().open("connection/a", &sealed), Err(VaultError::NoKey)));
        assert_ne!(sealed, vault.seal("connection/a", b"hunter2").unwrap(), "a nonce of its own each time");
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.key");
        let sealed = Vault::with_key_file(&path).unwrap().seal("x", b"y").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Vault::with_key_file(&path).unwrap().open("x", &sealed).unwrap().as_slice(), b"y");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Vault::with_key_file(&path), Err(VaultError::KeyMode { mode: 0o640, .. })));
    }

    #[test]
    fn keys_are_64_digits_and_secrets_are_not_printed() {
        for bad in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            assert!(matches!(Vault::with_key(&Secret::new(bad)), Err(VaultError::KeyFormat)), "{bad}");
        }
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
        assert!(VaultError::NoKey.to_string().contains("secrets_key"));
    }
}
