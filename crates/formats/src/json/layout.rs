//! How records lie in a file: lines, one array, or documents.

use super::frame::{Frame, frame};
use crate::error::FormatError;
use crate::input::Input;
use crate::options::JsonLayout;

/// Looks at the head: `[` is an array; a first value that ends on its first line means lines.
pub(crate) async fn detect_layout(head: &mut Input) -> Result<JsonLayout, FormatError> {
    loop {
        let window = head.pending();
        let at = super::leading_space(window);
        let rest = &window[at..];
        let complete = head.at_eof();
        match rest.first() {
            None if complete => return Ok(JsonLayout::Lines),
            Some(b'[') => return Ok(JsonLayout::Array),
            Some(_) => {
                let line = memchr::memchr(b'\n', rest);
                match (frame(rest, complete), line) {
                    (Frame::Value(len), Some(line)) if len > line => return Ok(JsonLayout::Documents),
                    (Frame::Value(_), _) => return Ok(JsonLayout::Lines),
                    // The first line ends within the value: documents over several lines, or a bad first line.
                    (Frame::Open, Some(line)) if have_line_records(&rest[line + 1..]) => {
                        return Ok(JsonLayout::Lines);
                    }
                    (Frame::Open, Some(_)) if complete => return Ok(JsonLayout::Documents),
                    (Frame::Open, None) if complete => return Ok(JsonLayout::Lines),
                    (Frame::Open, _) => {}
                }
            }
            None => {}
        }
        head.more().await?;
    }
}

/// Whether the next line is a record of its own, so that the one before was cut short; or two such lines follow each other
/// anywhere, which they cannot within a value.
fn have_line_records(text: &[u8]) -> bool {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let mut before = match lines.next().map(is_record) {
        Some(false) => false,
        first => return first.is_some(),
    };
    lines.any(|line| {
        let is_record = is_record(line);
        std::mem::replace(&mut before, is_record) && is_record
    })
}

fn is_record(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.first() == Some(&b'{') && matches!(frame(line, true), Frame::Value(len) if len == line.len())
}
