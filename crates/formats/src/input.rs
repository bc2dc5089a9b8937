//! The text of a file range: fetched, decompressed, and held as one growing window.
//!
//! The window is `pending()`; parsers take records from its front with `consume()` and ask for `more()` when
//! it ends within a record. Lines at the end of the file that are no records ([`Input::without_footer`]) are never pending: the
//! last lines of the window are held back until more follows them. Each `more()` at least doubles what is pending, so that scanning a large record
//! again from its start costs linear time in total.

use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::compression::{Compression, Decoder, Step};
use crate::encoding::{Encoding, Recoder};
use crate::error::{FormatError, Problem};
use crate::source::{ByteSource, LocalBytes};

/// The least amount added to the window at a time; of local bytes, as much as is read at once.
const STEP_BYTES: usize = 128 * 1024;
const LOCAL_STEP_BYTES: usize = 256 * 1024;
const OUTPUT_BYTES: usize = 64 * 1024;

/// What lies at the front of the window.
pub(crate) enum Front {
    /// A line: the bytes of its text, and those with its line break.
    Line { text: usize, len: usize },
    /// The window ends within a line: ask for more.
    More,
    /// The file has ended.
    End,
}

/// Where bytes come from.
enum Feed {
    Stream(BoxStream<'static, std::io::Result<Bytes>>),
    /// Those of a range.
    Local(Box<dyn LocalBytes>, Range<u64>),
}

pub(crate) struct Input {
    name: String,
    feed: Feed,
    decoder: Option<Decoder>,
    recoder: Option<Recoder>,
    window: Vec<u8>,
    taken: usize,
    /// Where what is pending ends in the window.
    visible: usize,
    /// Lines to leave out at the end of the file.
    footer: u64,
    offset: u64,
    /// Bytes taken from the stream.
    fetched: u64,
    eof: bool,
    max_record_bytes: usize,
}

impl Input {
    /// Opens the text from byte `start` of `source` on. Compressed files are read from their start only.
    pub(crate) fn open(
        source: &dyn ByteSource,
        start: u64,
        compression: Compression,
        max_record_bytes: usize,
    ) -> Result<Self, FormatError> {
        let local = if compression == Compression::None { source.local() } else { None };
        let feed = match local {
            Some(local) => Feed::Local(local, start..source.size()),
            None => Feed::Stream(source.stream(start..source.size())),
        };
        let mut input = Self::fed(source.name(), feed, compression, max_record_bytes)?;
        input.offset = start;
        Ok(input)
    }

    /// Opens the text that `stream` holds, compressed or not.
    pub(crate) fn over(
        name: &str,
        stream: BoxStream<'static, std::io::Result<Bytes>>,
        compression: Compression,
        max_record_bytes: usize,
    ) -> Result<Self, FormatError> {
        Self::fed(name, Feed::Stream(stream), compression, max_record_bytes)
    }

    fn fed(
        name: &str,
        feed: Feed,
        compression: Compression,
        max_record_bytes: usize,
    ) -> Result<Self, FormatError> {
        let decoder = Decoder::new(compression).map_err(|e| FormatError::io(name, e))?;
        Ok(Self {
            feed,
            name: name.to_owned(),
            decoder,
            recoder: None,
            window: Vec::new(),
            taken: 0,
            visible: 0,
            footer: 0,
            offset: 0,
            fetched: 0,
            eof: false,
            max_record_bytes: max_record_bytes.clamp(1, 1 << 30),
        })
    }

