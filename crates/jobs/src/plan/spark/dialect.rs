//! The text of a SparkSQL node as a syntax tree.
//!
//! The parser's own Spark dialect leaves out, without a word, what decides the meaning of literals: it reads `1.5D` as
//! `1.5 AS D`, `r'\d'` as a column, and keeps backslashes in texts. Literals are therefore looked at here, between
//! splitting the text and parsing it. A number that is not a plain integer becomes a call of [`NUMBER`], which keeps it
//! as it was written.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Statement};
use datafusion::sql::sqlparser::dialect::{Dialect, SparkSqlDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};
use engine::{EngineError, check_size, on_large_stack, regroup_distinct};

/// The function that stands for a number's literal until it is planned.
pub(in crate::plan) const NUMBER: &str = "__number";

/// The parser's Spark dialect, with what it lacks.
#[derive(Debug)]
struct Spark;

impl Dialect for Spark {
    fn dialect(&self) -> TypeId {
        SparkSqlDialect.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        SparkSqlDialect.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        SparkSqlDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        SparkSqlDialect.is_identifier_part(ch)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_cte_without_as(&self) -> bool {
        true
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    /// `DIV` binds as `*` does.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if !parser.parse_keyword(Keyword::DIV) {
            return None;
        }
        let right = parser.parse_subexpr(precedence);
        Some(right.map(|right| Expr::BinaryOp {
            left: Box::new(left.clone()),
            op: BinaryOperator::MyIntegerDivide,
            right: Box::new(right),
        }))
    }
}

/// Parses one statement.
/// Errors: `Sql`, with the place, for text that is not Spark's SQL.
pub(super) fn parse(text: &str) -> Result<Statement, EngineError> {
    check_size(text)?;
    let text = text.trim().trim_end_matches(';');
    let split = Tokenizer::new(&Spark, text).with_unescape(false).tokenize_with_location();
    let tokens = literals(split.map_err(|error| sql(error.to_string()))?)?;
    let statements =
        on_large_stack(|| Parser::new(&Spark).with_tokens_with_locations(tokens).parse_statements());
    let mut statements = statements.map_err(|error| sql(error.to_string()))?;
    on_large_stack(|| regroup_distinct(&mut statements))
        .map_err(|at| sql(format!("a condition right of IS DISTINCT FROM needs parentheses{at}")))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(EngineError::Unsupported {
            message: "only a single SELECT statement can be run here".to_owned(),
        }),
    }
}

fn sql(message: String) -> EngineError {
    EngineError::Sql { message }
}

fn literals(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, EngineError> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(TokenWithSpan { token, span }) = tokens.next() {
        let next = tokens.peek().map(|next| next.token.clone());
        let token = match (token, next) {
            (Token::Number(number, long), next) => {
                let mut number = if long { format!("{number}L") } else { number };
                // Only blanks may follow; anything else belongs to the number.
                if let Some(Token::Word(suffix)) = next
                    && suffix.quote_style.is_none()
                {
                    number.push_str(&suffix.value);
                    tokens.next();
                }
                if number.parse::<i64>().is_ok() {
                    Token::Number(number, false)
                } else {
                    out.extend(call(number).map(|token| TokenWithSpan { token, span }));
                    continue;
                }
            }
            (Token::Word(word), Some(Token::SingleQuotedString(raw) | Token::DoubleQuotedString(raw)))
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("r") =>
            {
                tokens.next();
                Token::SingleQuotedString(raw)
            }
            (Token::SingleQuotedString(raw), _) => Token::SingleQuotedString(unescaped(&raw, '\'')?),
            (Token::DoubleQuotedString(raw), _) => Token::SingleQuotedString(unescaped(&raw, '"')?),
            (Token::Word(word), _) if word.quote_style == Some('`') => {
                let value = word.value.replace("``", "`");
                Token::Word(Word { value, ..word })
            }
            (other, _) => other,
        };
        out.push(TokenWithSpan { token, span });
    }
    Ok(out)
}

fn call(number: String) -> [Token; 4] {
    let name = Word { value: NUMBER.to_owned(), quote_style: None, keyword: Keyword::NoKeyword };
    [Token::Word(name), Token::LParen, Token::SingleQuotedString(number), Token::RParen]
}

/// What a text literal means. Of `\%` and `\_` the backslash stays, for LIKE.
fn unescaped(raw: &str, quote: char) -> Result<String, EngineError> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        if next == quote {
            let message =
                format!("{quote}{raw}{quote}: Spark joins two texts here; write \\{quote} for a quote");
            return Err(EngineError::Unsupported { message });
        }
        if next != '\\' {
            out.push(next);
            continue;
        }
        if let Some((letter, after)) = coded(rest) {
            out.push(letter);
            rest = after;
            continue;
        }
        let Some(escaped) = rest.chars().next() else { break };
        rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
        match escaped {
            '0' => out.push('\0'),
            'b' => out.push('\u{8}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'Z' => out.push('\u{1a}'),
            '%' | '_' => out.extend(['\\', escaped]),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// `u0041`, `U00000041` and the octal `101` as a letter, and what follows.
fn coded(text: &str) -> Option<(char, &str)> {
    let (digits, length, radix) = match text.chars().next()? {
        'u' => (text.get(1..)?, 4, 16),
        'U' => (text.get(1..)?, 8, 16),
        '0'..='1' => (text, 3, 8),
        _ => return None,
    };
    let (code, after) = digits.split_at_checked(length)?;
    if !code.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(code, radix).ok()?)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    #[test]
    fn literals_keep_what_was_written() {
        assert_eq!(read("SELECT 1.5D"), "SELECT __number('1.5D')");
        assert_eq!(read("SELECT 1 AS d, 2 d"), "SELECT 1 AS d, 2 AS d");
        assert_eq!(
            read("SELECT 7L, 1e0, 1.5BD"),
            "SELECT __number('7L'), __number('1e0'), __number('1.5BD')"
        );
        assert_eq!(read("SELECT 'a\\'b\\\\c\\u0041'"), "SELECT 'a''b\\cA'");
        assert_eq!(read("SELECT r'\\d', \"x\""), "SELECT '\\d', 'x'");
        assert_eq!(read("SELECT 'a' 'b'"), "SELECT 'ab'");
        assert_eq!(read("SELECT '50\\%'"), "SELECT '50\\%'");
        assert!(parse("SELECT 'it''s'").is_err());
    }

    #[test]
    fn div_binds_as_times() {
        let Statement::Query(query) = parse("SELECT 10 DIV 3 + 1").unwrap() else { panic!("a query") };
        let text = format!("{:?}", query.body);
        // The inner operator is written first.
        assert!(text.find("MyIntegerDivide").unwrap() < text.find("Plus").unwrap(), "{text}");
    }
}
