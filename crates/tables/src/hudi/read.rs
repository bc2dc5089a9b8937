//! Reads a table's properties and timeline, and lists its folder.

use std::ops::ControlFlow;

use lake::{BucketName, Conditions, Key, LakeError, ListQuery, Object, ObjectInfo};
use store::{Scope, Tx};

use super::commit::{self, Commit};
use super::properties::{Layout, Properties};
use super::snapshot::{Listing, Written, snapshot};
use super::timeline::{Timeline, Verdict};
use super::{HudiTable, META_FOLDER, PROPERTIES_FILE, evolution};
use crate::error::TablesError;
use crate::service::Tables;

/// The most bytes of a file of the timeline.
const MAX_INSTANT_BYTES: u64 = 256 << 20;
const MAX_PROPERTIES_BYTES: u64 = 1 << 20;
const PAGE: usize = 1_000;

/// The place of a table, and who reads it.
struct At<'a> {
    scope: &'a Scope,
    bucket: BucketName,
    /// The prefix of the table, with its slash, or empty.
    root: String,
    location: &'a str,
}

impl Tables {
    /// What the Hudi table at a location is now, as the transaction sees it; `None` when there is no Hudi table.
    /// Errors: `Location`; `MetadataBroken` for a timeline that cannot be read, or does not tell what the rows are;
    /// `Unsupported` for versions and kinds of tables that are not read.
    pub async fn hudi(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        location: &str,
    ) -> Result<Option<HudiTable>, TablesError> {
        let place = self.check_location(tx, scope, location).await?;
        let root = match place.key.trim_end_matches('/') {
            "" => String::new(),
            root => format!("{root}/"),
        };
        let at = At { scope, bucket: place.bucket, root, location };
        let Some(properties) = self.hudi_properties(tx, &at).await? else { return Ok(None) };
        let timeline = self.hudi_timeline(tx, &at, &properties).await?;
        self.hudi_columns(tx, &at, &timeline).await?;
        let written = self.hudi_writes(tx, &at, &timeline).await?;
        let listing = self.hudi_files(tx, &at).await?;
        let root = format!("s3://{}/{}", at.bucket.as_str(), at.root);
        let found = snapshot(&root, &timeline, listing, written).map_err(|what| at.broken(what))?;
        Ok(Some(HudiTable {
            name: properties.name,
            kind: properties.kind,
            version: properties.version,
            instant: timeline.newest().map(str::to_owned),
            partition_fields: properties.partition_fields,
            drops_partition_fields: properties.drops_partition_fields,
            files: found.files,
            logs: match properties.kind {
                super::HudiKind::CopyOnWrite => 0,
                super::HudiKind::MergeOnRead => found.logs,
            },
            is_hive_style: properties.is_hive_style,
            is_encoded: properties.is_encoded,
        }))
    }

