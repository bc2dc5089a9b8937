//! Rows that come out of queries.

use crate::{StoreError, Value};

/// One row of a result, its columns in the order of the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// Returns the column at `index` (from 0) as `T`.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column or it holds another kind of value; NULL is one
    /// unless `T` is an `Option`.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, StoreError> {
        let value =
            self.values.get(index).ok_or(StoreError::Column { index, wanted: T::KIND, found: "none" })?;
        T::from_value(value.clone()).map_err(|found| StoreError::Column {
            index,
            wanted: T::KIND,
            found: found.kind(),
        })
    }

    /// Like [`Row::get`], moving the value out instead of copying it; the column is NULL afterwards.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn take<T: FromValue>(&mut self, index: usize) -> Result<T, StoreError> {
        let slot =
            self.values.get_mut(index).ok_or(StoreError::Column { index, wanted: T::KIND, found: "none" })?;
        let value = std::mem::replace(slot, Value::Null);
        T::from_value(value).map_err(|found| StoreError::Column {
            index,
            wanted: T::KIND,
            found: found.kind(),
        })
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the row has no columns.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All columns.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

/// A Rust type that a column can be read as.
pub trait FromValue: Sized {
    /// The kind of value it is made from, for error texts.
    const KIND: &'static str;

    /// Converts the value, or gives it back when it is of another kind or out of range.
    ///
    /// # Errors
    /// The value itself.
    fn from_value(value: Value) -> Result<Self, Value>;
}

macro_rules! from_value {
    ($($target:ty, $kind:literal, $pattern:pat => $build:expr;)*) => {
        $(impl FromValue for $target {
            const KIND: &'static str = $kind;

            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    $pattern => $build,
                    other => Err(other),
                }
            }
        })*
    };
}

from_value! {
    i64, "int", Value::Int(int) => Ok(int);
    i32, "int (32 bits)", Value::Int(int) => int.try_into().map_err(|_| Value::Int(int));
    u32, "int (32 bits, unsigned)", Value::Int(int) => int.try_into().map_err(|_| Value::Int(int));
    u64, "int (unsigned)", Value::Int(int) => int.try_into().map_err(|_| Value::Int(int));
    String, "text", Value::Text(text) => Ok(text);
    Vec<u8>, "bytes", Value::Bytes(bytes) => Ok(bytes);
}

impl FromValue for f64 {
    const KIND: &'static str = "real";

    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Real(real) => Ok(real),
            other => Err(other),
        }
    }
}

impl FromValue for bool {
    const KIND: &'static str = "bool (int 0 or 1)";

    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            other => Err(other),
        }
    }
}

impl FromValue for Value {
    const KIND: &'static str = "any";

    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const KIND: &'static str = T::KIND;

    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn columns_are_typed() {
        let row = Row::new(params![7, "x", None::<i64>, vec![1u8], 1.5, true].to_vec());
        assert_eq!(row.get::<i64>(0).unwrap(), 7);
        assert_eq!(row.get::<u32>(0).unwrap(), 7);
        assert_eq!(row.get::<String>(1).unwrap(), "x");
        assert_eq!(row.get::<Option<i64>>(2).unwrap(), None);
        assert_eq!(row.get::<Vec<u8>>(3).unwrap(), vec![1]);
        assert_eq!(row.get::<f64>(4).unwrap(), 1.5);
        assert!(row.get::<bool>(5).unwrap());
        assert!(matches!(row.get::<i64>(1), Err(StoreError::Column { index: 1, found: "text", .. })));
        assert!(matches!(row.get::<i64>(2), Err(StoreError::Column { found: "null", .. })));
        assert!(matches!(row.get::<i64>(9), Err(StoreError::Column { found: "none", .. })));
        assert!(row.get::<bool>(0).is_err());
        assert!(Row::new(vec![Value::Int(-1)]).get::<u64>(0).is_err());
        assert!(Row::new(vec![Value::Int(1 << 40)]).get::<i32>(0).is_err());
    }

    #[test]
    fn take_moves_the_value_out() {
        let mut row = Row::new(params!["long"].to_vec());
        assert_eq!(row.take::<String>(0).unwrap(), "long");
        assert_eq!(row.get::<Value>(0).unwrap(), Value::Null);
    }
}
