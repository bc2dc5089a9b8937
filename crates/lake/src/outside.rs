//! Extents in an object store outside, so that several servers share one lake.
//!
//! ```text
//! <prefix>/identity                 the number of the metadata store that this place belongs to
//! <prefix>/extents/<ab>/<16 hex>    one immutable extent; <ab> = low byte of its id
//! ```
//! An extent is written once, under an id that no other server ever uses, before its row is committed; so there is
//! nothing to agree about but the rows. What others find there are extents, not objects: names, sizes and what belongs
//! together is in the metadata store alone, whose transactions make several objects visible at once.

use crate::LakeError;
use crate::identity;
use crate::layout::ExtentId;
use bytes::Bytes;
use futures::StreamExt;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig,
};
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes that travel in one request: an upload or a fetch holds one such piece.
const PIECE_BYTES: u64 = 8 << 20;
/// Parts that a multipart upload may have, with some room. Source: Amazon S3 User Guide, "Multipart upload limits".
const MOST_PARTS: u64 = 9_000;
/// Extents that are removed at the same time.
const REMOVALS: usize = 8;
/// How long requests are tried again while the outside store does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bucket of an S3-compatible store.
#[derive(Clone)]
pub struct S3Place {
    /// The bucket; it must be there.
    pub bucket: String,
    /// Below which keys of the bucket; empty for all of it.
    pub prefix: String,
    /// Its address; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Who signs; both empty: what the machine's own role gives.
    pub access_key_id: String,
    /// The secret of that key.
    pub secret: String,
}

/// An object store that keeps the extents of several servers.
#[derive(Clone)]
pub struct Outside {
    objects: Arc<dyn ObjectStore>,
    prefix: String,
    /// For messages.
    name: String,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Outside {
    /// A bucket of an S3-compatible store; nothing is asked of it yet. Errors: `Io` for an address that is none.
    pub fn s3(place: S3Place) -> Result<Outside, LakeError> {
        let name = format!("s3://{}/{}", place.bucket, place.prefix);
        let retry = RetryConfig { max_retries: 8, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(place.bucket)
            .with_region(place.region)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry);
        if !place.access_key_id.is_empty() {
            builder = builder.with_access_key_id(place.access_key_id).with_secret_access_key(place.secret);
        }
        if let Some(endpoint) = place.endpoint {
            let plain = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint).with_allow_http(plain);
        }
        let objects = builder.build();
        let objects =
            objects.map_err(|err| LakeError::io(format!("opening {name}"), io::Error::other(err)))?;
        Ok(Self::over(Arc::new(objects), place.prefix, name))
    }

    /// Any object store that can create an object only if it is not there.
    pub(crate) fn over(objects: Arc<dyn ObjectStore>, prefix: String, name: String) -> Outside {
        Outside { objects, prefix: prefix.trim_matches('/').to_owned(), name }
    }

    /// For messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, rest: &str) -> Path {
        Path::from(format!("{}/{rest}", self.prefix))
    }

    fn extent(&self, id: ExtentId) -> Path {
        self.path(&format!("extents/{:02x}/{id:016x}", id & 0xff))
    }

    /// Which metadata store the place says it belongs to. Errors: it cannot be read, or holds something else.
    pub(crate) async fn identity(&self) -> io::Result<Option<i64>> {
        let bytes = match self.objects.get(&self.path("identity")).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            other => other.map_err(failed)?.bytes().await.map_err(failed)?,
        };
        let text = String::from_utf8_lossy(&bytes);
        i64::from_str_radix(text.trim(), 16)
            .map(Some)
            .map_err(|_| io::Error::other(format!("{} holds no identity", self.name)))
    }

    /// Writes the identity unless there is one; then that one counts.
    pub(crate) async fn claim(&self, id: i64) -> io::Result<()> {
        let payload = PutPayload::from(format!("{}\n", identity::text(id)));
        match self.objects.put_opts(&self.path("identity"), payload, PutMode::Create.into()).await {
            Ok(_) | Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(()),
            Err(err) => Err(failed(err)),
        }
    }

    /// Copies a finished file there; when this returns, it is as durable as the outside store is.
    pub(crate) async fn send(&self, id: ExtentId, file: &FilePath) -> io::Result<u64> {
        let mut file = tokio::fs::File::open(file).await?;
        let size = file.metadata().await?.len();
        let path = self.extent(id);
        if size <= PIECE_BYTES {
            let bytes = piece(&mut file, size).await?;
            self.objects.put(&path, bytes.into()).await.map_err(failed)?;
            return Ok(size);
        }
        let part = PIECE_BYTES.max(size.div_ceil(MOST_PARTS));
        let mut upload = self.objects.put_multipart(&path).await.map_err(failed)?;
        let sent = async {
            let mut left = size;
            while left > 0 {
                let bytes = piece(&mut file, part.min(left)).await?;
                left -= bytes.len() as u64;
                upload.put_part(bytes.into()).await.map_err(failed)?;
            }
            upload.complete().await.map_err(failed)
        };
        if let Err(err) = sent.await {
            // The outside store forgets parts by its own rules when this fails, too.
            if let Err(error) = upload.abort().await {
                tracing::debug!(%error, "an upload to the outside store could not be given up");
            }
            return Err(err);
        }
        Ok(size)
    }

    /// Copies an extent into a new file. Errors: `NotFound` when it is not there.
    pub(crate) async fn fetch(&self, id: ExtentId, file: &FilePath) -> io::Result<u64> {
        let path = self.extent(id);
        let mut file = tokio::fs::File::create(file).await?;
        let (mut at, mut size) = (0, u64::MAX);
        while at < size {
            let range = Some(GetRange::Bounded(at..at.saturating_add(PIECE_BYTES).min(size)));
            let got = self.objects.get_opts(&path, GetOptions { range, ..GetOptions::default() }).await;
            let got = got.map_err(failed)?;
            size = got.meta.size;
            let bytes = got.bytes().await.map_err(failed)?;
            if bytes.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the outside store sent no bytes"));
            }
            file.write_all(&bytes).await?;
            at += bytes.len() as u64;
        }
        file.flush().await?;
        Ok(size)
    }

    /// Removes extents; those that could not be removed, with why. One that is not there is fine.
    pub(crate) async fn remove(&self, ids: &[ExtentId]) -> Vec<(ExtentId, io::Error)> {
        let removed = futures::stream::iter(ids.iter().copied()).map(|id| async move {
            match self.objects.delete(&self.extent(id)).await {
                Ok(()) | Err(Error::NotFound { .. }) => None,
                Err(err) => Some((id, failed(err))),
            }
        });
        removed.buffer_unordered(REMOVALS).filter_map(|failed| async { failed }).collect().await
    }

    /// Names of the extents that are there.
    #[cfg(test)]
    pub(crate) async fn extents(&self) -> Vec<String> {
        let listed = self.objects.list(Some(&self.path("extents")));
        listed.map(|found| found.unwrap().location.to_string()).collect().await
    }
}

async fn piece(file: &mut tokio::fs::File, len: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact(&mut bytes).await?;
    Ok(bytes.into())
}

fn failed(err: Error) -> io::Error {
    match err {
        Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, err),
        other => io::Error::other(other),
    }
}
