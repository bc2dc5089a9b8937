//! Evaluates a ruleset on a frame.
//!
//! Rules are asked first ([`ask`]): each says which columns it needs computed (conditions on rows, as SQL of Spark) and
//! which numbers it needs measured. Then everything is measured ([`measure`]): all numbers of all rules by one
//! aggregation over one scan, and for each set of columns whose distinct values matter one more, which spills. Rules
//! about other datasets and statements of SQL are queries of their own ([`others`]). At last each rule is decided.
//!
//! A rule that cannot be evaluated (a column of another type, a statement that does not parse) is its own `Error` and
//! leaves the others alone; data that cannot be read fails the evaluation.
//!
//! Null is no value: it is not counted as distinct or unique, aggregates leave it out, and a condition on a value does
//! not hold for it but for `!=` and `not in`. Source: AWS Glue Developer Guide, DQDL rule type reference.

mod ask;
mod conditions;
mod decide;
mod measure;
mod others;
mod row_tests;

use std::collections::BTreeMap;

use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::Expr;
use engine::{EngineError, Session};
use quality::{AggregateOf, Check, Kind, Reference, Ruleset, Test};

use super::outcome::{AnalyzerOutcome, Evaluation, RuleOutcome, Verdict};
use crate::plan::PlanError;
use ask::Answer;
pub(crate) use measure::Board;
pub(crate) use row_tests::RowTest;

/// What is evaluated.
pub(crate) struct Input<'a> {
    /// Whose session the frames are.
    pub(crate) session: &'a Session,
    /// The data.
    pub(crate) primary: DataFrame,
    /// Other datasets by the names that rules use.
    pub(crate) others: BTreeMap<String, DataFrame>,
    /// What `now()` is.
    pub(crate) now_ms: i64,
    /// Whether a composite rule is evaluated for each row, instead of each of its parts for all rows.
    pub(crate) by_row: bool,
}

/// What became of asking: an answer, or a verdict that needs no measuring. The outer error ends the evaluation.
type Asked<T> = Result<Result<T, Verdict>, EngineError>;

/// The condition of a rule on a row; `None` for a rule that has none, or that cannot be evaluated.
pub(crate) async fn row_test(board: &mut Board<'_>, test: &Test) -> Result<Option<RowTest>, EngineError> {
    let by_row = board.input.by_row && !matches!(test, Test::One(_));
    Ok(row_tests::of_test(board, test, by_row).await?.ok())
}

/// A rule whose parts were asked.
enum Question {
    One(Answer),
    All(Vec<Question>),
    Any(Vec<Question>),
}

/// Evaluates it. Errors: the engine's, for data that cannot be read, and `Cancelled`.
pub(crate) async fn evaluate(input: Input<'_>, ruleset: &Ruleset) -> Result<Evaluation, EngineError> {
    let mut board = Board::new(input);
    let mut rules = Vec::new();
    for rule in &ruleset.rules {
        rules.push(ask_test(&mut board, &rule.test).await?);
    }
    let mut analyzers = Vec::new();
    for analyzer in &ruleset.analyzers {
        analyzers.push(ask::analyzer(&mut board, analyzer).await?);
    }
    let numbers = board.measure().await?;
    let rules = ruleset.rules.iter().zip(rules).map(|(rule, question)| {
        let verdict = decided(&question, &numbers);
        RuleOutcome {
            rule: rule.test.to_string(),
            outcome: verdict.outcome,
            reason: verdict.reason,
            metrics: verdict.metrics,
            labels: rule.labels.clone(),
        }
    });
    let rules = rules.collect();
    let analyzers = ruleset.analyzers.iter().zip(analyzers).map(|(analyzer, answers)| {
        let verdicts = answers.iter().map(|answer| decide::decide(answer, &numbers)).collect();
        let verdict = Verdict::together(verdicts, true);
        AnalyzerOutcome { analyzer: analyzer.to_string(), reason: verdict.reason, metrics: verdict.metrics }
    });
    Ok(Evaluation { rules, analyzers: analyzers.collect() })
}

async fn ask_test(board: &mut Board<'_>, test: &Test) -> Result<Question, EngineError> {
    match test {
        Test::One(check) => Ok(Question::One(ask::rule(board, check).await?)),
        composite if board.input.by_row => Ok(Question::One(ask::by_row(board, composite).await?)),
        Test::All(tests) => Ok(Question::All(ask_all(board, tests).await?)),
        Test::Any(tests) => Ok(Question::Any(ask_all(board, tests).await?)),
    }
}

async fn ask_all(board: &mut Board<'_>, tests: &[Test]) -> Result<Vec<Question>, EngineError> {
    let mut questions = Vec::new();
    for test in tests {
        questions.push(Box::pin(ask_test(board, test)).await?);
    }
    Ok(questions)
}

fn decided(question: &Question, numbers: &measure::Numbers) -> Verdict {
    let parts =
        |questions: &[Question]| questions.iter().map(|question| decided(question, numbers)).collect();
    match question {
        Question::One(answer) => decide::decide(answer, numbers),
        Question::All(questions) => Verdict::together(parts(questions), true),
        Question::Any(questions) => Verdict::together(parts(questions), false),
    }
}

/// The other datasets that a check names.
pub(super) fn aliases(check: &Check) -> Vec<String> {
    let first = || check.parameters.first().cloned().into_iter().collect();
    match check.kind {
        Kind::DatasetMatch | Kind::RowCountMatch | Kind::SchemaMatch => first(),
        Kind::ReferentialIntegrity => {
            let reference = check.parameters.get(1).map(|text| Reference::parse(text));
            reference.into_iter().flatten().map(|reference| reference.alias).collect()
        }
        Kind::AggregateMatch => {
            let all = check.parameters.iter().filter_map(|text| AggregateOf::parse(text).ok());
            all.filter_map(|aggregate| aggregate.alias).collect()
        }
        _ => Vec::new(),
    }
}

/// A column of a plain frame.
pub(super) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// What is wrong with a rule, or with more than it.
fn fault(error: PlanError) -> Result<String, EngineError> {
    match error {
        PlanError::Engine(error) => rule_fault(error),
        other => Ok(other.to_string()),
    }
}

/// What is wrong with a rule; the error where more is.
fn rule_fault(error: EngineError) -> Result<String, EngineError> {
    use EngineError::{
        AmbiguousColumn, ColumnNotFound, DatabaseNotFound, Execution, InvalidCast, OutOfRange, Plan, Sql,
        TableNotFound, TableUnsupported, Unsupported,
    };
    match error {
        AmbiguousColumn { .. }
        | ColumnNotFound { .. }
        | DatabaseNotFound { .. }
        | Execution { .. }
        | InvalidCast { .. }
        | OutOfRange { .. }
        | Plan { .. }
        | Sql { .. }
        | TableNotFound { .. }
        | TableUnsupported { .. }
        | Unsupported { .. } => Ok(error.to_string()),
        other => Err(other),
    }
}
