//! From words to a checked expression.

use crate::expression::lex::{Lexeme, Token, lex};
use crate::expression::like::LikePattern;
use crate::expression::{Comparison, Expr, ExpressionError, Key, KeyType, Node, TypedValue};
use crate::model::Column;

/// How deep parentheses and `NOT` may nest.
const MAX_DEPTH: usize = 128;

/// Words that are not keys unless quoted.
const RESERVED: [&str; 9] = ["and", "or", "not", "in", "between", "like", "is", "null", "escape"];

/// Reads an expression over a table's partition keys; `None` when it is blank, which filters
/// nothing.
/// Errors: see [`ExpressionError`]; each names the position.
pub fn parse(expression: &str, keys: &[Column]) -> Result<Option<Expr>, ExpressionError> {
    if expression.trim().is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { expression, keys, lexemes: lex(expression)?, at: 0, depth: 0 };
    let node = parser.or()?;
    match parser.peek() {
        Token::End => Ok(Some(Expr(node))),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser<'a> {
    expression: &'a str,
    keys: &'a [Column],
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: usize,
}

/// One side of a comparison.
enum Operand {
    Key(Key, usize),
    Literal(String, usize),
    /// A double-quoted text: a key or a literal, by what is on the other side.
    Either(String, usize),
}

type Parsed<T> = Result<T, ExpressionError>;

impl Parser<'_> {
    fn lexeme(&self) -> &Lexeme {
        // The last lexeme is the end, and the parser never goes beyond it.
        &self.lexemes[self.at.min(self.lexemes.len() - 1)]
    }

    fn peek(&self) -> &Token {
        &self.lexeme().token
    }

    fn position(&self) -> usize {
        self.lexeme().position
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn expected(&self, what: &str) -> ExpressionError {
        self.expected_at(what, self.position())
    }

    fn expected_at(&self, what: &str, position: usize) -> ExpressionError {
        let expression = self.expression.to_owned();
        ExpressionError::Syntax { expression, expected: what.to_owned(), position }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn accept_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.expected(&format!("'{symbol}'"))) }
    }

    fn or(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.and()?];
        while self.accept_word("or") {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Node::Or))
    }

    fn and(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.not()?];
        while self.accept_word("and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Node::And))
    }

    fn not(&mut self) -> Parsed<Node> {
        if self.depth >= MAX_DEPTH {
            return Err(self.expected(&format!("no more than {MAX_DEPTH} nested terms")));
        }
        self.depth += 1;
        let node = if self.accept_word("not") {
            Ok(Node::Not(Box::new(self.not()?)))
        } else if self.accept_symbol("(") {
            let inner = self.or()?;
            self.symbol(")")?;
            Ok(inner)
        } else {
            self.predicate()
        };
        self.depth -= 1;
        node
    }

    fn predicate(&mut self) -> Parsed<Node> {
        let left = self.operand()?;
        if let Some(comparison) = self.comparison() {
            let right = self.operand()?;
            return self.compare(left, comparison, right);
        }
        let (key, position) = self.as_key(left)?;
        if self.accept_word("is") {
            let negated = self.accept_word("not");
            if !self.accept_word("null") {
                return Err(self.expected("NULL"));
            }
            return Ok(Node::IsNull { key, negated });
        }
        let negated = self.accept_word("not");
        if self.accept_word("in") {
            return self.in_list(key, negated);
        }
        if self.accept_word("between") {
            let low = self.literal(&key.key_type)?;
            if !self.accept_word("and") {
                return Err(self.expected("AND"));
            }
            let high = self.literal(&key.key_type)?;
            return Ok(Node::Between { key, low, high, negated });
        }
        if self.accept_word("like") {
            return self.like(key, position, negated);
        }
        Err(self.expected("an operator"))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.peek() {
            Token::Symbol("=") => Comparison::Equal,
            Token::Symbol("<>") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn compare(&self, left: Operand, comparison: Comparison, right: Operand) -> Parsed<Node> {
        let (key, comparison, literal) = match (left, right) {
            (Operand::Literal(text, at), right) => (right, comparison.flipped(), (text, at)),
            (left, Operand::Literal(text, at) | Operand::Either(text, at)) => (left, comparison, (text, at)),
            (Operand::Either(text, at), right @ Operand::Key(..)) => {
                (right, comparison.flipped(), (text, at))
            }
            (_, Operand::Key(_, position)) => {
                return Err(self.expected_at("a literal", position));
            }
        };
        let (key, _) = self.as_key(key)?;
        let value = read(&key.key_type, &literal.0, literal.1)?;
        Ok(Node::Compare { key, comparison, value })
    }

    fn in_list(&mut self, key: Key, negated: bool) -> Parsed<Node> {
        self.symbol("(")?;
        let mut values = vec![self.literal(&key.key_type)?];
        while self.accept_symbol(",") {
            values.push(self.literal(&key.key_type)?);
        }
        self.symbol(")")?;
        Ok(Node::In { key, values, negated })
    }

    fn like(&mut self, key: Key, position: usize, negated: bool) -> Parsed<Node> {
        if let Some(family) = key.key_type.without_like() {
            return Err(ExpressionError::NoLike { family, position });
        }
        let at = self.position();
        let (Token::Text(text) | Token::Double(text)) = self.next() else {
            return Err(self.expected_at("a pattern in quotes", at));
        };
        let escape = if self.accept_word("escape") { Some(self.escape()?) } else { None };
        match LikePattern::compile(&text, escape) {
            Ok(pattern) => Ok(Node::Like { key, pattern, negated }),
            Err(expected) => Err(self.expected_at(expected, at)),
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let at = self.position();
        if let Token::Text(text) | Token::Double(text) = self.next() {
            let mut chars = text.chars();
            if let (Some(only), None) = (chars.next(), chars.next()) {
                return Ok(only);
            }
        }
        Err(self.expected_at("one escape character in quotes", at))
    }

    /// A literal where no key may be.
    fn literal(&mut self, key_type: &KeyType) -> Parsed<TypedValue> {
        let at = self.position();
        match self.operand()? {
            Operand::Literal(text, position) | Operand::Either(text, position) => {
                read(key_type, &text, position)
            }
            Operand::Key(..) => Err(self.expected_at("a literal", at)),
        }
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let position = self.position();
        match self.next() {
            Token::Text(text) => Ok(Operand::Literal(text, position)),
            Token::Number(text) => Ok(Operand::Literal(text, position)),
            Token::Double(text) => Ok(Operand::Either(text, position)),
            Token::Back(name) => Ok(Operand::Key(self.key(&name, position)?, position)),
            Token::Symbol(sign @ ("-" | "+")) => match self.next() {
                Token::Number(text) => Ok(Operand::Literal(signed(sign, &text), position)),
                _ => Err(self.expected_at("a number", position + 1)),
            },
            Token::Symbol("{") => self.braced(position),
            Token::Word(word) => self.word(&word, position),
            _ => Err(self.expected_at("a key or a literal", position)),
        }
    }

    /// `{d 'text'}` and `{ts 'text'}`.
    fn braced(&mut self, position: usize) -> Parsed<Operand> {
        if self.accept_word("d") || self.accept_word("ts") {
            let at = self.position();
            let Token::Text(text) = self.next() else {
                return Err(self.expected_at("a text in quotes", at));
            };
            self.symbol("}")?;
            return Ok(Operand::Literal(text, position));
        }
        Err(self.expected("d or ts"))
    }

    fn word(&mut self, word: &str, position: usize) -> Parsed<Operand> {
        let lower = word.to_ascii_lowercase();
        if matches!(lower.as_str(), "date" | "timestamp")
            && let Token::Text(text) = self.peek().clone()
        {
            self.at += 1;
            return Ok(Operand::Literal(text, position));
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(self.expected_at("a key or a literal", position));
        }
        let known = self.keys.iter().any(|key| key.name == word.to_lowercase());
        if !known && matches!(lower.as_str(), "true" | "false") {
            return Ok(Operand::Literal(lower, position));
        }
        Ok(Operand::Key(self.key(word, position)?, position))
    }

    fn as_key(&self, operand: Operand) -> Parsed<(Key, usize)> {
        match operand {
            Operand::Key(key, position) => Ok((key, position)),
            Operand::Either(name, position) => Ok((self.key(&name, position)?, position)),
            Operand::Literal(_, position) => Err(self.expected_at("a partition key", position)),
        }
    }

    fn key(&self, name: &str, position: usize) -> Parsed<Key> {
        let folded = name.to_lowercase();
        let Some(index) = self.keys.iter().position(|key| key.name.to_lowercase() == folded) else {
            return Err(ExpressionError::UnknownKey { name: name.to_owned(), position });
        };
        match KeyType::parse(self.keys[index].hive_type()) {
            KeyType::Other(key_type) => Err(ExpressionError::UnsupportedType { key_type, position }),
            key_type => Ok(Key { position: index, key_type }),
        }
    }
}

fn signed(sign: &str, text: &str) -> String {
    if sign == "-" { format!("-{text}") } else { text.to_owned() }
}

fn read(key_type: &KeyType, text: &str, position: usize) -> Parsed<TypedValue> {
    key_type.read(text).map_err(|message| ExpressionError::LiteralNotOfType { message, position })
}

fn one_or(mut parts: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

impl Comparison {
    /// The comparison with its sides exchanged.
    fn flipped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }
}