    /// Leaves out the last `lines` lines of the file.
    pub(crate) fn without_footer(mut self, lines: u64) -> Self {
        self.footer = lines;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Offset into the decompressed file of the first pending byte.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn pending(&self) -> &[u8] {
        &self.window[self.taken..self.visible]
    }

    /// True when nothing follows what is pending.
    pub(crate) fn at_eof(&self) -> bool {
        self.eof
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.taken += n;
        self.offset += n as u64;
    }

    /// Fetches more; false when the file has ended (then `pending` is all there is).
    /// Errors: `RecordTooLarge` when a whole record limit is pending already.
    pub(crate) async fn more(&mut self) -> Result<bool, FormatError> {
        if self.eof {
            return Ok(false);
        }
        let pending = self.window.len() - self.taken;
        if pending >= self.max_record_bytes {
            let mut error =
                FormatError::new(&self.name, Problem::RecordTooLarge { limit: self.max_record_bytes });
            error.place.offset = Some(self.offset);
            return Err(error);
        }
        let shown = self.visible - self.taken;
        self.window.drain(..self.taken);
        (self.taken, self.visible) = (0, shown);
        let step = match self.feed {
            Feed::Stream(_) => STEP_BYTES,
            Feed::Local(..) => LOCAL_STEP_BYTES,
        };
        let goal = (pending * 2).max(pending + step);
        while self.window.len() < goal && !self.eof {
            let filled = self.window.len();
            self.step().await?;
            self.recode(filled)?;
        }
        self.show();
        Ok(self.window.len() > pending || self.visible > shown)
    }

    /// Finds out what of the window is pending.
    fn show(&mut self) {
        self.visible = self.window.len();
        if self.footer == 0 {
            return;
        }
        // The break that ends the last line belongs to it; before the file's end every line may be the last one.
        let open = self.eof && self.window.last().is_some_and(|last| *last != b'\n');
        let breaks = self.footer.saturating_add(u64::from(!open));
        let rest = &self.window[self.taken..];
        let from = memchr::memrchr_iter(b'\n', rest);
        let at = usize::try_from(breaks - 1).ok().and_then(|nth| from.into_iter().nth(nth));
        self.visible = self.taken + at.map_or(0, |at| at + 1);
    }

    async fn step(&mut self) -> Result<(), FormatError> {
        let stream = match &mut self.feed {
            Feed::Stream(stream) => stream,
            Feed::Local(..) => return self.read_local(),
        };
        let Some(decoder) = &mut self.decoder else {
            match stream.next().await {
                Some(Ok(chunk)) => {
                    self.fetched += chunk.len() as u64;
                    self.window.extend_from_slice(&chunk);
                }
                Some(Err(e)) => return Err(FormatError::io(&self.name, e)),
                None => self.eof = true,
            }
            return Ok(());
        };
        let filled = self.window.len();
        self.window.resize(filled + OUTPUT_BYTES, 0);
        let step = decoder.step(&mut self.window[filled..]);
        let produced = if let Ok(Step::Output(n)) = step { n } else { 0 };
        self.window.truncate(filled + produced);
        match step {
            Ok(Step::Output(_)) => {}
            Ok(Step::End) => self.eof = true,
            Ok(Step::NeedInput) => match stream.next().await {
                Some(Ok(chunk)) => {
                    self.fetched += chunk.len() as u64;
                    decoder.feed(Some(chunk));
                }
                Some(Err(e)) => return Err(FormatError::io(&self.name, e)),
                None => decoder.feed(None),
            },
            Err(e) => {
                let problem = Problem::Compression { codec: decoder.codec(), message: e.to_string() };
                return Err(FormatError::new(&self.name, problem));
            }
        }
        Ok(())
    }

    fn read_local(&mut self) -> Result<(), FormatError> {
        let Feed::Local(local, range) = &mut self.feed else { return Ok(()) };
        let wanted = range.end.saturating_sub(range.start).min(LOCAL_STEP_BYTES as u64) as usize;
        if wanted == 0 {
            self.eof = true;
            return Ok(());
        }
        let filled = self.window.len();
        self.window.resize(filled + wanted, 0);
        let read = local.read_at(&mut self.window[filled..], range.start).and_then(|count| match count {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        });
        let count = *read.as_ref().unwrap_or(&0);
        self.window.truncate(filled + count);
        range.start += count as u64;
        self.fetched += count as u64;
        read.map(|_| ()).map_err(|e| FormatError::io(&self.name, e))
    }

    /// Recodes what lies in the window from `start` on, if the text is not UTF-8.
    fn recode(&mut self, start: usize) -> Result<(), FormatError> {
        let Some(recoder) = &mut self.recoder else { return Ok(()) };
        let raw = self.window.split_off(start);
        recoder.recode(&raw, self.eof, &mut self.window).map_err(|encoding| {
            let mut error = FormatError::new(&self.name, Problem::InvalidText { encoding });
            let whole = &self.window[self.taken..];
            error.place.offset = Some(self.offset + whole.len() as u64);
            error
        })
    }

    /// Drops a byte-order mark at the front. UTF-16 by its mark, and `encoding` where there is no mark, are recoded to
    /// UTF-8 from here on. Call once, at the file's first byte.
    pub(crate) async fn begin(&mut self, encoding: Option<Encoding>) -> Result<(), FormatError> {
        while self.pending().len() < 3 && self.more().await? {}
        if self.pending().starts_with(&[0xef, 0xbb, 0xbf]) {
            self.consume(3);
            return Ok(());
        }
        match Encoding::of_mark(self.pending()).or(encoding) {
            Some(found) => self.set_encoding(found),
            None => Ok(()),
        }
    }

    /// Recodes everything that is pending and follows.
    pub(crate) fn set_encoding(&mut self, encoding: Encoding) -> Result<(), FormatError> {
        self.recoder = Some(Recoder::new(encoding));
        self.recode(self.taken)?;
        self.show();
        Ok(())
    }

    /// Whether the text is recoded, so that offsets are not those of the file.
    pub(crate) fn is_recoded(&self) -> bool {
        self.recoder.is_some()
    }

    /// The line at the front of the window, for parsers that take whole lines.
    pub(crate) fn line(&self) -> Front {
        let window = self.pending();
        match memchr::memchr(b'\n', window) {
            Some(at) => Front::Line { text: at, len: at + 1 },
            None if !self.at_eof() => Front::More,
            None if window.is_empty() => Front::End,
            None => Front::Line { text: window.len(), len: window.len() },
        }
    }

    /// Bytes of the file, as stored, that were fetched.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched
    }

    /// Consumes up to an offset that lies ahead, or up to the end of the file.
    pub(crate) async fn skip_to(&mut self, offset: u64) -> Result<(), FormatError> {
        while self.offset < offset {
            let ahead = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
            self.consume(ahead.min(self.pending().len()));
            if self.offset < offset && !self.more().await? {
                break;
            }
        }
        Ok(())
    }

    /// Consumes up to and with the next line break; false when the file ends first (all is consumed then).
    pub(crate) async fn skip_line(&mut self) -> Result<bool, FormatError> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.pending()) {
                self.consume(at + 1);
                return Ok(true);
            }
            let n = self.pending().len();
            self.consume(n);
            if !self.more().await? {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::source::FileSource;

    fn all(source: &FileSource) -> Result<Vec<u8>, FormatError> {
        let mut input = Input::open(source, 0, Compression::None, 1 << 20)?;
        while block_on(input.more())? {}
        Ok(input.pending().to_vec())
    }

    #[test]
    fn a_local_file_is_what_it_was_when_it_was_opened() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, "1,a\n2,b\n").unwrap();
        let source = FileSource::open(&path).unwrap();
        assert_eq!(all(&source).unwrap(), b"1,a\n2,b\n");
        std::fs::write(&path, "1,a\n2,b\n3,c\n").unwrap();
        assert_eq!(all(&source).unwrap(), b"1,a\n2,b\n");
        std::fs::write(&path, "1,a\n").unwrap();
        assert!(all(&source).is_err());
    }
}
