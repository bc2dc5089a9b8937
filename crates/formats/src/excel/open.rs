//! Which kind of workbook a file is, by its content.

use std::sync::Arc;

use bytes::Bytes;

use super::ods::Ods;
use super::ole::{self, Compound};
use super::sheet::Book;
use super::xls::Xls;
use super::xlsb::Xlsb;
use super::xlsx::Xlsx;
use super::{MAX_CONTENT_BYTES, unsupported};
use crate::archive::{self, Document, Parts};
use crate::error::{FormatError, Problem};
use crate::source::{ByteSource, MemorySource};

/// A workbook before it is parsed.
pub(super) enum Packed {
    Compound(Bytes),
    Library(Bytes),
    Binary(Parts),
    Open(Parts),
}

impl Packed {
    /// Finds out what the file is, and reads all of an archive once, so that it can be unpacked within limits. Errors: `Unrecognised` for what is
    /// no workbook; `Compression` for damaged archives.
    pub(super) async fn of(name: &str, data: Bytes) -> Result<Self, FormatError> {
        if data.starts_with(ole::MAGIC) {
            return Ok(Self::Compound(data));
        }
        let archive: Arc<dyn ByteSource> = Arc::new(MemorySource::new(name, data.clone()));
        if !data.starts_with(b"PK") {
            return Err(no_workbook(name));
        }
        let document = archive::document(&archive).await?;
        if matches!(document, None | Some(Document::Office | Document::Open)) {
            return Err(no_workbook(name));
        }
        archive::check_content(&archive, MAX_CONTENT_BYTES).await?;
        Ok(match document {
            Some(Document::BinaryWorkbook) => Self::Binary(Parts::of(&*archive).await?),
            Some(Document::Spreadsheet) => Self::Open(Parts::of(&*archive).await?),
            _ => Self::Library(data),
        })
    }

    /// Errors: damaged workbooks; `Unsupported` where a password protects them; `Unrecognised` for compound files that are none.
    pub(super) fn open(self) -> Result<Box<dyn Book>, Problem> {
        Ok(match self {
            Self::Compound(data) => Box::new(compound(data)?),
            Self::Library(data) => Box::new(Xlsx::open(data)?),
            Self::Binary(parts) => Box::new(Xlsb::open(parts)?),
            Self::Open(parts) => Box::new(Ods::open(&parts)?),
        })
    }
}

fn no_workbook(name: &str) -> FormatError {
    FormatError::new(name, Problem::Unrecognised { reason: "it is not an Excel workbook".to_owned() })
}

fn compound(data: Bytes) -> Result<Xls, Problem> {
    let file = Compound::open(data)?;
    let has = |wanted: &str| file.names().any(|name| name.eq_ignore_ascii_case(wanted));
    if has("Workbook") || has("Book") {
        return Xls::open(&file);
    }
    if has("EncryptedPackage") {
        return Err(unsupported("a document of Office that a password protects (save it without one)"));
    }
    let reason = format!("it is a compound file (OLE) that holds no workbook but {}", content(&file));
    Err(Problem::Unrecognised { reason })
}

/// What a compound file holds that is no workbook, by the names at its top.
fn content(file: &Compound) -> &'static str {
    for name in file.names() {
        match name {
            "WordDocument" => return "a document of Word (.doc)",
            "PowerPoint Document" => return "a presentation (.ppt)",
            "VisioDocument" => return "a drawing of Visio",
            "__properties_version1.0" => return "a message of Outlook (.msg)",
            // Names in installer packages are packed into such characters.
            _ if name.starts_with(|c: char| ('\u{3800}'..='\u{4840}').contains(&c)) => {
                return "an installer (.msi)";
            }
            _ => {}
        }
    }
    "something else"
}
