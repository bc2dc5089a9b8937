//! A sheet's cells in memory.

use std::collections::HashSet;
use std::io::Cursor;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};

use super::{MAX_CELLS, MAX_CONTENT_BYTES, MAX_FILE_BYTES, damaged};
use crate::archive;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::options::ExcelOptions;
use crate::source::ByteSource;
use std::sync::Arc;

/// 9999-12-31, counted from 1900 and from 1904.
const LAST_DAYS: [f64; 2] = [2_958_465.0, 2_957_003.0];

/// A cell's value as text, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) ty: HiveType,
}

#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// Names of the columns, all different.
    pub(super) names: Vec<String>,
    /// Whether they come from the sheet.
    pub(super) header: bool,
    /// The records: the row's number in the sheet, from 1, and its cells.
    pub(super) rows: Vec<(u32, Vec<Option<Cell>>)>,
}

/// Reads the sheet that the options name, or the first that is visible and not empty.
pub(super) async fn load(source: &Arc<dyn ByteSource>, options: &ExcelOptions) -> Result<Sheet, FormatError> {
    let (name, size) = (source.name().to_owned(), source.size());
    if size > MAX_FILE_BYTES {
        let what = format!("a workbook of more than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(FormatError::new(&name, Problem::Unsupported { what }));
    }
    archive::check_content(source, MAX_CONTENT_BYTES).await?;
    let data = source.read(0..size).await.map_err(|e| FormatError::io(&name, e))?;
    // A damaged part must not take the process down.
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parse(&name, data, options)));
    parsed.unwrap_or_else(|_| Err(damaged(&name, "a part of it cannot be made out")))
}

fn parse(name: &str, data: Bytes, options: &ExcelOptions) -> Result<Sheet, FormatError> {
    let mut book = Xlsx::new(Cursor::new(data)).map_err(|e| damaged(name, e.to_string()))?;
    let known: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|s| s.typ == SheetType::WorkSheet)
        .filter(|s| options.sheet.is_some() || s.visible == SheetVisible::Visible)
        .map(|s| s.name.clone())
        .collect();
    let wanted: Vec<&String> = match &options.sheet {
        None => known.iter().collect(),
        Some(sheet) => known.iter().filter(|s| s.eq_ignore_ascii_case(sheet)).collect(),
    };
    if let (Some(sheet), true) = (&options.sheet, wanted.is_empty()) {
        let message = format!("there is no sheet {sheet:?}; there are {}", known.join(", "));
        return Err(FormatError::new(name, Problem::Schema { message }));
    }
    for sheet in wanted {
        let rows = rows(name, &mut book, sheet)?;
        if !rows.is_empty() {
            return Ok(shape(sheet, rows, options));
        }
    }
    let found = "a workbook whose sheets are empty".to_owned();
    Err(FormatError::new(name, Problem::NoRecords { found }))
}

type Rows = Vec<(u32, Vec<Option<Cell>>)>;

/// The rows that are not empty, their cells from the first column on.
fn rows(name: &str, book: &mut Xlsx<Cursor<Bytes>>, sheet: &str) -> Result<Rows, FormatError> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(|e| damaged(name, e.to_string()))?;
    let mut rows: Rows = Vec::new();
    let mut count = 0;
    while let Some(cell) = reader.next_cell().map_err(|e| damaged(name, e.to_string()))? {
        let (row, column) = cell.get_position();
        let Some(value) = value(cell.get_value()) else { continue };
        if rows.last().is_none_or(|(last, _)| *last != row + 1) {
            rows.push((row + 1, Vec::new()));
        }
        let Some((_, cells)) = rows.last_mut() else { continue };
        let column = column as usize;
        count += (column + 1).saturating_sub(cells.len());
        if count > MAX_CELLS {
            let what = format!("a sheet of more than {MAX_CELLS} cells");
            return Err(FormatError::new(name, Problem::Unsupported { what }));
        }
        if cells.len() <= column {
            cells.resize(column + 1, None);
        }
        cells[column] = Some(value);
    }
    Ok(rows)
}

fn value(data: &DataRef<'_>) -> Option<Cell> {
    let cell = |text: String, ty: HiveType| Some(Cell { text, ty });
    match data {
        DataRef::Int(v) => cell(v.to_string(), HiveType::BigInt),
        DataRef::Float(v) => Some(number(*v)),
        DataRef::String(v) => text(v),
        DataRef::SharedString(v) => text(v),
        DataRef::Bool(v) => cell(v.to_string(), HiveType::Boolean),
        DataRef::DateTime(v) => Some(moment(v)),
        DataRef::DateTimeIso(v) => cell(v.replace('T', " "), iso_type(v)),
        DataRef::DurationIso(v) => cell(v.clone(), HiveType::String),
        DataRef::Error(_) | DataRef::Empty => None,
    }
}

