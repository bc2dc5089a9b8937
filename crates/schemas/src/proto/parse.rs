//! The grammar. Source: Protocol Buffers language specification, proto2 and proto3.

use std::collections::BTreeMap;

use super::lex::{Kind as Lexeme, Token};
use super::{Enum, Field, Kind, Label, Message, Reserved, Scalar};
use crate::Invalid;

/// A file as it is written: type names are not resolved.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) proto3: bool,
    pub(super) package: String,
    pub(super) messages: BTreeMap<String, Message>,
    pub(super) enums: BTreeMap<String, Enum>,
    pub(super) top: Vec<String>,
    /// Types of requests and responses, to be resolved too.
    pub(super) mentioned: Vec<String>,
}

/// Messages within messages.
const MAX_NESTING: usize = 32;
/// The highest field number.
const MAX_FIELD: i64 = 536_870_911;

/// Reads a file.
pub(super) fn file(tokens: &[Token]) -> Result<Parsed, Invalid> {
    let mut parser = Parser { tokens, at: 0, file: Parsed::default() };
    parser.file()?;
    Ok(parser.file)
}

pub(super) struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    file: Parsed,
}

impl<'a> Parser<'a> {
    pub(super) fn tokens(&self) -> &'a [Token] {
        self.tokens
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    fn file(&mut self) -> Result<(), Invalid> {
        let mut packaged = false;
        while let Some(token) = self.tokens.get(self.at) {
            let first = self.at == 0;
            if self.sign(';') {
                continue;
            }
            let Lexeme::Word(word) = &token.kind else {
                return Err(self.error("a declaration was expected"));
            };
            self.at += 1;
            match word.as_str() {
                "syntax" if first => self.syntax()?,
                "syntax" => return Err(self.error("\"syntax\" must come first")),
                "edition" => return Err(self.error("editions are not supported: only proto2 and proto3")),
                "import" => self.import()?,
                "package" if packaged => return Err(self.error("the package is given twice")),
                "package" => {
                    packaged = true;
                    self.file.package = self.word("the package's name")?;
                    self.end()?;
                }
                "option" => self.option()?,
                "message" => {
                    let name = self.message("", 0)?;
                    self.file.top.push(name);
                }
                "enum" => self.enumeration("")?,
                "service" => self.service()?,
                "extend" => return Err(self.error("extensions are not supported")),
                other => return Err(self.error(&format!("{other:?} is not a declaration"))),
            }
        }
        Ok(())
    }

    fn syntax(&mut self) -> Result<(), Invalid> {
        self.expect('=')?;
        match self.text()?.as_str() {
            "proto2" => {}
            "proto3" => self.file.proto3 = true,
            other => return Err(self.error(&format!("the syntax {other:?} is neither proto2 nor proto3"))),
        }
        self.end()
    }

    fn import(&mut self) -> Result<(), Invalid> {
        let _ = self.keyword("public") || self.keyword("weak");
        let path = self.text()?;
        if !path.starts_with("google/protobuf/") {
            let reason = "a definition must stand by itself: only google/protobuf/… can be imported";
            return Err(self.error(&format!("import {path:?}: {reason}")));
        }
        self.end()
    }

    fn message(&mut self, outer: &str, nesting: usize) -> Result<String, Invalid> {
        if nesting >= MAX_NESTING {
            return Err(self.error("messages are nested too deeply"));
        }
        let name = self.identifier("a message's name")?;
        let name = if outer.is_empty() { name } else { format!("{outer}.{name}") };
        let mut message = Message::default();
        self.expect('{')?;
        while !self.sign('}') {
            self.member(&name, &mut message, nesting)?;
        }
        if self.file.messages.insert(name.clone(), message).is_some() {
            return Err(self.error(&format!("the message {name} is defined twice")));
        }
        Ok(name)
    }

    fn member(&mut self, owner: &str, message: &mut Message, nesting: usize) -> Result<(), Invalid> {
        if self.sign(';') {
            return Ok(());
        }
        // A keyword is also a good name of a type: what follows tells.
        let is_declaration =
            matches!(self.tokens.get(self.at + 1).map(|next| &next.kind), Some(Lexeme::Word(_)));
        let Some(Lexeme::Word(word)) = self.tokens.get(self.at).map(|token| &token.kind) else {
            return Err(self.error("a field was expected"));
        };
        match word.as_str() {
            "message" if is_declaration => {
                self.at += 1;
                self.message(owner, nesting + 1).map(|_| ())
            }
            "enum" if is_declaration => {
                self.at += 1;
                self.enumeration(owner)
            }
            "oneof" if is_declaration => {
                self.at += 1;
                self.oneof(message)
            }
            "option" => {
                self.at += 1;
                self.option()
            }
            "reserved" => {
                self.at += 1;
                self.reserved(&mut message.reserved)
            }
            "extensions" | "extend" => Err(self.error("extensions are not supported")),
            "map" if self.follows('<') => {
                let field = self.map()?;
                message.fields.push(field);
                Ok(())
            }
            _ => {
                let field = self.field(None)?;
                message.fields.push(field);
                Ok(())
            }
        }
    }

    fn label(&mut self) -> Result<Label, Invalid> {
        let proto3 = self.file.proto3;
        if self.keyword("repeated") {
            return Ok(Label::Repeated);
        }
        if self.keyword("optional") {
            return Ok(Label::Optional);
        }
        if self.keyword("required") {
            return if proto3 {
                Err(self.error("required fields are not allowed in proto3"))
            } else {
                Ok(Label::Required)
            };
        }
        if proto3 {
            return Ok(Label::Plain);
        }
        Err(self.error("a field needs \"required\", \"optional\" or \"repeated\" in proto2"))
    }

