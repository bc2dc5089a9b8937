//! Finds a table's log, and reads it to its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use lake::{BucketName, Conditions, Key, LakeError, ListQuery, Object};
use percent_encoding::percent_decode_str;
use store::{Scope, Tx};

use super::action::{Add, State};
use super::{DeltaFile, DeltaTable, LOG_FOLDER, checkpoint, schema};
use crate::LakeBytes;
use crate::error::TablesError;
use crate::files::Place;
use crate::service::Tables;

/// The most bytes of a commit.
const MAX_COMMIT_BYTES: u64 = 1 << 30;
const PAGE: usize = 1_000;

/// What a log consists of.
#[derive(Debug, Default)]
struct Listing {
    /// By version.
    commits: BTreeMap<i64, Key>,
    /// By version and number of parts, the parts by number.
    checkpoints: BTreeMap<(i64, u32), BTreeMap<u32, Key>>,
    /// There are checkpoints of version 2.
    has_others: bool,
    /// The newest version that anything is there of; a version that was there must not be passed over.
    newest: Option<i64>,
}

impl Listing {
    /// Takes a file of the log by its name.
    fn take(&mut self, name: &str, key: &Key) {
        let Some((version, rest)) = name.split_at_checked(20) else { return };
        let Some(version) = digits(version) else { return };
        let parts: Vec<&str> = rest.split('.').collect();
        match parts.as_slice() {
            ["", "json"] => {
                self.commits.insert(version, key.clone());
            }
            ["", "checkpoint", "parquet"] => {
                self.checkpoints.entry((version, 1)).or_default().insert(1, key.clone());
            }
            ["", "checkpoint", part, of, "parquet"] => match (number(part), number(of)) {
                (Some(part), Some(of)) => {
                    self.checkpoints.entry((version, of)).or_default().insert(part, key.clone());
                }
                _ => self.has_others = true,
            },
            ["", "checkpoint", _, _] => self.has_others = true,
            _ => return,
        }
        self.newest = self.newest.max(Some(version));
    }

    /// The newest checkpoint that has all its parts.
    fn checkpoint(&self) -> Option<(i64, Vec<Key>)> {
        let whole = self.checkpoints.iter().rev().find(|((_, of), parts)| {
            *of > 0 && parts.len() == *of as usize && parts.keys().copied().eq(1..=*of)
        });
        whole.map(|((version, _), parts)| (*version, parts.values().cloned().collect()))
    }
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn number(text: &str) -> Option<u32> {
    if text.len() == 10 { digits(text).and_then(|number| u32::try_from(number).ok()) } else { None }
}

/// The pinned files of a version.
struct Pinned {
    version: i64,
    checkpoint: Vec<Object>,
    commits: Vec<Object>,
}

impl Tables {
    /// What the Delta table at a location is now, as the transaction sees it; `None` when there is no Delta log.
    /// Errors: `Location`; `MetadataBroken` for a log that cannot be read whole; `Unsupported` for one that is only kept
    /// in checkpoints of version 2.
    pub async fn delta(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        location: &str,
    ) -> Result<Option<DeltaTable>, TablesError> {
        let place = self.check_location(tx, scope, location).await?;
        let root = match place.key.trim_end_matches('/') {
            "" => String::new(),
            root => format!("{root}/"),
        };
        let listing = self.list_log(tx, &place.bucket, &root).await?;
        if listing.newest.is_none() {
            return Ok(None);
        }
        let pinned = self.pin(tx, scope, &place.bucket, location, &listing).await?;
        let state = replay(&place, &pinned).await?;
        let root = format!("s3://{}/{root}", place.bucket.as_str());
        described(state, pinned.version, &root).map(Some).map_err(|what| broken(location, what))
    }

