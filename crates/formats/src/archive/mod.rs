//! Zip archives: a member is a file of its own, decompressed as it is read.
//!
//! The list comes from the directory at the archive's end (zip64 too); each member is a [`ByteSource`] of its
//! decompressed bytes, whose size and checksum are checked against the directory when it has been read to its end.
//! Memory: the directory, and per member being read the window of its codec.
//!
//! Omitted on purpose: encrypted members (a clear error), archives of several volumes, archives within archives.

mod directory;
mod member;
mod parts;

use std::sync::Arc;

use futures::StreamExt;

use crate::error::{FormatError, Problem};
use crate::hive::is_hidden;
use crate::source::ByteSource;
use directory::Entry;
use member::MemberSource;

pub(crate) use parts::{Part, Parts};

/// The archive's files as sources, in the directory's order, without folders, empty files and hidden ones (names that
/// begin with `_` or `.`, as in a table's folder). Errors: a damaged directory, and a member that is encrypted or
/// compressed by a method that we do not know.
pub(crate) async fn members(source: &Arc<dyn ByteSource>) -> Result<Vec<Arc<dyn ByteSource>>, FormatError> {
    let entries = directory::read(&**source).await?;
    let mut found: Vec<Arc<dyn ByteSource>> = Vec::new();
    for entry in entries.into_iter().filter(is_data) {
        if entry.encrypted {
            let what = format!("the member {}: it is encrypted, which", entry.name);
            return Err(FormatError::new(source.name(), Problem::Unsupported { what }));
        }
        found.push(Arc::new(MemberSource::new(Arc::clone(source), entry)?));
    }
    if found.is_empty() {
        let found = "a zip archive without files".to_owned();
        return Err(FormatError::new(source.name(), Problem::NoRecords { found }));
    }
    Ok(found)
}

/// Reads all of the archive to its end: members that are damaged, or not of the size that the directory gives, and more
/// than `limit` bytes of content together, are errors. What has passed can be decompressed in that much memory.
pub(crate) async fn check_content(source: &Arc<dyn ByteSource>, limit: u64) -> Result<(), FormatError> {
    if !directory::is_plain(&**source).await? {
        let what = "a document whose archive has something between or behind its directory".to_owned();
        return Err(FormatError::new(source.name(), Problem::Unsupported { what }));
    }
    let entries = directory::read(&**source).await?;
    let total = entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.size));
    if total > limit {
        let what = format!("content of more than {} MiB in one document", limit >> 20);
        return Err(FormatError::new(source.name(), Problem::Unsupported { what }));
    }
    // One that claims to be empty and is not must not pass.
    for entry in entries.into_iter().filter(|entry| entry.size > 0 || entry.stored > 0) {
        let size = entry.size;
        let member = MemberSource::new(Arc::clone(source), entry)?;
        let mut pieces = member.stream(0..size);
        while let Some(piece) = pieces.next().await {
            piece.map_err(|e| FormatError::io(source.name(), e))?;
        }
    }
    Ok(())
}

/// Whether the archive is a workbook or another document that merely is packed as zip; `None` for plain archives.
pub(crate) async fn document(source: &Arc<dyn ByteSource>) -> Result<Option<Document>, FormatError> {
    let entries = directory::read(&**source).await?;
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    Ok(if has("xl/workbook.xml") {
        Some(Document::Workbook)
    } else if has("xl/workbook.bin") {
        Some(Document::BinaryWorkbook)
    } else if has("[Content_Types].xml") {
        Some(Document::Office)
    } else if let Some(entry) = entries.iter().find(|entry| entry.name == "mimetype")
        && has("content.xml")
    {
        open_document(source, entry).await?
    } else {
        None
    })
}

/// What kind of OpenDocument a member `mimetype` says, if any.
async fn open_document(source: &Arc<dyn ByteSource>, entry: &Entry) -> Result<Option<Document>, FormatError> {
    const FAMILY: &[u8] = b"application/vnd.oasis.opendocument.";
    let member = MemberSource::new(Arc::clone(source), entry.clone())?;
    let kind = member.read(0..entry.size.min(100)).await.map_err(|e| FormatError::io(source.name(), e))?;
    let Some(kind) = kind.trim_ascii().strip_prefix(FAMILY) else { return Ok(None) };
    let is_spreadsheet = matches!(kind, b"spreadsheet" | b"spreadsheet-template");
    Ok(Some(if is_spreadsheet { Document::Spreadsheet } else { Document::Open }))
}

/// What an archive can be besides an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// Excel's, of XML.
    Workbook,
    /// Excel's, of records.
    BinaryWorkbook,
    /// OpenDocument's.
    Spreadsheet,
    /// Another office document of Microsoft's.
    Office,
    /// A text or a drawing of OpenDocument's.
    Open,
}

fn is_data(entry: &Entry) -> bool {
    entry.size > 0 && !is_hidden(&entry.name)
}

pub(crate) fn damaged(source: &str, message: impl Into<String>) -> FormatError {
    FormatError::new(source, Problem::Compression { codec: "zip", message: message.into() })
}
