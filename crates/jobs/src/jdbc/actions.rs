//! Statements of scripts that run around their rows, in one transaction with them.

use datafusion::sql::sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};
use sources::jdbc::Engine;

/// What begins or ends transactions, which is not theirs to do.
const OF_TRANSACTIONS: [&str; 7] = ["ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "START"];

/// The statements, when there are any. Errors: they end the transaction, or cannot be told apart.
pub(super) fn checked(engine: Engine, given: Option<&str>) -> Result<Option<&str>, String> {
    let Some(given) = given.filter(|given| !given.trim().is_empty()) else { return Ok(None) };
    let dialect: &dyn Dialect = match engine {
        Engine::Postgres => &PostgreSqlDialect {},
        Engine::MySql => &MySqlDialect {},
    };
    let tokens = Tokenizer::new(dialect, given).with_unescape(false).tokenize();
    let tokens = tokens.map_err(|error| format!("the statements cannot be read: {error}"))?;
    for statement in tokens.split(|token| *token == Token::SemiColon) {
        let words: Vec<String> = statement.iter().filter_map(word).take(2).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [first, rest @ ..]
                if OF_TRANSACTIONS.contains(first) || (*first, rest) == ("PREPARE", &["TRANSACTION"]) =>
            {
                return Err(format!(
                    "{first} is refused: the statements and the rows are one transaction, which is not theirs to end"
                ));
            }
            // What is written into a table of its name would not be told from a table that stays.
            ["CREATE", "TEMPORARY"] if engine == Engine::MySql => {
                return Err("CREATE TEMPORARY TABLE is refused on MySQL: make a table that stays".to_owned());
            }
            _ => {}
        }
    }
    Ok(Some(given))
}

/// A word that is not quoted, in capitals; of what begins a statement anything else counts as a word, too.
fn word(token: &Token) -> Option<String> {
    match token {
        Token::Whitespace(_) => None,
        Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_uppercase()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_transactions_is_refused_and_its_words_are_not() {
        for refused in [
            "commit",
            "DELETE FROM t; COMMIT AND CHAIN; SELECT 1",
            "/* x */ end",
            "-- x\nRollback",
            "select ';'; BEGIN",
            "START TRANSACTION",
            "insert into t values ('it''s; ok'); abort;",
            "select 'open",
            "prepare transaction 'x'",
        ] {
            checked(Engine::Postgres, Some(refused)).expect_err(refused);
        }
        for taken in [
            "DELETE FROM t",
            "prepare p as select 1; execute p",
            "insert into \"commit\" values ('; commit')",
            "DO $$ BEGIN PERFORM 1; END $$",
            "create temp table x(a int); -- commit;\nselect 1;",
            "update t set a = 'x\\' where b = 'y; COMMIT'",
        ] {
            assert_eq!(checked(Engine::Postgres, Some(taken)), Ok(Some(taken)));
        }
        assert_eq!(checked(Engine::MySql, Some(" \n")), Ok(None));
        checked(Engine::MySql, Some("create temporary table t(a int)")).expect_err("temporary");
    }
}
