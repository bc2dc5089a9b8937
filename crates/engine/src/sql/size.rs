//! Refuses statements that are nested so deeply that walking them would exhaust a thread's stack.
//!
//! Operators of one level (`1 + 1 + 1 …`) nest as parentheses do: each adds a level to the tree that the parser makes
//! and that every later step walks recursively.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::EngineError;

/// The most operators and parentheses that may nest: `1 + 1 + 1` nests two deep, as `(1 + (1 + 1))` nests four.
pub(super) const MAX_DEPTH: usize = 250;
/// The most joins and set operations of one statement: each is a level of its plan.
pub(super) const MAX_RELATIONS: usize = 100;

/// Address space that walking the largest statement may take; memory is only used as deep as a statement goes.
const STACK_BYTES: usize = 256 << 20;

/// Runs a walk over a statement on a stack that is large enough for any statement that [`check_size`] lets through.
pub fn on_large_stack<T>(walk: impl FnOnce() -> T) -> T {
    stacker::grow(STACK_BYTES, walk)
}

/// Checks the text of a statement before it is parsed.
/// Errors: `Sql` when it nests deeper than it may or has too many joins; a text that cannot be split
/// is left to the parser's message.
pub fn check_size(text: &str) -> Result<(), EngineError> {
    let dialect = sqlparser::dialect::GenericDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, text).tokenize() else { return Ok(()) };
    let refused = |what: String| Err(EngineError::Sql { message: format!("the statement {what}") });
    // Operators so far in the expression of each open parenthesis.
    let (mut levels, mut relations) = (vec![0_usize], 0_usize);
    for token in &tokens {
        match token {
            Token::LParen => levels.push(0),
            Token::RParen if levels.len() > 1 => {
                levels.pop();
            }
            token if begins_anew(token) => levels.last_mut().into_iter().for_each(|level| *level = 0),
            token if nests(token) => levels.last_mut().into_iter().for_each(|level| *level += 1),
            _ => {}
        }
        relations += usize::from(relates(token));
        if levels.len() + levels.iter().sum::<usize>() > MAX_DEPTH {
            return refused(format!(
                "nests operators more than {MAX_DEPTH} deep (long lists are better written with IN)"
            ));
        }
    }
    match relations {
        ..=MAX_RELATIONS => Ok(()),
        many => refused(format!("has {many} joins and set operations; at most {MAX_RELATIONS} are possible")),
    }
}

fn relates(token: &Token) -> bool {
    matches!(token, Token::Word(word)
        if matches!(word.keyword, Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN))
}

/// What ends an expression, so that the next one nests from the start.
fn begins_anew(token: &Token) -> bool {
    match token {
        Token::Comma => true,
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::ORDER
                | Keyword::LIMIT
                | Keyword::ON
                | Keyword::AS
        ),
        _ => false,
    }
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
    fn deep_statements_are_refused_and_wide_ones_are_not() {
        let deep = [
            format!("SELECT 1{}", " + 1".repeat(300)),
            format!("SELECT {}1{}", "(".repeat(300), ")".repeat(300)),
            format!("SELECT 1 WHERE 1 = 1{}", " OR 1 = 1".repeat(300)),
            format!("SELECT 1{}", " IS NULL".repeat(300)),
            format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(300)),
        ];
        for text in deep {
            assert!(check_size(&text).is_err(), "{text}");
        }
        let wide = [
            format!("SELECT 1{}", " + 1".repeat(200)),
            format!("SELECT a FROM t WHERE a IN ({})", vec!["1"; 50_000].join(", ")),
            format!("SELECT {} FROM t", vec!["CAST(a + 1 AS bigint) AS b"; 1_000].join(", ")),
            "SELECT a.b FROM s.a JOIN s.c ON a.x = c.x WHERE a.y = 1 AND (c.z > 2 OR c.z IS NULL)".to_owned(),
        ];
        for text in wide {
            assert!(check_size(&text).is_ok(), "{text}");
        }
    }
}
