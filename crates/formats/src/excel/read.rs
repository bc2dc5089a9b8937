//! Reading: rows of the sheet to record batches of the wanted columns, found by name.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::Cell;
use super::sheet::{Sheet, load};
use crate::builder::BatchBuilder;
use crate::conform::{place, unclear};
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::shown;
use crate::options::{ExcelOptions, OnBadRecord, ReadOptions};
use crate::source::ByteSource;

pub(crate) struct ExcelReader {
    name: String,
    sheet: Sheet,
    next: usize,
    /// Per wanted column, where it is in the sheet.
    places: Vec<Option<usize>>,
    batch: BatchBuilder,
    on_bad: OnBadRecord,
}

impl ExcelReader {
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        options: &ExcelOptions,
        wanted: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let sheet = load(&source, options).await?;
        let name = format!("{}, sheet {}", source.name(), sheet.name);
        let places =
            wanted.fields().iter().map(|field| place(sheet.names.iter(), field.name(), read.spelling));
        let places = places.collect::<Result<Vec<_>, _>>().map_err(|message| unclear(&name, message))?;
        if options.header == Some(false) {
            nameless(&sheet, &wanted, &places)
                .map_err(|message| FormatError::new(&name, Problem::Schema { message }))?;
        }
        if let Some(known) = &options.among {
            let known: HashSet<String> = known.iter().map(|name| name.to_lowercase()).collect();
            if let Some(other) = sheet.names.iter().find(|name| !known.contains(&name.to_lowercase())) {
                return Err(FormatError::unknown_name(source.name(), other));
            }
        }
        let batch = BatchBuilder::new(wanted, read.batch_rows, source.name())?;
        Ok(Self { name, sheet, next: 0, places, batch, on_bad: read.on_bad_record.clone() })
    }

    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.batch.is_full()
            && let Some((number, cells)) = self.sheet.rows.get(self.next)
        {
            self.next += 1;
            match append(&mut self.batch, &self.places, cells) {
                Ok(bytes) => self.batch.end_row(bytes),
                Err((column, problem)) => {
                    self.batch.abandon_row();
                    let mut error = FormatError::new(&self.name, problem);
                    error.place.line = Some(u64::from(*number));
                    error.place.row = Some(self.next as u64);
                    error.place.column = Some(self.batch.schema().field(column).name().clone());
                    match &self.on_bad {
                        OnBadRecord::Fail => return Err(error),
                        OnBadRecord::Skip(skipped) => skipped.add(error, shown_cells(cells).as_bytes()),
                    }
                }
            }
        }
        self.batch.finish(&self.name)
    }
}

/// A row as text.
fn shown_cells(cells: &[Option<Cell>]) -> String {
    let texts = cells.iter().map(|cell| cell.as_ref().map_or("", |cell| &*cell.text));
    texts.collect::<Vec<_>>().join("\t")
}

/// Errors: for people, a column that no sheet without a header can have.
fn nameless(sheet: &Sheet, wanted: &SchemaRef, places: &[Option<usize>]) -> Result<(), String> {
    let is_numbered = |name: &str| {
        let number = name.to_ascii_lowercase().strip_prefix("col").map(|rest| rest.parse::<usize>().is_ok());
        number.unwrap_or(false)
    };
    let mut missing = wanted.fields().iter().zip(places).filter(|(_, place)| place.is_none());
    let Some((field, _)) = missing.find(|(field, _)| !is_numbered(field.name())) else { return Ok(()) };
    Err(format!(
        "there is no column {}: header is false, so that the sheet's columns are {}",
        field.name(),
        sheet.names.join(", ")
    ))
}

/// Appends one row; gives its size, or the column that it fails at.
fn append(
    batch: &mut BatchBuilder,
    places: &[Option<usize>],
    cells: &[Option<Cell>],
) -> Result<usize, (usize, Problem)> {
    let mut bytes = 0;
    for (index, place) in places.iter().enumerate() {
        let cell = place.and_then(|place| cells.get(place)).and_then(Option::as_ref);
        let Some(cell) = cell else {
            batch.columns[index].append_null();
            continue;
        };
        bytes += cell.text.len();
        if batch.columns[index].append_text(cell.text.as_bytes()).is_err() {
            let wanted = shown(batch.schema().field(index).data_type());
            return Err((index, Problem::BadValue { value: excerpt(cell.text.as_bytes()), wanted }));
        }
    }
    Ok(bytes)
}
