//! Members of the server's answers, for text: what is not there is empty, or zero.

use serde_json::Value;

/// A list.
pub(super) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text.
pub(super) fn field<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A number.
pub(super) fn number(value: &Value, member: &str) -> i64 {
    value.get(member).and_then(Value::as_i64).unwrap_or(0)
}

/// A list of texts.
pub(super) fn texts<'a>(value: &'a Value, member: &str) -> Vec<&'a str> {
    list(value, member).iter().filter_map(Value::as_str).collect()
}
