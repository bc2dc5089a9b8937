//! Reading objects: an [`Object`] holds what one snapshot said and pins its extents, so that the bytes stay readable
//! however long the reader takes and whatever happens to the key meanwhile.
//!
//! Streams read [`CHUNK_BYTES`] at a time on a blocking thread, one chunk ahead of the consumer.

use crate::checksum::{Algorithm, Checksum, ChecksumType, Digests, ETagKind};
use crate::disk::{PinError, PinSet};
use crate::index::{self, Entry, no_such_key};
use crate::layout::{ExtentId, Layout, Slice};
use crate::{BucketName, Conditions, Key, Lake, LakeError, ObjectInfo};
use bytes::Bytes;
use futures::Stream;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Tx, params};
use tokio::task::JoinHandle;

const CHUNK_BYTES: u64 = 512 << 10;

/// An object opened for reading. Cheap to clone; its extents stay as long as a clone lives.
#[derive(Clone)]
pub struct Object {
    inner: Arc<Inner>,
}

struct Inner {
    info: ObjectInfo,
    layout: Layout,
    inline: HashMap<ExtentId, Bytes>,
    lake: Lake,
    _pins: PinSet,
}

/// Where some bytes of an object are, for readers on this machine. Valid while its [`Object`] lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the bytes are.
    pub place: Place,
    /// Where in it they start.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
}

/// What holds the bytes of a [`Segment`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An immutable file.
    File(PathBuf),
    /// Memory, for small objects.
    Memory(Bytes),
}

impl Lake {
    /// Describes an object. Errors: `NoSuchBucket`, `NoSuchKey`, and those of [`Conditions::check_read`].
    pub async fn head(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<ObjectInfo, LakeError> {
        let entry = self.find(tx, bucket, key, conditions).await?.entry.ok_or_else(|| no_such_key(key))?;
        let info = entry.info(key, &mut entry.layout()?)?;
        conditions.check_read(&info)?;
        Ok(info)
    }

    /// Opens an object for reading. Errors: `NoSuchBucket`, `NoSuchKey`, those of [`Conditions::check_read`], and
    /// `Changed` when `tx` is an old snapshot whose object is gone for good: begin a new one.
    pub async fn get(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<Object, LakeError> {
        let found = self.find(tx, bucket, key, conditions).await?;
        let entry = found.entry.ok_or_else(|| no_such_key(key))?;
        self.opened(tx, key, (entry, found.inline), conditions).await
    }

    /// Opens many objects of a bucket with few queries, in the order of `keys`, each named once. Errors: `NoSuchBucket`; of each object
    /// those of [`Lake::get`].
    pub async fn get_many(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        keys: &[&Key],
    ) -> Result<Vec<Result<Object, LakeError>>, LakeError> {
        let mut found = self.layer(tx, bucket).await?.find_many(tx, keys).await?;
        let mut objects = Vec::with_capacity(keys.len());
        for key in keys {
            objects.push(match found.remove(key.as_str().as_bytes()) {
                Some(found) => self.opened(tx, key, found, &Conditions::NONE).await,
                None => Err(no_such_key(key)),
            });
        }
        Ok(objects)
    }

    /// Opens what the index holds: a row, and the bytes when the object is one inline extent.
    async fn opened(
        &self,
        tx: &mut Tx,
        key: &Key,
        (entry, inline): (Entry, Option<Vec<u8>>),
        conditions: &Conditions,
    ) -> Result<Object, LakeError> {
        let mut layout = entry.layout()?;
        let info = entry.info(key, &mut layout)?;
        conditions.check_read(&info)?;
        let inline = match (layout.inline_id(), inline) {
            (Some(id), Some(bytes)) => HashMap::from([(id, bytes)]),
            _ => index::inline_bytes(tx, &layout).await?,
        };
        let mut ids: Vec<ExtentId> = layout.slices.iter().filter(|s| !s.inline).map(|s| s.extent).collect();
        ids.sort_unstable();
        ids.dedup();
        let pins = match PinSet::new(self.disk(), ids).await {
            Ok(pins) => pins,
            Err(PinError::Io(source)) => return Err(LakeError::io("looking for an extent", source)),
            Err(PinError::Missing(id)) => return Err(self.gone(id).await?),
        };
        let inline = inline.into_iter().map(|(id, bytes)| (id, Bytes::from(bytes))).collect();
        Ok(Object { inner: Arc::new(Inner { info, layout, inline, lake: self.clone(), _pins: pins }) })
    }

    /// Why an extent is not there: collected since the reader's snapshot (`Changed`), or lost (`Corrupt`) when the index
    /// of this moment still names it, since the collector removes files only after their rows.
    async fn gone(&self, id: ExtentId) -> Result<LakeError, LakeError> {
        let mut tx = self.store().read().await?;
        if tx.query_opt("SELECT id FROM lake_extents WHERE id = $1", &params![id]).await?.is_none() {
            return Ok(LakeError::Changed);
        }
        let path = self.disk().path(id);
        tracing::error!(extent = id, path = %path.display(), "the file of an object is missing");
        Ok(LakeError::corrupt(format!("the file {} of an object is missing", path.display())))
    }
}

impl Object {
    /// What the index says about it.
    pub fn info(&self) -> &ObjectInfo {
        &self.inner.info
    }

    pub(crate) fn slices(&self) -> &[Slice] {
        &self.inner.layout.slices
    }

    pub(crate) fn cut(&self, range: Range<u64>) -> Vec<Slice> {
        self.inner.layout.cut(range.start, range.end)
    }

    /// Where bytes `range` are, in order; the range is cut to the object's size.
    pub fn segments(&self, range: Range<u64>) -> io::Result<Vec<Segment>> {
        self.cut(range).into_iter().map(|slice| self.segment(slice)).collect()
    }

    fn segment(&self, slice: Slice) -> io::Result<Segment> {
        let place = if slice.inline {
            let bytes = self.inner.inline.get(&slice.extent);
            Place::Memory(bytes.ok_or_else(|| io::Error::other("an inline extent has no bytes"))?.clone())
        } else {
            Place::File(self.inner.lake.disk().path(slice.extent))
        };
        Ok(Segment { place, offset: slice.offset, len: slice.len })
    }

    /// Bytes `range` in one piece; the range is cut to the object's size, and the caller bounds it.
    pub async fn read_range(&self, range: Range<u64>) -> io::Result<Bytes> {
        let segments = self.segments(range)?;
        match segments.as_slice() {
            [] => return Ok(Bytes::new()),
            [Segment { place: Place::Memory(bytes), offset, len }] => {
                return memory(bytes, *offset, *len);
            }
            _ => {}
        }
        let object = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let total: u64 = segments.iter().map(|s| s.len).sum();
            let mut all = vec![0; usize::try_from(total).map_err(io::Error::other)?];
            let mut at = 0;
            for segment in &segments {
                let end = at + segment.len as usize;
                read_into(segment, &mut all[at..end])?;
                at = end;
            }
            drop(object);
            Ok(Bytes::from(all))
        });
        read.await.map_err(io::Error::other)?
    }

