//! What the files of a crawler looked like, so that an unchanged file is not read again.
//!
//! # Layout
//! A row of `crawler_memory` holds what is known of the files of one listing page, under the page's first key: per file
//! ETag, size and what was found, and the distinct schemas once, as compressed JSON (some 30 bytes per file, and its first
//! row where that may be a header). A page is
//! written when it differs from what is remembered.
//!
//! # Invariants
//! - A memory speaks of bytes, not of runs: it is true whatever becomes of the run that wrote it, and can be dropped at
//!   any moment.
//! - It is used for a file of the same key, ETag and size only, and only when written by the same rules ([`mark`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use formats::{InferOptions, InferredField, Seen as OfValues};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use store::{Scope, Tx, params};

use crate::error::{CrawlerError, pack, unpack};
use crate::plan::{Examples, Kind, Shape};

/// What looking at a file found.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// A format and columns, and remarks on single records.
    Recognised(Box<Shape>, Vec<String>),
    /// One row, which only others can say to be a record: the file if it is, else kind of reason and message.
    Lone(Box<Shape>, String, String),
    /// Nothing in it.
    Empty(String),
    /// It cannot be a table: kind of reason, message.
    Refused(String, String),
}

/// Under which rules a crawler looks at files: another build of the program may find something else in the same bytes,
/// and so may the crawler's own classifiers once they, or their order, are changed.
fn mark(build: &str, ways: &[InferOptions]) -> String {
    format!("{build} {}", hex::encode(Md5::digest(format!("{ways:?}"))))
}

#[derive(Serialize, Deserialize)]
struct Page {
    mark: String,
    schemas: Vec<Schema>,
    files: Vec<File>,
}

/// Columns: name, type, nullable, what was seen of the values.
type Columns = Vec<(String, String, bool, OfValues)>;

#[derive(Serialize, Deserialize, PartialEq)]
struct Schema {
    kind: Kind,
    fields: Columns,
    quoted: bool,
    escape: Option<u8>,
    avro_schema: Option<String>,
    compression: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "e")]
    etag: String,
    #[serde(rename = "s")]
    size: u64,
    #[serde(rename = "l")]
    look: Stored,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    /// Schema, records, sampled bytes and records, bytes not seen and certainty, remarks, columns if the first row names them.
    #[serde(rename = "r")]
    Recognised(usize, u64, (u64, u64), (u64, f64), Vec<String>, Option<Columns>),
    /// Schema, sampled bytes, kind of reason, message.
    #[serde(rename = "o")]
    Lone(usize, u64, String, String),
    #[serde(rename = "e")]
    Empty(String),
    #[serde(rename = "x")]
    Refused(String, String),
}

/// A file that was looked at: key, ETag, size, what was found.
pub(crate) type Seen = (String, String, u64, Look);

/// The memory of one crawler about one bucket, walked in the order of keys.
pub(crate) struct Memory {
    scope: Scope,
    crawler: String,
    bucket: String,
    mark: String,
    /// By key: ETag, size, what was found. Of the page at hand, and of rows that reached beyond it.
    known: HashMap<String, (String, u64, Look)>,
    /// The rows that overlap the page at hand, as they are stored.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Memory {
    /// Of a crawler (scope and name) about a bucket. `ways` is how its classifiers look at a file.
    pub(crate) fn new(
        (scope, crawler, bucket): (&Scope, &str, &str),
        build: &str,
        ways: &[InferOptions],
    ) -> Self {
        Self {
            scope: scope.clone(),
            crawler: crawler.to_owned(),
            bucket: bucket.to_owned(),
            mark: mark(build, ways),
            known: HashMap::new(),
            rows: Vec::new(),
        }
    }

