//! Objects as the engine's readers see them: pinned, named, and read by byte range.
//!
//! A pinned object reads as it was when the scan was planned, whatever happens to its key. The bytes of very small
//! objects live in the index; holding those of a large listing would cost memory without bound, so beyond
//! [`INLINE_BUDGET_BYTES`] a scan opens small objects when their turn comes, and refuses one that was replaced since.

use std::{
    fmt, io,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::parquet::file::metadata::ParquetMetaData;
use formats::{ByteSource, LocalBytes};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use lake::{BucketName, INLINE_BYTES, Key, LakeError, Object, ObjectInfo, OpenObject};
use store::Tx;
use tokio::sync::OnceCell;

use crate::{EngineError, Sources, location, scan::Counters};

/// Bytes of small objects that one scan may hold.
const INLINE_BUDGET_BYTES: u64 = 32 << 20;

/// An object as a listing or a bookmark knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: Key,
    /// Size in bytes.
    pub size: u64,
    /// ETag without quotes.
    pub etag: String,
    /// When it was written, epoch milliseconds.
    pub last_modified_ms: i64,
}

impl ObjectRef {
    pub(crate) fn new(bucket: &BucketName, info: ObjectInfo) -> Self {
        Self {
            bucket: bucket.clone(),
            key: info.key,
            size: info.size,
            etag: info.etag,
            last_modified_ms: info.last_modified_ms,
        }
    }

    /// `s3://bucket/key`, the key exactly as it is.
    pub fn uri(&self) -> String {
        location::uri(self.bucket.as_str(), self.key.as_str())
    }
}

/// An object of a scan.
pub(crate) struct SourceObject {
    name: String,
    size: u64,
    opened: AtomicBool,
    counted: AtomicU64,
    footer: Mutex<Option<Footer>>,
    state: State,
}

#[derive(Clone)]
struct Footer {
    metadata: Arc<ParquetMetaData>,
    with_index: bool,
}

enum State {
    Pinned(Object),
    Later { sources: Box<Sources>, known: ObjectRef, object: OnceCell<Object> },
}

