//! Names of types, and what must hold within a message or an enumeration.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::Parsed;
use super::{Enum, Kind, Message, Reserved};
use crate::Invalid;

/// Google's well-known types. Source: Protocol Buffers well-known types.
const KNOWN: [&str; 18] = [
    "Any",
    "Timestamp",
    "Duration",
    "Empty",
    "FieldMask",
    "Struct",
    "Value",
    "ListValue",
    "NullValue",
    "DoubleValue",
    "FloatValue",
    "Int64Value",
    "UInt64Value",
    "Int32Value",
    "UInt32Value",
    "BoolValue",
    "StringValue",
    "BytesValue",
];

/// Resolves all type names and checks numbers and names.
pub(super) fn resolve(file: &mut Parsed) -> Result<(), Invalid> {
    let names = Names {
        package: file.package.clone(),
        messages: file.messages.keys().cloned().collect(),
        enums: file.enums.keys().cloned().collect(),
    };
    if let Some(both) = names.messages.intersection(&names.enums).next() {
        return Err(Invalid::new(format!("{both} is both a message and an enum")));
    }
    for (name, message) in &mut file.messages {
        for field in &mut message.fields {
            names.settle(name, &mut field.kind)?;
        }
        check_message(name, message)?;
    }
    for (name, found) in &file.enums {
        check_enum(name, found, file.proto3)?;
    }
    file.mentioned.iter().try_for_each(|name| match names.find("", name) {
        Some(Kind::Message(_) | Kind::Known(_)) => Ok(()),
        _ => Err(Invalid::new(format!("{name} is not a message"))),
    })
}

struct Names {
    package: String,
    messages: BTreeSet<String>,
    enums: BTreeSet<String>,
}

impl Names {
    fn settle(&self, scope: &str, kind: &mut Kind) -> Result<(), Invalid> {
        match kind {
            Kind::Unresolved(name) => match self.find(scope, name) {
                Some(found) => *kind = found,
                None => return Err(Invalid::new(format!("{scope}: the type {name} is not defined"))),
            },
            Kind::Map(_, value) => self.settle(scope, value)?,
            _ => {}
        }
        Ok(())
    }

    /// Looks from the innermost scope outwards, as C++ does; a leading dot means the outermost.
    fn find(&self, scope: &str, name: &str) -> Option<Kind> {
        if let Some(absolute) = name.strip_prefix('.') {
            return self.absolute(absolute);
        }
        let mut scope = scope;
        loop {
            let candidate = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
            if let Some(found) = self.within(&candidate) {
                return Some(found);
            }
            if scope.is_empty() {
                break;
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        // The package's own scopes, and the top.
        let mut package = self.package.as_str();
        loop {
            let candidate = if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") };
            if let Some(found) = self.absolute(&candidate) {
                return Some(found);
            }
            if package.is_empty() {
                return None;
            }
            package = package.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }

    fn within(&self, name: &str) -> Option<Kind> {
        if self.messages.contains(name) {
            return Some(Kind::Message(name.to_owned()));
        }
        self.enums.contains(name).then(|| Kind::Enum(name.to_owned()))
    }

    fn absolute(&self, name: &str) -> Option<Kind> {
        if let Some(known) = name.strip_prefix("google.protobuf.")
            && KNOWN.contains(&known)
        {
            return Some(Kind::Known(name.to_owned()));
        }
        if self.package.is_empty() {
            return self.within(name);
        }
        self.within(name.strip_prefix(&self.package)?.strip_prefix('.')?)
    }
}

fn is_reserved(reserved: &Reserved, name: &str, number: i64) -> bool {
    reserved.names.iter().any(|one| one == name)
        || reserved.numbers.iter().any(|(start, end)| (*start..=*end).contains(&number))
}

fn check_message(name: &str, message: &Message) -> Result<(), Invalid> {
    let (mut numbers, mut names) = (BTreeMap::new(), BTreeSet::new());
    for field in &message.fields {
        if let Some(other) = numbers.insert(field.number, &field.name) {
            let reason = format!("{name}: {other} and {} have the number {}", field.name, field.number);
            return Err(Invalid::new(reason));
        }
        if !names.insert(&field.name) {
            return Err(Invalid::new(format!("{name}: the field {} is defined twice", field.name)));
        }
        if is_reserved(&message.reserved, &field.name, field.number) {
            return Err(Invalid::new(format!("{name}: the field {} uses what is reserved", field.name)));
        }
    }
    Ok(())
}

fn check_enum(name: &str, found: &Enum, proto3: bool) -> Result<(), Invalid> {
    let Some((_, first)) = found.values.first() else {
        return Err(Invalid::new(format!("the enum {name} has no value")));
    };
    if proto3 && *first != 0 {
        return Err(Invalid::new(format!("{name}: the first value of an enum must be 0 in proto3")));
    }
    let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (value, number) in &found.values {
        if !names.insert(value) {
            return Err(Invalid::new(format!("{name}: the value {value} is defined twice")));
        }
        if !numbers.insert(number) && !found.allow_alias {
            return Err(Invalid::new(format!(
                "{name}: the number {number} is given twice, without allow_alias"
            )));
        }
        if is_reserved(&found.reserved, value, *number) {
            return Err(Invalid::new(format!("{name}: the value {value} uses what is reserved")));
        }
    }
    Ok(())
}
