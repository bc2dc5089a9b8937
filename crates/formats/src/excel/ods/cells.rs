//! The rows and cells of a sheet.

use super::super::grid::{Grid, Run};
use super::super::xml::{Tag, Token, Xml};
use super::super::{flaw, unsupported};
use super::values::{Value, cell};
use crate::error::Problem;

/// The text of a cell may have so many bytes.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// What an element of a sheet is to us.
enum Part {
    /// A row, so many times.
    Row(u64),
    /// What has rows within.
    Group,
    Other,
}

/// Reads the sheet whose tag came last, to its end.
pub(super) fn read(xml: &mut Xml, grid: &mut Grid) -> Result<(), Problem> {
    let inside = xml.depth();
    let mut row: u64 = 0;
    while xml.depth() >= inside {
        let Token::Start(tag) = xml.next()? else { continue };
        match part(&tag)? {
            Part::Group => {}
            Part::Other => xml.skip()?,
            Part::Row(times) => {
                let runs = runs(xml)?;
                grid.put_runs(row, times, &runs)?;
                row = row.saturating_add(times);
            }
        }
    }
    Ok(())
}

fn part(tag: &Tag<'_>) -> Result<Part, Problem> {
    Ok(match tag.name() {
        "table-row" => {
            let mut times = Ok(1);
            tag.attributes(|key, value| {
                if key == "table:number-rows-repeated" {
                    times = repeated(&value);
                }
            })?;
            Part::Row(times?)
        }
        "table-rows" | "table-header-rows" | "table-row-group" => Part::Group,
        _ => Part::Other,
    })
}

/// Reads the row whose tag came last: the values, each with how often it is repeated.
fn runs(xml: &mut Xml) -> Result<Vec<Run>, Problem> {
    let inside = xml.depth();
    let (mut runs, mut column): (Vec<Run>, u64) = (Vec::new(), 0);
    while xml.depth() >= inside {
        let Token::Start(tag) = xml.next()? else { continue };
        if !matches!(tag.name(), "table-cell" | "covered-table-cell") {
            xml.skip()?;
            continue;
        }
        let (value, times) = value(&tag)?;
        let text = paragraphs(xml)?;
        if let Some(cell) = cell(value, text)? {
            runs.push(Run { column, times, cell });
        }
        column = column.saturating_add(times);
    }
    Ok(runs)
}

/// What a cell's tag says of its value, and how often it is repeated.
fn value(tag: &Tag<'_>) -> Result<(Value, u64), Problem> {
    let (mut value, mut times) = (Value::default(), Ok(1));
    tag.attributes(|key, text| match key {
        "table:number-columns-repeated" => times = repeated(&text),
        "table:formula" => value.is_formula = true,
        "calcext:value-type" => value.is_error = text == "error",
        "office:value-type" => value.kind = text.into_owned(),
        "office:value" => value.number = Some(text.into_owned()),
        "office:date-value" | "office:time-value" | "office:boolean-value" => {
            value.other = Some(text.into_owned())
        }
        "office:string-value" => value.text = Some(text.into_owned()),
        _ => {}
    })?;
    Ok((value, times?))
}

fn repeated(text: &str) -> Result<u64, Problem> {
    let times = text.trim().parse().ok().filter(|times| *times > 0);
    times.ok_or_else(|| flaw(format!("{text:?} is no number of repetitions")))
}

/// The text of the cell whose tag came last: its paragraphs, a line each, without notes and drawings.
fn paragraphs(xml: &mut Xml) -> Result<String, Problem> {
    let inside = xml.depth();
    let (mut text, mut first) = (String::new(), true);
    while xml.depth() >= inside {
        let Token::Start(tag) = xml.next()? else { continue };
        if !matches!(tag.name(), "p" | "h") {
            xml.skip()?;
            continue;
        }
        if !std::mem::take(&mut first) {
            text.push('\n');
        }
        paragraph(xml, &mut text)?;
    }
    Ok(text)
}

/// Blanks of what is repeated in a text, and others that are elements.
fn signs(tag: &Tag<'_>) -> Result<Option<(char, usize)>, Problem> {
    Ok(match tag.name() {
        "tab" => Some(('\t', 1)),
        "line-break" => Some(('\n', 1)),
        "s" => {
            let mut times = Ok(1);
            tag.attributes(|key, value| {
                if key == "text:c" {
                    times = repeated(&value);
                }
            })?;
            Some((' ', usize::try_from(times?).unwrap_or(usize::MAX)))
        }
        _ => None,
    })
}

fn paragraph(xml: &mut Xml, text: &mut String) -> Result<(), Problem> {
    let inside = xml.depth();
    while xml.depth() >= inside {
        let (mut skipped, mut sign) = (false, None);
        match xml.next()? {
            Token::Text(piece) => text.push_str(&piece),
            Token::Start(tag) => {
                skipped = matches!(tag.name(), "annotation" | "note");
                sign = signs(&tag)?;
            }
            _ => {}
        }
        if skipped {
            xml.skip()?;
        }
        let (sign, times) = sign.unwrap_or((' ', 0));
        if text.len().saturating_add(times) > MAX_TEXT_BYTES {
            return Err(unsupported(format!("a cell with more than {} MiB of text", MAX_TEXT_BYTES >> 20)));
        }
        text.extend(std::iter::repeat_n(sign, times));
    }
    Ok(())
}
