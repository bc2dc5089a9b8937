//! A row's tree, appended to column builders.

use std::collections::HashMap;

use super::tree::Node;
use crate::builder::Column;
use crate::options::{Malformed, XmlOptions};

/// Why a row cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// A value that does not fit its column.
    Value { column: String, value: String },
    /// Two values for one column: their names, with the prefix of attributes.
    Repeated { first: String, second: String },
}

/// Attributes, elements and text of one element that mean the same column: the first two names. Elements of one name, however
/// they are spelled, are no such: they make an array.
pub(crate) fn repeated(node: &Node, options: &XmlOptions) -> Option<(String, String)> {
    let has_text = node.has_text() && (!node.attributes.is_empty() || !node.children.is_empty());
    let kinds = [!node.attributes.is_empty(), !node.children.is_empty(), has_text];
    if node.attributes.len() < 2 && kinds.into_iter().filter(|has| *has).count() < 2 {
        return None;
    }
    let attributes = node.attributes.iter().map(|(name, _)| format!("{}{name}", options.attribute_prefix));
    let mut seen: HashMap<String, (String, bool)> = HashMap::new();
    let elements = node.children.iter().map(|child| (child.name.clone(), true));
    let text = has_text.then(|| (options.value_tag.clone(), false));
    for (name, is_element) in attributes.map(|name| (name, false)).chain(elements).chain(text) {
        if let Some((first, was_element)) = seen.insert(name.to_lowercase(), (name.clone(), is_element))
            && !(was_element && is_element)
        {
            return Some((first, name));
        }
    }
    None
}

/// What the rows of a table have in common.
pub(crate) struct Appender<'a> {
    pub(crate) options: &'a XmlOptions,
    /// The row's text, for columns that take an element as it is written.
    pub(crate) text: &'a str,
}

impl Appender<'_> {
    /// Appends one value to each of the columns, which are called `names`. Names match ignoring case.
    pub(crate) fn members(
        &self,
        node: &Node,
        names: &[String],
        columns: &mut [Column],
    ) -> Result<(), Misfit> {
        // One of two would be lost, unseen.
        if let Some((first, second)) = repeated(node, self.options) {
            return Err(Misfit::Repeated { first, second });
        }
        for (name, column) in names.iter().zip(columns) {
            if let Some(value) = self.attribute(node, name) {
                self.scalar(column, value, name)?;
                continue;
            }
            let found = children(node, name);
            if found.is_empty() && name.eq_ignore_ascii_case(&self.options.value_tag) && node.has_text() {
                self.scalar(column, own_text(node), name)?;
                continue;
            }
            self.elements(&found, column, name)?;
        }
        Ok(())
    }

    fn attribute<'n>(&self, node: &'n Node, name: &str) -> Option<&'n str> {
        let prefix = self.options.attribute_prefix.as_str();
        let (_, wanted) = name.split_at_checked(prefix.len()).filter(|(own, _)| same(own, prefix))?;
        let found = node.attributes.iter().find(|(name, _)| same(name, wanted));
        found.map(|(_, value)| value.as_str())
    }

    fn elements(&self, found: &[&Node], column: &mut Column, name: &str) -> Result<(), Misfit> {
        match (found, &mut *column) {
            ([], column) => column.append_null(),
            (_, Column::List(list, item)) => {
                for node in found {
                    self.element(node, item, name)?;
                }
                list.close(item.len(), true);
            }
            ([node], column) => self.element(node, column, name)?,
            _ => return self.misfit(column, name, &format!("{} elements", found.len())),
        }
        Ok(())
    }

    fn element(&self, node: &Node, column: &mut Column, name: &str) -> Result<(), Misfit> {
        if node.is_nil {
            column.append_null();
            return Ok(());
        }
        match column {
            Column::Struct(inner) => {
                self.members(node, &inner.names, &mut inner.columns)?;
                inner.valid.append(true);
                Ok(())
            }
            Column::Map(map, keys, values) => {
                for child in &node.children {
                    self.scalar(keys, &child.name, name)?;
                    self.element(child, values, name)?;
                }
                map.close(keys.len(), true);
                Ok(())
            }
            Column::List(list, item) => {
                self.element(node, item, name)?;
                list.close(item.len(), true);
                Ok(())
            }
            column if node.children.is_empty() => self.scalar(column, &node.text, name),
            // As it is written.
            Column::Text(text) => {
                text.push(self.text[node.content.clone()].trim().as_bytes());
                Ok(())
            }
            column => self.misfit(column, name, &self.text[node.content.clone()]),
        }
    }

    fn scalar(&self, column: &mut Column, text: &str, name: &str) -> Result<(), Misfit> {
        if (self.options.empty_is_null || !column.is_text()) && text.trim().is_empty() {
            column.append_null();
            return Ok(());
        }
        let text = if self.options.trim { text.trim() } else { text };
        match column.append_text(text.as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => self.misfit(column, name, text),
        }
    }

    fn misfit(&self, column: &mut Column, name: &str, value: &str) -> Result<(), Misfit> {
        if self.options.malformed_value == Malformed::Null {
            column.append_null();
            return Ok(());
        }
        Err(Misfit::Value { column: name.to_owned(), value: value.to_owned() })
    }
}

/// The text between an element's own elements; of one without any, exactly as it is.
pub(crate) fn own_text(node: &Node) -> &str {
    if node.children.is_empty() { &node.text } else { node.text.trim() }
}

fn children<'n>(node: &'n Node, name: &str) -> Vec<&'n Node> {
    node.children.iter().filter(|child| same(&child.name, name)).collect()
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}
