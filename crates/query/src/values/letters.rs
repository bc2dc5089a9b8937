//! `upper` and `lower` of single characters: one code point always becomes one, as in Trino (`ß` stays `ß`).

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::on_arrays;

/// To which case.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Letters {
    upper: bool,
    signature: Signature,
}

impl Letters {
    pub(crate) fn upper() -> Self {
        Self { upper: true, signature: Signature::string(1, Volatility::Immutable) }
    }

    pub(crate) fn lower() -> Self {
        Self { upper: false, ..Self::upper() }
    }
}

impl ScalarUDFImpl for Letters {
    fn name(&self) -> &str {
        if self.upper { "upper" } else { "lower" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let change = if self.upper { upper } else { lower };
        on_arrays(&args, |arrays| {
            let text = cast(&arrays[0], &DataType::Utf8)?;
            let text = text.as_string::<i32>();
            let changed =
                text.iter().map(|text| text.map(|text| text.chars().map(change).collect::<String>()));
            Ok(Arc::new(changed.collect::<StringArray>()))
        })
    }
}

/// Unicode's simple upper case. Where the full one has several characters, it is the character itself, but for Greek
/// letters with a iota below, whose simple upper case is their title case.
fn upper(c: char) -> char {
    let iota_below = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => u32::from(c) + 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => u32::from(c) + 9,
        _ => 0,
    };
    if let Some(title) = char::from_u32(iota_below).filter(|_| iota_below > 0) {
        return title;
    }
    let mut full = c.to_uppercase();
    match (full.next(), full.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// Unicode's simple lower case; only `İ` has more than one character in full.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_becomes_one() {
        let all = |text: &str, change: fn(char) -> char| text.chars().map(change).collect::<String>();
        assert_eq!(all("straße ﬁ ŉ łódź ǆ ᾳ ᾀ", upper), "STRAßE ﬁ ŉ ŁÓDŹ Ǆ ᾼ ᾈ");
        assert_eq!(all("İSTANBUL ΣΑΣ ẞ", lower), "istanbul σασ ß");
    }
}
