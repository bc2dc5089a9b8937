//! Texts as records have them. Layouts: [MS-XLS] 2.5.240, 2.5.293, 2.5.294; before BIFF8, bytes in the workbook's code page.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::super::unsupported;
use super::records::Pieces;
use crate::error::Problem;

/// How a workbook writes text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    /// BIFF8.
    Unicode,
    /// BIFF5: the number of the code page.
    Bytes(u16),
}

impl Letters {
    /// Text behind its length of two bytes.
    pub(super) fn long(self, pieces: &mut Pieces<'_, '_>) -> Result<String, Problem> {
        let count = pieces.short()?;
        self.text(pieces, count)
    }

    /// Text behind its length of one byte.
    pub(super) fn brief(self, pieces: &mut Pieces<'_, '_>) -> Result<String, Problem> {
        let count = u16::from(pieces.byte()?);
        self.text(pieces, count)
    }

    /// Text of a pattern of numbers, whose length has two bytes in BIFF8 and one before.
    pub(super) fn pattern(self, pieces: &mut Pieces<'_, '_>) -> Result<String, Problem> {
        match self {
            Self::Unicode => self.long(pieces),
            Self::Bytes(_) => self.brief(pieces),
        }
    }

    fn text(self, pieces: &mut Pieces<'_, '_>, count: u16) -> Result<String, Problem> {
        match self {
            Self::Unicode if count == 0 => Ok(String::new()),
            Self::Unicode => {
                let wide = pieces.byte()? & 1 != 0;
                pieces.characters(count, wide)
            }
            Self::Bytes(page) => bytes(pieces, count, page),
        }
    }
}

fn bytes(pieces: &mut Pieces<'_, '_>, count: u16, page: u16) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(usize::from(count));
    while bytes.len() < usize::from(count) {
        bytes.extend_from_slice(pieces.some(usize::from(count) - bytes.len())?);
    }
    if bytes.is_ascii() {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let encoding =
        encoding_of(page).ok_or_else(|| unsupported(format!("a workbook in the code page {page}")))?;
    Ok(encoding.decode_without_bom_handling(&bytes).0.into_owned())
}

/// Source: [MS-XLS] 2.4.52, and Microsoft's list of code page identifiers.
fn encoding_of(page: u16) -> Option<&'static Encoding> {
    match page {
        // Written by Excel for Windows and for the Macintosh.
        0x8000 | 10000 => Some(MACINTOSH),
        0x8001 => Some(WINDOWS_1252),
        932 => Some(encoding_rs::SHIFT_JIS),
        936 => Some(encoding_rs::GBK),
        949 => Some(encoding_rs::EUC_KR),
        950 => Some(encoding_rs::BIG5),
        866 => Some(encoding_rs::IBM866),
        874 | 1250..=1258 => Encoding::for_label(format!("windows-{page}").as_bytes()),
        _ => None,
    }
}

/// A text of the table of shared ones, which may be formatted in parts and carry phonetic signs.
pub(super) fn rich(pieces: &mut Pieces<'_, '_>) -> Result<String, Problem> {
    let (count, flags) = (pieces.short()?, pieces.byte()?);
    let runs = if flags & 8 != 0 { u64::from(pieces.short()?) } else { 0 };
    let extra = if flags & 4 != 0 { u64::from(pieces.word()?) } else { 0 };
    let text = pieces.characters(count, flags & 1 != 0)?;
    pieces.skip(4 * runs + extra)?;
    Ok(text)
}
