//! The tokens of Athena's statements, with where they stand. Strings are read as the statement's grammar has them:
//! in data definition (Hive's) a backslash escapes, elsewhere (Trino's) it is a character like others.

use super::{SqlError, SqlErrorKind};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An unquoted word or number, as written.
    Word(String),
    /// An identifier in double quotes or backquotes, without them.
    Quoted(String),
    /// A string in single quotes, without them, escapes resolved.
    Text(String),
    /// One character of punctuation.
    Mark(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Quoted(name) => write!(f, "\"{name}\""),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Mark(mark) => write!(f, "{mark}"),
        }
    }
}

/// A place in a statement; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The line, from 1; 0 when the place is not known.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

/// Splits a statement into tokens; comments and white space are left out. The last element is the end's position.
pub(crate) fn tokenize(text: &str) -> Result<(Vec<(Token, Position)>, Position), SqlError> {
    let mut scanner = Scanner {
        chars: text.chars().collect(),
        next: 0,
        at: Position { line: 1, column: 1 },
        escapes: true,
    };
    let mut tokens = Vec::new();
    while let Some(position) = scanner.skip_blanks()? {
        let token = scanner.token(position)?;
        if tokens.is_empty() {
            scanner.escapes = is_hive(&token);
        }
        tokens.push((token, position));
    }
    Ok((tokens, scanner.at))
}

struct Scanner {
    chars: Vec<char>,
    next: usize,
    at: Position,
    /// Whether a backslash in a string escapes.
    escapes: bool,
}

/// Whether a statement that begins so is one of Hive's grammar.
fn is_hive(first: &Token) -> bool {
    let Token::Word(word) = first else { return false };
    ["CREATE", "DROP", "SHOW", "DESCRIBE", "DESC", "MSCK", "ALTER"]
        .iter()
        .any(|begins| word.eq_ignore_ascii_case(begins))
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.next + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.next += 1;
        if c == '\n' {
            self.at = Position { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    /// Skips white space and comments; `None` at the end, else where the next token begins.
    fn skip_blanks(&mut self) -> Result<Option<Position>, SqlError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(c), _) if c.is_whitespace() => {
                    self.take();
                }
                (Some('-'), Some('-')) => while !matches!(self.take(), None | Some('\n')) {},
                (Some('/'), Some('*')) => self.skip_block_comment()?,
                (Some(_), _) => return Ok(Some(self.at)),
                (None, _) => return Ok(None),
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), SqlError> {
        let start = self.at;
        self.take();
        self.take();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('*'), Some('/')) => {
                    self.take();
                    self.take();
                    return Ok(());
                }
                (Some(_), _) => {
                    self.take();
                }
                (None, _) => return Err(unterminated(start, "comment")),
            }
        }
    }

    fn token(&mut self, start: Position) -> Result<Token, SqlError> {
        match self.peek(0) {
            Some('\'') => self.enclosed('\'', start, "string").map(Token::Text),
            Some(quote @ ('"' | '`')) => self.enclosed(quote, start, "quoted identifier").map(Token::Quoted),
            Some(c) if is_word(c) => {
                let mut word = String::new();
                while let Some(c) = self.peek(0).filter(|c| is_word(*c)) {
                    word.push(c);
                    self.take();
                }
                Ok(Token::Word(word))
            }
            _ => Ok(Token::Mark(self.take().unwrap_or(' '))),
        }
    }

    /// Text between quotes; a doubled quote stands for one, and in strings of Hive's statements a backslash escapes.
    fn enclosed(&mut self, quote: char, start: Position, what: &'static str) -> Result<String, SqlError> {
        self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err(unterminated(start, what)),
                Some(c) if c == quote => {
                    if self.peek(0) != Some(quote) {
                        return Ok(text);
                    }
                    self.take();
                    text.push(quote);
                }
                Some('\\') if quote == '\'' && self.escapes => self.escape(&mut text),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self, text: &mut String) {
        match self.peek(0) {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('u') => return self.unicode_escape(text),
            Some(c @ ('0'..='7')) if self.octal(text) => {
                debug_assert!(c.is_digit(8));
                return;
            }
            Some(c @ ('\\' | '\'' | '"')) => text.push(c),
            // Hive keeps the backslash of an escape that it does not know.
            Some(c) => text.extend(['\\', c]),
            None => return,
        }
        self.take();
    }

    /// `\001`: three octal digits; `false`, with nothing taken, when they are not three.
    fn octal(&mut self, text: &mut String) -> bool {
        let digits: String = (0..3).filter_map(|n| self.peek(n)).collect();
        match u32::from_str_radix(&digits, 8).ok().filter(|_| digits.len() == 3).and_then(char::from_u32) {
            Some(c) => {
                text.push(c);
                (0..3).for_each(|_| {
                    self.take();
                });
                true
            }
            None => false,
        }
    }

    /// `\u0001`: four hexadecimal digits; kept as written when they are not.
    fn unicode_escape(&mut self, text: &mut String) {
        let digits: String = (1..5).filter_map(|n| self.peek(n)).collect();
        match u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4).and_then(char::from_u32) {
            Some(c) => {
                text.push(c);
                (0..5).for_each(|_| {
                    self.take();
                });
            }
            None => text.push('\\'),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@')
}

fn unterminated(position: Position, what: &'static str) -> SqlError {
    SqlError { position, kind: SqlErrorKind::Syntax(format!("the {what} that begins here does not end")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        tokenize(text).expect("tokens").0.into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn words_quotes_marks_and_comments() {
        assert_eq!(
            tokens("DROP table -- really\n `a b`./* x */\"C\";"),
            [
                Token::Word("DROP".into()),
                Token::Word("table".into()),
                Token::Quoted("a b".into()),
                Token::Mark('.'),
                Token::Quoted("C".into()),
                Token::Mark(';'),
            ]
        );
    }

    #[test]
    fn escapes_in_strings() {
        assert_eq!(tokens(r"'it''s'"), [Token::Text("it's".into())]);
        assert_eq!(tokens(r"'\t\001\u0002\\'"), [Token::Text("\t\u{1}\u{2}\\".into())]);
        assert_eq!(tokens(r"'\d+'"), [Token::Text(r"\d+".into())]);
    }

    #[test]
    fn a_backslash_escapes_in_hives_statements_only() {
        let text = |statement: &str| tokens(statement).last().cloned();
        assert_eq!(text(r"SELECT '\'"), Some(Token::Text("\\".into())));
        assert_eq!(text(r"select a like 'a\%' escape '\'"), Some(Token::Text("\\".into())));
        assert_eq!(
            text(
                r"-- x
            INSERT INTO t SELECT '\t'"
            ),
            Some(Token::Text(r"\t".into()))
        );
        assert_eq!(text(r"create x '\t'"), Some(Token::Text("\t".into())));
    }

    #[test]
    fn what_does_not_end_is_named_with_its_place() {
        let error = tokenize("SHOW TABLES\n  'abc").expect_err("unterminated");
        assert_eq!(error.to_string(), "line 2:3: the string that begins here does not end");
    }
}