/// Excel knows no integers: what has no fraction and keeps all its digits is one.
fn number(v: f64) -> Cell {
    if v.fract() == 0.0 && v.abs() < 1e15 {
        return Cell { text: format!("{}", v as i64), ty: HiveType::BigInt };
    }
    Cell { text: v.to_string(), ty: HiveType::Double }
}

fn text(v: &str) -> Option<Cell> {
    (!v.is_empty()).then(|| Cell { text: v.to_owned(), ty: HiveType::String })
}

fn iso_type(text: &str) -> HiveType {
    if text.contains('T') { HiveType::Timestamp } else { HiveType::Date }
}

/// A date, a date with a time, or (below one day, or shown as a duration) a time. What Excel has no date for is the
/// number that it is; the day after 1900-02-28, which it shows and which there never was, is text.
fn moment(v: &ExcelDateTime) -> Cell {
    if !v.is_duration() && (v.as_f64() < 0.0 || is_beyond(v)) {
        return number(v.as_f64());
    }
    if v.is_duration() || v.as_f64() < 1.0 {
        let seconds = (v.as_f64() * 86_400.0).round() as i64;
        let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        return Cell { text, ty: HiveType::String };
    }
    let (year, month, day, hour, minute, second, milli) = v.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let exists = (year, month, day) != (1900, 2, 29);
    let ty = |ty| if exists { ty } else { HiveType::String };
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return Cell { text: date, ty: ty(HiveType::Date) };
    }
    let text = format!("{date} {hour:02}:{minute:02}:{second:02}.{milli:03}");
    Cell { text, ty: ty(HiveType::Timestamp) }
}

/// Whether the moment is behind the last day that Excel has, for which the library gives that day.
fn is_beyond(v: &ExcelDateTime) -> bool {
    let day = (v.as_f64() + 1e-6).floor();
    let (year, month, last, ..) = v.to_ymd_hms_milli();
    (year, month, last) == (9999, 12, 31) && !LAST_DAYS.contains(&day)
}

/// Cuts empty columns off the left, and takes the header off the top.
fn shape(sheet: &str, mut rows: Rows, options: &ExcelOptions) -> Sheet {
    let first =
        rows.iter().filter_map(|(_, cells)| cells.iter().position(Option::is_some)).min().unwrap_or(0);
    for (_, cells) in &mut rows {
        cells.drain(..first.min(cells.len()));
    }
    let width = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let all_text = |cells: &[Option<Cell>]| cells.iter().flatten().all(|cell| cell.ty == HiveType::String);
    let header = options.header.unwrap_or_else(|| rows.first().is_some_and(|(_, cells)| all_text(cells)));
    let given = if header { rows.remove(0).1 } else { Vec::new() };
    let footer = usize::try_from(options.skip_footer).unwrap_or(usize::MAX);
    rows.truncate(rows.len().saturating_sub(footer));
    rows.truncate(options.max_rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX));
    Sheet { name: sheet.to_owned(), names: names(&given, width), header, rows }
}

/// A column without a name is `col` and its number; of two with the same, the later is numbered.
fn names(given: &[Option<Cell>], width: usize) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(width);
    for column in 0..width {
        let own = given.get(column).and_then(Option::as_ref).map(|cell| cell.text.trim()).unwrap_or_default();
        let base = if own.is_empty() { format!("col{column}") } else { own.to_owned() };
        let mut name = base.clone();
        let mut n = 1;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn days_that_excel_has_and_those_it_has_not() {
        for (serial, from_1904, text, ty) in [
            (1.0, false, "1900-01-01", HiveType::Date),
            (59.0, false, "1900-02-28", HiveType::Date),
            (60.0, false, "1900-02-29", HiveType::String),
            (60.5, false, "1900-02-29 12:00:00.000", HiveType::String),
            (60.0, true, "1904-03-01", HiveType::Date),
            (2_958_465.0, false, "9999-12-31", HiveType::Date),
            (2_957_003.0, true, "9999-12-31", HiveType::Date),
            (2_958_465.5, false, "9999-12-31 12:00:00.000", HiveType::Timestamp),
            (2_958_466.0, false, "2958466", HiveType::BigInt),
            (20_240_131.0, false, "20240131", HiveType::BigInt),
            (2_958_466.5, true, "2958466.5", HiveType::Double),
            (-1.0, false, "-1", HiveType::BigInt),
        ] {
            let cell = moment(&ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, from_1904));
            assert_eq!((cell.text.as_str(), &cell.ty), (text, &ty), "{serial}");
        }
    }
}
