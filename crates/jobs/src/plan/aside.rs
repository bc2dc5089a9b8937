//! Rows that are written aside once, each with a number, and read from there as often as they are needed.
//!
//! Who reads the rows of a frame twice may meet them in another order: files are read in parallel. What numbers rows writes
//! them aside therefore, where the engine puts what does not fit into memory and within its bounds. The file goes with the
//! last frame that reads it.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{EmptyRecordBatchStream, SpillManager};
use engine::Session;

use super::{PlanError, Planning};

/// The rows of a frame with a column `key` behind the others: 1, 2, 3 and so on, the same whenever they are read.
pub(super) async fn numbered(
    session: &Session,
    frame: DataFrame,
    key: &str,
    planning: &mut Planning<'_>,
) -> std::result::Result<DataFrame, PlanError> {
    if !planning.may_look {
        return Err(PlanError::Unseen);
    }
    planning.looks.push(frame.logical_plan().clone());
    let mut fields = frame.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(key, DataType::Int64, false)));
    let schema = Arc::new(Schema::new(fields));
    let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
    let files = SpillManager::new(session.context().runtime_env(), metrics, Arc::clone(&schema));
    let mut writing = files.create_in_progress_file("rows with numbers")?;
    let mut rows = session.execute(frame).await?;
    let mut known = 0_i64;
    while let Some(batch) = rows.next().await {
        let batch = with_numbers(&batch?, &schema, &mut known)?;
        writing.append_batch(&batch)?;
    }
    let aside = Aside { files, file: writing.finish()?, schema: Arc::clone(&schema) };
    let table = StreamingTable::try_new(schema, vec![Arc::new(aside)])?;
    Ok(session.read(Arc::new(table))?)
}

fn with_numbers(batch: &RecordBatch, schema: &SchemaRef, known: &mut i64) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    let numbers: ArrayRef =
        Arc::new((1..=batch.num_rows() as i64).map(|number| *known + number).collect::<Int64Array>());
    columns.push(numbers);
    *known += batch.num_rows() as i64;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// A file of rows.
struct Aside {
    files: SpillManager,
    /// None without rows.
    file: Option<Arc<dyn SpillFile>>,
    schema: SchemaRef,
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows written aside")
    }
}

impl PartitionStream for Aside {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let Some(file) = &self.file else {
            return Box::pin(EmptyRecordBatchStream::new(Arc::clone(&self.schema)));
        };
        match self.files.read_spill_as_stream(Arc::clone(file), None) {
            Ok(stream) => stream,
            Err(error) => {
                let failed = futures::stream::iter([Err(error)]);
                Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), failed))
            }
        }
    }
}
