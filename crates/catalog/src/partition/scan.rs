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
    /// What follows a cursor, up to a high end: the rest of its component, and later ones.
    After(Cursor, Option<Vec<u8>>),
    /// A whole range.
    Range(Span),
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
            None => walk.steps = plan.spans.iter().map(|span| Step::Range(span.clone())).collect(),
            Some(cursor) => walk.resume(cursor),
        }
        walk
    }

    fn resume(&mut self, cursor: &Cursor) {
        for span in &self.plan.spans {
            if span.high.as_ref().is_some_and(|high| *high < cursor.component) {
                continue;
            }
            self.steps.push_back(match &span.low {
                Some(low) if *low > cursor.component => Step::Range(span.clone()),
                _ => Step::After(cursor.clone(), span.high.clone()),
            });
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
        let (Step::After(_, high) | Step::Range(Span { high, .. })) = step;
        self.steps.push_front(Step::After(cursor.clone(), high));
    }

    fn query(&self, step: &Step, limit: usize) -> (String, Vec<Value>) {
        let column = column(self.plan.driver);
        let mut sql = Sql::new(self.table.uid.0);
        let high = match step {
            Step::After(cursor, high) => {
                sql.after(self.plan.driver, cursor);
                high
            }
            Step::Range(span) => {
                if let Some(low) = &span.low {
                    sql.and(column, ">=", low.clone());
                }
                &span.high
            }
        };
        if let Some(high) = high {
            sql.and(column, "<=", high.clone());
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

    /// What follows a cursor in the order of the driver's index. As one comparison of both columns: with `=` on the one
    /// and `>` on the other SQLite walks the table's own order and looks at every row. `IS NOT NULL` says that the index
    /// has all of these rows.
    fn after(&mut self, driver: usize, cursor: &Cursor) {
        if driver == 0 {
            return self.and("vkey", ">", cursor.vkey.clone());
        }
        let column = column(driver);
        self.parameters.push(Value::from(cursor.component.clone()));
        self.parameters.push(Value::from(cursor.vkey.clone()));
        let last = self.parameters.len();
        self.conditions
            .push_str(&format!(" AND {column} IS NOT NULL AND ({column}, vkey) > (${}, ${last})", last - 1));
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

#[cfg(test)]
mod tests {
    use store::Scope;

    use super::*;
    use crate::model::{Column, DatabaseInput, PartitionInput, TableInput};
    use crate::{database, expression, partition, table};

    /// SQLite's plan of every step of a walk.
    async fn plans(tx: &mut Tx, table: &Table, filter: &str) -> Vec<String> {
        let parsed = expression::parse(filter, table.partition_keys()).unwrap();
        let ranges = parsed.as_ref().map(|found| found.ranges(&table.layout)).unwrap_or_default();
        let plan = Plan::choose(tx, table, &ranges).await.unwrap();
        let mut walk = Walk::new(table, &plan, Some((0, 2520)), false, None);
        let mut steps: Vec<Step> = walk.steps.iter().cloned().collect();
        // And those of the pages that follow.
        let cursor = walk.next(tx, 1).await.unwrap().pop().unwrap().cursor;
        steps.extend(Walk::new(table, &plan, None, true, Some(&cursor)).steps);
        let mut found = Vec::new();
        for step in steps {
            let (sql, parameters) = walk.query(&step, 10);
            let rows = tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &parameters).await.unwrap();
            found.extend(rows.iter().map(|row| row.get::<String>(3).unwrap()));
        }
        found
    }

    #[tokio::test]
    async fn every_step_seeks_in_an_index_and_sorts_nothing() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let scope = Scope::new("000000000000", "us-east-1").unwrap();
        let mut tx = store.begin().await.unwrap();
        let input = DatabaseInput { name: "db".to_owned(), ..DatabaseInput::default() };
        database::create(&mut tx, &scope, input).await.unwrap();
        let keys = [("day", "date"), ("hour", "int"), ("region", "string")];
        let keys = keys.iter().map(|(name, hive)| Column::new(*name, *hive)).collect();
        let input = TableInput { name: "t".to_owned(), partition_keys: Some(keys), ..TableInput::default() };
        let table = table::create(&mut tx, &scope, "db", input, "me").await.unwrap();
        let inputs = (0..600).map(|n| PartitionInput {
            values: vec![format!("2024-01-{:02}", n % 28 + 1), (n / 28).to_string(), format!("r{}", n % 7)],
            ..PartitionInput::default()
        });
        partition::batch_create(&mut tx, &scope, "db", "t", inputs.collect()).await.unwrap();
        for (filter, index) in [
            ("", "PRIMARY KEY"),
            ("day = '2024-01-05' AND hour > 3", "PRIMARY KEY"),
            ("day IN ('2024-01-05', '2024-01-09') AND hour IN (5, 9) AND region LIKE 'r%'", "PRIMARY KEY"),
            ("hour = 5", "catalog_partitions_k1"),
            ("region = 'r3' AND day >= '2024-01-02'", "catalog_partitions_k2"),
        ] {
            let found = plans(&mut tx, &table, filter).await;
            assert!(!found.is_empty());
            for step in found {
                let seeks = step.starts_with("SEARCH catalog_partitions USING") && step.contains(index);
                assert!(seeks, "{filter}: {step}");
            }
        }
    }
}
