//! Upserts: rows of an input take the place of the table's rows that have the same keys, and are added where there are none.
//!
//! One plan reads both, the input once: every row gets the number of input rows with its keys (a window over the keys, which
//! spills), and a row of the table stays where that is none. The commit replaces all files of the version of the table that
//! was read, or the run does its work anew on what the table is then.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprFunctionExt, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, WindowFunctionDefinition, lit,
};
use engine::TableOptions;
use tables::Identifier;

use super::RunFailure;
use super::writer::Writer;
use crate::graph::Node;
use crate::plan::{Accused, PlanError, column};

/// 1 for rows of the input, 0 for rows of the table. No column of a table is called so: names do not begin with a blank.
const TAG: &str = " input";
/// The number of input rows with the same keys.
const COUNT: &str = " count";

/// The rows of the table, and what tells them apart.
#[derive(Debug)]
pub(super) struct Upsert {
    /// The columns of the key, as the table calls them.
    keys: Vec<String>,
    /// `None` for a table that the run makes.
    rows: Option<DataFrame>,
    /// The metadata that they were read by; `None` for a table that the run makes.
    pub(super) base: Option<String>,
    /// How many rows the input has given.
    given: Arc<AtomicU64>,
}

impl Upsert {
    /// By these keys, which must be columns of the table whose values can be told apart. `base`: its metadata.
    pub(super) fn by(
        keys: &[String],
        columns: &[(String, DataType)],
        base: Option<String>,
    ) -> std::result::Result<Self, String> {
        let mut found: Vec<String> = Vec::new();
        for key in keys {
            let Some((name, data_type)) = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))
            else {
                return Err(format!("AdditionalOptions.keys: {key} is no column of the table"));
            };
            if data_type.is_floating() {
                return Err(format!(
                    "AdditionalOptions.keys: {name} is a {data_type}, and such numbers do not tell rows apart"
                ));
            }
            if found.contains(name) {
                return Err(format!("AdditionalOptions.keys names {name} twice"));
            }
            found.push(name.clone());
        }
        Ok(Self { keys: found, rows: None, base, given: Arc::default() })
    }

    /// Opens the rows of the table. Should it be another version by now than `base`, the commit will not be made.
    pub(super) async fn open(
        &mut self,
        writer: &Writer<'_>,
        node: &Node,
        table: &Identifier,
    ) -> std::result::Result<(), RunFailure> {
        if self.base.is_some() {
            let rows = writer.session.table(&table.namespace, &table.name, TableOptions::default()).await;
            self.rows = Some(rows.map_err(|error| RunFailure::node(node, PlanError::Engine(error)))?);
        }
        Ok(())
    }

    /// Whether the input has no rows, once all was read: then the table stays as it is.
    pub(super) fn is_nothing(&self) -> bool {
        self.given.load(Ordering::Relaxed) == 0
    }

    /// All rows that the table is to have. `frame` has the table's columns.
    pub(super) fn apply(
        &self,
        frame: DataFrame,
        accused: &Accused,
    ) -> std::result::Result<DataFrame, PlanError> {
        let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut all = tagged(frame, &names, 1)?;
        if let Some(rows) = &self.rows {
            all = tagged(rows.clone(), &names, 0)?.union(all)?;
        }
        let keys: Vec<Expr> = self.keys.iter().map(|key| column(key)).collect();
        let sum = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(sum_udaf()), vec![column(TAG)]);
        let count = Expr::from(sum).partition_by(keys.clone()).build()?.alias(COUNT);
        let stays = Stays {
            keys: self.keys.clone(),
            given: Arc::clone(&self.given),
            signature: Signature::any(2 + keys.len(), Volatility::Volatile),
        };
        let stays = accused.wrap(ScalarUDF::new_from_impl(stays).into());
        let mut arguments = vec![column(TAG), column(COUNT)];
        arguments.extend(keys);
        let kept = all.window(vec![count])?.filter(stays.call(arguments))?;
        Ok(kept.select(names.iter().map(|name| column(name)).collect::<Vec<_>>())?)
    }
}

/// The columns of these names, found ignoring case, and the tag.
fn tagged(frame: DataFrame, names: &[String], tag: i64) -> Result<DataFrame> {
    let fields = frame.schema().clone();
    let mut columns = Vec::with_capacity(names.len() + 1);
    for name in names {
        let own = fields.iter().find(|(_, field)| field.name().eq_ignore_ascii_case(name));
        let Some((qualifier, field)) = own else { return exec_err!("the table has no column {name}") };
        columns.push(Expr::from((qualifier, field)).alias(name.as_str()));
    }
    columns.push(lit(ScalarValue::Int64(Some(tag))).alias(TAG));
    frame.select(columns)
}

/// Whether a row stays: those of the input do, and those of the table whose keys the input has not. Fails on input rows
/// without a key, or with the key of another; counts those of the input.
#[derive(Debug)]
struct Stays {
    keys: Vec<String>,
    given: Arc<AtomicU64>,
    signature: Signature,
}

impl PartialEq for Stays {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys && Arc::ptr_eq(&self.given, &other.given)
    }
}

impl Eq for Stays {}

impl Hash for Stays {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.keys.hash(state);
    }
}

impl Stays {
    fn check(&self, row: usize, count: i64, keys: &[ArrayRef]) -> Result<()> {
        for (name, key) in self.keys.iter().zip(keys) {
            if key.is_null(row) {
                return exec_err!(
                    "a row of its input has no {name} (it is null), which is one of the keys that rows are replaced by; \
                     leave such rows out with Filter"
                );
            }
        }
        if count < 2 {
            return Ok(());
        }
        let options = FormatOptions::default();
        let mut shown = Vec::with_capacity(keys.len());
        for (name, key) in self.keys.iter().zip(keys) {
            let value = ArrayFormatter::try_new(key.as_ref(), &options)?.value(row).try_to_string()?;
            shown.push(format!("{name} = {value}"));
        }
        exec_err!(
            "its input has {count} rows with the key {}, and only one can stay: choose it with DropDuplicates or Aggregate",
            shown.join(", ")
        )
    }
}

impl ScalarUDFImpl for Stays {
    fn name(&self) -> &str {
        "stays_after_upsert"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [tags, counts, keys @ ..] = arrays.as_slice() else { return exec_err!("no keys were given") };
        let (tags, counts) = (tags.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
        let mut stays = Vec::with_capacity(tags.len());
        let mut given = 0;
        for (row, (tag, count)) in tags.values().iter().zip(counts.values()).enumerate() {
            if *tag == 1 {
                self.check(row, *count, keys)?;
                given += 1;
            }
            stays.push(*tag == 1 || *count == 0);
        }
        self.given.fetch_add(given, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(stays))))
    }
}
