//! What lies beyond the sample of a file of delimited text: fields in quotes, which the SerDe for text without quotes takes
//! for text. A whole file is not parsed for it; quotes are rare, and found at the speed of reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::compression::Compression;
use crate::error::FormatError;
use crate::input::Input;
use crate::options::{CsvOptions, Format};
use crate::source::ByteSource;

use super::{InferOptions, Inferred};

/// A field in quotes that is longer is taken for text with a quote in it.
const MAX_QUOTED_BYTES: usize = 64 << 10;
const QUOTE: u8 = b'"';

/// How many bytes may be searched beyond samples: per file, and in all that share it.
#[derive(Debug)]
pub struct Search {
    per_file: u64,
    left: AtomicU64,
}

impl Search {
    /// Up to `per_file` bytes of text of a file, and `in_all` of all files together.
    pub fn new(per_file: u64, in_all: u64) -> Self {
        Self { per_file, left: AtomicU64::new(in_all) }
    }

    /// Takes what one file may have; what it does not need is given back.
    fn take(&self) -> u64 {
        let all = |left: u64| Some(left.saturating_sub(self.per_file));
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, all);
        left.unwrap_or_default().min(self.per_file)
    }

    fn give_back(&self, unused: u64) {
        self.left.fetch_add(unused, Ordering::Relaxed);
    }
}

/// Searches the file beyond its sample, which `input` holds and in which no field is in quotes. Says whether one is: of
/// values and rows there nothing is known either way. Errors: the file cannot be read or decompressed so far.
pub(super) async fn has_quotes(
    source: &Arc<dyn ByteSource>,
    // Not shared, which would ask its reader to be `Sync`.
    input: &mut Input,
    compression: Compression,
    found: &Inferred,
    options: &InferOptions,
) -> Result<bool, FormatError> {
    let (Format::Csv(csv), Some(search), false) = (&found.format, &options.beyond, found.quoted) else {
        return Ok(false);
    };
    if input.at_eof() {
        return Ok(false);
    }
    let end = input.offset() + input.pending().len() as u64;
    let plain = compression == Compression::None && !input.is_recoded();
    let (start, skip) = if plain { (end, 0) } else { (0, end) };
    let mut rest = Input::open(&**source, start, compression, options.max_record_bytes)?;
    if !plain {
        rest.begin(options.encoding()).await?;
        rest.skip_to(skip).await?;
    }
    let last = input.pending().last().copied().unwrap_or(b'\n');
    let allowed = search.take();
    let (searched, is_quoted) = look(&mut rest, csv, last, allowed).await?;
    search.give_back(allowed.saturating_sub(searched));
    Ok(is_quoted)
}

/// How many bytes were searched, and whether a field in quotes begins there. `before`: the byte in front.
async fn look(
    rest: &mut Input,
    csv: &CsvOptions,
    mut before: u8,
    allowed: u64,
) -> Result<(u64, bool), FormatError> {
    let begins = |byte: u8| byte == csv.delimiter || byte == b'\n';
    let mut searched = 0;
    while searched < allowed && (!rest.pending().is_empty() || rest.more().await?) {
        let window = rest.pending();
        let mut open = None;
        for at in memchr::memchr_iter(QUOTE, window) {
            let front = at.checked_sub(1).and_then(|at| window.get(at)).copied().unwrap_or(before);
            if !begins(front) {
                continue;
            }
            match closes(&window[at + 1..], csv.delimiter, rest.at_eof()) {
                Some(true) => return Ok((searched + at as u64, true)),
                Some(false) => {}
                None => {
                    open = Some((at, front));
                    break;
                }
            }
        }
        let (taken, last) = match open {
            Some((at, front)) => (at, front),
            None => (window.len(), window.last().copied().unwrap_or(before)),
        };
        before = last;
        rest.consume(taken);
        searched += taken as u64;
        if open.is_some() && !rest.more().await? {
            break;
        }
    }
    Ok((searched, false))
}

/// Whether the text behind an opening quote has the quote that closes it, where a field ends; `None` when it is too short to
/// tell. Two quotes are one in the text.
fn closes(text: &[u8], delimiter: u8, is_all: bool) -> Option<bool> {
    let text = &text[..text.len().min(MAX_QUOTED_BYTES)];
    let is_all = is_all || text.len() == MAX_QUOTED_BYTES;
    let mut at = 0;
    while let Some(found) = memchr::memchr(QUOTE, &text[at..]) {
        at += found + 1;
        match text.get(at) {
            Some(&QUOTE) => at += 1,
            Some(next) => return Some(*next == delimiter || matches!(next, b'\n' | b'\r')),
            None => return is_all.then_some(true),
        }
    }
    is_all.then_some(false)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::infer::infer;
    use crate::source::MemorySource;

    fn inferred(text: &str, search: Option<Search>) -> Inferred {
        let source: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.as_bytes().to_vec()));
        let beyond = search.map(Arc::new);
        let options = InferOptions { sample_bytes: 4096, beyond, ..InferOptions::default() };
        block_on(infer(source, &options)).unwrap()
    }

    fn file(last: &str) -> String {
        let rows: String = (0..100_000).map(|n| format!("{n},s{n}\n")).collect();
        format!("id,s\n{rows}{last}")
    }

    #[test]
    fn quotes_are_found_wherever_fields_begin() {
        let all = || Some(Search::new(64 << 20, 64 << 20));
        for quoted in
            ["7,\"x,y\"\n", "7,\"multi\nline\"\n8,z\n", "7,\"a \"\"b\"\" c\"\r\n", "\"7\",x", "7,\"x\""]
        {
            let found = inferred(&file(quoted), all());
            let Format::Csv(csv) = &found.format else { panic!() };
            assert!(found.quoted && csv.quote == Some(b'"'), "{quoted:?}");
            assert_eq!((csv.header_lines, found.fields.len()), (1, 2));
        }
        for plain in ["7,5\" pipe\n", "7,\"so\" he said\n", "7,\"\n", ""] {
            let found = inferred(&file(plain), all());
            assert!(!found.quoted, "{plain:?}");
            assert!(found.unseen > 500_000, "only quotes were looked for: {}", found.unseen);
        }
    }

    #[test]
    fn limits_hold_and_what_was_not_seen_is_said() {
        let text = file("7,\"x,y\"\n");
        for search in [None, Some(Search::new(100_000, 1 << 30)), Some(Search::new(1 << 30, 100_000))] {
            let found = inferred(&text, search);
            assert!(
                !found.quoted && found.unseen > 500_000 && found.unseen < text.len() as u64,
                "{}",
                found.unseen
            );
        }
        let shared = Arc::new(Search::new(1000, 2500));
        assert_eq!([shared.take(), shared.take(), shared.take(), shared.take()], [1000, 1000, 500, 0]);
        shared.give_back(700);
        assert_eq!(shared.take(), 700);
    }

    #[test]
    fn compressed_and_recoded_files_are_searched_too() {
        use std::io::Write as _;
        let text = file("7,\"x,y\"\n");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let mut wide = vec![0xff, 0xfe];
        wide.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        for data in [gzip.finish().unwrap(), wide] {
            let source: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", data));
            let beyond = Some(Arc::new(Search::new(64 << 20, 64 << 20)));
            let options = InferOptions { sample_bytes: 4096, beyond, ..InferOptions::default() };
            assert!(block_on(infer(source, &options)).unwrap().quoted);
        }
    }
}
