//! Finds one record and its fields in a window of bytes.
//!
//! A quote opens a quoted field only as the field's first byte, or in some dialects behind blanks; inside, a doubled quote or an escape stands for
//! the character itself; what follows the closing quote up to the separator is taken literally. Records end at
//! `\n`; a `\r` before it belongs to the line break. Scanning never copies: fields are spans, and only those with
//! quotes or escapes within are decoded, by [`Field::decode`].

use crate::options::CsvOptions;

/// The characters that matter to the scanner.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pads_quotes: bool,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) multiline: bool,
    special: [bool; 256],
}

impl Dialect {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        let mut special = [false; 256];
        special[usize::from(options.delimiter)] = true;
        special[usize::from(b'\n')] = true;
        // A quote that escapes itself is a doubled quote.
        let escape = options.escape.filter(|escape| Some(*escape) != options.quote);
        if let Some(escape) = escape {
            special[usize::from(escape)] = true;
        }
        Self {
            delimiter: options.delimiter,
            quote: options.quote,
            pads_quotes: options.pads_quotes,
            escape,
            comment: options.comment,
            multiline: options.multiline,
            special,
        }
    }
}

impl Dialect {
    /// Whether records may go over several lines.
    pub(crate) fn is_multiline(&self) -> bool {
        self.multiline && self.quote.is_some()
    }

    /// Where the quote is that opens a field which begins at `at`.
    fn opening(&self, window: &[u8], at: usize) -> Option<usize> {
        let quote = self.quote?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != self.delimiter;
        let blanks = match self.pads_quotes {
            true => window[at..].iter().take_while(|byte| is_blank(byte)).count(),
            false => 0,
        };
        (window.get(at + blanks) == Some(&quote)).then_some(at + blanks)
    }
}

/// One field of a record: a span of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    start: u32,
    end: u32,
    /// The field was quoted.
    pub(crate) quoted: bool,
    /// Quotes or escapes within: the span is not yet the value.
    pub(crate) raw: bool,
    /// Text stands between the closing quote and the separator.
    pub(crate) stray: bool,
}

impl Field {
    /// The field's bytes; its value unless `raw`.
    pub(crate) fn span<'a>(&self, window: &'a [u8]) -> &'a [u8] {
        &window[self.start as usize..self.end as usize]
    }

    /// Whether more than blanks stands between the closing quote and the separator: of two fields one was made.
    pub(crate) fn is_torn(&self, window: &[u8], dialect: &Dialect) -> bool {
        if !self.stray {
            return false;
        }
        let span = self.span(window);
        let mut at = 1;
        while let Some(byte) = span.get(at) {
            if Some(*byte) == dialect.escape
                || (Some(*byte) == dialect.quote && span.get(at + 1) == Some(byte))
            {
                at += 2;
            } else if Some(*byte) == dialect.quote {
                return !span[at + 1..].trim_ascii().is_empty();
            } else {
                at += 1;
            }
        }
        false
    }

    /// Where the span ends in the window.
    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }

    /// The field's value; `scratch` is used when it has to be decoded.
    pub(crate) fn decode<'a>(
        &self,
        window: &'a [u8],
        dialect: &Dialect,
        scratch: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        let span = self.span(window);
        if !self.raw {
            return span;
        }
        scratch.clear();
        let mut inside = false;
        let mut at = 0;
        while at < span.len() {
            let byte = span[at];
            if Some(byte) == dialect.quote && (inside || at == 0) {
                if inside && span.get(at + 1) == Some(&byte) {
                    scratch.push(byte);
                    at += 1;
                } else {
                    inside = !inside && at == 0;
                }
            } else if Some(byte) == dialect.escape && at + 1 < span.len() {
                at += 1;
                scratch.push(span[at]);
            } else {
                scratch.push(byte);
            }
            at += 1;
        }
        scratch
    }
}

/// What the scanner found at the front of the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A record of `len` bytes with its line break, holding `breaks` of them.
    Record { len: usize, breaks: u64 },
    /// A comment line of `len` bytes.
    Comment { len: usize },
    /// The window ends within the record, and more may follow.
    More,
    /// The file ends within a quoted field.
    OpenQuote,
    /// The window is empty at the end of the file.
    End,
}

struct Cursor<'a> {
    window: &'a [u8],
    eof: bool,
    at: usize,
    breaks: u64,
}

/// How a field ended.
enum Stop {
    Delimiter,
    Record,
    More,
    OpenQuote,
}

/// Scans one record into `fields`. `eof` says that nothing follows the window.
pub(crate) fn scan(dialect: &Dialect, window: &[u8], eof: bool, fields: &mut Vec<Field>) -> Scan {
    fields.clear();
    if window.is_empty() {
        return if eof { Scan::End } else { Scan::More };
    }
    if dialect.comment.is_some() && dialect.comment == window.first().copied() {
        return match memchr::memchr(b'\n', window) {
            Some(at) => Scan::Comment { len: at + 1 },
            None if eof => Scan::Comment { len: window.len() },
            None => Scan::More,
        };
    }
    let mut cursor = Cursor { window, eof, at: 0, breaks: 0 };
    loop {
        let stop = match dialect.opening(window, cursor.at) {
            Some(quote) => {
                cursor.at = quote;
                cursor.quoted(dialect, fields)
            }
            None => cursor.plain(dialect, fields),
        };
        match stop {
            Stop::Delimiter => {}
            Stop::Record => return Scan::Record { len: cursor.at, breaks: cursor.breaks },
            Stop::More => return Scan::More,
            Stop::OpenQuote => return Scan::OpenQuote,
        }
    }
}

