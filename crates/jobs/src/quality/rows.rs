//! What a ruleset says about each row: the frame with four columns more.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions_nested::expr_fn::{array_remove_all, make_array};
use datafusion::prelude::{Expr, lit, when};
use engine::EngineError;
use quality::Ruleset;

use super::evaluate::{Board, Input, RowTest, row_test};

/// The rules that hold for a row.
pub(super) const PASS: &str = "DataQualityRulesPass";
/// The rules that do not.
pub(super) const FAIL: &str = "DataQualityRulesFail";
/// The rules that say nothing about it.
pub(super) const SKIP: &str = "DataQualityRulesSkip";
/// `Passed` when no rule fails.
pub(super) const RESULT: &str = "DataQualityEvaluationResult";

/// The data with what rules say about each row. A row that a rule's `where` leaves out passes it, or with `skipped` is
/// counted as skipped. Rules about the whole data, and rules that cannot be evaluated, are skipped for every row.
/// Errors: the engine's, when the data cannot be planned.
pub(crate) async fn row_outcomes(
    input: Input<'_>,
    ruleset: &Ruleset,
    skipped: bool,
) -> Result<DataFrame, EngineError> {
    let own: Vec<String> = input.primary.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut board = Board::new(input);
    let mut tests = Vec::new();
    for rule in &ruleset.rules {
        tests.push((rule.test.to_string(), row_test(&mut board, &rule.test).await?));
    }
    let (mut pass, mut fail, mut skip) = (Vec::new(), Vec::new(), Vec::new());
    let mut passes: Option<Expr> = None;
    for (rule, test) in &tests {
        let Some(test) = test else {
            skip.push(lit(rule.as_str()));
            continue;
        };
        let holds = test.passes();
        pass.push(chosen(counted(test, skipped, holds.clone()), rule)?);
        fail.push(chosen(Expr::Not(Box::new(holds.clone())), rule)?);
        if let (true, Some(counted)) = (skipped, &test.counted) {
            skip.push(chosen(Expr::Not(Box::new(counted.clone())), rule)?);
        }
        passes = Some(passes.map_or(holds.clone(), |before| before.and(holds)));
    }
    let result = when(passes.unwrap_or_else(|| lit(true)), lit("Passed")).otherwise(lit("Failed"))?;
    let mut columns: Vec<Expr> = own.iter().map(|name| super::evaluate::column(name)).collect();
    columns.extend([
        list(pass).alias(PASS),
        list(fail).alias(FAIL),
        list(skip).alias(SKIP),
        result.alias(RESULT),
    ]);
    Ok(board.computed().await?.select(columns)?)
}

/// Whether a rule holds for a row that it is about.
fn counted(test: &RowTest, skipped: bool, holds: Expr) -> Expr {
    match (&test.counted, skipped) {
        (Some(counted), true) => counted.clone().and(holds),
        _ => holds,
    }
}

/// The rule's text, or nothing.
fn chosen(condition: Expr, rule: &str) -> Result<Expr, EngineError> {
    Ok(when(condition, lit(rule)).otherwise(lit(""))?)
}

/// The texts that are something.
fn list(texts: Vec<Expr>) -> Expr {
    if texts.is_empty() {
        let nothing = ScalarValue::List(ScalarValue::new_list_nullable(&[], &DataType::Utf8));
        return Expr::Literal(nothing, None);
    }
    array_remove_all(make_array(texts), lit(""))
}
