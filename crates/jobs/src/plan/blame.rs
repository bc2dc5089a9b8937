//! Which node raised an error while rows flow.
//!
//! A target pulls its rows through the plans of all nodes before it, which the optimizer has mixed: an error that
//! arrives there no longer says whose it was. The functions that can raise one are therefore wrapped when a node is
//! planned. The wrapper costs nothing per row; when its function fails, it notes the node's name.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use engine::EngineError;

/// The most errors that are noted: each thread may meet one before the run ends.
const MAX_NOTED: usize = 256;

/// The errors that nodes of one run have raised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blame {
    raised: Arc<Mutex<Vec<Raised>>>,
}

/// A node and the text of its error.
type Raised = (Arc<str>, String);

impl Blame {
    /// The node that raised an error of this text.
    pub(crate) fn of(&self, error: &EngineError) -> Option<Arc<str>> {
        let text = error.to_string();
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.iter().find(|(_, message)| *message == text).map(|(node, _)| Arc::clone(node))
    }

    /// For the plan of one node.
    pub(crate) fn accuse(&self, node: &str) -> Accused {
        Accused { node: Arc::from(node), blame: self.clone() }
    }
}

/// The node whose plan is being made.
#[derive(Debug, Clone)]
pub(crate) struct Accused {
    node: Arc<str>,
    blame: Blame,
}

impl Accused {
    /// The function, noting the node when it fails.
    pub(crate) fn wrap(&self, inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Watched { inner, accused: self.clone() }))
    }
}

#[derive(Debug)]
struct Watched {
    inner: Arc<ScalarUDF>,
    accused: Accused,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && self.accused.node == other.accused.node
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
        self.accused.node.hash(state);
    }
}

impl ScalarUDFImpl for Watched {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        self.inner.schema_name(arguments)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(arguments).map_err(|error| {
            let error = EngineError::from(error);
            let mut raised = self.accused.blame.raised.lock().unwrap_or_else(PoisonError::into_inner);
            // Any of them ends the run.
            if raised.len() < MAX_NOTED {
                raised.push((Arc::clone(&self.accused.node), error.to_string()));
            }
            error.into_datafusion()
        })
    }
}