impl Cursor<'_> {
    fn plain(&mut self, dialect: &Dialect, fields: &mut Vec<Field>) -> Stop {
        let start = self.at;
        let mut raw = false;
        loop {
            let rest = &self.window[self.at..];
            let Some(found) = rest.iter().position(|b| dialect.special[usize::from(*b)]) else {
                self.at = self.window.len();
                return self.end_of_window(start, raw, fields);
            };
            self.at += found;
            let byte = self.window[self.at];
            if byte == b'\n' || byte == dialect.delimiter {
                return self.close(start, self.at, false, raw, fields);
            }
            // An escape: the next byte is taken as it is, but a line break still ends the line.
            raw = true;
            match self.window.get(self.at + 1) {
                Some(b'\n') if !dialect.multiline => self.at += 1,
                Some(next) => {
                    self.breaks += u64::from(*next == b'\n');
                    self.at += 2;
                }
                None => self.at += 1,
            }
        }
    }

    fn quoted(&mut self, dialect: &Dialect, fields: &mut Vec<Field>) -> Stop {
        let quote = dialect.quote.unwrap_or(b'"');
        let escape = dialect.escape.unwrap_or(quote);
        let start = self.at;
        let mut raw = false;
        self.at += 1;
        loop {
            let rest = &self.window[self.at..];
            let found = if dialect.multiline {
                memchr::memchr2(quote, escape, rest)
            } else {
                memchr::memchr3(quote, escape, b'\n', rest)
            };
            let Some(found) = found else {
                self.breaks += memchr::memchr_iter(b'\n', rest).count() as u64;
                self.at = self.window.len();
                return if self.eof { Stop::OpenQuote } else { Stop::More };
            };
            self.breaks += memchr::memchr_iter(b'\n', &rest[..found]).count() as u64;
            self.at += found;
            let byte = self.window[self.at];
            if byte == b'\n' && !dialect.multiline {
                return Stop::OpenQuote;
            }
            let next = self.window.get(self.at + 1).copied();
            if next.is_none() && !self.eof {
                return Stop::More;
            }
            if byte == quote && next != Some(quote) {
                return self.after_quote(dialect, start, raw, fields);
            }
            // An escaped character, or a doubled quote.
            if next == Some(b'\n') && !dialect.multiline {
                return Stop::OpenQuote;
            }
            raw = true;
            self.breaks += u64::from(next == Some(b'\n'));
            self.at = (self.at + 2).min(self.window.len());
        }
    }

    /// Behind the closing quote at `self.at`: usually the separator, else text that belongs to the field.
    fn after_quote(&mut self, dialect: &Dialect, start: usize, raw: bool, fields: &mut Vec<Field>) -> Stop {
        let closed = self.at;
        self.at += 1;
        let tail = &self.window[self.at..];
        let Some(found) = tail.iter().position(|b| *b == dialect.delimiter || *b == b'\n') else {
            if !self.eof {
                return Stop::More;
            }
            self.at = self.window.len();
            let simple = tail.is_empty() || tail == b"\r";
            self.push(start, closed, raw, simple, self.at, fields);
            return Stop::Record;
        };
        let end = self.at + found;
        let simple = found == 0 || (&tail[..found] == b"\r" && self.window[end] == b'\n');
        self.push(start, closed, raw, simple, end, fields);
        self.at = end;
        self.pass()
    }

    fn push(
        &self,
        start: usize,
        closed: usize,
        raw: bool,
        simple: bool,
        end: usize,
        fields: &mut Vec<Field>,
    ) {
        let field = if simple && !raw {
            Field { start: start as u32 + 1, end: closed as u32, quoted: true, raw: false, stray: false }
        } else {
            let end = if simple { closed + 1 } else { trim_cr(self.window, start, end) };
            Field { start: start as u32, end: end as u32, quoted: true, raw: true, stray: !simple }
        };
        fields.push(field);
    }

    fn close(&mut self, start: usize, end: usize, quoted: bool, raw: bool, fields: &mut Vec<Field>) -> Stop {
        let end = if self.window[self.at] == b'\n' { trim_cr(self.window, start, end) } else { end };
        fields.push(Field { start: start as u32, end: end as u32, quoted, raw, stray: false });
        self.pass()
    }

    /// Steps over the separator or line break at `self.at`.
    fn pass(&mut self) -> Stop {
        let is_break = self.window[self.at] == b'\n';
        self.at += 1;
        if is_break {
            self.breaks += 1;
            return Stop::Record;
        }
        Stop::Delimiter
    }

    fn end_of_window(&mut self, start: usize, raw: bool, fields: &mut Vec<Field>) -> Stop {
        if !self.eof {
            return Stop::More;
        }
        let end = trim_cr(self.window, start, self.window.len());
        fields.push(Field { start: start as u32, end: end as u32, quoted: false, raw, stray: false });
        Stop::Record
    }
}

