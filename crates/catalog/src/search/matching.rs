//! Whether a table matches a search.
//!
//! Texts are split at what is neither letter nor digit. What a search joins by `_` must stand side by side in a text:
//! `customer_orders` finds `customer_orders_2024`, and so does `orders`. A filter's value matches one word, with what `_`
//! joins also as one, or the whole text.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

use crate::error::CatalogError;
use crate::model::Column;
use crate::table::Table;

/// How a filter on a time compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// The same millisecond.
    Equals,
    /// Later.
    GreaterThan,
    /// Earlier.
    LessThan,
    /// The same millisecond or later.
    GreaterThanEquals,
    /// The same millisecond or earlier.
    LessThanEquals,
}

/// A condition on a property of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// A member of the table such as `Name`, or a parameter such as `classification`; in any case.
    pub key: String,
    /// What it must be.
    pub value: String,
    /// For times only.
    pub comparator: Option<Comparator>,
}

/// Properties that are no times, in lower case. All but these are parameters.
const MEMBERS: [&str; 11] = [
    "name",
    "tablename",
    "databasename",
    "description",
    "owner",
    "tabletype",
    "createdby",
    "location",
    RETENTION,
    "vieworiginaltext",
    "viewexpandedtext",
];
const RETENTION: &str = "retention";

/// Refuses to sort by what is no member of a table: that would be no order.
pub(super) fn check_sort(field: &str) -> Result<(), CatalogError> {
    if is_time(field) || MEMBERS.iter().any(|name| name.eq_ignore_ascii_case(field)) {
        return Ok(());
    }
    Err(CatalogError::invalid(format!(
        "{field:?} cannot be sorted by: name a member of the table, such as Name, DatabaseName, Owner or UpdateTime."
    )))
}

/// Refuses a filter that cannot be compared.
pub(super) fn check(filter: &Filter) -> Result<(), CatalogError> {
    if is_time(&filter.key) {
        return match time_of(&filter.value) {
            Some(_) => Ok(()),
            None => Err(CatalogError::invalid(format!(
                "{:?} is not a time: write 2024-01-31T12:00:00Z or seconds since 1970.",
                filter.value
            ))),
        };
    }
    match filter.comparator {
        None | Some(Comparator::Equals) => Ok(()),
        Some(_) => {
            Err(CatalogError::invalid(format!("{} is not a time: only EQUALS compares it.", filter.key)))
        }
    }
}

impl Filter {
    /// A text that the document of every match holds, in lower case; `None` when the store cannot look for it.
    pub(super) fn needle(&self) -> Option<String> {
        // No retention counts as 0.
        let elsewhere = ["CreatedBy", RETENTION].iter().any(|name| self.key.eq_ignore_ascii_case(name));
        let in_document = !is_time(&self.key) && !elsewhere;
        needle(&self.value).filter(|_| in_document)
    }

    pub(super) fn matches(&self, table: &Table) -> bool {
        if is_time(&self.key) {
            let (Some(found), Some(wanted)) = (table_time(table, &self.key), time_of(&self.value)) else {
                return false;
            };
            let order = found.cmp(&wanted);
            return match self.comparator.unwrap_or(Comparator::Equals) {
                Comparator::Equals => order.is_eq(),
                Comparator::GreaterThan => order.is_gt(),
                Comparator::LessThan => order.is_lt(),
                Comparator::GreaterThanEquals => order.is_ge(),
                Comparator::LessThanEquals => order.is_le(),
            };
        }
        let wanted = self.value.to_lowercase();
        property(table, &self.key).is_some_and(|text| {
            let lower = text.to_lowercase();
            lower == wanted || words_of(&lower).any(|word| word == wanted)
        })
    }
}

fn is_time(key: &str) -> bool {
    ["CreateTime", "UpdateTime", "LastAccessTime", "LastAnalyzedTime"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(key))
}

/// Milliseconds since the epoch, as precise as answers show times.
fn time_of(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then(|| millis(seconds));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn table_time(table: &Table, key: &str) -> Option<i64> {
    let given =
        |time: &Option<serde_json::Number>| time.as_ref().and_then(serde_json::Number::as_f64).map(millis);
    match key.to_ascii_lowercase().as_str() {
        "createtime" => Some(table.created_ms),
        "updatetime" => Some(table.updated_ms),
        "lastaccesstime" => given(&table.input.last_access_time),
        _ => given(&table.input.last_analyzed_time),
    }
}

/// The text of a property that is no time.
fn property(table: &Table, key: &str) -> Option<String> {
    let input = &table.input;
    match key.to_ascii_lowercase().as_str() {
        "name" | "tablename" => Some(table.name.clone()),
        "databasename" => Some(table.database_name.clone()),
        "description" => input.description.clone(),
        "owner" => input.owner.clone(),
        "tabletype" => input.table_type.clone(),
        "createdby" => Some(table.created_by.clone()),
        "location" => table.location().map(str::to_owned),
        RETENTION => Some(input.retention.unwrap_or(0).to_string()),
        "vieworiginaltext" => input.view_original_text.clone(),
        "viewexpandedtext" => input.view_expanded_text.clone(),
        _ => {
            let parameters = table.parameters().into_iter().flatten();
            let own = parameters.clone().find(|(name, _)| name.eq_ignore_ascii_case(key));
            own.map(|(_, value)| value.clone())
        }
    }
}

/// What tables are sorted by: texts ignoring case, times and numbers by size; tables without the property first.
pub(super) fn sort_text(table: &Table, field: &str) -> String {
    if is_time(field) {
        let ms = table_time(table, field).unwrap_or(i64::MIN);
        // An offset that makes the order of texts the order of numbers.
        return format!("{:020}", ms.cast_unsigned() ^ (1 << 63));
    }
    if field.eq_ignore_ascii_case(RETENTION) {
        return format!("{:020}", table.input.retention.unwrap_or(0).cast_unsigned() ^ (1 << 63));
    }
    property(table, field).unwrap_or_default().to_lowercase()
}

/// A text as the store can look for it: nothing that JSON escapes, nothing whose case it cannot fold.
fn needle(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    (!text.is_empty() && text.chars().all(plain)).then(|| text.to_ascii_lowercase())
}

fn words_of(lower: &str) -> impl Iterator<Item = &str> {
    let whole = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
    whole.flat_map(|word| std::iter::once(word).chain(word.split('_'))).filter(|word| !word.is_empty())
}

/// What lies between characters that are neither letters nor digits.
fn parts(lower: &str) -> Vec<&str> {
    lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect()
}

/// The words of a search text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// No text was given: every table is one.
    Any,
    /// Every one must be in the table's texts, its parts side by side.
    All(Vec<Vec<String>>),
    /// One of the table's texts must be this.
    Exactly(String),
    /// A text was given, and there is nothing in it to look for: no table has it.
    Nothing,
}

