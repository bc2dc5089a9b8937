//! How large a statement becomes once its WITH queries and views are put in, counted before that is done.
//!
//! A WITH query is planned anew wherever it is named: `b AS (SELECT * FROM a, a), c AS (SELECT * FROM b, b)` doubles
//! with every line. The optimizer walks all of it many times, and cannot be stopped while it does.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{ObjectNamePart, Query, Select, TableFactor, Visit, Visitor};

use super::size::on_large_stack;
use crate::EngineError;

/// The most tables (and SELECTs without any) of one statement, WITH queries and views counted as often as they are
/// named. As many tables, all joined, are planned in a few seconds; twice as many take minutes.
pub(super) const MAX_EXPANDED: usize = 120;

/// Checks a parsed statement. `view` tells how many tables the view of that name holds; `None` for what is no view.
/// Errors: `TooComplex` when the statement has too many tables.
pub fn check_expansion<T: Visit>(
    statement: &T,
    view: &dyn Fn(&str) -> Option<usize>,
) -> Result<(), EngineError> {
    let mut weigher = Weigher { open: vec![Frame::default()], view };
    let ControlFlow::Continue(()) = on_large_stack(|| statement.visit(&mut weigher));
    let weight = weigher.open.pop().map_or(0, |whole| whole.weight);
    if weight <= MAX_EXPANDED {
        return Ok(());
    }
    let much = if weight == usize::MAX { "far more".to_owned() } else { weight.to_string() };
    let what = format!(
        "the statement has {much} tables once its WITH queries and views are put in; at most {MAX_EXPANDED} are \
         possible"
    );
    Err(EngineError::TooComplex { what })
}

/// A query that is being walked.
#[derive(Default)]
struct Frame {
    weight: usize,
    /// Names of its WITH queries in order; they are walked before the rest of it.
    names: Vec<String>,
    /// Weights of those that have been walked.
    weights: HashMap<String, usize>,
}

struct Weigher<'a> {
    open: Vec<Frame>,
    view: &'a dyn Fn(&str) -> Option<usize>,
}

impl Weigher<'_> {
    fn add(&mut self, weight: usize) {
        if let Some(frame) = self.open.last_mut() {
            frame.weight = frame.weight.saturating_add(weight);
        }
    }

    fn weight_of(&self, name: &str) -> usize {
        let lower = name.to_lowercase();
        let known = self.open.iter().rev().find_map(|frame| frame.weights.get(&lower).copied());
        known.or_else(|| (self.view)(name)).unwrap_or(1)
    }
}

impl Visitor for Weigher<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        let names = tables.map(|cte| cte.alias.name.value.to_lowercase()).collect();
        self.open.push(Frame { names, ..Frame::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        let Some(done) = self.open.pop() else { return ControlFlow::Continue(()) };
        let Some(parent) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        match parent.names.get(parent.weights.len()).cloned() {
            Some(name) => {
                parent.weights.insert(name, done.weight);
            }
            None => parent.weight = parent.weight.saturating_add(done.weight),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        self.add(usize::from(select.from.is_empty()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, .. } = factor {
            let weight = match &name.0[..] {
                [ObjectNamePart::Identifier(ident)] => self.weight_of(&ident.value),
                _ => 1,
            };
            self.add(weight);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::{dialect::GenericDialect, parser::Parser};

    fn check(text: &str) -> Result<(), EngineError> {
        let statement = Parser::parse_sql(&GenericDialect {}, text).expect("parses").remove(0);
        check_expansion(&statement, &|name| (name == "a_view").then_some(100))
    }

    fn doubling(levels: usize) -> String {
        let mut text = "WITH c0 AS (SELECT 1 AS x)".to_owned();
        for level in 1..=levels {
            text.push_str(&format!(", C{level} AS (SELECT p.x FROM c{0} p, c{0} q)", level - 1));
        }
        text + &format!(" SELECT count(*) FROM c{levels}")
    }

    #[test]
    fn queries_that_double_are_counted_before_they_do() {
        check(&doubling(5)).expect("thirty-two");
        let error = check(&doubling(90)).expect_err("two to the ninetieth").to_string();
        assert!(error.contains("far more") && error.contains("at most 120"), "{error}");
        assert!(check(&doubling(9)).expect_err("too many").to_string().contains("has 512"));
    }

    #[test]
    fn commas_join_too_and_views_count_whole() {
        let many = |count: usize| format!("SELECT 1 FROM {}", vec!["t"; count].join(", "));
        check(&many(110)).expect("within");
        assert!(check(&many(130)).is_err());
        check("SELECT * FROM a_view").expect("within");
        assert!(check("SELECT * FROM a_view x JOIN a_view y ON x.a = y.a").is_err());
    }

    #[test]
    fn names_mean_the_nearest_query() {
        let nested = "WITH a AS (SELECT 1 x) SELECT * FROM a WHERE EXISTS (WITH a AS (SELECT * FROM a_view) SELECT * FROM a)";
        check(nested).expect("a hundred and one");
        let after = "WITH a AS (SELECT * FROM a_view), b AS (SELECT * FROM a) SELECT * FROM b, a";
        assert!(check(after).is_err());
    }
}
