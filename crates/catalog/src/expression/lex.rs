//! Words of an expression.

use crate::expression::ExpressionError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or keyword, as written.
    Word(String),
    /// A number without sign, as written.
    Number(String),
    /// A text in single quotes.
    Text(String),
    /// A text in double quotes: a key or a literal, depending on its place.
    Double(String),
    /// A key in back quotes.
    Back(String),
    /// `= <> < <= > >= ( ) , + - { }`; `!=` is read as `<>`.
    Symbol(&'static str),
    End,
}

/// A word and its first character, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) position: usize,
}

/// Symbols; a longer one before its prefix.
const SYMBOLS: [(&str, &str); 14] = [
    ("<>", "<>"),
    ("!=", "<>"),
    ("<=", "<="),
    (">=", ">="),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("+", "+"),
    ("-", "-"),
    ("{", "{"),
    ("}", "}"),
];

struct Reader<'a> {
    expression: &'a str,
    chars: Vec<char>,
    at: usize,
}

/// Splits an expression into words, ending with [`Token::End`].
pub(crate) fn lex(expression: &str) -> Result<Vec<Lexeme>, ExpressionError> {
    let mut reader = Reader { expression, chars: expression.chars().collect(), at: 0 };
    let mut lexemes = Vec::new();
    loop {
        reader.take_while(char::is_whitespace);
        let position = reader.at + 1;
        let token = reader.token()?;
        let ended = token == Token::End;
        lexemes.push(Lexeme { token, position });
        if ended {
            return Ok(lexemes);
        }
    }
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    fn token(&mut self) -> Result<Token, ExpressionError> {
        let Some(first) = self.peek(0) else {
            return Ok(Token::End);
        };
        match first {
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '"' => Ok(Token::Double(self.quoted('"')?)),
            '`' => Ok(Token::Back(self.quoted('`')?)),
            c if c.is_alphabetic() || c == '_' => {
                Ok(Token::Word(self.take_while(|c| c.is_alphanumeric() || c == '_')))
            }
            c if c.is_ascii_digit() => self.number(),
            '.' if self.peek(1).is_some_and(|c| c.is_ascii_digit()) => self.number(),
            _ => self.symbol(),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, ExpressionError> {
        let start = self.at + 1;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c != quote {
                text.push(c);
            } else if self.peek(0) == Some(quote) {
                self.at += 1;
                text.push(quote);
            } else {
                return Ok(text);
            }
        }
        Err(self.syntax(start, format!("an end to the text that begins with {quote}")))
    }

    fn number(&mut self) -> Result<Token, ExpressionError> {
        let start = self.at;
        let mut text = self.take_while(|c| c.is_ascii_digit());
        if self.peek(0) == Some('.') {
            self.at += 1;
            text.push('.');
            text.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
        let exponent = matches!(self.peek(0), Some('e' | 'E'))
            && self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit());
        if exponent {
            text.extend(&self.chars[self.at..=self.at + sign]);
            self.at += 1 + sign;
            text.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        if self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(self.syntax(start + 1, "a number".to_owned()));
        }
        Ok(Token::Number(text))
    }

    fn symbol(&mut self) -> Result<Token, ExpressionError> {
        let rest: String = self.chars[self.at..].iter().take(2).collect();
        for (written, meant) in SYMBOLS {
            if rest.starts_with(written) {
                self.at += written.len();
                return Ok(Token::Symbol(meant));
            }
        }
        Err(self.syntax(self.at + 1, "a key, a literal or an operator".to_owned()))
    }

    fn syntax(&self, position: usize, expected: String) -> ExpressionError {
        let expression = self.expression.to_owned();
        ExpressionError::Syntax { expression, expected, position }
    }
}