    /// The bytes for readers that may wait for the disk.
    pub fn open(&self) -> io::Result<OpenObject> {
        let segments = self.segments(0..self.info().size)?;
        let mut end = 0;
        let ends = segments.iter().map(|segment| {
            end += segment.len;
            end
        });
        Ok(OpenObject { ends: ends.collect(), segments, current: None, _object: self.clone() })
    }

    /// Bytes `range` as a stream of pieces; the range is cut to the object's size.
    pub fn read(&self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<> {
        let reader = Reader { object: self.clone(), todo: self.cut(range).into(), ahead: None };
        futures::stream::unfold(reader, |mut reader| async move {
            let next = reader.next().await?;
            if next.is_err() {
                reader.todo.clear();
            }
            Some((next, reader))
        })
    }

    /// ETag (MD5) and checksums of bytes `range`, reading only what the index does not know already.
    pub async fn digest(
        &self,
        range: Range<u64>,
        algorithms: &[Algorithm],
    ) -> io::Result<(String, Vec<Checksum>)> {
        if let Some(known) = self.known_digest(&range, algorithms) {
            return Ok(known);
        }
        let object = self.clone();
        let algorithms = algorithms.to_vec();
        let digest = tokio::task::spawn_blocking(move || {
            let mut digests = Digests::new(ETagKind::Md5, algorithms);
            let mut buffer = Vec::new();
            for slice in object.cut(range) {
                for piece in pieces(slice) {
                    buffer.resize(piece.len as usize, 0);
                    read_into(&object.segment(piece)?, &mut buffer)?;
                    digests.update(&buffer);
                }
            }
            Ok(digests.finish())
        });
        digest.await.map_err(io::Error::other)?
    }

    fn known_digest(&self, range: &Range<u64>, algorithms: &[Algorithm]) -> Option<(String, Vec<Checksum>)> {
        let info = self.info();
        let is_md5 = info.etag.len() == 32;
        if range.start != 0 || range.end < info.size || !is_md5 {
            return None;
        }
        let mut checksums = Vec::new();
        for algorithm in algorithms {
            let whole = |c: &&Checksum| c.algorithm == *algorithm && c.kind == ChecksumType::FullObject;
            checksums.push(info.checksums.iter().find(whole)?.clone());
        }
        Some((info.etag.clone(), checksums))
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("info", &self.inner.info).finish_non_exhaustive()
    }
}

/// An object that is read by position; of its files, one is open at a time.
#[derive(Debug)]
pub struct OpenObject {
    segments: Vec<Segment>,
    /// Where each segment ends in the object.
    ends: Vec<u64>,
    /// The file of a segment.
    current: Option<(usize, File)>,
    _object: Object,
}

impl OpenObject {
    /// Reads up to as many bytes as `buffer` takes, from `offset` on; 0 only at the object's end. Waits for the disk.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let number = self.ends.partition_point(|end| *end <= offset);
        let Some(segment) = self.segments.get(number) else { return Ok(0) };
        let left = self.ends[number] - offset;
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let (buffer, at) = (&mut buffer[..wanted], segment.offset + segment.len - left);
        let path = match &segment.place {
            Place::File(path) => path,
            Place::Memory(bytes) => {
                buffer.copy_from_slice(&memory(bytes, at, wanted as u64)?);
                return Ok(wanted);
            }
        };
        let file = match &mut self.current {
            Some((open, file)) if *open == number => file,
            current => &mut current.insert((number, File::open(path)?)).1,
        };
        match file.read_at(buffer, at)? {
            0 if wanted > 0 => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "an extent is shorter than its layout"))
            }
            read => Ok(read),
        }
    }
}

