//! What replies say.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Attribute;

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum KeyKind {
    /// Text.
    S,
    /// Number.
    N,
    /// Bytes.
    B,
}

/// A table as DynamoDB describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct TableInfo {
    /// The table's ARN.
    pub arn: String,
    /// How many items it holds, as far as DynamoDB knows: AWS counts every six hours.
    pub items: u64,
    /// How many bytes these take; counted as `items`.
    pub bytes: u64,
    /// The partition key.
    pub hash_key: (String, KeyKind),
    /// The sort key.
    pub range_key: Option<(String, KeyKind)>,
    /// Provisioned read capacity; none for on-demand tables.
    pub read_units: Option<u64>,
    /// The most that an on-demand table may use, where that is set.
    pub most_on_demand: Option<u64>,
}

/// A page of a scan.
#[derive(Debug, Default)]
pub struct Page {
    /// The items.
    pub items: Vec<BTreeMap<String, Attribute>>,
    /// Where the next page begins; none on the last.
    pub next: Option<Map<String, Value>>,
    /// Read capacity that the page took.
    pub units: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    table: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    table_arn: String,
    #[serde(default)]
    item_count: u64,
    #[serde(default)]
    table_size_bytes: u64,
    key_schema: Vec<Key>,
    attribute_definitions: Vec<Definition>,
    provisioned_throughput: Option<Provisioned>,
    on_demand_throughput: Option<OnDemand>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    attribute_name: String,
    attribute_type: KeyKind,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Provisioned {
    read_capacity_units: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnDemand {
    max_read_request_units: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Scanned {
    items: Vec<BTreeMap<String, Attribute>>,
    last_evaluated_key: Option<Map<String, Value>>,
    consumed_capacity: Option<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Capacity {
    #[serde(default)]
    capacity_units: f64,
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => format!("the JSON is cut short: {error}"),
        serde_json::error::Category::Syntax => format!("it is no JSON: {error}"),
        _ => error.to_string(),
    })
}

/// Reads a reply to `DescribeTable`. Errors: it is none.
pub(super) fn table(body: &[u8]) -> Result<TableInfo, String> {
    let described: Described = read(body)?;
    info(described.table)
}

fn info(table: Table) -> Result<TableInfo, String> {
    let key = |wanted: &str| {
        let name = &table.key_schema.iter().find(|key| key.key_type == wanted)?.attribute_name;
        let definition = table.attribute_definitions.iter().find(|found| found.attribute_name == *name)?;
        Some((name.clone(), definition.attribute_type))
    };
    let provisioned = table.provisioned_throughput.as_ref().and_then(|found| found.read_capacity_units);
    let on_demand = table.on_demand_throughput.as_ref().and_then(|found| found.max_read_request_units);
    Ok(TableInfo {
        hash_key: key("HASH").ok_or("it describes a table without a partition key")?,
        range_key: key("RANGE"),
        arn: table.table_arn,
        items: table.item_count,
        bytes: table.table_size_bytes,
        read_units: provisioned.filter(|units| *units > 0),
        most_on_demand: on_demand.and_then(|units| u64::try_from(units).ok()).filter(|units| *units > 0),
    })
}

/// Reads a reply to `Scan`. Errors: it is none.
pub(super) fn page(body: &[u8]) -> Result<Page, String> {
    let scanned: Scanned = read(body)?;
    Ok(Page {
        items: scanned.items,
        next: scanned.last_evaluated_key.filter(|key| !key.is_empty()),
        units: scanned.consumed_capacity.map_or(0.0, |capacity| capacity.capacity_units),
    })
}

/// The code and the message of a fault; both are empty when it is none of DynamoDB's.
pub(super) fn fault(body: &[u8]) -> (String, String) {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Default::default();
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = text("__type").unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    (code, text("message").or_else(|| text("Message")).unwrap_or_default())
}