    fn field(&mut self, group: Option<&str>) -> Result<Field, Invalid> {
        let label = if group.is_some() { Label::Optional } else { self.label()? };
        let written = self.word("a field's type")?;
        if written == "group" {
            return Err(self.error("groups are not supported"));
        }
        let kind = Scalar::parse(&written).map_or(Kind::Unresolved(written), Kind::Scalar);
        let name = self.identifier("a field's name")?;
        let number = self.field_number()?;
        self.options()?;
        self.end()?;
        Ok(Field { name, number, label, kind, group: group.map(str::to_owned) })
    }

    fn map(&mut self) -> Result<Field, Invalid> {
        self.at += 1;
        self.expect('<')?;
        let key = self.word("a map's key type")?;
        let not_keys = [Scalar::Double, Scalar::Float, Scalar::Bytes];
        let Some(key) = Scalar::parse(&key).filter(|key| !not_keys.contains(key)) else {
            return Err(self.error(&format!("{key} cannot be the key of a map")));
        };
        self.expect(',')?;
        let value = self.word("a map's value type")?;
        self.expect('>')?;
        let value = Scalar::parse(&value).map_or(Kind::Unresolved(value), Kind::Scalar);
        let name = self.identifier("a field's name")?;
        let number = self.field_number()?;
        self.options()?;
        self.end()?;
        Ok(Field { name, number, label: Label::Repeated, kind: Kind::Map(key, Box::new(value)), group: None })
    }

    fn oneof(&mut self, message: &mut Message) -> Result<(), Invalid> {
        let name = self.identifier("a oneof's name")?;
        if message.fields.iter().any(|field| field.group.as_ref() == Some(&name)) {
            return Err(self.error(&format!("the oneof {name} is defined twice")));
        }
        self.expect('{')?;
        let before = message.fields.len();
        while !self.sign('}') {
            if self.sign(';') {
                continue;
            }
            if self.keyword("option") {
                self.option()?;
                continue;
            }
            let field = self.field(Some(&name))?;
            message.fields.push(field);
        }
        if message.fields.len() == before {
            return Err(self.error(&format!("the oneof {name} has no field")));
        }
        Ok(())
    }

    fn field_number(&mut self) -> Result<i64, Invalid> {
        self.expect('=')?;
        let number = self.integer()?;
        if !(1..=MAX_FIELD).contains(&number) || (19_000..=19_999).contains(&number) {
            return Err(self.error(&format!("{number} cannot be the number of a field")));
        }
        Ok(number)
    }

    fn reserved(&mut self, reserved: &mut Reserved) -> Result<(), Invalid> {
        loop {
            match self.tokens.get(self.at).map(|token| &token.kind) {
                Some(Lexeme::Text(name)) => {
                    reserved.names.push(name.clone());
                    self.at += 1;
                }
                _ => {
                    let start = self.integer()?;
                    let end = if !self.keyword("to") {
                        start
                    } else if self.keyword("max") {
                        i64::MAX
                    } else {
                        self.integer()?
                    };
                    if end < start {
                        return Err(self.error("a reserved range ends before it starts"));
                    }
                    reserved.numbers.push((start, end));
                }
            }
            if !self.sign(',') {
                return self.end();
            }
        }
    }

    fn enumeration(&mut self, outer: &str) -> Result<(), Invalid> {
        let name = self.identifier("an enum's name")?;
        let name = if outer.is_empty() { name } else { format!("{outer}.{name}") };
        let mut found = Enum::default();
        self.expect('{')?;
        while !self.sign('}') {
            if self.sign(';') {
                continue;
            }
            if self.keyword("option") {
                let aliases = matches!(self.tokens.get(self.at).map(|token| &token.kind), Some(Lexeme::Word(word)) if word == "allow_alias");
                self.option()?;
                found.allow_alias |= aliases;
                continue;
            }
            if self.keyword("reserved") {
                self.reserved(&mut found.reserved)?;
                continue;
            }
            let value = self.identifier("an enum value's name")?;
            self.expect('=')?;
            let number = self.integer()?;
            if i32::try_from(number).is_err() {
                return Err(self.error(&format!("{number} cannot be the number of an enum value")));
            }
            self.options()?;
            self.end()?;
            found.values.push((value, number));
        }
        if self.file.enums.insert(name.clone(), found).is_some() {
            return Err(self.error(&format!("the enum {name} is defined twice")));
        }
        Ok(())
    }

    fn service(&mut self) -> Result<(), Invalid> {
        self.identifier("a service's name")?;
        self.expect('{')?;
        while !self.sign('}') {
            if self.sign(';') {
                continue;
            }
            if self.keyword("option") {
                self.option()?;
                continue;
            }
            if !self.keyword("rpc") {
                return Err(self.error("\"rpc\" was expected"));
            }
            self.identifier("a method's name")?;
            self.message_in_brackets()?;
            if !self.keyword("returns") {
                return Err(self.error("\"returns\" was expected"));
            }
            self.message_in_brackets()?;
            if self.sign('{') {
                while !self.sign('}') {
                    if !self.sign(';') {
                        if !self.keyword("option") {
                            return Err(self.error("an option was expected"));
                        }
                        self.option()?;
                    }
                }
            } else {
                self.end()?;
            }
        }
        Ok(())
    }

    fn message_in_brackets(&mut self) -> Result<(), Invalid> {
        self.expect('(')?;
        let mut name = self.word("a message's name")?;
        if name == "stream" && !self.at_sign(')') {
            name = self.word("a message's name")?;
        }
        self.file.mentioned.push(name);
        self.expect(')')
    }
}
