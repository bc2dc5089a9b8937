//! The setting `keys`: `[[keys]]` tables, or `id:secret,id:secret` from the environment. No text holds a secret.

use toml::{Table, Value};
use wire::{Key, Secret};

const FIELDS: [&str; 3] = ["access_key_id", "secret", "account"];

/// The keys that can be read, and what is wrong with the rest.
pub(super) fn read(value: &Value) -> (Vec<Key>, Vec<String>) {
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    match value {
        Value::Array(tables) => {
            for (index, table) in tables.iter().enumerate() {
                match from_table(table) {
                    Ok(key) => keys.push(key),
                    Err(found) => wrong.extend(found.into_iter().map(|what| format!("[{index}] {what}"))),
                }
            }
        }
        Value::String(list) => {
            for (index, pair) in list.split(',').enumerate() {
                match pair.trim().split_once(':') {
                    Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
                        keys.push(Key::new(id, Secret::new(secret)));
                    }
                    _ => wrong.push(format!("[{index}] a list access_key_id:secret,… is expected")),
                }
            }
        }
        _ => wrong.push("[[keys]] tables are expected".to_owned()),
    }
    (keys, wrong)
}

fn from_table(value: &Value) -> Result<Key, Vec<String>> {
    let Value::Table(table) = value else {
        return Err(vec!["a table of access_key_id and secret is expected".to_owned()]);
    };
    let mut wrong: Vec<String> = table
        .keys()
        .filter(|name| !FIELDS.contains(&name.as_str()))
        .map(|name| format!("{name} is no setting of a key"))
        .collect();
    let id = field(table, "access_key_id", &mut wrong);
    let secret = field(table, "secret", &mut wrong);
    let account = table.contains_key("account").then(|| field(table, "account", &mut wrong)).flatten();
    if account
        .as_ref()
        .is_some_and(|text| text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()))
    {
        wrong.push("account is not twelve digits".to_owned());
    }
    match (id, secret) {
        (Some(id), Some(secret)) if wrong.is_empty() => {
            Ok(Key { account, ..Key::new(id, Secret::new(secret)) })
        }
        _ => Err(wrong),
    }
}

fn field(table: &Table, name: &str, wrong: &mut Vec<String>) -> Option<String> {
    let what = match table.get(name) {
        Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
        Some(_) => "is not a text",
        None => "is missing",
    };
    wrong.push(format!("{name} {what}"));
    None
}