    /// Loads what is known of the keys `first..=last`.
    pub(crate) async fn load(&mut self, tx: &mut Tx, first: &str, last: &str) -> Result<(), CrawlerError> {
        self.known.retain(|key, _| key.as_str() >= first);
        let rows = tx
            .query(
                "SELECT first_key, doc FROM crawler_memory
                 WHERE account = $1 AND region = $2 AND crawler = $3 AND bucket = $4 AND first_key <= $6
                   AND first_key >= COALESCE((SELECT first_key FROM crawler_memory
                     WHERE account = $1 AND region = $2 AND crawler = $3 AND bucket = $4 AND first_key <= $5
                     ORDER BY first_key DESC LIMIT 1), $5)
                 ORDER BY first_key",
                &params![
                    self.scope.account.as_str(),
                    self.scope.region.as_str(),
                    self.crawler.as_str(),
                    self.bucket.as_str(),
                    first.as_bytes(),
                    last.as_bytes()
                ],
            )
            .await?;
        self.rows.clear();
        for row in rows {
            let (at, doc): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            // A memory that cannot be read, perhaps of another release, is none.
            if let Ok(page) = unpack::<Page>("memory", &doc)
                && page.mark == self.mark
            {
                self.learn(page, first);
            }
            self.rows.push((at, doc));
        }
        Ok(())
    }

    fn learn(&mut self, page: Page, first: &str) {
        let schemas: Vec<Option<Remembered>> = page.schemas.into_iter().map(Remembered::of).collect();
        for file in page.files {
            if file.key.as_str() < first {
                continue;
            }
            let look = match file.look {
                Stored::Recognised(schema, records, sampled, unseen, remarks, titled) => {
                    let Some(Some(schema)) = schemas.get(schema) else { continue };
                    let titled = match titled.as_ref().map(fields_of) {
                        Some(None) => continue,
                        read => read.flatten().map(Arc::new),
                    };
                    let shape = schema.shape(file.size, records, sampled, unseen);
                    Look::Recognised(Box::new(Shape { titled, ..shape }), remarks)
                }
                Stored::Lone(schema, sampled, kind, why) => {
                    let Some(Some(schema)) = schemas.get(schema) else { continue };
                    Look::Lone(Box::new(schema.shape(file.size, 1, (sampled, 1), (0, 1.0))), kind, why)
                }
                Stored::Empty(message) => Look::Empty(message),
                Stored::Refused(kind, message) => Look::Refused(kind, message),
            };
            self.known.insert(file.key, (file.etag, file.size, look));
        }
    }

    /// What the file is known to be, if it still has this ETag and size.
    pub(crate) fn recall(&self, key: &str, etag: &str, size: u64) -> Option<Look> {
        let (known_etag, known_size, look) = self.known.get(key)?;
        (known_etag == etag && *known_size == size).then(|| look.clone())
    }

    /// The row for the page `first..=last`; `None` when it is remembered like this already.
    pub(crate) fn row(&self, first: &str, seen: &[Seen]) -> Result<Option<Vec<u8>>, CrawlerError> {
        let doc = pack("memory", &page(&self.mark, seen))?;
        let same = matches!(self.rows.as_slice(), [(at, known)] if at == first.as_bytes() && *known == doc);
        Ok((!same).then_some(doc))
    }

    /// Writes the row of a page in place of all that begin within it.
    pub(crate) async fn store(
        &self,
        tx: &mut Tx,
        first: &str,
        last: &str,
        doc: Vec<u8>,
    ) -> Result<(), CrawlerError> {
        let place = [self.scope.account.as_str(), self.scope.region.as_str(), self.crawler.as_str()];
        tx.execute(
            "DELETE FROM crawler_memory WHERE account = $1 AND region = $2 AND crawler = $3 AND bucket = $4
               AND first_key >= $5 AND first_key <= $6",
            &params![place[0], place[1], place[2], self.bucket.as_str(), first.as_bytes(), last.as_bytes()],
        )
        .await?;
        tx.execute(
            "INSERT INTO crawler_memory (account, region, crawler, bucket, first_key, doc)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &params![place[0], place[1], place[2], self.bucket.as_str(), first.as_bytes(), doc],
        )
        .await?;
        Ok(())
    }
}