    async fn list_log(&self, tx: &mut Tx, bucket: &BucketName, root: &str) -> Result<Listing, TablesError> {
        let prefix = format!("{root}{LOG_FOLDER}/");
        let mut listing = Listing::default();
        let mut after = None;
        loop {
            let query =
                ListQuery { prefix: prefix.clone(), delimiter: Some("/".to_owned()), after, limit: PAGE };
            let page = self.lake().list(tx, bucket, &query).await?;
            for object in &page.objects {
                if let Some(name) = object.key.as_str().strip_prefix(&prefix) {
                    listing.take(name, &object.key);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(listing),
            }
        }
    }

    /// Chooses the files of the newest version, and holds them. Errors: a part or a commit is missing.
    async fn pin(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        bucket: &BucketName,
        location: &str,
        listing: &Listing,
    ) -> Result<Pinned, TablesError> {
        let (from, parts) =
            listing.checkpoint().map_or((-1, Vec::new()), |(version, parts)| (version, parts));
        let newest = listing.newest.unwrap_or(from);
        let mut keys = Vec::new();
        for version in from + 1..=newest {
            match listing.commits.get(&version) {
                Some(key) => keys.push(key.clone()),
                None if from < 0 && listing.has_others => {
                    let what = "its log begins with a checkpoint of version 2, which is not read".to_owned();
                    return Err(TablesError::Unsupported { what });
                }
                None => {
                    let what = format!("version {version} of its log is missing ({version:020}.json)");
                    return Err(broken(location, what));
                }
            }
        }
        let mut checkpoint = Vec::with_capacity(parts.len());
        for key in &parts {
            checkpoint.push(self.pin_one(tx, scope, bucket, key).await?);
        }
        let mut commits = Vec::with_capacity(keys.len());
        for key in &keys {
            commits.push(self.pin_one(tx, scope, bucket, key).await?);
        }
        Ok(Pinned { version: newest, checkpoint, commits })
    }

    async fn pin_one(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        bucket: &BucketName,
        key: &Key,
    ) -> Result<Object, LakeError> {
        let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
        self.lake().get(tx, bucket, key, &conditions).await
    }
}

async fn replay(place: &Place, pinned: &Pinned) -> Result<State, TablesError> {
    let bucket = place.bucket.as_str();
    let name = |object: &Object| format!("s3://{bucket}/{}", object.info().key.as_str());
    let mut state = State::default();
    for object in &pinned.checkpoint {
        let read = checkpoint::replay(Arc::new(LakeBytes::new(bucket, object.clone())), &mut state).await;
        read.map_err(|what| broken(&name(object), what))?;
    }
    for object in &pinned.commits {
        let size = object.info().size;
        if size > MAX_COMMIT_BYTES {
            let what = format!("it has {size} bytes, more than {MAX_COMMIT_BYTES}");
            return Err(broken(&name(object), what));
        }
        let bytes = object.read_range(0..size).await;
        let bytes = bytes.map_err(|error| broken(&name(object), error.to_string()))?;
        state.read(&bytes).map_err(|what| broken(&name(object), what))?;
    }
    Ok(state)
}

fn broken(location: &str, what: String) -> TablesError {
    TablesError::MetadataBroken { location: location.to_owned(), what }
}

/// `root`: the table's folder with its slash.
fn described(mut state: State, version: i64, root: &str) -> Result<DeltaTable, String> {
    let metadata = state.metadata.take().ok_or("its log has no metadata")?;
    let protocol = state.protocol.take().ok_or("its log has no protocol")?;
    if let Some(other) = metadata.format.as_ref().filter(|format| format.provider != "parquet") {
        return Err(format!("its files are of the format {}", other.provider));
    }
    let fields = schema::parse(&metadata.schema_string).map_err(|what| format!("its schema: {what}"))?;
    let missing = metadata.partition_columns.iter().find(|name| !fields.iter().any(|f| f.name == **name));
    if let Some(name) = missing {
        return Err(format!("its partition column {name} is not in its schema"));
    }
    let committed_ms = state.committed_ms;
    let files = state.into_files().map(|add| file(root, add)).collect::<Result<_, String>>()?;
    let configuration = metadata.configuration.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(DeltaTable {
        version,
        committed_ms,
        fields,
        schema_text: metadata.schema_string,
        partition_columns: metadata.partition_columns,
        description: metadata.description,
        configuration: configuration.collect(),
        min_reader_version: protocol.min_reader_version,
        min_writer_version: protocol.min_writer_version,
        reader_features: protocol.reader_features.unwrap_or_default(),
        writer_features: protocol.writer_features.unwrap_or_default(),
        id: metadata.id,
        name: metadata.name,
        created_ms: metadata.created_time,
        files,
    })
}

/// Paths are relative to the table, or URIs; both are percent-encoded.
fn file(root: &str, add: Add) -> Result<DeltaFile, String> {
    let path = percent_decode_str(&add.path).decode_utf8();
    let path = path.map_err(|_| format!("the path {:?} of a file is not UTF-8", add.path))?;
    let location = if add.path.contains("://") { path.into_owned() } else { format!("{root}{path}") };
    let partition_values =
        add.partition_values.into_iter().map(|(name, value)| (name, value.filter(|text| !text.is_empty())));
    Ok(DeltaFile {
        location,
        path: add.path,
        partition_values: partition_values.collect(),
        size: add.size,
        has_deletions: add.deletion_vector.is_some(),
    })
}
