//! What Athena's statements say, as far as Tenon runs them.
//!
//! Data definition (Hive's grammar) is parsed here into [`Ddl`]. Queries are parsed by `sqlparser` and then *checked
//! against a list of what means the same in Trino and on our engine* (`check`): a construct, function or option that
//! is not on the list is refused with its place, never approximated. `rewrite` then brings the small differences in
//! line (identifiers are lower-cased, unnamed columns become `_col0`, literals get Trino's types).

mod check;
mod create_table;
mod cursor;
mod ddl;
mod functions;
mod lexical;
mod locate;
mod names;
mod plan;
mod probe;
mod rewrite;
mod token;
mod using;

pub use create_table::{ColumnDef, CreateTable, RowFormat, StoredAs};
pub use ddl::{Ddl, Name};
pub(crate) use locate::{Search, probing, spots, ungrouped, without};
pub(crate) use names::{check_order, shown};
pub(crate) use plan::{as_read, conform, is_correlated};
pub(crate) use probe::Probe;
pub use token::Position;

use sqlparser::ast::Query;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};

/// A statement that Tenon can run.
#[derive(Debug, Clone)]
pub enum Statement {
    /// A query, checked and rewritten to our engine's dialect.
    Select(Box<Select>),
    /// A statement on the catalog.
    Ddl(Ddl),
}

/// A query for our engine.
#[derive(Debug, Clone)]
pub struct Select {
    /// The query, checked and rewritten.
    pub query: Query,
    /// The names that its ORDER BY uses, which must each mean one column of the result.
    pub ordered_by: Vec<String>,
}

/// Athena's `StatementType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementType {
    /// Changes definitions.
    Ddl,
    /// Reads or changes data.
    Dml,
    /// Shows and describes.
    Utility,
}

impl StatementType {
    /// The name in Athena's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ddl => "DDL",
            Self::Dml => "DML",
            Self::Utility => "UTILITY",
        }
    }
}

/// What is wrong with a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlErrorKind {
    /// It is not a statement of the language.
    #[error("{0}")]
    Syntax(String),
    /// Trino may know it; Tenon does not run it (yet).
    #[error("{0} is not supported by Tenon")]
    Unsupported(String),
    /// A function that Trino has and Tenon has not.
    #[error("function {0} is not supported by Tenon yet")]
    MissingFunction(String),
    /// A function that is not registered.
    #[error("Function '{0}' not registered")]
    UnknownFunction(String),
    /// Operands of types that Trino does not put together.
    #[error("{message}")]
    TypeMismatch {
        /// Which types.
        message: String,
        /// The operator, or the function that compares, in Trino's spelling.
        operator: Option<String>,
    },
    /// A function that does not take arguments of these types.
    #[error("Unexpected parameters ({}) for function {function}", types.join(", "))]
    Parameters {
        /// The function.
        function: String,
        /// Trino's names of the types.
        types: Vec<String>,
    },
    /// A column that no relation in scope has.
    #[error("Column '{column}' cannot be resolved{}", there_is(candidates))]
    NoColumn {
        /// The column, as the statement names it.
        column: String,
        /// The columns that there are.
        candidates: Vec<String>,
    },
    /// A column that stands beside aggregates or groups and is neither.
    #[error("'{0}' must be an aggregate expression or appear in GROUP BY clause")]
    NotAggregate(String),
    /// A name that means several columns.
    #[error("Column '{0}' is ambiguous")]
    Ambiguous(String),
    /// It would be too large once its WITH queries are put in.
    #[error("{0}")]
    TooComplex(String),
}

fn there_is(candidates: &[String]) -> String {
    if candidates.is_empty() { String::new() } else { format!("; there is {}", candidates.join(", ")) }
}

/// The code of statements that are refused for what they would grow to.
pub(crate) const TOO_COMPLEX: &str = "EXCEEDED_QUERY_COMPLEXITY";

/// An error in a statement and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", place(*position))]
pub struct SqlError {
    /// Where; line 0 when not known.
    pub position: Position,
    /// What.
    #[source]
    pub kind: SqlErrorKind,
}

fn place(position: Position) -> String {
    if position.line == 0 { String::new() } else { format!("line {}:{}: ", position.line, position.column) }
}

impl SqlError {
    pub(crate) fn syntax(position: Position, message: impl Into<String>) -> Self {
        Self { position, kind: SqlErrorKind::Syntax(message.into()) }
    }

    pub(crate) fn unsupported(position: Position, what: impl Into<String>) -> Self {
        Self { position, kind: SqlErrorKind::Unsupported(what.into()) }
    }

