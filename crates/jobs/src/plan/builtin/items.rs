//! An expression for each item of an array.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use engine::Session;

use super::super::column;

/// What an item is called within its expression.
const ITEM: &str = "item";

/// The item that an expression for [`each`] is made of.
pub(super) fn item() -> Expr {
    column(ITEM)
}

/// The array `list` of items of type `of`, each replaced by `made`, an expression of [`item`]; and its type.
pub(super) fn each(session: &Session, list: Expr, of: &DataType, made: Expr) -> Result<(Expr, DataType)> {
    let schema = Arc::new(Schema::new(vec![Field::new(ITEM, of.clone(), true)]));
    let of_schema = DFSchema::try_from(Arc::clone(&schema))?;
    let physical = session.context().create_physical_expr(made.clone(), &of_schema)?;
    let to = Arc::new(Field::new("element", physical.data_type(&schema)?, true));
    let data_type = DataType::List(Arc::clone(&to));
    let signature = Signature::any(1, Volatility::Immutable);
    let function = ScalarUDF::new_from_impl(Each { made, schema, to, physical, signature });
    Ok((function.call(vec![list]), data_type))
}

/// The function of one expression.
#[derive(Debug)]
struct Each {
    made: Expr,
    /// Of one column, the item.
    schema: SchemaRef,
    to: FieldRef,
    physical: Arc<dyn PhysicalExpr>,
    signature: Signature,
}

// The computed expression follows from the others.
impl PartialEq for Each {
    fn eq(&self, other: &Self) -> bool {
        self.made == other.made && self.schema == other.schema
    }
}

impl Eq for Each {}

impl Hash for Each {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.made.hash(state);
        self.schema.hash(state);
    }
}

impl ScalarUDFImpl for Each {
    fn name(&self) -> &str {
        "each_item"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::clone(&self.to)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let lists = ColumnarValue::values_to_arrays(&arguments.args)?;
        let list = lists.first().and_then(|list| list.as_list_opt::<i32>());
        let list = list.ok_or_else(|| DataFusionError::Internal("it is no array".to_owned()))?;
        let items = RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::clone(list.values())])?;
        let made = self.physical.evaluate(&items)?.into_array(items.num_rows())?;
        let nulls = list.nulls().cloned();
        let made = ListArray::try_new(Arc::clone(&self.to), list.offsets().clone(), made, nulls)?;
        Ok(ColumnarValue::Array(Arc::new(made)))
    }
}
