//! Goes through a document, token by token, and says where its rows are. Holds the names of open elements, no text.

use super::scan::{Scan, scan};

/// Elements within elements that are followed.
const MAX_DEPTH: usize = 1000;

/// What is at the front of the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row of so many bytes.
    Row(usize),
    /// Something else, of so many bytes.
    Pass(usize),
    /// The window ends within the row or token.
    More,
    /// The document has ended.
    End,
}

/// Why the document is not well-formed, in words, with the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) message: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// The state between tokens.
#[derive(Debug)]
pub(crate) struct Rows {
    row_tag: Option<String>,
    /// Names of open elements and the lines that they begin in.
    open: Vec<(String, u64)>,
    /// Whether the root element has ended.
    ended: bool,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Rows {
    /// Rows are elements named `row_tag`, with or without the prefix of a namespace; without one there are none, and
    /// [`Self::path`] tells where the document is.
    pub(crate) fn new(row_tag: Option<&str>) -> Self {
        Self { row_tag: row_tag.map(str::to_owned), open: Vec::new(), ended: false, line: 1, column: 1 }
    }

    /// The names of the open elements, the root first.
    pub(crate) fn path(&self) -> impl ExactSizeIterator<Item = &str> {
        self.open.iter().map(|(name, _)| name.as_str())
    }

    /// Looks at the front of the window. What it tells the length of has to be consumed, and passed to
    /// [`Self::advance`], before the next call.
    pub(crate) fn step(&mut self, window: &[u8], eof: bool) -> Result<Step, Malformed> {
        match scan(window, eof) {
            Scan::Text { len } => {
                if self.open.is_empty() && !window[..len].trim_ascii().is_empty() {
                    return Err(self.malformed("text outside the root element"));
                }
                Ok(Step::Pass(len))
            }
            Scan::Other { len, text } => {
                if text && self.open.is_empty() {
                    return Err(self.malformed("a CDATA section outside the root element"));
                }
                Ok(Step::Pass(len))
            }
            Scan::Open { name, empty, len } => self.opened(window, eof, name, empty, len),
            Scan::Close { name, len } => self.closed(name).map(|()| Step::Pass(len)),
            Scan::More => Ok(Step::More),
            Scan::OpenEnded(what) => {
                Err(self.malformed(format!("{what} is not closed at the end of the file")))
            }
            Scan::Bad(what) => Err(self.malformed(what)),
            Scan::End => match self.open.last() {
                Some((name, line)) => {
                    let message = format!(
                        "the element {name} that begins in line {line} is not closed at the end of the file"
                    );
                    Err(self.malformed(message))
                }
                None if !self.ended => Err(self.malformed("there is no element")),
                None => Ok(Step::End),
            },
        }
    }

    /// Keeps count of lines and columns.
    pub(crate) fn advance(&mut self, passed: &[u8]) {
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        match memchr::memrchr(b'\n', passed) {
            Some(at) => self.column = characters(&passed[at + 1..]) + 1,
            None => self.column += characters(passed),
        }
    }

    fn malformed(&self, message: impl Into<String>) -> Malformed {
        Malformed { message: message.into(), line: self.line, column: self.column }
    }

    fn opened(
        &mut self,
        window: &[u8],
        eof: bool,
        name: &[u8],
        empty: bool,
        len: usize,
    ) -> Result<Step, Malformed> {
        if self.ended && self.open.is_empty() {
            return Err(self.malformed("a second root element"));
        }
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(self.malformed("the text is not valid UTF-8"));
        };
        if self.row_tag.as_deref().is_some_and(|tag| tag == name || tag == super::local(name)) {
            self.ended |= self.open.is_empty();
            return if empty { Ok(Step::Row(len)) } else { self.row(window, eof, len) };
        }
        if empty {
            self.ended |= self.open.is_empty();
        } else if self.open.len() == MAX_DEPTH {
            return Err(self.malformed(format!("more than {MAX_DEPTH} elements within each other")));
        } else {
            self.open.push((name.to_owned(), self.line));
        }
        Ok(Step::Pass(len))
    }

    /// The extent of the row whose opening tag has `at` bytes. Whether its tags match is looked at with its content.
    fn row(&self, window: &[u8], eof: bool, mut at: usize) -> Result<Step, Malformed> {
        let mut depth = 1usize;
        loop {
            match scan(&window[at..], eof) {
                Scan::Open { empty, len, .. } => {
                    depth += usize::from(!empty);
                    at += len;
                }
                Scan::Close { len, .. } => {
                    depth -= 1;
                    at += len;
                    if depth == 0 {
                        return Ok(Step::Row(at));
                    }
                }
                Scan::Text { len } | Scan::Other { len, .. } => at += len,
                Scan::More => return Ok(Step::More),
                Scan::Bad(what) => {
                    let mut place = Self::new(None);
                    (place.line, place.column) = (self.line, self.column);
                    place.advance(&window[..at]);
                    return Err(place.malformed(what));
                }
                Scan::OpenEnded(_) | Scan::End => {
                    return Err(
                        self.malformed("the row that begins here is not closed at the end of the file")
                    );
                }
            }
        }
    }

    fn closed(&mut self, name: &[u8]) -> Result<(), Malformed> {
        let name = String::from_utf8_lossy(name);
        match self.open.pop() {
            Some((open, _)) if open == name => {
                self.ended = self.open.is_empty();
                Ok(())
            }
            Some((open, line)) => {
                let message = format!("</{name}> where </{open}> is expected, which closes line {line}");
                Err(self.malformed(message))
            }
            None => Err(self.malformed(format!("</{name}> closes nothing"))),
        }
    }
}

fn characters(text: &[u8]) -> u64 {
    // Bytes that do not continue a character.
    text.iter().filter(|b| (**b as i8) >= -0x40).count() as u64
}