fn memory(bytes: &Bytes, offset: u64, len: u64) -> io::Result<Bytes> {
    let (start, end) = (offset as usize, (offset + len) as usize);
    if end > bytes.len() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "an inline extent is shorter than its layout",
        ));
    }
    Ok(bytes.slice(start..end))
}

fn read_into(segment: &Segment, buffer: &mut [u8]) -> io::Result<()> {
    match &segment.place {
        Place::Memory(bytes) => buffer.copy_from_slice(&memory(bytes, segment.offset, segment.len)?),
        Place::File(path) => File::open(path)?.read_exact_at(buffer, segment.offset)?,
    }
    Ok(())
}

/// A slice in pieces of at most [`CHUNK_BYTES`].
fn pieces(slice: Slice) -> impl Iterator<Item = Slice> {
    (0..slice.len).step_by(CHUNK_BYTES as usize).map(move |start| Slice {
        offset: slice.offset + start,
        len: CHUNK_BYTES.min(slice.len - start),
        ..slice
    })
}

struct Reader {
    object: Object,
    todo: VecDeque<Slice>,
    ahead: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reader {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.ahead.is_none() {
            match self.start() {
                Some(Ok(Started::Running(running))) => self.ahead = Some(running),
                Some(Ok(Started::Ready(bytes))) => return Some(Ok(bytes)),
                Some(Err(err)) => return Some(Err(err)),
                None => return None,
            }
        }
        let current = self.ahead.take()?;
        let inline_next = self.todo.front().is_some_and(|slice| slice.inline);
        if !inline_next && let Some(Ok(Started::Running(running))) = self.start() {
            self.ahead = Some(running);
        }
        Some(current.await.unwrap_or_else(|err| Err(io::Error::other(err))))
    }

    /// Begins reading the next piece.
    fn start(&mut self) -> Option<io::Result<Started>> {
        let slice = self.todo.pop_front()?;
        let now = Slice { len: slice.len.min(CHUNK_BYTES), ..slice };
        if slice.len > now.len {
            let rest = Slice { offset: slice.offset + now.len, len: slice.len - now.len, ..slice };
            self.todo.push_front(rest);
        }
        let segment = match self.object.segment(now) {
            Ok(segment) => segment,
            Err(err) => return Some(Err(err)),
        };
        if let Place::Memory(bytes) = &segment.place {
            return Some(memory(bytes, segment.offset, segment.len).map(Started::Ready));
        }
        Some(Ok(Started::Running(tokio::task::spawn_blocking(move || {
            let mut buffer = vec![0; segment.len as usize];
            read_into(&segment, &mut buffer)?;
            Ok(Bytes::from(buffer))
        }))))
    }
}

enum Started {
    Ready(Bytes),
    Running(JoinHandle<io::Result<Bytes>>),
}
