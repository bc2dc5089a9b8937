//! Values of log lines that are not of the types which the pattern gives their fields: readers make NULL of them.

use crate::builder::value;
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::HiveType;
use crate::lines::{Fields, Splitter};

/// The columns of a pattern that are not text, and what was seen of them.
#[derive(Default)]
pub(super) struct Misfits {
    columns: Vec<Column>,
}

struct Column {
    /// Place among the pattern's fields.
    place: usize,
    name: String,
    ty: HiveType,
    count: u64,
    /// The first: its line, and what stands there.
    first: Option<(u64, String)>,
}

impl Misfits {
    pub(super) fn of(splitter: &Splitter) -> Self {
        let Splitter::Pattern(pattern) = splitter else { return Self::default() };
        let typed = pattern.fields().iter().enumerate().filter(|(_, field)| field.ty != HiveType::String);
        let column = |(place, field): (usize, &crate::lines::grok::PatternField)| Column {
            place,
            name: field.name.clone(),
            ty: field.ty.clone(),
            count: 0,
            first: None,
        };
        Self { columns: typed.map(column).collect() }
    }

    /// Takes in the fields of a line. Nothing, and the sign for it in logs, is NULL by right.
    pub(super) fn look(&mut self, line: u64, fields: &Fields<'_, '_>) {
        for column in &mut self.columns {
            let Some(text) = fields.field(column.place) else { continue };
            if matches!(text.trim(), "" | "-") || fits(&column.ty, text.as_bytes()) {
                continue;
            }
            column.count += 1;
            column.first.get_or_insert_with(|| (line, excerpt(text.as_bytes())));
        }
    }

    /// A remark on each column with such values.
    pub(super) fn problems(&self, source: &str) -> Vec<FormatError> {
        let told = self.columns.iter().filter_map(|column| Some((column, column.first.as_ref()?)));
        let problem = |(column, (line, text)): (&Column, &(u64, String))| {
            let message = format!(
                "{} of its values in the sample are no {}, such as {text:?}: they will be NULL; a wider type in the pattern keeps \
                 them",
                column.count, column.ty
            );
            let mut error = FormatError::new(source, Problem::Schema { message });
            (error.place.line, error.place.column) = (Some(*line), Some(column.name.clone()));
            error
        };
        told.map(problem).collect()
    }
}

/// Whether text is a value of one of the types that patterns give.
fn fits(ty: &HiveType, text: &[u8]) -> bool {
    let within = |fits: fn(i64) -> bool| value::int(text).is_some_and(fits);
    match ty {
        HiveType::TinyInt => within(|number| i8::try_from(number).is_ok()),
        HiveType::SmallInt => within(|number| i16::try_from(number).is_ok()),
        HiveType::Int => within(|number| i32::try_from(number).is_ok()),
        HiveType::BigInt => within(|_| true),
        HiveType::Float | HiveType::Double => value::float(text).is_some(),
        HiveType::Boolean => value::boolean(text).is_some(),
        _ => true,
    }
}
