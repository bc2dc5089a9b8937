//! Refuses clauses that DataFusion's planner would drop without a word.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, Select, Statement, TableFactor, Visit, Visitor};

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

impl Visitor for Refuse {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        refuse_if(!query.locks.is_empty(), "FOR UPDATE or FOR SHARE")?;
        refuse_if(query.for_clause.is_some(), "FOR XML, JSON or BROWSE")?;
        refuse_if(query.settings.is_some(), "SETTINGS")?;
        refuse_if(query.format_clause.is_some(), "FORMAT")
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        refuse_if(select.into.is_some(), "SELECT INTO")?;
        refuse_if(select.prewhere.is_some(), "PREWHERE")?;
        refuse_if(!select.lateral_views.is_empty(), "LATERAL VIEW")?;
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
    }
}
