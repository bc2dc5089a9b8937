//! The partition of each row.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use super::{Group, Naming};
use crate::write::intern::Texts;

/// The partitions of the rows so far.
pub struct Partitions {
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
    /// None yet; they are made of columns of these types. Errors: a type that rows cannot be compared by.
    pub fn new(types: &[&DataType]) -> Result<Self, ArrowError> {
        let known = match types {
            [] => Known::One,
            [DataType::Utf8] => Known::Text { values: Texts::new(), codes: Vec::new(), null: None },
            many => {
                let fields = many.iter().map(|data_type| SortField::new((*data_type).clone())).collect();
                Known::Rows { converter: Box::new(RowConverter::new(fields)?), values: Texts::new() }
            }
        };
        Ok(Self { known, names: Vec::new() })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// The values of one as text, in the order of the keys.
    pub(super) fn values(&self, group: Group) -> &[String] {
        self.names.get(group).map_or(&[], Vec::as_slice)
    }

    /// The partition of each of so many rows; `name` makes the texts of those that begin with it.
    pub fn assign(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        name: &mut Naming<'_>,
    ) -> Result<Vec<Group>, ArrowError> {
        let begins = |row: usize| name(columns, row);
        let mut begun = Begun { names: &mut self.names, begins };
        match &mut self.known {
            Known::One => {
                if begun.names.is_empty() {
                    begun.add(0)?;
                }
                Ok(vec![0; rows])
            }
            Known::Text { values, codes, null } => {
                by_text(columns[0].as_string(), values, codes, null, &mut begun)
            }
            Known::Rows { converter, values } => {
                by_rows(&converter.convert_columns(columns)?, values, &mut begun)
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
