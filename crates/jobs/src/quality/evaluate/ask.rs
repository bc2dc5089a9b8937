//! What each rule needs measured.

use arrow::datatypes::DataType;
use datafusion::functions::expr_fn::character_length;
use datafusion::functions_aggregate::expr_fn::{avg, corr, max, min, stddev_pop, sum};
use datafusion::prelude::{Expr, cast, lit};
use engine::EngineError;
use quality::{Check, Comparison, Condition, Kind, Operand, Test};

use super::conditions::Class;
use super::measure::guarded;
use super::row_tests::{self, filter, keys, subject};
use super::{Board, column, decide, others};
use crate::quality::outcome::{Metrics, Verdict};

/// So many digits hold the sum of any number of decimals.
const WIDE_DIGITS: u8 = 60;

/// Where the numbers of a rule will stand, and what they are held against.
pub(super) enum Answer {
    /// Nothing needs to be measured.
    Known(Verdict),
    /// One number.
    Number { metric: String, value: usize, condition: Option<Condition> },
    /// A part of a whole; all of it where there is no condition.
    Ratio { metric: String, part: usize, whole: usize, condition: Option<Condition> },
    /// Numbers for their own sake; those of nothing are left out.
    Measured { metrics: Vec<(String, usize)> },
    /// Rows of which all have to hold, or a part.
    Rows {
        compliance: Option<String>,
        holding: usize,
        counted: usize,
        nulls: Option<usize>,
        threshold: Option<Condition>,
        metrics: Vec<(String, usize)>,
    },
    /// How the values of columns repeat; `complete` has to hold, too.
    Groups {
        groups: usize,
        measure: Measure,
        metric: String,
        condition: Option<Condition>,
        complete: Vec<Answer>,
    },
}

/// What is asked about distinct values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Distinct,
    Uniqueness,
    /// The same number; all values have to occur once.
    AllUnique,
    UniqueRatio,
    Entropy,
}

/// Asks a rule. Errors: those that end the evaluation.
pub(super) async fn rule(board: &mut Board<'_>, check: &Check) -> Result<Answer, EngineError> {
    let counted = match filter(board, check).await? {
        Ok(counted) => counted,
        Err(verdict) => return Ok(Answer::Known(verdict)),
    };
    let answer = match check.kind {
        Kind::AggregateMatch | Kind::DatasetMatch | Kind::RowCountMatch | Kind::SchemaMatch => {
            return Ok(Answer::Known(others::verdict(board, check).await?));
        }
        Kind::CustomSql if row_tests::is_number_of_sql(check) => {
            return Ok(Answer::Known(others::number(board, check).await?));
        }
        Kind::CustomSql
        | Kind::ColumnDataType
        | Kind::ColumnLength
        | Kind::ColumnValues
        | Kind::DataFreshness
        | Kind::ReferentialIntegrity => return rows(board, check).await,
        _ => plain(board, check, counted),
    };
    Ok(answer.unwrap_or_else(Answer::Known))
}

/// Asks a composite rule for each row.
pub(super) async fn by_row(board: &mut Board<'_>, test: &Test) -> Result<Answer, EngineError> {
    let test = match row_tests::of_test(board, test, true).await? {
        Ok(test) => test,
        Err(verdict) => return Ok(Answer::Known(verdict)),
    };
    let holding = board.count_where(Some(test.passes()));
    let counted = board.count_where(None);
    let metrics = Vec::new();
    Ok(Answer::Rows { compliance: None, holding, counted, nulls: None, threshold: None, metrics })
}

/// Asks an analyzer.
pub(super) async fn analyzer(board: &mut Board<'_>, check: &Check) -> Result<Vec<Answer>, EngineError> {
    let answer = match check.kind {
        Kind::CustomSql => return Ok(vec![Answer::Known(others::number(board, check).await?)]),
        Kind::AllStatistics => all_statistics(board, check),
        Kind::ColumnLength => lengths(board, check, None).map(|metrics| vec![Answer::Measured { metrics }]),
        Kind::ColumnValues => {
            let found = match subject(&board.input.primary, &check.parameters[0]) {
                Ok(found) if found.class == Class::Text => lengths(board, check, None),
                _ => extremes(board, check, None),
            };
            found.map(|metrics| vec![Answer::Measured { metrics }])
        }
        _ => plain(board, check, None).map(|answer| vec![answer]),
    };
    Ok(answer.unwrap_or_else(|verdict| vec![Answer::Known(verdict)]))
}

