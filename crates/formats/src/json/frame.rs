//! Finds where one JSON value ends, looking at brackets and strings only.

/// What lies at the front of a window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A value of so many bytes.
    Value(usize),
    /// The window ends within the value.
    Open,
}

/// Measures the value that begins at the window's first byte (which is not white space).
/// `eof` says that nothing follows the window, so that a bare word or number ends there.
pub(crate) fn frame(window: &[u8], eof: bool) -> Frame {
    match window.first() {
        Some(b'{' | b'[') => nested(window),
        Some(b'"') => string_end(window, 0).map_or(Frame::Open, Frame::Value),
        _ => {
            let end = window
                .iter()
                .position(|b| b.is_ascii_whitespace() || matches!(b, b',' | b']' | b'}' | b'{' | b'['));
            match end {
                // A stray bracket or comma: one byte, which the parser will refuse.
                Some(end) => Frame::Value(end.max(1)),
                None if eof => Frame::Value(window.len()),
                None => Frame::Open,
            }
        }
    }
}

fn nested(window: &[u8]) -> Frame {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = window.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Frame::Value(at + 1);
                }
            }
            b'"' => match string_end(window, at) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => return Frame::Open,
            },
            _ => {}
        }
        at += 1;
    }
    Frame::Open
}

/// The offset behind the string that begins at `start`.
pub(crate) fn string_end(window: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = memchr::memchr2(b'"', b'\\', window.get(at..)?)?;
        at += found;
        if window[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        assert_eq!(frame(br#"{"a":"}\"","b":[1,{}]} {"#, true), Frame::Value(22));
        assert_eq!(frame(br#""a\\" x"#, true), Frame::Value(5));
        assert_eq!(frame(b"12", false), Frame::Open);
        assert_eq!(frame(b"12", true), Frame::Value(2));
        assert_eq!(frame(b"12,", false), Frame::Value(2));
        assert_eq!(frame(b"]", true), Frame::Value(1));
        assert_eq!(frame(br#"{"a":"\"#, true), Frame::Open);
    }
}
