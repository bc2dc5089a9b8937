//! The cells of a sheet. Layouts: [MS-XLSB] 2.4 and 2.5.9.

use super::super::binary::{Shared, byte, float, packed, word};
use super::super::cell::{Cell, text};
use super::super::flaw;
use super::super::grid::Grid;
use super::super::patterns::Styles;
use super::records::{Records, wide};
use crate::error::Problem;

const ROW: u16 = 0x0000;
const BEGIN: u16 = 0x0091;
const END: u16 = 0x0092;
/// Where a cell's value begins, behind its column and format.
const VALUE: usize = 8;

pub(super) fn read(
    mut records: Records,
    styles: &Styles,
    shared: &Shared,
    grid: &mut Grid,
) -> Result<(), Problem> {
    let (mut begun, mut row) = (false, None);
    while let Some((kind, data)) = records.next()? {
        match kind {
            BEGIN => begun = true,
            END => return Ok(()),
            _ if !begun => {}
            ROW => row = Some(word(data, 0)?),
            _ => {
                if let Some(value) = value(kind, data, styles, shared)? {
                    let row = row.ok_or_else(|| flaw("a cell is in no row"))?;
                    grid.put(row, word(data, 0)?, value)?;
                }
            }
        }
    }
    Err(flaw("a sheet is not closed: the file is cut short"))
}

/// The value of a cell; `None` for errors, empty texts, and what is no cell.
fn value(kind: u16, data: &[u8], styles: &Styles, shared: &Shared) -> Result<Option<Cell>, Problem> {
    let styled = |v: f64| Ok::<_, Problem>(Some(styles.value((word(data, 4)? & 0xff_ffff) as usize, v)));
    match kind {
        2 => styled(packed(word(data, VALUE)?)),
        4 | 10 => Ok(Some(Cell::truth(byte(data, VALUE)? != 0))),
        5 | 9 => styled(float(data, VALUE)?),
        6 | 8 => Ok(text(&wide(data, VALUE)?.0)),
        7 => Ok(text(shared.get(word(data, VALUE)?)?)),
        // Formatted in parts: a byte of flags stands before the text.
        62 => Ok(text(&wide(data, VALUE + 1)?.0)),
        _ => Ok(None),
    }
}