fn all_statistics(board: &mut Board<'_>, check: &Check) -> Result<Vec<Answer>, Verdict> {
    let found = subject(&board.input.primary, &check.parameters[0])?;
    let mut kinds = vec![Kind::RowCount, Kind::ColumnCount, Kind::Completeness, Kind::Uniqueness];
    if found.class == Class::Number {
        kinds.extend([Kind::Entropy, Kind::Mean, Kind::StandardDeviation, Kind::Sum]);
    }
    let mut answers = Vec::new();
    for kind in kinds {
        let about_data = matches!(kind, Kind::RowCount | Kind::ColumnCount);
        let parameters = if about_data { Vec::new() } else { check.parameters.clone() };
        answers.push(plain(board, &Check { kind, parameters, ..check.clone() }, None)?);
    }
    let metrics = match found.class {
        Class::Text => lengths(board, check, None)?,
        Class::Number => extremes(board, check, None)?,
        _ => Vec::new(),
    };
    answers.push(Answer::Measured { metrics });
    Ok(answers)
}

/// Rules about one number of the data.
fn plain(board: &mut Board<'_>, check: &Check, counted: Option<Expr>) -> Result<Answer, Verdict> {
    let condition = check.condition.clone();
    let schema = board.input.primary.schema();
    let names = &check.parameters;
    let name = || names.first().cloned().unwrap_or_default();
    let metric = |of: &str| format!("Column.{}.{of}", name());
    Ok(match check.kind {
        Kind::RowCount => {
            let value = board.count_where(counted);
            Answer::Number { metric: "Dataset.*.RowCount".to_owned(), value, condition }
        }
        Kind::ColumnCount => {
            let count = schema.fields().len() as f64;
            Answer::Known(decide::number("Dataset.*.ColumnCount", count, condition.as_ref()))
        }
        Kind::ColumnExists => {
            subject(&board.input.primary, &name())?;
            Answer::Known(Verdict::passed(Metrics::new()))
        }
        Kind::ColumnNamesMatchPattern => Answer::Known(names_match(board, &name())?),
        Kind::Completeness | Kind::IsComplete => completeness(board, &name(), counted, condition)?,
        Kind::Sum => total(board, check, counted, metric("Sum"))?,
        Kind::Mean => number(board, check, counted, metric("Mean"), avg)?,
        Kind::StandardDeviation => number(board, check, counted, metric("StandardDeviation"), stddev_pop)?,
        Kind::ColumnCorrelation => {
            let (a, b) = (float(board, &names[0])?, float(board, &names[1])?);
            let value = board.scalar(corr(guarded(counted.clone(), a), guarded(counted, b)));
            let metric = format!("Multicolumn.{}.ColumnCorrelation", names.join(","));
            Answer::Number { metric, value, condition }
        }
        Kind::DistinctValuesCount => {
            groups(board, check, counted, Measure::Distinct, metric("DistinctValuesCount"))?
        }
        Kind::Entropy => groups(board, check, counted, Measure::Entropy, metric("Entropy"))?,
        Kind::Uniqueness => groups(board, check, counted, Measure::Uniqueness, metric("Uniqueness"))?,
        Kind::UniqueValueRatio => {
            groups(board, check, counted, Measure::UniqueRatio, metric("UniqueValueRatio"))?
        }
        Kind::IsUnique => groups(board, check, counted, Measure::AllUnique, metric("Uniqueness"))?,
        Kind::IsPrimaryKey => {
            let metric = match names.as_slice() {
                [only] => format!("Column.{only}.Uniqueness"),
                several => format!("Multicolumn.{}.Uniqueness", several.join(",")),
            };
            groups(board, check, counted, Measure::AllUnique, metric)?
        }
        _ => return Err(Verdict::error(format!("{check} cannot be evaluated"))),
    })
}

