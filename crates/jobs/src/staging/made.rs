//! What a script would make of a table's rows, made by the engine.

use std::collections::HashMap;

use datafusion::dataframe::DataFrame;
use engine::Session;
use formats::hive::HiveType;
use serde::Deserialize;

use super::{Expression, table};
use crate::JobsError;
use crate::plan::{self, PlanError};

/// Rows of a table, some of them, some of their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRows {
    /// The table's database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// The objects that are read, by address, with their ETags.
    pub objects: HashMap<String, String>,
    /// What is done with the rows, one step after the other.
    pub steps: Vec<Step>,
    /// The columns that the script knows there to be, with their types as the catalog writes them.
    pub columns: Vec<(String, String)>,
}

/// What is done with rows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub enum Step {
    /// Those stay for which this is true; it is never null.
    Where(Expression),
    /// These columns stay: what each is called, and is to be called.
    Select(Vec<(String, String)>),
}

impl TableRows {
    /// Plans the rows. Errors: `InvalidInput` for objects that are not as they were listed, steps that do not fit the table,
    /// and other columns than the script knows; `Store`.
    pub(super) async fn open(&self, session: &Session) -> Result<DataFrame, JobsError> {
        let mut frame = table::open(session, &self.database, &self.table, Some(&self.objects)).await?;
        for step in &self.steps {
            frame = match step {
                Step::Where(condition) => frame.filter(condition.plan()?),
                Step::Select(names) => {
                    frame.select(names.iter().map(|(from, to)| plan::column(from).alias(to)))
                }
            }
            .map_err(PlanError::from)?;
        }
        self.check(&frame)?;
        Ok(frame)
    }

    fn check(&self, frame: &DataFrame) -> Result<(), JobsError> {
        let found: Vec<(String, String)> = frame
            .schema()
            .fields()
            .iter()
            .map(|field| {
                let hive = HiveType::from_arrow(field.data_type());
                (field.name().clone(), hive.map_or_else(|error| error.to_string(), |hive| hive.to_string()))
            })
            .collect();
        if found == self.columns {
            return Ok(());
        }
        let shown = |columns: &[(String, String)]| {
            columns.iter().map(|(name, hive)| format!("{name} {hive}")).collect::<Vec<_>>().join(", ")
        };
        Err(JobsError::invalid(format!(
            "{}.{} gives the columns {}, and not {}",
            self.database,
            self.table,
            shown(&found),
            shown(&self.columns)
        )))
    }
}
