//! What parameters name besides columns: columns of other data, pairs of columns, aggregates.

/// Columns of another dataset: `reference.zip`, `reference.{city,state}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name of the dataset; may have dots.
    pub alias: String,
    /// At least one.
    pub columns: Vec<String>,
}

impl Reference {
    /// Reads one. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} does not name columns of another dataset; write \"alias.column\" or \"alias.{{a,b}}\""
            )
        };
        let (alias, columns) = match text.strip_suffix('}') {
            Some(open) => open.split_once(".{").ok_or_else(wrong)?,
            None => text.rsplit_once('.').ok_or_else(wrong)?,
        };
        let columns = names(columns);
        if alias.trim().is_empty() || columns.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { alias: alias.trim().to_owned(), columns })
    }
}

/// Names between commas, without blanks around them.
pub(crate) fn names(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

/// Pairs of a column and its counterpart in another dataset: `a->b,c` (the second pair is `c`, `c`).
/// The error says what is wrong.
pub fn mappings(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |part: String| {
        let (left, right) = part.split_once("->").unwrap_or((&part, &part));
        (left.trim().to_owned(), right.trim().to_owned())
    };
    let pairs: Vec<_> = names(text).into_iter().map(pair).collect();
    match pairs.iter().any(|(left, right)| left.is_empty() || right.is_empty() || right.contains("->")) {
        true => Err(format!("{text:?} does not pair columns; write \"a->b,c->d\"")),
        false => Ok(pairs),
    }
}

/// An aggregate of a column: `sum(amount)`, `avg(reference.amount)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateOf {
    /// `avg` instead of `sum`.
    pub average: bool,
    /// The other dataset; `None` for the one that is evaluated.
    pub alias: Option<String>,
    /// The column.
    pub column: String,
}

impl AggregateOf {
    /// Reads one. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no aggregate; write \"sum(column)\" or \"avg(alias.column)\"");
        let (name, inner) =
            text.trim().strip_suffix(')').and_then(|open| open.split_once('(')).ok_or_else(wrong)?;
        let average = match name.trim() {
            "avg" => true,
            "sum" => false,
            _ => return Err(wrong()),
        };
        let inner = inner.trim();
        let (alias, column) = match inner.rsplit_once('.') {
            Some((alias, column)) => (Some(alias.trim()), column.trim()),
            None => (None, inner),
        };
        if column.is_empty() || alias.is_some_and(str::is_empty) {
            return Err(wrong());
        }
        // The data itself has a name, too.
        let alias = alias.filter(|alias| *alias != "primary").map(str::to_owned);
        Ok(Self { average, alias, column: column.to_owned() })
    }
}