fn names_match(board: &Board<'_>, pattern: &str) -> Result<Verdict, Verdict> {
    let pattern = regex::Regex::new(&super::super::whole(pattern))
        .map_err(|error| Verdict::error(error.to_string()))?;
    let fields = board.input.primary.schema().fields();
    let others: Vec<&str> =
        fields.iter().map(|field| field.name().as_str()).filter(|name| !pattern.is_match(name)).collect();
    let ratio = (fields.len() - others.len()) as f64 / fields.len().max(1) as f64;
    let metrics = Metrics::from([("Dataset.*.ColumnNamesPatternMatchRatio".to_owned(), ratio)]);
    Ok(Verdict::of(
        others.is_empty(),
        || format!("these columns do not match: {}", others.join(", ")),
        metrics,
    ))
}

fn completeness(
    board: &mut Board<'_>,
    name: &str,
    counted: Option<Expr>,
    condition: Option<Condition>,
) -> Result<Answer, Verdict> {
    let given = column(&subject(&board.input.primary, name)?.name).is_not_null();
    let both = counted.clone().map_or(given.clone(), |counted| counted.and(given));
    let (part, whole) = (board.count_where(Some(both)), board.count_where(counted));
    Ok(Answer::Ratio { metric: format!("Column.{name}.Completeness"), part, whole, condition })
}

/// A column of numbers as doubles.
fn float(board: &Board<'_>, name: &str) -> Result<Expr, Verdict> {
    let found = subject(&board.input.primary, name)?;
    match found.class {
        Class::Number => Ok(cast(column(&found.name), DataType::Float64)),
        _ => Err(Verdict::error(format!("column {} holds no numbers; cast it first", found.name))),
    }
}

/// The sum of a column: of decimals to the last digit.
fn total(
    board: &mut Board<'_>,
    check: &Check,
    counted: Option<Expr>,
    metric: String,
) -> Result<Answer, Verdict> {
    let name = subject(&board.input.primary, &check.parameters[0])?.name;
    let field = board.input.primary.schema().fields().iter().find(|field| *field.name() == name);
    let scale = match field.map(|field| field.data_type()) {
        Some(DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) => *scale,
        _ => return number(board, check, counted, metric, sum),
    };
    let own = cast(column(&name), DataType::Decimal256(WIDE_DIGITS, scale));
    let value = board.scalar(sum(guarded(counted, own)));
    Ok(Answer::Number { metric, value, condition: check.condition.clone() })
}

fn number(
    board: &mut Board<'_>,
    check: &Check,
    counted: Option<Expr>,
    metric: String,
    aggregate: impl Fn(Expr) -> Expr,
) -> Result<Answer, Verdict> {
    let own = float(board, &check.parameters[0])?;
    let value = board.scalar(aggregate(guarded(counted, own)));
    Ok(Answer::Number { metric, value, condition: check.condition.clone() })
}

fn groups(
    board: &mut Board<'_>,
    check: &Check,
    counted: Option<Expr>,
    measure: Measure,
    metric: String,
) -> Result<Answer, Verdict> {
    let keys = keys(&board.input.primary, &check.parameters)?;
    let mut complete = Vec::new();
    if check.kind == Kind::IsPrimaryKey {
        for name in &check.parameters {
            complete.push(completeness(board, name, counted.clone(), None)?);
        }
    }
    let groups = board.grouped(keys, counted);
    Ok(Answer::Groups { groups, measure, metric, condition: check.condition.clone(), complete })
}