    /// Trino's name of the error, as Athena puts it before the message.
    pub fn code(&self) -> &'static str {
        match self.kind {
            SqlErrorKind::Syntax(_) => "SYNTAX_ERROR",
            SqlErrorKind::Unsupported(_) | SqlErrorKind::MissingFunction(_) => "NOT_SUPPORTED",
            SqlErrorKind::UnknownFunction(_) | SqlErrorKind::Parameters { .. } => "FUNCTION_NOT_FOUND",
            SqlErrorKind::TypeMismatch { .. } => "TYPE_MISMATCH",
            SqlErrorKind::NoColumn { .. } => "COLUMN_NOT_FOUND",
            SqlErrorKind::NotAggregate(_) => "EXPRESSION_NOT_AGGREGATE",
            SqlErrorKind::Ambiguous(_) => "AMBIGUOUS_NAME",
            SqlErrorKind::TooComplex(_) => TOO_COMPLEX,
        }
    }
}

/// Parses one statement, with or without a `;` at its end.
/// Errors: what is wrong and where; two statements at once are refused.
pub fn parse(text: &str) -> Result<Statement, SqlError> {
    let (tokens, end) = token::tokenize(text)?;
    let first = match tokens.first() {
        Some((token::Token::Word(word), _)) => word.to_ascii_uppercase(),
        Some((token::Token::Mark('('), _)) => "SELECT".to_owned(),
        Some((other, position)) => {
            return Err(SqlError::syntax(*position, format!("mismatched input '{other}'")));
        }
        None => return Err(SqlError::syntax(end, "the statement is empty")),
    };
    match first.as_str() {
        "SELECT" | "WITH" => parse_query(text, end),
        _ => ddl::parse(&tokens, end).map(Statement::Ddl),
    }
}

impl Statement {
    /// What Athena calls the kind of statement.
    pub fn statement_type(&self) -> StatementType {
        match self {
            Self::Select(_) => StatementType::Dml,
            Self::Ddl(ddl) => ddl.statement_type(),
        }
    }
}

fn parse_query(text: &str, end: Position) -> Result<Statement, SqlError> {
    engine::check_size(text).map_err(|error| SqlError::syntax(Position::default(), error.to_string()))?;
    engine::on_large_stack(|| parse_checked(text, end))
}

fn parse_checked(text: &str, end: Position) -> Result<Statement, SqlError> {
    let query = parsed_query(text, end)?;
    check::query(&query)?;
    engine::check_expansion(&query, &|_| None).map_err(|error| SqlError {
        position: Position::default(),
        kind: SqlErrorKind::TooComplex(error.to_string()),
    })?;
    Ok(Statement::Select(Box::new(prepared(query)?)))
}

fn parsed_query(text: &str, end: Position) -> Result<Query, SqlError> {
    let tokens = lexical::tokens(text, end)?;
    let mut parsed = Parser::new(&GenericDialect {})
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| from_parser(error, end))?;
    engine::regroup_distinct(&mut parsed).map_err(|at| {
        let message = "a condition right of IS DISTINCT FROM needs parentheses";
        SqlError::syntax(Position { line: at.line, column: at.column }, message)
    })?;
    let (Some(statement), true) = (parsed.pop(), parsed.is_empty()) else {
        return Err(SqlError::syntax(Position::default(), "only one statement can be run at a time"));
    };
    match statement {
        sqlparser::ast::Statement::Query(query) => Ok(*query),
        _ => Err(SqlError::unsupported(Position { line: 1, column: 1 }, "a statement of this kind")),
    }
}

/// The query of a statement that was accepted before, as it is written.
fn query_of(text: &str) -> Result<Query, SqlError> {
    engine::on_large_stack(|| parsed_query(text, Position::default()))
}

/// Brings a checked query to our engine.
fn prepared(mut query: Query) -> Result<Select, SqlError> {
    using::resolve(&mut query)?;
    rewrite::query(&mut query);
    names::aliases(&mut query)?;
    let ordered_by = names::results(&mut query);
    Ok(Select { query, ordered_by })
}

/// `sqlparser` appends the place to its messages: ` at Line: 1, Column: 8`, but not to those about the end.
fn from_parser(error: ParserError, end: Position) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
    };
    let found = text.rsplit_once(" at Line: ").and_then(|(message, rest)| {
        let (line, column) = rest.split_once(", Column: ")?;
        Some((message.to_owned(), Position { line: line.parse().ok()?, column: column.parse().ok()? }))
    });
    match found {
        Some((message, position)) => SqlError::syntax(position, message),
        None => at_end(&text, end).unwrap_or_else(|| SqlError::syntax(Position::default(), text)),
    }
}

/// `Expected: an expression, found: EOF` as Trino says it.
fn at_end(message: &str, end: Position) -> Option<SqlError> {
    let expected = message.strip_suffix("found: EOF")?.trim_end_matches([',', ' ']);
    let expected = expected.strip_prefix("Expected: ").unwrap_or(expected);
    Some(SqlError::syntax(end, format!("mismatched input '<EOF>'. Expecting: {expected}")))
}
