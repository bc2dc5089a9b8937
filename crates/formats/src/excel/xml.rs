//! XML of workbooks, tag by tag, from a part of an archive.
//!
//! Memory: one tag or stretch of text, at most [`MAX_TOKEN_BYTES`]. Entities that a DOCTYPE declares are not expanded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::flaw;
use crate::archive::Part;
use crate::error::Problem;
use crate::xml::{local, tree::resolve};

const MAX_TOKEN_BYTES: usize = 16 << 20;
/// Elements within elements.
const MAX_DEPTH: usize = 200;

/// A tag's attributes by name, with the prefix.
pub(super) type Attributes = HashMap<String, String>;

/// What comes next.
pub(super) enum Token<'t> {
    /// An opening tag; of an element without content, its end follows.
    Start(Tag<'t>),
    End,
    Text(Cow<'t, str>),
    /// The document's end.
    Over,
}

/// An opening tag.
pub(super) struct Tag<'t>(BytesStart<'t>);

impl Tag<'_> {
    /// The name without its prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// Hands out all attributes, by name with the prefix. (Names that repeat are not looked for, which would take the square
    /// of their number.)
    pub(super) fn attributes(&self, mut take: impl FnMut(&str, Cow<'_, str>)) -> Result<(), Problem> {
        let mut attributes = self.0.attributes();
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|e| malformed(&e.to_string()))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            take(attribute.key.0, value.map_err(|e| malformed(&e.to_string()))?);
        }
        Ok(())
    }
}

/// A document being read.
pub(super) struct Xml {
    reader: Reader<Leash>,
    buffer: Vec<u8>,
    depth: usize,
}

impl Xml {
    pub(super) fn new(part: Part) -> Self {
        let mut reader = Reader::from_reader(Leash { part, left: MAX_TOKEN_BYTES });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Errors: what is not well-formed, or ends with elements open.
    pub(super) fn next(&mut self) -> Result<Token<'_>, Problem> {
        self.buffer.clear();
        self.reader.get_mut().left = MAX_TOKEN_BYTES;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|e| malformed(&e.to_string()))?;
        Ok(match event {
            Event::Start(tag) | Event::Empty(tag) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(malformed(&format!("nested more than {MAX_DEPTH} levels deep")));
                }
                Token::Start(Tag(tag))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Token::End
            }
            Event::Text(piece) => Token::Text(piece.xml10_content().into_owned().into()),
            Event::CData(piece) => Token::Text(piece.xml10_content().into_owned().into()),
            Event::GeneralRef(reference) => {
                Token::Text(resolve(&reference).map_err(|e| malformed(&e))?.to_string().into())
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => Token::Text("".into()),
            Event::Eof if self.depth > 0 => return Err(malformed("it ends with elements open")),
            Event::Eof => Token::Over,
        })
    }

    /// Goes behind the end of the element that was opened last.
    pub(super) fn skip(&mut self) -> Result<(), Problem> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The attributes of the next element of that name, wherever it is; `None` when none follows.
    pub(super) fn find(&mut self, name: &str) -> Result<Option<Attributes>, Problem> {
        loop {
            match self.next()? {
                Token::Start(tag) if tag.name() == name => {
                    let mut found = Attributes::new();
                    tag.attributes(|key, value| {
                        found.insert(key.to_owned(), value.into_owned());
                    })?;
                    return Ok(Some(found));
                }
                Token::Over => return Ok(None),
                _ => {}
            }
        }
    }
}

fn malformed(message: &str) -> Problem {
    flaw(format!("malformed XML: {message}"))
}

/// Lets so many bytes pass, and no more until it is told to.
struct Leash {
    part: Part,
    left: usize,
}

impl Read for Leash {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let taken = bytes.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&bytes[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Leash {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let message = format!("one tag or text of more than {} MiB", MAX_TOKEN_BYTES >> 20);
            return Err(io::Error::other(message));
        }
        self.part.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.part.consume(bytes);
    }
}