    /// While properties are written anew, their backup counts.
    async fn hudi_properties(&self, tx: &mut Tx, at: &At<'_>) -> Result<Option<Properties>, TablesError> {
        for name in [PROPERTIES_FILE.to_owned(), format!("{PROPERTIES_FILE}.backup")] {
            let key = at.key(&format!("{META_FOLDER}/{name}"))?;
            let bytes = match self.hudi_object(tx, at, &key).await {
                Ok(object) => at.bytes(&object, MAX_PROPERTIES_BYTES).await?,
                Err(LakeError::NoSuchKey { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| at.broken(format!("{} is not UTF-8", key.as_str())))?;
            return Properties::parse(at.location, &text).map(Some);
        }
        Ok(None)
    }

    /// The active timeline, with what its rollbacks took back.
    async fn hudi_timeline(
        &self,
        tx: &mut Tx,
        at: &At<'_>,
        properties: &Properties,
    ) -> Result<Timeline, TablesError> {
        let folder = format!("{}{META_FOLDER}/{}", at.root, properties.timeline);
        let mut timeline = Timeline::default();
        let layout = properties.layout;
        self.hudi_list(tx, at, &folder, Some("/"), |name, info| {
            timeline.take(layout, name, &info.key).map(ControlFlow::Continue)
        })
        .await?;
        timeline.check().map_err(|what| at.broken(what))?;
        for key in timeline.rollbacks.clone() {
            let object = self.hudi_object(tx, at, &key).await?;
            let bytes = at.bytes(&object, MAX_INSTANT_BYTES).await?;
            let rolled_back = commit::rolled_back(&bytes).map_err(|what| at.broken_file(&key, &what))?;
            for (instant, action) in rolled_back {
                timeline.roll_back(&instant, action.as_deref());
            }
        }
        if timeline.newest().is_none() && layout == Layout::Timed {
            self.check_flat(tx, at).await?;
        }
        Ok(timeline)
    }

    /// A table of the newer layout without a timeline, whose instants lie where older ones have them, was upgraded halfway.
    async fn check_flat(&self, tx: &mut Tx, at: &At<'_>) -> Result<(), TablesError> {
        let mut flat = Timeline::default();
        let folder = format!("{}{META_FOLDER}/", at.root);
        self.hudi_list(tx, at, &folder, Some("/"), |name, info| {
            // What is no instant of the older layout is not of interest here.
            let _known = flat.take(Layout::Flat, name, &info.key);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        match flat.newest() {
            None => Ok(()),
            Some(instant) => Err(at.broken(format!(
                "its properties say that its timeline has a folder of its own, and instants ({instant}) are in .hoodie: finish its \
                 upgrade with Hudi's own tools"
            ))),
        }
    }

    /// Refuses a table whose columns are not to be told by their names.
    async fn hudi_columns(&self, tx: &mut Tx, at: &At<'_>, timeline: &Timeline) -> Result<(), TablesError> {
        let folder = format!("{}{META_FOLDER}/{}", at.root, evolution::FOLDER);
        let mut newest: Option<(String, Key)> = None;
        self.hudi_list(tx, at, &folder, Some("/"), |name, info| {
            if let Some(instant) = evolution::instant_of(name)
                && timeline.verdict(instant) != Verdict::Uncommitted
                && newest.as_ref().is_none_or(|(other, _)| other.as_str() <= instant)
            {
                newest = Some((instant.to_owned(), info.key.clone()));
            }
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        let Some((_, key)) = newest else { return Ok(()) };
        let object = self.hudi_object(tx, at, &key).await?;
        let bytes = at.bytes(&object, MAX_INSTANT_BYTES).await?;
        evolution::check(&bytes).map_err(|what| TablesError::Unsupported {
            what: format!(
                "{what} (s3://{}/{}): its files are read by the names of their columns; write the table anew",
                at.bucket.as_str(),
                key.as_str()
            ),
        })
    }

    async fn hudi_writes(
        &self,
        tx: &mut Tx,
        at: &At<'_>,
        timeline: &Timeline,
    ) -> Result<Written, TablesError> {
        let mut written = Written::default();
        for (instant, write) in &timeline.writes {
            let object = self.hudi_object(tx, at, &write.key).await?;
            let bytes = at.bytes(&object, MAX_INSTANT_BYTES).await?;
            let commit = Commit::parse(&bytes).map_err(|what| at.broken_file(&write.key, &what))?;
            if commit.is_none() && write.is_replacement {
                return Err(
                    at.broken_file(&write.key, "it is empty: which file groups it replaced is not known")
                );
            }
            written.take(instant, commit).map_err(|what| at.broken(what))?;
        }
        Ok(written)
    }

    async fn hudi_files(&self, tx: &mut Tx, at: &At<'_>) -> Result<Listing, TablesError> {
        let mut listing = Listing::default();
        let own = format!("{META_FOLDER}/");
        // Past everything that begins so: the timeline and the metadata table are no data files.
        let past = format!("{}{META_FOLDER}0", at.root);
        self.hudi_list(tx, at, &at.root, None, |name, info| {
            if name.starts_with(&own) {
                return Ok(ControlFlow::Break(past.clone()));
            }
            listing.take(name, info.size).map(ControlFlow::Continue)
        })
        .await?;
        Ok(listing)
    }

    /// Shows every object below a prefix, by its name after it. `each` may break to go on after another key.
    async fn hudi_list(
        &self,
        tx: &mut Tx,
        at: &At<'_>,
        prefix: &str,
        delimiter: Option<&str>,
        mut each: impl FnMut(&str, &ObjectInfo) -> Result<ControlFlow<String>, String> + Send,
    ) -> Result<(), TablesError> {
        let mut after = None;
        loop {
            let delimiter = delimiter.map(str::to_owned);
            let query = ListQuery { prefix: prefix.to_owned(), delimiter, after, limit: PAGE };
            let page = self.lake().list(tx, &at.bucket, &query).await?;
            let mut next = page.next;
            for object in &page.objects {
                let name = object.key.as_str().strip_prefix(prefix).unwrap_or_default();
                if let ControlFlow::Break(key) = each(name, object).map_err(|what| at.broken(what))? {
                    next = Some(key);
                    break;
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn hudi_object(&self, tx: &mut Tx, at: &At<'_>, key: &Key) -> Result<Object, LakeError> {
        let conditions = Conditions { owner: Some(at.scope.account.clone()), ..Conditions::NONE };
        self.lake().get(tx, &at.bucket, key, &conditions).await
    }
}

impl At<'_> {
    fn key(&self, name: &str) -> Result<Key, TablesError> {
        Key::new(format!("{}{name}", self.root)).map_err(|error| self.broken(error.to_string()))
    }

    async fn bytes(&self, object: &Object, max: u64) -> Result<Vec<u8>, TablesError> {
        let (size, key) = (object.info().size, &object.info().key);
        if size > max {
            return Err(self.broken_file(key, &format!("it has {size} bytes, more than {max}")));
        }
        if size == 0 {
            return Ok(Vec::new());
        }
        let bytes = object.read_range(0..size).await;
        Ok(bytes.map_err(|error| self.broken_file(key, &error.to_string()))?.to_vec())
    }

    fn broken(&self, what: String) -> TablesError {
        TablesError::MetadataBroken { location: self.location.to_owned(), what }
    }

    fn broken_file(&self, key: &Key, what: &str) -> TablesError {
        let location = format!("s3://{}/{}", self.bucket.as_str(), key.as_str());
        TablesError::MetadataBroken { location, what: what.to_owned() }
    }
}