/// Rules of which each row has to hold.
async fn rows(board: &mut Board<'_>, check: &Check) -> Result<Answer, EngineError> {
    let test = match row_tests::of_check(board, check).await? {
        Ok(test) => test,
        Err(verdict) => return Ok(Answer::Known(verdict)),
    };
    let both = test.counted.clone().map_or(test.holds.clone(), |counted| counted.and(test.holds.clone()));
    let (holding, whole) = (board.count_where(Some(both)), board.count_where(test.counted.clone()));
    let name = check.parameters.first().cloned().unwrap_or_default();
    if check.kind == Kind::ReferentialIntegrity {
        let alias = super::aliases(check).pop().unwrap_or_default();
        let metric = format!("Column.{alias}.ReferentialIntegrity");
        return Ok(Answer::Ratio { metric, part: holding, whole, condition: check.condition.clone() });
    }
    let nulls = match subject(&board.input.primary, &name) {
        Ok(found) if nulls_fail(check) => {
            let null = column(&found.name).is_null();
            let null = test.counted.clone().map_or(null.clone(), |counted| counted.and(null));
            Some(board.count_where(Some(null)))
        }
        _ => None,
    };
    let metrics = match check.kind {
        Kind::ColumnLength => lengths(board, check, test.counted.clone()).unwrap_or_default(),
        Kind::ColumnValues => bounds(board, check, test.counted.clone()),
        _ => Vec::new(),
    };
    let compliance = match check.kind {
        _ if !metrics.is_empty() => None,
        Kind::CustomSql => Some("Dataset.*.CustomSQL.Compliance".to_owned()),
        Kind::ColumnValues if check.threshold.is_none() && is_pattern(check) => {
            Some(format!("Column.{name}.PatternMatch"))
        }
        kind => Some(format!("Column.{name}.{}.Compliance", kind.facts().name)),
    };
    let threshold = check.threshold.clone();
    Ok(Answer::Rows { compliance, holding, counted: whole, nulls, threshold, metrics })
}

fn is_pattern(check: &Check) -> bool {
    matches!(check.condition, Some(Condition::Matches { .. }))
}

/// Whether a condition does not hold for null.
fn nulls_fail(check: &Check) -> bool {
    match (&check.condition, check.kind) {
        (_, Kind::DataFreshness) => true,
        (_, Kind::ColumnLength | Kind::CustomSql) | (None, _) => false,
        (Some(condition), _) => !matches!(
            condition,
            Condition::Compare(Comparison::NotEqual, _) | Condition::In { negated: true, .. }
        ),
    }
}

/// The smallest and largest value, where a rule compares numbers with them: as Glue, which measures nothing else then.
fn bounds(board: &mut Board<'_>, check: &Check, counted: Option<Expr>) -> Vec<(String, usize)> {
    let wanted = match &check.condition {
        Some(Condition::Compare(comparison, Operand::Number(_))) if check.threshold.is_none() => *comparison,
        _ => return Vec::new(),
    };
    let mut metrics = extremes(board, check, counted).unwrap_or_default();
    metrics.retain(|(name, _)| match wanted {
        Comparison::Greater | Comparison::GreaterOrEqual => name.ends_with(".Minimum"),
        Comparison::Less | Comparison::LessOrEqual => name.ends_with(".Maximum"),
        Comparison::Equal => true,
        Comparison::NotEqual => false,
    });
    metrics
}

fn extremes(
    board: &mut Board<'_>,
    check: &Check,
    counted: Option<Expr>,
) -> Result<Vec<(String, usize)>, Verdict> {
    let name = &check.parameters[0];
    let own = guarded(counted, float(board, name)?);
    let (least, most) = (board.scalar(min(own.clone())), board.scalar(max(own)));
    Ok(vec![(format!("Column.{name}.Minimum"), least), (format!("Column.{name}.Maximum"), most)])
}

fn lengths(
    board: &mut Board<'_>,
    check: &Check,
    counted: Option<Expr>,
) -> Result<Vec<(String, usize)>, Verdict> {
    let name = &check.parameters[0];
    let found = subject(&board.input.primary, name)?;
    row_tests::length_of(&found).map_err(Verdict::error)?;
    let length = datafusion::functions::expr_fn::coalesce(vec![
        cast(character_length(column(&found.name)), DataType::Int64),
        lit(0_i64),
    ]);
    let own = guarded(counted, length);
    let (least, most) = (board.scalar(min(own.clone())), board.scalar(max(own)));
    Ok(vec![(format!("Column.{name}.MinimumLength"), least), (format!("Column.{name}.MaximumLength"), most)])
}
