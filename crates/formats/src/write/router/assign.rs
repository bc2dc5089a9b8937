//! The partition of each row.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use super::{Group, Naming};
use crate::write::intern::Texts;

/// The partitions of the rows so far.
pub(super) struct Partitions {
    keys: Vec<usize>,
    known: Known,
    names: Vec<Vec<String>>,
}

enum Known {
    /// Everything is one.
    One,
    /// By a column of text.
    Text { values: Texts, codes: Vec<Group>, null: Option<Group> },
    /// By columns of any types, in the form of rows that can be compared. Boxed: it is large.
    Rows { converter: Box<RowConverter>, values: Texts },
}

impl Partitions {
    /// None yet. `keys` are the columns of `schema` they are made of. Errors: a key of a type that rows cannot be compared by.
    pub(super) fn new(schema: &Schema, keys: Vec<usize>) -> Result<Self, ArrowError> {
        let fields: Vec<&DataType> = keys.iter().map(|key| schema.field(*key).data_type()).collect();
        let known = match fields.as_slice() {
            [] => Known::One,
            [DataType::Utf8] => Known::Text { values: Texts::new(), codes: Vec::new(), null: None },
            many => {
                let fields = many.iter().map(|data_type| SortField::new((*data_type).clone())).collect();
                Known::Rows { converter: Box::new(RowConverter::new(fields)?), values: Texts::new() }
            }
        };
        Ok(Self { keys, known, names: Vec::new() })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// The values of one as text, in the order of the keys.
    pub(super) fn values(&self, group: Group) -> &[String] {
        self.names.get(group).map_or(&[], Vec::as_slice)
    }

    /// The partition of every row of a batch; `name` makes the texts of those that begin with it.
    pub(super) fn assign(
        &mut self,
        batch: &RecordBatch,
        name: &mut Naming<'_>,
    ) -> Result<Vec<Group>, ArrowError> {
        let columns: Vec<ArrayRef> = self.keys.iter().map(|key| batch.column(*key).clone()).collect();
        let begins = |row: usize| name(&columns, row);
        let mut begun = Begun { names: &mut self.names, begins };
        match &mut self.known {
            Known::One => {
                if begun.names.is_empty() {
                    begun.add(0)?;
                }
                Ok(vec![0; batch.num_rows()])
            }
            Known::Text { values, codes, null } => {
                by_text(columns[0].as_string(), values, codes, null, &mut begun)
            }
            Known::Rows { converter, values } => {
                by_rows(&converter.convert_columns(&columns)?, values, &mut begun)
            }
        }
    }
}

/// Adds partitions.
struct Begun<'b, F> {
    names: &'b mut Vec<Vec<String>>,
    begins: F,
}

impl<F: FnMut(usize) -> Result<Vec<String>, ArrowError>> Begun<'_, F> {
    fn add(&mut self, row: usize) -> Result<Group, ArrowError> {
        self.names.push((self.begins)(row)?);
        Ok(self.names.len() - 1)
    }
}

fn by_text<F: FnMut(usize) -> Result<Vec<String>, ArrowError>>(
    texts: &StringArray,
    values: &mut Texts,
    codes: &mut Vec<Group>,
    null: &mut Option<Group>,
    begun: &mut Begun<'_, F>,
) -> Result<Vec<Group>, ArrowError> {
    let mut out = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        if texts.is_null(row) {
            let group = match *null {
                Some(group) => group,
                None => *null.insert(begun.add(row)?),
            };
            out.push(group);
            continue;
        }
        let code = values.code(texts.value(row).as_bytes()) as usize;
        if code == codes.len() {
            codes.push(begun.add(row)?);
        }
        out.push(codes[code]);
    }
    Ok(out)
}

fn by_rows<F: FnMut(usize) -> Result<Vec<String>, ArrowError>>(
    rows: &Rows,
    values: &mut Texts,
    begun: &mut Begun<'_, F>,
) -> Result<Vec<Group>, ArrowError> {
    let mut out = Vec::with_capacity(rows.num_rows());
    for (number, row) in rows.iter().enumerate() {
        let code = values.code(row.as_ref()) as usize;
        if code == begun.names.len() {
            begun.add(number)?;
        }
        out.push(code);
    }
    Ok(out)
}
