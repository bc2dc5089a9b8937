//! The demo's two jobs, as Glue Studio's visual editor would write them.

use serde_json::{Value, json};

pub(super) const BRONZE: &str = "demo_bronze";
pub(super) const SILVER: &str = "demo_silver";
pub(super) const GOLD: &str = "demo_gold";

/// Clean, deduplicate, conform: three sources, three targets.
pub(super) fn silver() -> Value {
    let orders = [
        ("order_id", "bigint", "order_id", "long"),
        ("customer_id", "bigint", "customer_id", "long"),
        ("ordered_at", "string", "ordered_at", "timestamp"),
        ("product", "string", "product", "string"),
        ("quantity", "string", "quantity", "int"),
        ("unit_price", "string", "unit_price", "double"),
        ("channel", "string", "channel", "string"),
        ("dt", "string", "order_date", "string"),
    ];
    let customers = [
        ("customer_id", "bigint", "customer_id", "long"),
        ("name", "string", "name", "string"),
        ("segment", "string", "segment", "string"),
        ("address.city", "string", "city", "string"),
        ("address.country", "string", "country", "string"),
    ];
    let interactions = [
        ("interaction_id", "bigint", "interaction_id", "long"),
        ("customer_id", "bigint", "customer_id", "long"),
        ("platform", "string", "platform", "string"),
        ("kind", "string", "kind", "string"),
        ("product", "string", "product", "string"),
        ("dt", "string", "day", "string"),
    ];
    json!({
        "raw_orders": source("Raw orders", BRONZE, "orders"),
        "typed_orders": mapping("Typed orders", "raw_orders", &orders),
        "good_orders": positive("Good orders", "typed_orders", &["order_id", "quantity", "unit_price"]),
        "distinct_orders": distinct("Distinct orders", "good_orders", "order_id"),
        "orders_with_revenue": sql(
            "Orders with revenue", "distinct_orders", "orders",
            "SELECT *, round(quantity * unit_price, 2) AS revenue FROM orders",
        ),
        "silver_orders": target("Silver orders", "orders_with_revenue", SILVER, "orders", &["order_date"]),

        "raw_customers": source("Raw customers", BRONZE, "customers"),
        "flat_customers": mapping("Flat customers", "raw_customers", &customers),
        "conformed_customers": sql(
            "Conformed customers", "flat_customers", "customers",
            "SELECT customer_id, name, lower(trim(segment)) AS segment, city, country FROM customers",
        ),
        "distinct_customers": distinct("Distinct customers", "conformed_customers", "customer_id"),
        "silver_customers": target("Silver customers", "distinct_customers", SILVER, "customers", &[]),

        "raw_interactions": source("Raw interactions", BRONZE, "interactions"),
        "typed_interactions": mapping("Typed interactions", "raw_interactions", &interactions),
        "silver_interactions": target("Silver interactions", "typed_interactions", SILVER, "interactions", &["day"]),
    })
}

/// Join and aggregate by day and segment.
pub(super) fn gold() -> Value {
    let customers = [("customer_id", "bigint", "crm_id", "long"), ("segment", "string", "segment", "string")];
    let sales = [
        ("order_date", "string", "order_date", "string"),
        ("segment", "string", "segment", "string"),
        ("count(order_id)", "bigint", "orders", "long"),
        ("sum(revenue)", "double", "revenue", "double"),
    ];
    json!({
        "orders": source("Orders", SILVER, "orders"),
        "customers": source("Customers", SILVER, "customers"),
        "crm": mapping("CRM", "customers", &customers),
        "joined": { "Join": {
            "Name": "Orders of customers",
            "Inputs": ["orders", "crm"],
            "JoinType": "equijoin",
            "Columns": [
                { "From": "orders", "Keys": [["customer_id"]] },
                { "From": "crm", "Keys": [["crm_id"]] },
            ],
        }},
        "by_day": { "Aggregate": {
            "Name": "By day and segment",
            "Inputs": ["joined"],
            "Groups": [["order_date"], ["segment"]],
            "Aggs": [
                { "Column": ["order_id"], "AggFunc": "count" },
                { "Column": ["revenue"], "AggFunc": "sum" },
            ],
        }},
        "sales": mapping("Sales", "by_day", &sales),
        "daily_sales": target("Daily sales", "sales", GOLD, "daily_sales", &["order_date"]),
    })
}

fn source(name: &str, database: &str, table: &str) -> Value {
    json!({ "CatalogSource": { "Name": name, "Database": database, "Table": table } })
}

/// Columns as (from, its type, to, its type); a `.` in `from` goes into a struct.
fn mapping(name: &str, input: &str, columns: &[(&str, &str, &str, &str)]) -> Value {
    let mappings: Vec<Value> = columns
        .iter()
        .map(|(from, from_type, to, to_type)| {
            let path: Vec<&str> = from.split('.').collect();
            json!({ "ToKey": to, "FromPath": path, "FromType": from_type, "ToType": to_type, "Dropped": false })
        })
        .collect();
    json!({ "ApplyMapping": { "Name": name, "Inputs": [input], "Mapping": mappings } })
}

/// Keeps the rows in which every column is above zero (and so not null).
fn positive(name: &str, input: &str, columns: &[&str]) -> Value {
    let filters: Vec<Value> = columns
        .iter()
        .map(|column| {
            json!({
                "Operation": "GT",
                "Negated": false,
                "Values": [
                    { "Type": "COLUMNEXTRACTED", "Value": [column] },
                    { "Type": "CONSTANT", "Value": ["0"] },
                ],
            })
        })
        .collect();
    json!({ "Filter": { "Name": name, "Inputs": [input], "LogicalOperator": "AND", "Filters": filters } })
}

fn distinct(name: &str, input: &str, column: &str) -> Value {
    json!({ "DropDuplicates": { "Name": name, "Inputs": [input], "Columns": [[column]] } })
}

fn sql(name: &str, input: &str, alias: &str, query: &str) -> Value {
    json!({ "SparkSQL": {
        "Name": name,
        "Inputs": [input],
        "SqlQuery": query,
        "SqlAliases": [{ "From": input, "Alias": alias }],
    }})
}

fn target(name: &str, input: &str, database: &str, table: &str, keys: &[&str]) -> Value {
    let layer = database.trim_start_matches("demo_");
    let keys: Vec<Vec<&str>> = keys.iter().map(|key| vec![*key]).collect();
    json!({ "S3GlueParquetTarget": {
        "Name": name,
        "Inputs": [input],
        "PartitionKeys": keys,
        "Path": format!("s3://demo-lake/{layer}/{table}/"),
        "Compression": "snappy",
        "SchemaChangePolicy": {
            "EnableUpdateCatalog": true,
            "UpdateBehavior": "UPDATE_IN_DATABASE",
            "Database": database,
            "Table": table,
        },
    }})
}
