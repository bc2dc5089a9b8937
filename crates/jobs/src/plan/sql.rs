//! SparkSQL: one SELECT over the node's inputs.
//!
//! The text is parsed in the engine's Spark dialect; its inputs are the only tables that it sees by
//! their aliases, besides tables of the catalog as `database.table`. Then [`super::spark`] makes operators
//! mean what they mean in Spark and refuses functions that would mean something else.

use datafusion::dataframe::DataFrame;
use engine::{EngineError, Session};

use super::PlanError;
use super::blame::Accused;
use super::operators::readable;
use super::spark;

/// Refuses what is wrong with the text alone, before there is any data.
/// Errors: `Sql`, with the place, and `Unsupported`.
pub(crate) fn check(text: &str) -> Result<(), EngineError> {
    spark::check(text)
}

/// Refuses what is no single expression. Errors: as [`check`].
pub(crate) fn check_expression(text: &str) -> Result<(), EngineError> {
    spark::check_expression(text)
}

/// The frames by the names that the text uses.
pub(super) fn views(
    inputs: &[String],
    frames: Vec<DataFrame>,
    aliases: &[(String, String)],
) -> Result<Vec<(String, DataFrame)>, PlanError> {
    let by_input: Vec<_> = inputs.iter().zip(frames).collect();
    let mut views = Vec::new();
    for (from, alias) in aliases {
        let frame = by_input.iter().find(|(input, _)| *input == from).map(|(_, frame)| frame.clone());
        let frame = frame.ok_or_else(|| PlanError::Refused(format!("the alias {alias} has no input")))?;
        views.push((alias.clone(), frame));
    }
    Ok(views)
}

/// Plans the text. The names of the views are taken back afterwards: another node may use them for its own inputs.
pub(super) async fn query(
    session: &Session,
    text: &str,
    views: Vec<(String, DataFrame)>,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    let frame = select(session, text, views, accused).await?;
    // What cannot be computed is said now, while it is known whose it is.
    session.explain(frame.logical_plan().clone()).await?;
    Ok(frame)
}

/// As [`query`], but nothing is listed yet, so that errors of the engine's own planning come later.
pub(super) async fn select(
    session: &Session,
    text: &str,
    views: Vec<(String, DataFrame)>,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    let statement = spark::parse(session.context(), text)?;
    let names: Vec<String> = views.iter().map(|(name, _)| name.clone()).collect();
    let plans: Vec<_> = views.iter().map(|(_, frame)| frame.logical_plan().clone()).collect();
    for (name, frame) in views {
        session.register_view(&name, frame);
    }
    let frame = session.sql_statement(statement).await;
    for name in &names {
        session.drop_view(name);
    }
    let (state, plan) = frame.map_err(|error| explained(error, &names))?.into_parts();
    Ok(DataFrame::new(state, spark::adapt(plan, &plans, accused)?))
}

/// The planner's error in the words of the text. A name that is not found is often one that is spelled differently: says
/// which there are.
fn explained(error: EngineError, names: &[String]) -> PlanError {
    if let Some(what) = of_no_array(&error.to_string()) {
        return PlanError::Refused(what);
    }
    match error {
        EngineError::DatabaseNotFound { .. } | EngineError::TableNotFound { .. } => {
            PlanError::Refused(format!("{error}; its inputs are known as {}", names.join(", ")))
        }
        EngineError::ColumnNotFound { ref candidates, .. } if !candidates.is_empty() => {
            PlanError::Refused(format!("{error}; there are {}", columns(candidates, names)))
        }
        EngineError::AmbiguousColumn { column } => PlanError::Refused(format!(
            "column {column} is ambiguous: write its table's name before it, or give one of several columns of this \
             name another one with AS"
        )),
        EngineError::Plan { message } => PlanError::Engine(EngineError::Plan { message: readable(&message) }),
        EngineError::Unsupported { message } => {
            PlanError::Engine(EngineError::Unsupported { message: readable(&message) })
        }
        other => PlanError::Engine(other),
    }
}

/// What is said of `x[0]` where `x` has no elements: the planner names its own function for it.
fn of_no_array(message: &str) -> Option<String> {
    let (_, call) = message.split_once("the call array_element(")?;
    let (arguments, _) = call.split_once(") has the wrong arguments")?;
    let (of, _) = arguments.rsplit_once(", ")?;
    Some(format!("elements are taken by number of arrays, not of {of}"))
}

/// The columns as a list; with a single input, without its name.
fn columns(candidates: &[String], names: &[String]) -> String {
    let of_input = match names {
        [only] => format!("{only}."),
        _ => String::new(),
    };
    let mut shown = Vec::new();
    for name in candidates.iter().map(|name| name.strip_prefix(&of_input).unwrap_or(name)) {
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_column_names_those_that_there_are() {
        let message = |candidates: &[&str], names: &[&str]| {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let missing = EngineError::ColumnNotFound {
                column: "nope".to_owned(),
                relation: None,
                candidates: list(candidates),
            };
            explained(missing, &list(names)).to_string()
        };
        assert_eq!(message(&["t.id", "t.v"], &["t"]), "column nope not found; there are id, v");
        assert_eq!(message(&["a.id", "b.id"], &["a", "b"]), "column nope not found; there are a.id, b.id");
        assert_eq!(message(&["id", "t.id"], &["t"]), "column nope not found; there are id");
        assert_eq!(message(&[], &["t"]), "column nope not found");
    }

    #[test]
    fn text_is_one_select_or_refused() {
        assert!(check("select a from t; ").is_ok());
        assert!(check("with s as (select 1) select * from s union all select 2").is_ok());
        let message = |text: &str| check(text).expect_err(text).to_string();
        assert!(message("selec name from t").contains("Line: 1"), "{}", message("selec name from t"));
        let pattern =
            message("select a from (select date_format(now(), 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS') a from t)");
        assert!(pattern.contains("SSSSSS is not supported"), "{pattern}");
        assert!(
            check("select date_format(a, 'dd.MM.yyyy'), date_format(a, b), 'date_format(a, d)' from t")
                .is_ok()
        );
        for text in ["drop table t", "select 1; select 2", "insert into t select 1"] {
            assert!(message(text).contains("single SELECT"), "{text}: {}", message(text));
        }
    }
}
