//! Conditions of rules as SQL of Spark, whose comparisons they mean.
//!
//! A condition on a value becomes SQL that is true, false or null; null counts as false. What a column cannot be compared
//! with is refused here, by its type, because SQL would compare it somehow.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use chrono::DateTime;
use quality::{Comparison, Condition, Keyword, Moment, Operand, is_date};

/// What a column holds, as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Text,
    Number,
    Boolean,
    Date,
    Timestamp,
    /// Compared with nothing but null.
    Other,
}

impl Class {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(..) => Self::Timestamp,
            number if number.is_numeric() => Self::Number,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Date => "a date",
            Self::Timestamp => "a timestamp",
            Self::Other => "of a nested or binary type",
        }
    }
}

/// A column in a condition.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Its name, for messages.
    pub(super) name: String,
    /// In SQL.
    pub(super) sql: String,
    pub(super) class: Class,
}

/// A name in SQL.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What a value is compared with, and what it is compared as.
type Sides = (String, String);

/// The condition on a column's values. The error says what cannot be compared.
pub(super) fn values(subject: &Subject, condition: &Condition, now_ms: i64) -> Result<String, String> {
    let sides = |operand: &Operand| sides(subject, operand, now_ms);
    match condition {
        Condition::Compare(Comparison::Equal, operand) => equal(subject, operand, now_ms),
        Condition::Compare(Comparison::NotEqual, operand) => {
            Ok(format!("NOT coalesce({}, false)", equal(subject, operand, now_ms)?))
        }
        Condition::Compare(comparison, operand) => {
            let (left, right) = sides(operand)?;
            Ok(format!("{left} {} {right}", comparison.sign()))
        }
        Condition::Between { negated, low, high } => {
            let ((a, low), (b, high)) = (sides(low)?, sides(high)?);
            Ok(match negated {
                false => format!("{a} > {low} AND {b} < {high}"),
                true => format!("{a} <= {low} OR {b} >= {high}"),
            })
        }
        Condition::In { negated, values } => {
            let any = any_of(subject, values, now_ms)?;
            Ok(if *negated { format!("NOT coalesce({any}, false)") } else { any })
        }
        Condition::Matches { negated, pattern } => {
            let text = match subject.class {
                Class::Text => subject.sql.clone(),
                Class::Other => return Err(incomparable(subject, "a pattern")),
                _ => format!("CAST({} AS STRING)", subject.sql),
            };
            let matches = format!("{text} RLIKE {}", literal(&super::super::whole(pattern)));
            Ok(if *negated { format!("NOT ({matches})") } else { matches })
        }
    }
}

/// The condition on a number that SQL computes.
pub(super) fn number(sql: &str, condition: &Condition) -> Result<String, String> {
    let subject = Subject { name: sql.to_owned(), sql: sql.to_owned(), class: Class::Number };
    values(&subject, condition, 0)
}

fn any_of(subject: &Subject, operands: &[Operand], now_ms: i64) -> Result<String, String> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut parts = Vec::new();
    for operand in operands {
        match operand {
            Operand::Keyword(_) => parts.push(equal(subject, operand, now_ms)?),
            _ => {
                let (left, right) = sides(subject, operand, now_ms)?;
                lists.entry(left).or_default().push(right);
            }
        }
    }
    parts.extend(
        lists.into_iter().map(|(left, rights)| format!("coalesce({left} IN ({}), false)", rights.join(", "))),
    );
    Ok(format!("({})", parts.join(" OR ")))
}

fn equal(subject: &Subject, operand: &Operand, now_ms: i64) -> Result<String, String> {
    let sql = &subject.sql;
    match operand {
        Operand::Keyword(Keyword::Null) => Ok(format!("{sql} IS NULL")),
        Operand::Keyword(keyword) if subject.class != Class::Text => {
            Err(incomparable(subject, keyword.as_str()))
        }
        Operand::Keyword(Keyword::Empty) => Ok(format!("{sql} = ''")),
        Operand::Keyword(Keyword::WhitespacesOnly) => Ok(format!("{sql} RLIKE '^\\\\s+$'")),
        _ => {
            let (left, right) = sides(subject, operand, now_ms)?;
            Ok(format!("{left} = {right}"))
        }
    }
}

fn incomparable(subject: &Subject, with: impl std::fmt::Display) -> String {
    format!("column {} is {} and cannot be compared with {with}", subject.name, subject.class.name())
}

