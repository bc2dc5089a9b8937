//! Text as numbers, and scans that read it so.
//!
//! [`number_of_text`] is the cast of Glue and Spark from text to a number. Where a column of delimited text is used by
//! nothing else, the scan reads the numbers at once and no text is made: [`only_numbers`] finds such columns, and
//! [`as_columns`] makes the casts plain columns.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::AsArray,
    compute::cast,
    datatypes::{DataType, Schema},
};

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
    physical_expr::{PhysicalExpr, ScalarFunctionExpr, expressions::Column},
};

/// No query can name it: it is registered nowhere.
const NAME: &str = "number_of_text";

/// `text` as a number of type `wanted`: white space around is ignored, whole numbers lose a fraction, and what does
/// not fit is NULL. For the types that [`formats::casts_text_to`] names.
pub fn number_of_text(text: Expr, wanted: &DataType) -> Expr {
    function(wanted).call(vec![text])
}

/// The same of a column of `schema`.
pub(crate) fn number_of(column: Column, wanted: &DataType, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let (function, options) = (Arc::new(function(wanted)), Arc::new(ConfigOptions::default()));
    Ok(Arc::new(ScalarFunctionExpr::try_new(function, vec![Arc::new(column)], schema, options)?))
}

fn function(wanted: &DataType) -> ScalarUDF {
    let signature = Signature::string(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(NumberOfText { wanted: wanted.clone(), signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NumberOfText {
    wanted: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for NumberOfText {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.wanted.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts] = arrays.as_slice() else {
            return datafusion::common::internal_err!("{NAME} takes one argument");
        };
        let texts = cast(texts, &DataType::Utf8)?;
        Ok(ColumnarValue::Array(formats::cast_text(texts.as_string::<i32>(), &self.wanted)?))
    }
}

/// The column that a cast to a number reads, and the type.
fn number_of_column(expr: &Arc<dyn PhysicalExpr>) -> Option<(&Column, &DataType)> {
    let call = expr.downcast_ref::<ScalarFunctionExpr>().filter(|call| call.name() == NAME)?;
    let column = call.args().first()?.downcast_ref::<Column>()?;
    Some((column, call.return_type()))
}

/// How expressions use columns.
#[derive(Default)]
pub(crate) struct Uses {
    /// Per column: the number that is made of it, or nothing when it is used otherwise too.
    columns: BTreeMap<usize, Option<DataType>>,
}

impl Uses {
    /// Notes how `expr` uses columns; `place` gives a column's index where it is read.
    pub(crate) fn add(&mut self, expr: &Arc<dyn PhysicalExpr>, place: impl Fn(usize) -> usize) -> Result<()> {
        expr.apply(|part| {
            if let Some((column, wanted)) = number_of_column(part) {
                let wanted = Some(wanted.clone());
                let known = self.columns.entry(place(column.index())).or_insert_with(|| wanted.clone());
                if *known != wanted {
                    *known = None;
                }
                return Ok(TreeNodeRecursion::Jump);
            }
            if let Some(column) = part.downcast_ref::<Column>() {
                self.columns.insert(place(column.index()), None);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    /// The columns that are used as numbers of one type only.
    pub(crate) fn only_numbers(self) -> BTreeMap<usize, DataType> {
        self.columns.into_iter().filter_map(|(index, wanted)| Some((index, wanted?))).collect()
    }
}

/// `expr` over columns that are numbers already.
pub(crate) fn as_columns(
    expr: &Arc<dyn PhysicalExpr>,
    is_number: impl Fn(usize) -> bool,
) -> Result<Arc<dyn PhysicalExpr>> {
    let changed = Arc::clone(expr).transform_down(|part| {
        let column = number_of_column(&part).map(|(column, _)| column.clone());
        Ok(match column.filter(|column| is_number(column.index())) {
            Some(column) => Transformed::yes(Arc::new(column) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(part),
        })
    })?;
    Ok(changed.data)
}
