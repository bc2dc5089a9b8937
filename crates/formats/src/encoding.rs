//! Encodings of text, recoded to UTF-8 as it is read.

use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

/// An encoding other than UTF-8, by one of its labels on the web (`windows-1252`, `iso-8859-1`, `utf-16le`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// Finds the encoding of a label: `Ok(None)` for UTF-8 and its subset ASCII. ISO-8859-1 is its superset
    /// windows-1252, as in every browser. Errors: no such encoding.
    pub fn of_label(label: &str) -> Result<Option<Self>, UnknownEncoding> {
        let label = label.trim();
        // Java's names, which the catalog holds, are not all labels of the web.
        let known = match label.to_ascii_uppercase().as_str() {
            "US-ASCII" | "ASCII" => return Ok(None),
            "UTF-16" => "utf-16be",
            "ISO8859_1" | "CP1252" | "LATIN-1" => "windows-1252",
            _ => label,
        };
        match encoding_rs::Encoding::for_label(known.as_bytes()) {
            Some(found) if found == UTF_8 => Ok(None),
            Some(found) => Ok(Some(Self(found))),
            None => Err(UnknownEncoding(label.to_owned())),
        }
    }

    /// The encoding that a byte-order mark of two bytes stands for.
    pub(crate) fn of_mark(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => Some(Self(UTF_16LE)),
            [0xfe, 0xff, ..] => Some(Self(UTF_16BE)),
            _ => None,
        }
    }

    /// The encoding's name on the web.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl TryFrom<String> for Encoding {
    type Error = UnknownEncoding;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        encoding_rs::Encoding::for_label(name.as_bytes()).map(Self).ok_or(UnknownEncoding(name))
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.name().to_owned()
    }
}

/// No encoding has this label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the encoding {0:?} is not known")]
pub struct UnknownEncoding(pub String);

/// Recodes a stream piece by piece.
pub(crate) struct Recoder {
    decoder: Decoder,
    name: &'static str,
}

impl Recoder {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { decoder: encoding.0.new_decoder_with_bom_removal(), name: encoding.name() }
    }

    /// Appends the text of `bytes` to `out`. `last` says that nothing follows. Errors: the name of the encoding,
    /// where bytes are not text in it.
    pub(crate) fn recode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let mut rest = bytes;
        loop {
            let room = self.decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(64);
            let filled = out.len();
            out.resize(filled + room, 0);
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(rest, &mut out[filled..], last);
            out.truncate(filled + written);
            rest = &rest[read..];
            match result {
                encoding_rs::DecoderResult::InputEmpty => return Ok(()),
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => return Err(self.name),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_marks() {
        for label in ["UTF-8", "utf8", "us-ascii"] {
            assert_eq!(Encoding::of_label(label), Ok(None), "{label}");
        }
        for (label, name) in
            [("latin1", "windows-1252"), ("ISO-8859-1", "windows-1252"), ("Shift_JIS", "Shift_JIS")]
        {
            assert_eq!(Encoding::of_label(label).unwrap().unwrap().name(), name);
        }
        assert!(Encoding::of_label("klingon").is_err());
        assert_eq!(Encoding::of_mark(&[0xff, 0xfe, 0x41]).unwrap().name(), "UTF-16LE");
    }

    #[test]
    fn characters_cut_between_pieces() {
        let mut recoder = Recoder::new(Encoding::of_mark(&[0xff, 0xfe]).unwrap());
        let mut out = Vec::new();
        let bytes: Vec<u8> = "\u{feff}aé😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for byte in &bytes {
            recoder.recode(&[*byte], false, &mut out).unwrap();
        }
        recoder.recode(&[], true, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "aé😀");
        let mut recoder = Recoder::new(Encoding::of_mark(&[0xff, 0xfe]).unwrap());
        assert!(recoder.recode(&[0x41], true, &mut Vec::new()).is_err());
    }
}