fn sides(subject: &Subject, operand: &Operand, now_ms: i64) -> Result<Sides, String> {
    let own = || subject.sql.clone();
    let refused = || Err(incomparable(subject, operand));
    match (operand, subject.class) {
        (Operand::Number(number), Class::Number | Class::Text) => Ok((own(), number.text().to_owned())),
        (Operand::Text(_), Class::Number) => match operand.number() {
            Some(number) => Ok((own(), number.text().to_owned())),
            None => refused(),
        },
        // A day is compared with the day of a moment.
        (Operand::Text(text), Class::Date | Class::Timestamp) if is_date(text) => Ok(match text.len() {
            10 => (format!("CAST({} AS DATE)", subject.sql), format!("CAST({} AS DATE)", literal(text))),
            _ => moment(subject, text),
        }),
        (Operand::Text(text), Class::Boolean) => match text.to_ascii_lowercase().as_str() {
            word @ ("true" | "false") => Ok((own(), word.to_owned())),
            _ => refused(),
        },
        (Operand::Text(text), Class::Text) => Ok((own(), literal(text))),
        (Operand::Moment(at), Class::Date) => {
            let day = shown(*at, now_ms, "%Y-%m-%d");
            Ok((own(), format!("CAST({} AS DATE)", literal(&day))))
        }
        (Operand::Moment(at), Class::Timestamp | Class::Text) => {
            Ok(moment(subject, &shown(*at, now_ms, "%Y-%m-%d %H:%M:%S%.3f")))
        }
        _ => refused(),
    }
}

fn moment(subject: &Subject, text: &str) -> Sides {
    let own = match subject.class {
        Class::Timestamp => subject.sql.clone(),
        _ => format!("CAST({} AS TIMESTAMP)", subject.sql),
    };
    (own, format!("CAST({} AS TIMESTAMP)", literal(text)))
}

fn shown(moment: Moment, now_ms: i64, format: &str) -> String {
    let at = DateTime::from_timestamp_millis(moment.at(now_ms)).unwrap_or_default();
    at.format(format).to_string()
}

/// Dates in text are compared in their order as dates.
pub(super) fn dated(mut subject: Subject, condition: &Condition) -> Subject {
    let ordered = match condition {
        Condition::Compare(comparison, _) => comparison.is_order(),
        Condition::Between { .. } => true,
        _ => false,
    };
    let date = |operand: &Operand| matches!(operand, Operand::Text(_));
    if subject.class == Class::Text && ordered && condition.operands().into_iter().any(date) {
        subject.sql = format!("CAST({} AS TIMESTAMP)", subject.sql);
        subject.class = Class::Timestamp;
    }
    subject
}

/// The condition on how old a column's values are.
pub(super) fn ages(subject: &Subject, condition: &Condition, now_ms: i64) -> Result<String, String> {
    if !matches!(subject.class, Class::Date | Class::Timestamp | Class::Text) {
        return Err(incomparable(subject, "a length of time"));
    }
    let own = format!("CAST({} AS TIMESTAMP)", subject.sql);
    let at = |operand: &Operand| match operand {
        Operand::Span(span) => {
            let moment = Moment { offset: Some((true, *span)) };
            let text = shown(moment, now_ms, "%Y-%m-%d %H:%M:%S%.3f");
            Ok(format!("CAST({} AS TIMESTAMP)", literal(&text)))
        }
        _ => Err(incomparable(subject, operand)),
    };
    match condition {
        // What is older is earlier.
        Condition::Compare(comparison, operand) => {
            let turned = match comparison {
                Comparison::Greater => "<",
                Comparison::GreaterOrEqual => "<=",
                Comparison::Less => ">",
                Comparison::LessOrEqual => ">=",
                same => same.sign(),
            };
            Ok(format!("{own} {turned} {}", at(operand)?))
        }
        Condition::Between { negated: false, low, high } => {
            Ok(format!("{own} < {} AND {own} > {}", at(low)?, at(high)?))
        }
        Condition::Between { negated: true, low, high } => {
            Ok(format!("{own} >= {} OR {own} <= {}", at(low)?, at(high)?))
        }
        other => Err(incomparable(subject, other)),
    }
}

/// Whether a text can be cast.
pub(super) fn castable(subject: &Subject, condition: &Condition) -> Result<String, String> {
    let Condition::Compare(comparison, Operand::Text(name)) = condition else {
        return Err(incomparable(subject, condition));
    };
    let sql_type = match name.to_ascii_lowercase().as_str() {
        "integer" => "INT".to_owned(),
        "long" => "BIGINT".to_owned(),
        other => other.to_ascii_uppercase(),
    };
    let can = format!("CAST({} AS {sql_type}) IS NOT NULL", subject.sql);
    Ok(if *comparison == Comparison::NotEqual { format!("NOT ({can})") } else { can })
}
