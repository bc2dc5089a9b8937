//! The cells of a sheet. Layouts: [MS-XLS] 2.4.

use super::super::binary::{byte, float, packed, short, word};
use super::super::cell::{Cell, text};
use super::super::flaw;
use super::super::grid::Grid;
use super::records::{Pieces, Record, Records};
use super::{BOF, EOF, Globals};
use crate::error::Problem;

/// Where a text belongs that a formula gave, which follows it.
type Waiting = Option<(u16, u16)>;

/// Reads the sheet at `at`, of at most `limit` bytes; gives how many it has.
pub(super) fn read(
    stream: &[u8],
    at: usize,
    limit: usize,
    globals: &Globals,
    grid: &mut Grid,
) -> Result<usize, Problem> {
    let mut records = Records::new(stream, at);
    let first = records.next()?.filter(|record| record.kind == BOF);
    first.ok_or_else(|| flaw(format!("no sheet begins at byte {at}, where the list of sheets has one")))?;
    let (mut depth, mut waiting) = (1u32, None);
    while let Some(record) = records.next()? {
        if records.at() - at > limit {
            return Err(flaw("its sheets lie over each other"));
        }
        match record.kind {
            // Charts and the like within the sheet have cells of their own.
            BOF => depth = depth.saturating_add(1),
            EOF if depth == 1 => break,
            EOF => depth -= 1,
            _ if depth == 1 => cell(record, &mut records, globals, grid, &mut waiting)?,
            _ => {}
        }
    }
    Ok(records.at() - at)
}

fn cell<'d>(
    record: Record<'d>,
    records: &mut Records<'d>,
    globals: &Globals,
    grid: &mut Grid,
    waiting: &mut Waiting,
) -> Result<(), Problem> {
    let data = record.data;
    let place = || Ok::<_, Problem>((short(data, 0)?, short(data, 2)?));
    let styled = |v: f64| Ok::<_, Problem>(Some(globals.styles.value(usize::from(short(data, 4)?), v)));
    let (place, value) = match record.kind {
        0x0203 => (place()?, styled(float(data, 6)?)?),
        0x027e => (place()?, styled(packed(word(data, 6)?))?),
        0x00fd => (place()?, text(globals.shared.get(word(data, 6)?)?)),
        0x0205 => (place()?, (byte(data, 7)? == 0).then_some(Cell::truth(byte(data, 6)? != 0))),
        0x00bd => return several(data, globals, grid),
        0x0204 | 0x00d6 => {
            let mut pieces = Pieces::new(records, data.get(6..).unwrap_or_default());
            (place()?, text(&globals.letters.long(&mut pieces)?))
        }
        0x0006 => {
            let value = saved(data, globals)?;
            *waiting = matches!(value, Saved::Follows).then_some(place()?);
            let Saved::Here(value) = value else { return Ok(()) };
            (place()?, value)
        }
        0x0207 => {
            let Some(place) = waiting.take() else { return Ok(()) };
            (place, text(&globals.letters.long(&mut Pieces::new(records, data))?))
        }
        _ => return Ok(()),
    };
    match value {
        Some(value) => grid.put(u32::from(place.0), u32::from(place.1), value),
        None => Ok(()),
    }
}

/// A row's packed numbers beside each other.
fn several(data: &[u8], globals: &Globals, grid: &mut Grid) -> Result<(), Problem> {
    let (row, first) = (short(data, 0)?, short(data, 2)?);
    let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
    for (number, column) in numbers.chunks_exact(6).zip(u32::from(first)..) {
        let value = globals.styles.value(usize::from(short(number, 0)?), packed(word(number, 2)?));
        grid.put(u32::from(row), column, value)?;
    }
    Ok(())
}

/// The value that was saved with a formula.
enum Saved {
    Here(Option<Cell>),
    /// A text, in a record of its own.
    Follows,
}

/// Layout: [MS-XLS] 2.5.133.
fn saved(data: &[u8], globals: &Globals) -> Result<Saved, Problem> {
    if short(data, 12)? != 0xffff {
        let value = globals.styles.value(usize::from(short(data, 4)?), float(data, 6)?);
        return Ok(Saved::Here(Some(value)));
    }
    Ok(match byte(data, 6)? {
        0 => Saved::Follows,
        1 => Saved::Here(Some(Cell::truth(byte(data, 8)? != 0))),
        // An error, or the empty text.
        _ => Saved::Here(None),
    })
}