/// Forgets everything that a crawler knows of files.
pub(crate) async fn forget(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<(), CrawlerError> {
    tx.execute(
        "DELETE FROM crawler_memory WHERE account = $1 AND region = $2 AND crawler = $3",
        &params![scope.account.as_str(), scope.region.as_str(), crawler],
    )
    .await?;
    Ok(())
}

fn page(mark: &str, seen: &[Seen]) -> Page {
    let mut schemas: Vec<Schema> = Vec::new();
    let mut files = Vec::with_capacity(seen.len());
    let mut newest = None;
    for (key, etag, size, look) in seen {
        let look = match look {
            Look::Empty(message) => Stored::Empty(message.clone()),
            Look::Refused(kind, message) => Stored::Refused(kind.clone(), message.clone()),
            Look::Lone(shape, kind, why) => {
                let at = position(&mut schemas, &mut newest, shape);
                Stored::Lone(at, shape.sampled.0, kind.clone(), why.clone())
            }
            Look::Recognised(shape, remarks) => {
                let at = position(&mut schemas, &mut newest, shape);
                let titled = shape.titled.as_ref().map(|fields| columns_of(fields));
                let unseen = (shape.unseen, shape.certainty);
                Stored::Recognised(at, shape.records, shape.sampled, unseen, remarks.clone(), titled)
            }
        };
        files.push(File { key: key.clone(), etag: etag.clone(), size: *size, look });
    }
    Page { mark: mark.to_owned(), schemas, files }
}

/// Where a file's schema stands among those of the page. `newest`: the columns of the file before, and where they stand.
fn position(
    schemas: &mut Vec<Schema>,
    newest: &mut Option<(Arc<Vec<InferredField>>, usize)>,
    shape: &Shape,
) -> usize {
    let schema = schema_of(shape);
    // Most files share their columns, in memory too, with the one before.
    let known = newest
        .as_ref()
        .filter(|(fields, at)| Arc::ptr_eq(fields, &shape.fields) && schemas[*at] == schema)
        .map(|(_, at)| *at)
        .or_else(|| schemas.iter().position(|known| *known == schema));
    let at = known.unwrap_or_else(|| {
        schemas.push(schema);
        schemas.len() - 1
    });
    *newest = Some((Arc::clone(&shape.fields), at));
    at
}

fn columns_of(fields: &[InferredField]) -> Columns {
    fields.iter().map(|f| (f.name.clone(), f.ty.to_string(), f.nullable, f.seen.clone())).collect()
}

/// `None` when a type does not read back as it was written (names of fields may hold anything): such files are looked at
/// again.
fn fields_of(columns: &Columns) -> Option<Vec<InferredField>> {
    let field = |(name, ty, nullable, seen): &(String, String, bool, OfValues)| {
        let parsed: formats::hive::HiveType = ty.parse().ok()?;
        (parsed.to_string() == *ty).then(|| InferredField {
            name: name.clone(),
            ty: parsed,
            nullable: *nullable,
            seen: seen.clone(),
        })
    };
    columns.iter().map(field).collect()
}

fn schema_of(shape: &Shape) -> Schema {
    Schema {
        kind: shape.kind.clone(),
        fields: columns_of(&shape.fields),
        quoted: shape.quoted,
        escape: shape.escape,
        avro_schema: shape.avro_schema.clone(),
        compression: shape.compression().to_owned(),
    }
}

/// A schema that files share again.
struct Remembered {
    schema: Schema,
    fields: Arc<Vec<InferredField>>,
}

impl Remembered {
    /// `None` as of [`fields_of`].
    fn of(schema: Schema) -> Option<Self> {
        let fields = fields_of(&schema.fields)?;
        Some(Self { schema, fields: Arc::new(fields) })
    }

    fn shape(&self, size: u64, records: u64, sampled: (u64, u64), (unseen, certainty): (u64, f64)) -> Shape {
        Shape {
            kind: self.schema.kind.clone(),
            fields: Arc::clone(&self.fields),
            titled: None,
            quoted: self.schema.quoted,
            escape: self.schema.escape,
            avro_schema: self.schema.avro_schema.clone(),
            files: 1,
            bytes: size,
            records,
            sampled,
            unseen,
            certainty,
            compressions: [(self.schema.compression.clone(), 1)].into(),
            contradicting: BTreeSet::new(),
            passed_over: 0,
            examples: Examples::default(),
        }
    }
}