fn trim_cr(window: &[u8], start: usize, end: usize) -> usize {
    if end > start && window[end - 1] == b'\r' { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(options: &CsvOptions, text: &str) -> Vec<Vec<String>> {
        let dialect = Dialect::new(options);
        let (mut window, mut fields, mut out) = (text.as_bytes(), Vec::new(), Vec::new());
        loop {
            match scan(&dialect, window, true, &mut fields) {
                Scan::Record { len, .. } => {
                    let mut scratch = Vec::new();
                    let decode = |f: &Field| {
                        String::from_utf8(f.decode(window, &dialect, &mut scratch).to_vec()).unwrap()
                    };
                    out.push(fields.iter().map(decode).collect());
                    window = &window[len..];
                }
                Scan::Comment { len } => window = &window[len..],
                Scan::End => return out,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn quotes_as_the_standard_says() {
        let csv = CsvOptions::standard();
        let text = "a,\"b,\"\"c\"\"\",d\r\n\"x\ny\",,\"\"\n\"q\"tail,\"e\"\"\",z";
        assert_eq!(
            records(&csv, text),
            vec![vec!["a", "b,\"c\"", "d"], vec!["x\ny", "", ""], vec!["qtail", "e\"", "z"]]
        );
        assert_eq!(records(&csv, "a\"b,c\n"), vec![vec!["a\"b", "c"]]);
        assert_eq!(records(&csv, "a,b\n\n"), vec![vec!["a", "b"], vec![""]]);
        assert_eq!(records(&csv, "a,"), vec![vec!["a", ""]]);
    }

    #[test]
    fn torn_quotes() {
        let dialect = Dialect::new(&CsvOptions { escape: Some(b'\\'), ..CsvOptions::standard() });
        let is_torn = |text: &str| {
            let mut fields = Vec::new();
            assert!(
                matches!(scan(&dialect, text.as_bytes(), true, &mut fields), Scan::Record { .. }),
                "{text}"
            );
            fields.iter().any(|field| field.is_torn(text.as_bytes(), &dialect))
        };
        for text in ["3,\"open\n4,\"q\"\n", "\"to\"rn,1", "\"a\" \"b\"\n", "\"a\"\"\"b\r\n", "\"a\"\" \"x"] {
            assert!(is_torn(text), "{text}");
        }
        for text in ["\"a\" ,1", "\"a\"\t\r\n", "\"a\"\"b\",\"\"", "\"a\\\"b\" \n", "a\"b\"c,d", "\"\"\"\" "]
        {
            assert!(!is_torn(text), "{text}");
        }
    }

    #[test]
    fn escapes() {
        let lazy = CsvOptions { delimiter: b',', escape: Some(b'\\'), ..CsvOptions::lazy_simple(vec![]) };
        assert_eq!(records(&lazy, "a\\,b,\"c\\\\\n"), vec![vec!["a,b", "\"c\\"]]);
        let open = CsvOptions::open_csv(vec![]);
        assert_eq!(records(&open, "\"a\\\"b\",c\\,d\n"), vec![vec!["a\"b", "c,d"]]);
    }

    #[test]
    fn blanks_in_front_of_quotes() {
        let open = CsvOptions::open_csv(vec![]);
        let text = "1, \"a, b\",\t \"c\"\r\n \"x\ny\", z \"q\", \"\"\n  ,\" w\"\n";
        assert_eq!(
            records(&open, text),
            vec![vec!["1", "a, b", "c"], vec!["x\ny", " z \"q\"", ""], vec!["  ", " w"]]
        );
        let tabs = CsvOptions { delimiter: b'\t', ..CsvOptions::open_csv(vec![]) };
        assert_eq!(records(&tabs, "a\t\t\"b\tc\"\n"), vec![vec!["a", "", "b\tc"]]);
        assert_eq!(records(&CsvOptions::standard(), "1, \"a, b\"\n"), vec![vec!["1", " \"a", " b\""]]);
        // The window ends within the blanks.
        let dialect = Dialect::new(&open);
        assert_eq!(scan(&dialect, b"1,  ", false, &mut Vec::new()), Scan::More);
    }

    #[test]
    fn comments_and_open_quotes() {
        let csv = CsvOptions { comment: Some(b'#'), ..CsvOptions::standard() };
        assert_eq!(records(&csv, "#x,\"\na,b\n# end"), vec![vec!["a", "b"]]);
        let dialect = Dialect::new(&csv);
        assert_eq!(scan(&dialect, b"a,\"b", true, &mut Vec::new()), Scan::OpenQuote);
        assert_eq!(scan(&dialect, b"a,\"b\"", false, &mut Vec::new()), Scan::More);
    }
}