impl Words {
    pub(super) fn parse(text: &str) -> Words {
        if text.is_empty() {
            return Words::Any;
        }
        let lower = text.trim().to_lowercase();
        let quoted = lower.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(inner) = quoted.filter(|inner| !inner.is_empty()) {
            return Words::Exactly(inner.to_owned());
        }
        let joined = lower.split(|c: char| !c.is_alphanumeric() && c != '_').map(parts);
        let words = joined.filter(|word| !word.is_empty());
        let words: Vec<Vec<String>> =
            words.map(|word| word.into_iter().map(str::to_owned).collect()).collect();
        if words.is_empty() { Words::Nothing } else { Words::All(words) }
    }

    pub(super) fn needles(&self) -> impl Iterator<Item = String> {
        let texts = match self {
            Words::Any | Words::Nothing => Vec::new(),
            Words::All(words) => words.concat(),
            Words::Exactly(text) => vec![text.clone()],
        };
        texts.into_iter().filter_map(|text| needle(&text))
    }

    pub(super) fn match_table(&self, table: &Table) -> bool {
        match self {
            Words::Any => true,
            Words::Nothing => false,
            Words::All(words) => {
                let texts = texts(table);
                let texts: Vec<Vec<&str>> = texts.iter().map(|text| parts(text)).collect();
                let has =
                    |text: &Vec<&str>, word: &Vec<String>| text.windows(word.len()).any(|run| run == word);
                words.iter().all(|word| texts.iter().any(|text| has(text, word)))
            }
            Words::Exactly(wanted) => texts(table).iter().any(|text| text == wanted),
        }
    }
}

/// The texts of a table that a search looks into, in lower case.
fn texts(table: &Table) -> Vec<String> {
    let mut texts = vec![table.name.clone(), table.database_name.clone()];
    let mut add = |text: &str| texts.push(text.to_lowercase());
    let input = &table.input;
    let optional = [&input.description, &input.owner, &input.table_type];
    optional.into_iter().flatten().for_each(|text| add(text));
    table.location().into_iter().for_each(&mut add);
    for column in table.columns().iter().chain(table.partition_keys()) {
        let Column { name, column_type, comment, .. } = column;
        add(name);
        [column_type, comment].into_iter().flatten().for_each(|text| add(text));
    }
    for (key, value) in table.parameters().into_iter().flatten() {
        add(key);
        add(value);
    }
    let serde = table.serde_info().and_then(|found| found.serialization_library.as_deref());
    serde.into_iter().for_each(&mut add);
    let target = input.other.get(crate::link::TARGET_TABLE);
    let target_texts = target.and_then(Value::as_object).into_iter().flat_map(|object| object.values());
    target_texts.filter_map(Value::as_str).for_each(&mut add);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_into_words() {
        let found: Vec<&str> = words_of("customer-link:xx_yy").collect();
        assert_eq!(found, ["customer", "customer", "link", "link", "xx_yy", "xx", "yy"]);
    }

    #[test]
    fn times_are_read_in_many_forms() {
        for text in ["1706702400", "2024-01-31T12:00:00Z", "2024-01-31T13:00:00+01:00", "2024-01-31 12:00:00"]
        {
            assert_eq!(time_of(text), Some(1_706_702_400_000), "{text}");
        }
        for text in ["1706702400.125", "2024-01-31T12:00:00.125Z", "2024-01-31 12:00:00.125"] {
            assert_eq!(time_of(text), Some(1_706_702_400_125), "{text}");
        }
        assert_eq!(time_of("2024-01-31"), Some(1_706_659_200_000));
        assert_eq!(time_of("yesterday"), None);
    }

    #[test]
    fn only_plain_text_is_looked_for_by_the_store() {
        assert_eq!(needle("Orders").as_deref(), Some("orders"));
        for text in ["", "a b", "Ä", "a\"b", "a\\b"] {
            assert_eq!(needle(text), None, "{text}");
        }
    }
}
