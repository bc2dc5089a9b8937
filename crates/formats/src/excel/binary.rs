//! What the binary formats, `.xls` and `.xlsb`, have in common.

use super::{MAX_TEXT_BYTES, flaw, unsupported};
use crate::error::Problem;

/// What a record that is too short says.
pub(super) fn cut() -> Problem {
    flaw("a record is cut short")
}

pub(super) fn byte(data: &[u8], at: usize) -> Result<u8, Problem> {
    data.get(at).copied().ok_or_else(cut)
}

pub(super) fn short(data: &[u8], at: usize) -> Result<u16, Problem> {
    Ok(u16::from_le_bytes(array(data, at)?))
}

pub(super) fn word(data: &[u8], at: usize) -> Result<u32, Problem> {
    Ok(u32::from_le_bytes(array(data, at)?))
}

pub(super) fn float(data: &[u8], at: usize) -> Result<f64, Problem> {
    Ok(f64::from_le_bytes(array(data, at)?))
}

fn array<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N], Problem> {
    data.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(cut)
}

/// A number packed into four bytes: the upper bits of a float or 30 bits of an integer, perhaps in hundredths.
pub(super) fn packed(bits: u32) -> f64 {
    let value =
        if bits & 2 == 0 { f64::from_bits(u64::from(bits & !3) << 32) } else { f64::from(bits as i32 >> 2) };
    if bits & 1 == 0 { value } else { value / 100.0 }
}

/// Text of `count` characters in UTF-16 at the front of `data`.
pub(super) fn utf16(data: &[u8], count: usize) -> Result<String, Problem> {
    let bytes = data.get(..count.saturating_mul(2)).ok_or_else(cut)?;
    let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    Ok(decoded(units))
}

/// Text of UTF-16; a lone surrogate, which is no text, becomes U+FFFD.
pub(super) fn decoded(units: impl IntoIterator<Item = u16>) -> String {
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The texts that a workbook's sheets share, end to end: a list of so many strings would take several times the memory.
#[derive(Debug, Default)]
pub(super) struct Shared {
    text: String,
    ends: Vec<u32>,
}

impl Shared {
    /// Errors: `Unsupported` beyond the limit.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Problem> {
        if (self.text.len() + text.len()) as u64 > MAX_TEXT_BYTES {
            let what = format!("a workbook with more than {} MiB of text", MAX_TEXT_BYTES >> 20);
            return Err(unsupported(what));
        }
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        Ok(())
    }

    /// Errors: there is no such text.
    pub(super) fn get(&self, index: u32) -> Result<&str, Problem> {
        let index = index as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let text = self.ends.get(index).and_then(|end| self.text.get(start as usize..*end as usize));
        text.ok_or_else(|| flaw(format!("a cell refers to text {index} of {}", self.ends.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers() {
        let float = |v: f64| (v.to_bits() >> 32) as u32;
        for (bits, value) in [
            (float(1.5), 1.5),
            (float(150.0) | 1, 1.5),
            (7 << 2 | 2, 7.0),
            (1234 << 2 | 3, 12.34),
            ((-5i32 << 2) as u32 | 2, -5.0),
        ] {
            assert_eq!(packed(bits), value);
        }
    }

    #[test]
    fn shared_texts_by_number() {
        let mut shared = Shared::default();
        for text in ["a", "", "é"] {
            shared.push(text).unwrap();
        }
        assert_eq!([0, 1, 2].map(|i| shared.get(i).unwrap()), ["a", "", "é"]);
        assert!(shared.get(3).unwrap_err().to_string().contains("text 3 of 3"));
    }
}
