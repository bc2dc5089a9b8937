//! Text whose records are single lines, taken apart by Grok or by a regular expression.

pub(crate) mod grok;
pub(crate) mod known;
pub(crate) mod read;

use crate::error::{FormatError, Problem};
use crate::options::{LineLayout, LineOptions};
use grok::Pattern;

/// The compiled pattern of a dialect. Errors: it is not one.
pub(crate) fn compile(options: &LineOptions, source: &str) -> Result<Pattern, FormatError> {
    let compiled = match &options.layout {
        LineLayout::Grok { pattern, custom } => Pattern::grok(pattern, custom),
        LineLayout::Regex { pattern, ignore_case } => Pattern::regex(pattern, *ignore_case),
    };
    compiled.map_err(|error| {
        FormatError::new(source, Problem::Schema { message: format!("the table's pattern: {error}") })
    })
}
