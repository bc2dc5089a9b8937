//! The words of a query, before they are parsed: what the parser would take and Trino does not is a syntax error here,
//! and rows of VALUES get the parentheses that the parser wants.

use std::collections::HashSet;

use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::{Position, SqlError, from_parser};

/// Splits the text.
/// Errors: what is no word of the language, with its place.
pub(super) fn tokens(text: &str, end: Position) -> Result<Vec<TokenWithSpan>, SqlError> {
    let split = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
    let split = split.map_err(|error| from_parser(error.into(), end))?;
    let tokens: Vec<TokenWithSpan> =
        split.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before)).map(|token| &token.token);
        let strange = match &token.token {
            Token::DoubleEq => true,
            Token::Word(word) => word.quote_style.is_some_and(|quote| quote != '"'),
            Token::SingleQuotedString(_) => matches!(before, Some(Token::SingleQuotedString(_))),
            _ => false,
        };
        if strange {
            let message = format!("mismatched input '{}'", token.token);
            return Err(SqlError::syntax(place(token.span.start), message));
        }
    }
    Ok(with_rows_enclosed(tokens))
}

fn place(at: Location) -> Position {
    Position { line: at.line, column: at.column }
}

/// `VALUES 1, 2` as `VALUES (1), (2)`.
fn with_rows_enclosed(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut rows = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if matches!(&token.token, Token::Word(word) if word.keyword == Keyword::VALUES) {
            bare_rows(&tokens, at + 1, &mut rows);
        }
    }
    if rows.is_empty() {
        return tokens;
    }
    let starts: HashSet<usize> = rows.iter().map(|(start, _)| *start).collect();
    let lasts: HashSet<usize> = rows.iter().map(|(_, last)| *last).collect();
    let mark = |token, at| TokenWithSpan { token, span: Span { start: at, end: at } };
    let mut enclosed = Vec::with_capacity(tokens.len() + 2 * rows.len());
    for (at, token) in tokens.into_iter().enumerate() {
        let span = token.span;
        enclosed.extend(starts.contains(&at).then(|| mark(Token::LParen, span.start)));
        enclosed.push(token);
        enclosed.extend(lasts.contains(&at).then(|| mark(Token::RParen, span.end)));
    }
    enclosed
}

/// The rows without parentheses from a token on, by their first and last tokens.
fn bare_rows(tokens: &[TokenWithSpan], mut start: usize, rows: &mut Vec<(usize, usize)>) {
    while let Some(end) = item_end(tokens, start).filter(|end| *end > start) {
        if tokens[start].token != Token::LParen || closing(tokens, start) != Some(end - 1) {
            rows.push((start, end - 1));
        }
        match tokens.get(end).map(|token| &token.token) {
            Some(Token::Comma) => start = end + 1,
            _ => return,
        }
    }
}

/// Where the row that begins at a token ends: before a comma, or what follows all rows.
fn item_end(tokens: &[TokenWithSpan], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return Some(at),
            Token::RParen => depth -= 1,
            Token::Comma | Token::SemiColon | Token::EOF if depth == 0 => return Some(at),
            Token::Word(word) if depth == 0 && ends_rows(word.keyword) => return Some(at),
            _ => {}
        }
    }
    (depth == 0).then_some(tokens.len())
}

fn ends_rows(keyword: Keyword) -> bool {
    use Keyword::{EXCEPT, FETCH, INTERSECT, LIMIT, OFFSET, ORDER, UNION};
    matches!(keyword, EXCEPT | FETCH | INTERSECT | LIMIT | OFFSET | ORDER | UNION)
}

fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::sql::{Statement, parse};

    #[test]
    fn what_only_the_parser_takes_is_a_syntax_error() {
        for (text, expected) in [
            ("SELECT 1 == 1", "SYNTAX_ERROR: line 1:10: mismatched input '=='"),
            ("SELECT `a` FROM t", "SYNTAX_ERROR: line 1:8: mismatched input '`a`'"),
            ("SELECT 'a' 'b'", "SYNTAX_ERROR: line 1:12: mismatched input ''b''"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(format!("{}: {error}", error.code()), expected);
        }
    }

    #[test]
    fn rows_need_no_parentheses() {
        let rows = |text: &str| match parse(&format!("SELECT x FROM ({text}) t(x)")) {
            Ok(Statement::Select(select)) => select.query.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for (bare, enclosed) in [
            ("VALUES 1, 2", "VALUES (1), (2)"),
            ("VALUES (1), 2 + 1, (3) + 4", "VALUES (1), (2 + 1), ((3) + 4)"),
            ("VALUES coalesce(1, 2), 3 UNION VALUES 4", "VALUES (coalesce(1, 2)), (3) UNION VALUES (4)"),
            ("VALUES 1 ORDER BY 1 LIMIT 2", "VALUES (1) ORDER BY 1 LIMIT 2"),
        ] {
            assert_eq!(rows(bare), rows(enclosed), "{bare}");
        }
        assert!(parse("SELECT x FROM (VALUES 1,) t(x)").is_err());
    }
}
