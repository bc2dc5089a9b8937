//! `.ods`: a zip archive whose part `content.xml` holds all sheets. Layout: OpenDocument 1.3, part 3 (9 is on tables).
//!
//! Rows and cells say how often they are repeated; nothing is repeated before the limits have been held against it, and what
//! is empty is only counted. The document is gone through once, sheet by sheet. Memory: the archive, one tag or text, the cells.

mod cells;
mod values;

use std::collections::HashSet;

use super::grid::Grid;
use super::sheet::{Book, Heading};
use super::xml::{Tag, Token, Xml};
use super::{MAX_SHEETS, flaw, unsupported};
use crate::archive::Parts;
use crate::error::Problem;

const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const TABLE: &str = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";
const TEXT: &str = "urn:oasis:names:tc:opendocument:xmlns:text:1.0";
/// Elements around a sheet: the document, its body, the spreadsheet.
const AROUND_SHEET: usize = 3;

/// A spreadsheet.
pub(super) struct Ods {
    xml: Xml,
    /// Styles of sheets that are not shown.
    hidden: HashSet<String>,
    /// The style that is being read.
    style: String,
    sheets: usize,
    /// Whether a sheet has been entered and not been read.
    entered: bool,
}

impl Ods {
    /// Errors: `Unsupported` where a password protects it.
    pub(super) fn open(parts: &Parts) -> Result<Self, Problem> {
        refuse_encrypted(parts)?;
        let content = parts.open("content.xml").map_err(|e| e.problem)?;
        let mut xml = Xml::new(content.ok_or_else(|| flaw("it has no part content.xml"))?);
        loop {
            match xml.next()? {
                Token::Start(tag) => {
                    check_prefixes(&tag)?;
                    break;
                }
                Token::Over => return Err(flaw("its part content.xml is empty")),
                _ => {}
            }
        }
        Ok(Self { xml, hidden: HashSet::new(), style: String::new(), sheets: 0, entered: false })
    }

    /// Takes note of styles by which sheets are hidden.
    fn note_style(&mut self, name: &mut Option<String>, hides: bool) -> Result<(), Problem> {
        if let Some(name) = name.take() {
            self.style = name;
        }
        if hides {
            self.hidden.insert(std::mem::take(&mut self.style));
            if self.hidden.len() > MAX_SHEETS {
                return Err(unsupported("a spreadsheet of so many styles"));
            }
        }
        Ok(())
    }
}

impl Book for Ods {
    fn next(&mut self) -> Result<Option<Heading>, Problem> {
        self.entered = false;
        loop {
            let (mut style, mut hides) = (None, false);
            let within = self.xml.depth();
            match self.xml.next()? {
                Token::Over => return Ok(None),
                Token::Start(tag) => match tag.name() {
                    "table" if within == AROUND_SHEET => {
                        let (name, style) = heading(&tag)?;
                        self.sheets += 1;
                        if self.sheets > MAX_SHEETS {
                            return Err(unsupported(format!(
                                "a spreadsheet of more than {MAX_SHEETS} sheets"
                            )));
                        }
                        self.entered = true;
                        return Ok(Some(Heading { name, visible: !self.hidden.contains(&style) }));
                    }
                    "style" => tag.attributes(|key, value| {
                        if key == "style:name" {
                            style = Some(value.into_owned());
                        }
                    })?,
                    "table-properties" => {
                        tag.attributes(|key, value| hides |= key == "table:display" && value == "false")?;
                    }
                    _ => {}
                },
                _ => {}
            }
            self.note_style(&mut style, hides)?;
        }
    }

    fn cells(&mut self, grid: &mut Grid) -> Result<(), Problem> {
        if !std::mem::take(&mut self.entered) {
            return Ok(());
        }
        cells::read(&mut self.xml, grid)
    }
}

/// A sheet's name and style.
fn heading(tag: &Tag<'_>) -> Result<(String, String), Problem> {
    let (mut name, mut style) = (String::new(), String::new());
    tag.attributes(|key, value| match key {
        "table:name" => name = value.into_owned(),
        "table:style-name" => style = value.into_owned(),
        _ => {}
    })?;
    Ok((name, style))
}

/// Names are taken by their prefixes, which every program writes alike; should one not, nothing must be passed over.
fn check_prefixes(root: &Tag<'_>) -> Result<(), Problem> {
    let mut found = 0;
    root.attributes(|key, value| {
        found += usize::from(matches!(
            (key, value.as_ref()),
            ("xmlns:office", OFFICE) | ("xmlns:table", TABLE) | ("xmlns:text", TEXT)
        ));
    })?;
    if found == 3 && root.name() == "document-content" {
        return Ok(());
    }
    Err(unsupported("a spreadsheet whose content.xml does not have the usual names and prefixes"))
}

/// Errors: `Unsupported` where the manifest says that parts are encrypted.
fn refuse_encrypted(parts: &Parts) -> Result<(), Problem> {
    let Some(manifest) = parts.open("META-INF/manifest.xml").map_err(|e| e.problem)? else { return Ok(()) };
    match Xml::new(manifest).find("encryption-data")? {
        Some(_) => Err(unsupported("a spreadsheet that a password protects (save it without one)")),
        None => Ok(()),
    }
}
