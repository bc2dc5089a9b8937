//! Refuses statements that are nested so deeply that walking them would exhaust a thread's stack.
//!
//! Operators of one level (`1 + 1 + 1 …`) nest as parentheses do: each adds a level to the tree that the parser makes
//! and that every later step walks recursively.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::EngineError;

/// The most operators, parentheses and set operations of one statement.
pub const MAX_OPERATORS: usize = 1_000;

/// Address space that walking the largest statement may take; memory is only used as deep as a statement goes.
const STACK_BYTES: usize = 256 << 20;

/// Runs a walk over a statement on a stack that is large enough for any statement that [`check_size`] lets through.
pub fn on_large_stack<T>(walk: impl FnOnce() -> T) -> T {
    stacker::grow(STACK_BYTES, walk)
}

/// Checks the text of a statement before it is parsed.
/// Errors: `Sql` when it has more than [`MAX_OPERATORS`]; a text that cannot be split is left to the parser's message.
pub fn check_size(text: &str) -> Result<(), EngineError> {
    let dialect = sqlparser::dialect::GenericDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, text).tokenize() else { return Ok(()) };
    let operators = tokens.iter().filter(|token| nests(token)).count();
    if operators <= MAX_OPERATORS {
        return Ok(());
    }
    let message = format!(
        "the statement has {operators} operators and parentheses; at most {MAX_OPERATORS} are possible (long lists \
         are better written with IN)"
    );
    Err(EngineError::Sql { message })
}

/// Everything that may make a level: operators and what opens something. Lists and names are flat.
fn nests(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::BETWEEN
                | Keyword::AT
                | Keyword::COLLATE
                | Keyword::CASE
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
        ),
        Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => false,
        Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::RParen
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_statements_are_refused_and_long_lists_are_not() {
        assert!(check_size(&format!("SELECT 1{}", " + 1".repeat(500))).is_ok());
        assert!(check_size(&format!("SELECT 1{}", " + 1".repeat(20_000))).is_err());
        assert!(check_size(&format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000))).is_err());
        let list = vec!["1"; 50_000].join(", ");
        assert!(check_size(&format!("SELECT a FROM t WHERE a IN ({list})")).is_ok());
    }
}
