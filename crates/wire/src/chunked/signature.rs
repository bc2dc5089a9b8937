//! The chain of chunk signatures: each covers the chunk's SHA-256 and the signature before it.

use ring::{digest, hmac};
use subtle::ConstantTimeEq;

use super::ChunkKey;
use crate::body::BodyError;

/// SHA-256 of no bytes.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Verifies signatures one after the other.
pub(super) struct Chain {
    key: ChunkKey,
    hasher: digest::Context,
    /// Chunks seen, for error texts.
    chunks: u64,
}

impl Chain {
    pub(super) fn new(key: ChunkKey) -> Self {
        Self { key, hasher: digest::Context::new(&digest::SHA256), chunks: 0 }
    }

    /// Takes bytes of the current chunk into its hash.
    pub(super) fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
    }

    /// Ends the current chunk, whose header carried `sent`.
    pub(super) fn end_chunk(&mut self, sent: &str) -> Result<(), BodyError> {
        self.chunks += 1;
        let hasher = std::mem::replace(&mut self.hasher, digest::Context::new(&digest::SHA256));
        let hash = hex::encode(hasher.finish());
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY}\n{hash}",
            self.key.time, self.key.scope, self.key.previous
        );
        let part = format!("chunk {}", self.chunks);
        self.check(&text, sent, part)
    }

    /// Checks the trailer's signature. `canonical` is `name:value\n` for each trailer.
    pub(super) fn end_trailer(&mut self, canonical: &[u8], sent: &str) -> Result<(), BodyError> {
        let hash = hex::encode(digest::digest(&digest::SHA256, canonical));
        let text = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{hash}",
            self.key.time, self.key.scope, self.key.previous
        );
        self.check(&text, sent, "the trailer".to_owned())
    }

    fn check(&mut self, text: &str, sent: &str, part: String) -> Result<(), BodyError> {
        let expected = hex::encode(hmac::sign(&self.key.key, text.as_bytes()));
        if !bool::from(expected.as_bytes().ct_eq(sent.as_bytes())) {
            return Err(BodyError::ChunkSignature { part });
        }
        self.key.previous = expected;
        Ok(())
    }
}