impl fmt::Debug for SourceObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceObject")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl SourceObject {
    fn new(known: &ObjectRef, size: u64, state: State) -> Arc<Self> {
        let (opened, counted, footer) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::default());
        Arc::new(Self { name: known.uri(), size, opened, counted, footer, state })
    }

    /// The first call says true.
    pub(crate) fn mark_opened(&self) -> bool {
        !self.opened.swap(true, Ordering::Relaxed)
    }

    /// Notes that `bytes` were read of it; how many of them count, as no object gives more than it has.
    pub(crate) fn count(&self, bytes: u64) -> u64 {
        let before = self.counted.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes).min(self.size) - before.min(self.size)
    }

    /// The Parquet footer, if an earlier reader left it here with at least what is wanted.
    pub(crate) fn footer(&self, with_index: bool) -> Option<Arc<ParquetMetaData>> {
        let footer = self.footer.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        (footer.with_index || !with_index).then_some(footer.metadata)
    }

    /// Keeps the footer for later readers; whether it is the first one.
    pub(crate) fn keep_footer(&self, metadata: &Arc<ParquetMetaData>, with_index: bool) -> bool {
        let footer = Footer { metadata: Arc::clone(metadata), with_index };
        self.footer.lock().unwrap_or_else(PoisonError::into_inner).replace(footer).is_none()
    }

    /// Reads one range whole.
    pub(crate) async fn read_bytes(&self, range: Range<u64>) -> Result<Bytes, EngineError> {
        let object = self.object().await?;
        let wanted = range.end.min(self.size).saturating_sub(range.start);
        let bytes = object.read_range(range).await.map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 != wanted {
            let what = format!("{} bytes read where the index promises {wanted}", bytes.len());
            return Err(EngineError::File { file: self.name.clone(), what });
        }
        Ok(bytes)
    }

    async fn object(&self) -> Result<Object, EngineError> {
        match &self.state {
            State::Pinned(object) => Ok(object.clone()),
            State::Later { sources, known, object } => {
                object.get_or_try_init(|| open_later(sources, known)).await.cloned()
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> EngineError {
        EngineError::File { file: self.name.clone(), what: format!("cannot be read: {error}") }
    }
}

async fn open_later(sources: &Sources, known: &ObjectRef) -> Result<Object, EngineError> {
    let mut tx = sources.store.read().await?;
    let object = get(sources, &mut tx, known).await?;
    let info = object.info();
    if info.etag != known.etag || info.last_modified_ms != known.last_modified_ms {
        let what = "it was replaced while the query ran; run it again".to_owned();
        return Err(EngineError::File { file: known.uri(), what });
    }
    Ok(object)
}

async fn get(sources: &Sources, tx: &mut Tx, known: &ObjectRef) -> Result<Object, EngineError> {
    match sources.lake.get(tx, &known.bucket, &known.key, &sources.own()).await {
        Ok(object) => Ok(object),
        Err(LakeError::NoSuchKey { .. }) => Err(EngineError::ObjectMissing { file: known.uri() }),
        Err(LakeError::NoSuchBucket { bucket }) => {
            Err(EngineError::BucketMissing { table: None, bucket, location: known.uri() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Pins the objects of one scan.
pub(crate) struct Pinner<'a> {
    sources: &'a Sources,
    inline_bytes: u64,
}

impl<'a> Pinner<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self { sources, inline_bytes: 0 }
    }

    /// Pins an object that the transaction's snapshot has. Errors: `ObjectMissing`, `BucketMissing`, `Lake`.
    pub(crate) async fn pin(
        &mut self,
        tx: &mut Tx,
        known: &ObjectRef,
    ) -> Result<Arc<SourceObject>, EngineError> {
        let small = known.size <= INLINE_BYTES as u64;
        if small && self.inline_bytes + known.size > INLINE_BUDGET_BYTES {
            let (sources, object) = (Box::new(self.sources.clone()), OnceCell::new());
            let state = State::Later { sources, known: known.clone(), object };
            return Ok(SourceObject::new(known, known.size, state));
        }
        let object = get(self.sources, tx, known).await?;
        if small {
            self.inline_bytes += known.size;
        }
        let size = object.info().size;
        Ok(SourceObject::new(known, size, State::Pinned(object)))
    }
}

#[async_trait]
impl ByteSource for SourceObject {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.read_bytes(range).await.map_err(io::Error::other)
    }

    /// Scans run on the engine's own threads, which may wait for the disk. What cannot be opened is left to the stream, which
    /// says why.
    fn local(&self) -> Option<Box<dyn LocalBytes>> {
        let State::Pinned(object) = &self.state else { return None };
        let open = object.open().ok()?;
        Some(Box::new(Opened(open)))
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        match &self.state {
            State::Pinned(object) => object.read(range).boxed(),
            State::Later { sources, known, .. } => {
                let (sources, known) = (sources.clone(), known.clone());
                let open = async move { open_later(&sources, &known).await.map_err(io::Error::other) };
                futures::stream::once(open)
                    .map_ok(move |object| object.read(range.clone()))
                    .try_flatten()
                    .boxed()
            }
        }
    }
}

struct Opened(OpenObject);

impl LocalBytes for Opened {
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

/// A source object whose reads a scan counts.
pub(crate) struct CountedSource {
    object: Arc<SourceObject>,
    counters: Arc<Counters>,
}

impl CountedSource {
    pub(crate) fn new(object: Arc<SourceObject>, counters: Arc<Counters>) -> Self {
        Self { object, counters }
    }
}

#[async_trait]
impl ByteSource for CountedSource {
    fn name(&self) -> &str {
        self.object.name()
    }

    fn size(&self) -> u64 {
        self.object.size
    }

    /// Not counted: readers of text look at a file's head with it, and stream the same bytes afterwards.
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.object.read(range).await
    }

    fn local(&self) -> Option<Box<dyn LocalBytes>> {
        let (counters, object) = (Arc::clone(&self.counters), Arc::clone(&self.object));
        let bytes = self.object.local()?;
        Some(Box::new(CountedBytes { bytes, counters, object }))
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let (counters, object) = (Arc::clone(&self.counters), Arc::clone(&self.object));
        self.object.stream(range).inspect_ok(move |bytes| counters.read(&object, bytes.len() as u64)).boxed()
    }
}

struct CountedBytes {
    bytes: Box<dyn LocalBytes>,
    counters: Arc<Counters>,
    object: Arc<SourceObject>,
}

impl LocalBytes for CountedBytes {
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.bytes.read_at(buffer, offset)?;
        self.counters.read(&self.object, read as u64);
        Ok(read)
    }
}
