//! Refuses clauses that DataFusion's planner would drop without a word.

use std::ops::ControlFlow;

use sqlparser::ast::{
    GroupByExpr, Query, Select, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Visit, Visitor,
};

use crate::EngineError;

/// Errors: `Unsupported`, naming the clause.
pub(super) fn check(statement: &Statement) -> Result<(), EngineError> {
    match statement.visit(&mut Refuse) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(clause) => {
            Err(EngineError::Unsupported { message: format!("{clause} is not supported") })
        }
    }
}

struct Refuse;

fn refuse_if(present: bool, clause: &'static str) -> ControlFlow<&'static str> {
    if present { ControlFlow::Break(clause) } else { ControlFlow::Continue(()) }
}

/// Whether rows of the same values are to be taken away, or kept, one by one: the planner takes all of them.
fn counts_rows(body: &SetExpr) -> bool {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return false };
    let is_union = matches!(op, SetOperator::Union);
    let is_all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
    is_all && !is_union || counts_rows(left) || counts_rows(right)
}

impl Visitor for Refuse {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        refuse_if(!query.locks.is_empty(), "FOR UPDATE or FOR SHARE")?;
        refuse_if(query.for_clause.is_some(), "FOR XML, JSON or BROWSE")?;
        refuse_if(query.settings.is_some(), "SETTINGS")?;
        refuse_if(query.format_clause.is_some(), "FORMAT")?;
        refuse_if(counts_rows(&query.body), "EXCEPT ALL or INTERSECT ALL")
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        refuse_if(select.into.is_some(), "SELECT INTO")?;
        refuse_if(select.prewhere.is_some(), "PREWHERE")?;
        refuse_if(!select.lateral_views.is_empty(), "LATERAL VIEW")?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = &select.group_by;
        refuse_if(!modifiers.is_empty(), "WITH ROLLUP, CUBE or TOTALS behind GROUP BY")?;
        refuse_if(!select.cluster_by.is_empty(), "CLUSTER BY")?;
        refuse_if(!select.distribute_by.is_empty(), "DISTRIBUTE BY")?;
        refuse_if(!select.sort_by.is_empty(), "SORT BY")
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<&'static str> {
        match factor {
            TableFactor::Table {
                version, sample, with_hints, partitions, json_path, index_hints, ..
            } => {
                refuse_if(sample.is_some(), "TABLESAMPLE")?;
                refuse_if(version.is_some(), "a table version (FOR TIMESTAMP or VERSION AS OF)")?;
                refuse_if(!with_hints.is_empty() || !index_hints.is_empty(), "a table hint")?;
                refuse_if(!partitions.is_empty(), "PARTITION selection")?;
                refuse_if(json_path.is_some(), "a JSON path on a table")
            }
            TableFactor::Derived { sample, .. } => refuse_if(sample.is_some(), "TABLESAMPLE"),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::{dialect::GenericDialect, parser::Parser};

    fn refused(text: &str) -> Option<String> {
        let statement = Parser::parse_sql(&GenericDialect {}, text).expect("parses").remove(0);
        check(&statement).err().map(|error| error.to_string())
    }

    #[test]
    fn refuses_what_would_be_dropped() {
        assert_eq!(refused("SELECT a FROM t WHERE a > 1"), None);
        let sample = "SELECT a FROM (SELECT * FROM t TABLESAMPLE BERNOULLI (10)) x";
        assert_eq!(refused(sample).as_deref(), Some("TABLESAMPLE is not supported"));
        assert!(refused("SELECT a FROM t FOR UPDATE").is_some());
        let each = "EXCEPT ALL or INTERSECT ALL is not supported";
        for text in [
            "SELECT a FROM t EXCEPT ALL SELECT b FROM u",
            "SELECT * FROM (SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 3)",
        ] {
            assert_eq!(refused(text).as_deref(), Some(each), "{text}");
        }
        assert_eq!(refused("SELECT a FROM t UNION ALL SELECT b FROM u EXCEPT SELECT 1"), None);
        assert!(refused("SELECT a, count(*) FROM t GROUP BY a WITH TOTALS").is_some());
    }
}
