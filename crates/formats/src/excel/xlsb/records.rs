//! The records of a part of an `.xlsb`. Layout: [MS-XLSB] 2.1.4.

use std::io::{BufRead, Read};

use super::super::binary::{utf16, word};
use super::super::{broken, flaw};
use crate::archive::Part;
use crate::error::Problem;

/// No record of a cell or a style is nearly as large.
const MAX_RECORD_BYTES: usize = 4 << 20;

/// Goes over a part.
pub(super) struct Records {
    part: Part,
    data: Vec<u8>,
}

impl Records {
    pub(super) fn new(part: Part) -> Self {
        Self { part, data: Vec::new() }
    }

    /// The next record's kind and content; `None` at the part's end.
    pub(super) fn next(&mut self) -> Result<Option<(u16, &[u8])>, Problem> {
        if self.part.fill_buf().map_err(broken)?.is_empty() {
            return Ok(None);
        }
        let kind = self.number(2)? as u16;
        let size = self.number(4)? as usize;
        if size > MAX_RECORD_BYTES {
            return Err(flaw(format!("a record claims {size} bytes")));
        }
        self.data.resize(size, 0);
        self.part.read_exact(&mut self.data).map_err(broken)?;
        Ok(Some((kind, &self.data)))
    }

    /// A number in up to `bytes` bytes, seven bits in each; the highest bit says that another one follows.
    fn number(&mut self, bytes: u32) -> Result<u32, Problem> {
        let mut number = 0;
        for place in 0..bytes {
            let mut byte = [0];
            self.part.read_exact(&mut byte).map_err(broken)?;
            number |= u32::from(byte[0] & 0x7f) << (7 * place);
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        Ok(number)
    }
}

/// Text behind its length of four bytes, and where it ends.
pub(super) fn wide(data: &[u8], at: usize) -> Result<(String, usize), Problem> {
    let count = word(data, at)? as usize;
    let text = utf16(data.get(at + 4..).unwrap_or_default(), count)?;
    Ok((text, at + 4 + 2 * count))
}
