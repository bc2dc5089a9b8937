//! Text of XML.

/// Appends `text` so that a reader has it back: as an attribute's value in double quotes, or as an element's text.
/// Errors: a character that XML 1.0 does not have, not even as a reference.
pub(super) fn escape(out: &mut Vec<u8>, text: &str, is_attribute: bool) -> Result<(), char> {
    for character in text.chars() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '"' if is_attribute => out.extend_from_slice(b"&quot;"),
            // Readers make one line break of `\r\n`, and blanks of an attribute's white space.
            '\r' => out.extend_from_slice(b"&#13;"),
            '\n' if is_attribute => out.extend_from_slice(b"&#10;"),
            '\t' if is_attribute => out.extend_from_slice(b"&#9;"),
            '\n' | '\t' => out.push(character as u8),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => return Err(character),
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(())
}
