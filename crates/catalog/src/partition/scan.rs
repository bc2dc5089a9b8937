//! Walking an index range by range.

use std::collections::VecDeque;

use store::{Row, Tx, Value};

use crate::error::{CatalogError, from_doc};
use crate::expression::Span;
use crate::partition::plan::{Plan, column};
use crate::partition::read::{STORED, Stored};
use crate::table::Table;

/// A place in a walk: the driver's component and the key of the last row that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) component: Vec<u8>,
    pub(crate) vkey: Vec<u8>,
}

/// A row that a walk met.
pub(crate) struct Hit {
    pub(crate) cursor: Cursor,
    pub(crate) values: Vec<String>,
    /// The whole row, when the walk was asked for it.
    pub(crate) stored: Option<Stored>,
}

/// One query's worth of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The rest of the rows that share the cursor's component.
    Same(Cursor),
    /// A range; the flag says whether its low end itself belongs to it.
    Range(Span, bool),
}

/// A walk over the rows of a plan, in the order of the driver's column and then of `vkey`.
pub(crate) struct Walk<'a> {
    table: &'a Table,
    plan: &'a Plan,
    /// Buckets from (inclusive) and to (exclusive).
    buckets: Option<(i64, i64)>,
    whole_rows: bool,
    steps: VecDeque<Step>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        table: &'a Table,
        plan: &'a Plan,
        buckets: Option<(i64, i64)>,
        whole_rows: bool,
        after: Option<&Cursor>,
    ) -> Walk<'a> {
        let mut walk = Walk { table, plan, buckets, whole_rows, steps: VecDeque::new() };
        match after {
            None => walk.steps = plan.spans.iter().map(|span| Step::Range(span.clone(), true)).collect(),
            Some(cursor) => walk.resume(cursor),
        }
        walk
    }

    fn resume(&mut self, cursor: &Cursor) {
        for span in &self.plan.spans {
            if span.high.as_ref().is_some_and(|high| *high < cursor.component) {
                continue;
            }
            if span.low.as_ref().is_none_or(|low| *low <= cursor.component) {
                self.push_rest(cursor, span.high.clone());
            } else {
                self.steps.push_back(Step::Range(span.clone(), true));
            }
        }
    }

    /// What follows a cursor up to `high`.
    fn push_rest(&mut self, cursor: &Cursor, high: Option<Vec<u8>>) {
        let rest = Span { low: Some(cursor.component.clone()), high };
        if self.plan.driver != 0 {
            self.steps.push_back(Step::Same(cursor.clone()));
        }
        if !(self.plan.driver != 0 && rest.is_point()) {
            self.steps.push_back(Step::Range(rest, false));
        }
    }

    /// The next rows, up to `limit`; empty at the end of the walk.
    pub(crate) async fn next(&mut self, tx: &mut Tx, limit: usize) -> Result<Vec<Hit>, CatalogError> {
        while let Some(step) = self.steps.pop_front() {
            let (sql, parameters) = self.query(&step, limit);
            let rows = tx.query(&sql, &parameters).await?;
            let hits = rows.iter().map(|row| self.hit(row)).collect::<Result<Vec<_>, _>>()?;
            if let Some(last) = hits.last().filter(|_| hits.len() == limit) {
                self.continue_after(step, &last.cursor);
            }
            if !hits.is_empty() {
                return Ok(hits);
            }
        }
        Ok(Vec::new())
    }

    /// Puts what is left of a step back in front.
    fn continue_after(&mut self, step: Step, cursor: &Cursor) {
        let later = std::mem::take(&mut self.steps);
        match step {
            Step::Same(_) => self.steps.push_back(Step::Same(cursor.clone())),
            Step::Range(span, _) => self.push_rest(cursor, span.high),
        }
        self.steps.extend(later);
    }

    fn query(&self, step: &Step, limit: usize) -> (String, Vec<Value>) {
        let column = column(self.plan.driver);
        let mut sql = Sql::new(self.table.uid.0);
        match step {
            Step::Same(cursor) => {
                sql.and(column, "=", cursor.component.clone());
                sql.and("vkey", ">", cursor.vkey.clone());
            }
            Step::Range(span, inclusive) => {
                if let Some(low) = &span.low {
                    sql.and(column, if *inclusive { ">=" } else { ">" }, low.clone());
                }
                if let Some(high) = &span.high {
                    sql.and(column, "<=", high.clone());
                }
            }
        }
        if let Some((from, to)) = self.buckets {
            sql.and("seg", ">=", from);
            sql.and("seg", "<", to);
        }
        for (position, span) in &self.plan.filters {
            sql.filter(super::plan::column(*position), span);
        }
        let order = if self.plan.driver == 0 { "vkey".to_owned() } else { format!("{column}, vkey") };
        let columns = if self.whole_rows { STORED } else { "vkey, vals" };
        sql.parameters.push(Value::from(limit as i64));
        let text = format!(
            "SELECT {columns}, {column} FROM catalog_partitions WHERE table_uid = $1{} \
             ORDER BY {order} LIMIT ${}",
            sql.conditions,
            sql.parameters.len()
        );
        (text, sql.parameters)
    }

    fn hit(&self, row: &Row) -> Result<Hit, CatalogError> {
        let stored = if self.whole_rows { Some(Stored::from_row(row)?) } else { None };
        let values = match &stored {
            Some(stored) => stored.values.clone(),
            None => from_doc("partition", &row.get::<String>(1)?)?,
        };
        let component = row.get(if self.whole_rows { 5 } else { 2 })?;
        let cursor = Cursor { component, vkey: row.get(0)? };
        Ok(Hit { cursor, values, stored })
    }
}

struct Sql {
    conditions: String,
    parameters: Vec<Value>,
}

impl Sql {
    fn new(table: i64) -> Sql {
        Sql { conditions: String::new(), parameters: vec![Value::from(table)] }
    }

    fn and(&mut self, column: &str, operator: &str, value: impl Into<Value>) {
        self.parameters.push(value.into());
        let number = self.parameters.len();
        self.conditions.push_str(&format!(" AND {column} {operator} ${number}"));
    }

    /// A limit that must not make the planner leave the driver's index: inside `CASE` it is no
    /// index term, on either back end.
    fn filter(&mut self, column: &str, span: &Span) {
        for (operator, bound) in [(">=", &span.low), ("<=", &span.high)] {
            if let Some(bytes) = bound {
                self.parameters.push(Value::from(bytes.clone()));
                let number = self.parameters.len();
                let term = format!(" AND CASE WHEN {column} {operator} ${number} THEN 1 ELSE 0 END = 1");
                self.conditions.push_str(&term);
            }
        }
    }
}
