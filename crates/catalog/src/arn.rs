//! The resource names of catalog entries.
//!
//! Source: AWS Glue Developer Guide, "Specifying AWS Glue resource ARNs".

use store::Scope;

/// The ARN of the catalog itself.
pub fn catalog(scope: &Scope) -> String {
    format!("arn:aws:glue:{}:{}:catalog", scope.region, scope.account)
}

/// The ARN of a database; `database` is in lower case.
pub fn database(scope: &Scope, database: &str) -> String {
    format!("arn:aws:glue:{}:{}:database/{database}", scope.region, scope.account)
}

/// The ARN of a table; both names are in lower case.
pub fn table(scope: &Scope, database: &str, table: &str) -> String {
    format!("arn:aws:glue:{}:{}:table/{database}/{table}", scope.region, scope.account)
}

/// The ARN of a schema registry.
pub fn registry(scope: &Scope, registry: &str) -> String {
    format!("arn:aws:glue:{}:{}:registry/{registry}", scope.region, scope.account)
}

/// The ARN of a schema.
pub fn schema(scope: &Scope, registry: &str, schema: &str) -> String {
    format!("arn:aws:glue:{}:{}:schema/{registry}/{schema}", scope.region, scope.account)
}

/// The ARN of a user-defined function; both names are in lower case.
pub fn function(scope: &Scope, database: &str, function: &str) -> String {
    format!("arn:aws:glue:{}:{}:userDefinedFunction/{database}/{function}", scope.region, scope.account)
}
