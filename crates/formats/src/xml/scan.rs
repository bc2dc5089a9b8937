//! Finds one token at the front of a window: markup up to its end, or text up to the next markup.

/// What lies at the front.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan<'w> {
    /// An opening tag of `len` bytes; `empty` when it closes itself.
    Open { name: &'w [u8], empty: bool, len: usize },
    /// A closing tag.
    Close { name: &'w [u8], len: usize },
    /// Text, perhaps only a part of it.
    Text { len: usize },
    /// A comment, instruction, declaration or CDATA section. `text`: it is text of its element.
    Other { len: usize, text: bool },
    /// The window ends within the token, and more may follow.
    More,
    /// The file ends within the token, which is this.
    OpenEnded(&'static str),
    /// Not XML.
    Bad(&'static str),
    /// Nothing is left.
    End,
}

/// Scans the front of `window`; `eof` says that nothing follows it.
pub(super) fn scan(window: &[u8], eof: bool) -> Scan<'_> {
    let Some(first) = window.first() else { return if eof { Scan::End } else { Scan::More } };
    if *first != b'<' {
        return Scan::Text { len: memchr::memchr(b'<', window).unwrap_or(window.len()) };
    }
    const CDATA: &[u8] = b"<![CDATA[";
    let undecided = window.len() < CDATA.len() && !eof;
    match window.get(1) {
        Some(b'?') => until(window, eof, b"?>", "a processing instruction", false),
        Some(b'!') if window.starts_with(b"<!--") => {
            // The end is not part of the beginning: `<!-->` is none.
            until_from(window, 4, eof, b"-->", "a comment", false)
        }
        Some(b'!') if window.starts_with(CDATA) => until(window, eof, b"]]>", "a CDATA section", true),
        Some(b'!') if undecided => Scan::More,
        Some(b'!') => declaration(window, eof),
        Some(b'/') => tag(window, eof, 2),
        Some(_) => tag(window, eof, 1),
        None if eof => Scan::OpenEnded("a tag"),
        None => Scan::More,
    }
}

fn until<'w>(window: &'w [u8], eof: bool, end: &[u8], what: &'static str, text: bool) -> Scan<'w> {
    until_from(window, 2, eof, end, what, text)
}

fn until_from<'w>(
    window: &'w [u8],
    from: usize,
    eof: bool,
    end: &[u8],
    what: &'static str,
    text: bool,
) -> Scan<'w> {
    match memchr::memmem::find(&window[from..], end) {
        Some(at) => Scan::Other { len: from + at + end.len(), text },
        None if eof => Scan::OpenEnded(what),
        None => Scan::More,
    }
}

/// `<!DOCTYPE …>`, perhaps with declarations in brackets.
fn declaration(window: &[u8], eof: bool) -> Scan<'_> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, byte) in window.iter().enumerate().skip(2) {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'>') if depth == 0 => return Scan::Other { len: at + 1, text: false },
            _ => {}
        }
    }
    if eof { Scan::OpenEnded("a declaration") } else { Scan::More }
}

/// A tag whose name begins at `start`.
fn tag(window: &[u8], eof: bool, start: usize) -> Scan<'_> {
    let is_close = start == 2;
    match window.get(start) {
        Some(b) if b.is_ascii_alphabetic() || matches!(b, b'_' | b':') || *b >= 0x80 => {}
        Some(_) => return Scan::Bad("a tag whose name does not begin with a letter"),
        None if eof => return Scan::OpenEnded("a tag"),
        None => return Scan::More,
    }
    let mut at = start;
    loop {
        let Some(found) = window[at..].iter().position(|b| matches!(b, b'>' | b'"' | b'\'' | b'<')) else {
            return if eof { Scan::OpenEnded("a tag") } else { Scan::More };
        };
        at += found;
        match window[at] {
            b'>' => break,
            b'<' => return Scan::Bad("a '<' within a tag"),
            quote => match memchr::memchr(quote, &window[at + 1..]) {
                Some(len) => at += len + 2,
                None if eof => return Scan::OpenEnded("the value of an attribute"),
                None => return Scan::More,
            },
        }
    }
    let inner = &window[start..at];
    let name_end = inner.iter().position(|b| b.is_ascii_whitespace() || *b == b'/').unwrap_or(inner.len());
    let (name, len) = (&inner[..name_end], at + 1);
    if is_close { Scan::Close { name, len } } else { Scan::Open { name, empty: inner.ends_with(b"/"), len } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_where_they_end() {
        let open = |text: &'static str| match scan(text.as_bytes(), true) {
            Scan::Open { name, empty, len } => (std::str::from_utf8(name).unwrap(), empty, len),
            other => panic!("{other:?}"),
        };
        assert_eq!(open("<a b='>' c=\"/>\">x"), ("a", false, 16));
        assert_eq!(open("<n:a/>x"), ("n:a", true, 6));
        assert_eq!(open("<a b='c'/>"), ("a", true, 10));
        assert_eq!(scan(b"</a >", true), Scan::Close { name: b"a", len: 5 });
        assert_eq!(scan(b"<!-- > -- <a> -->b", true), Scan::Other { len: 17, text: false });
        assert_eq!(scan(b"<![CDATA[<a>]]]>b", true), Scan::Other { len: 16, text: true });
        assert_eq!(scan(b"<!DOCTYPE a [<!ENTITY b \"]>\">]>c", true), Scan::Other { len: 31, text: false });
        assert_eq!(scan(b"<![CD", false), Scan::More);
        assert_eq!(scan(b"<a b='", false), Scan::More);
        assert_eq!(scan(b"<!-- x", true), Scan::OpenEnded("a comment"));
        assert!(matches!(scan(b"< a>", true), Scan::Bad(_)));
        assert_eq!(scan(b"", true), Scan::End);
    }
}
