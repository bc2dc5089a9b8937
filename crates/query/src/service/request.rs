//! What requests say: statements, places of results, tokens of pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lake::BucketName;

use crate::error::QueryError;
use crate::sql::{self, SqlErrorKind, StatementType};
use crate::workgroup::WorkGroup;

/// Athena refuses what does not parse at once; what it would accept and we do not run ends as a failed query.
pub(super) fn statement_type(query: &str) -> Result<StatementType, QueryError> {
    match sql::parse(query) {
        Ok(statement) => Ok(statement.statement_type()),
        Err(error) if matches!(error.kind, SqlErrorKind::Syntax(_)) => Err(error.into()),
        Err(_) => Ok(StatementType::Dml),
    }
}

pub(super) fn check_catalog(catalog: Option<&str>) -> Result<(), QueryError> {
    match catalog {
        Some(name) if !name.eq_ignore_ascii_case("awsdatacatalog") => {
            Err(QueryError::invalid(format!("Catalog {name} is not found: AwsDataCatalog is the only one")))
        }
        _ => Ok(()),
    }
}

/// A database's name without the quotes around it that some clients send (`` `db` ``, `"db"`).
pub(super) fn unquoted(name: &str) -> &str {
    let inner = ['`', '"'].into_iter().find_map(|quote| name.strip_prefix(quote)?.strip_suffix(quote));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(name)
}

/// The folder that results go to, with a `/` at its end.
pub(super) fn output_folder(group: &WorkGroup, asked: Option<&str>) -> Result<String, QueryError> {
    if !group.enabled {
        return Err(QueryError::invalid(format!("WorkGroup {} is disabled", group.name)));
    }
    let own = group.output_location();
    let chosen = if group.enforces() { own } else { asked.or(own) };
    let location = chosen.ok_or_else(|| {
        QueryError::invalid(
            "No output location provided. An output location is required either through the Workgroup result \
             configuration setting or as an API input.",
        )
    })?;
    split(location)?;
    Ok(if location.ends_with('/') { location.to_owned() } else { format!("{location}/") })
}

/// Bucket and key of a `s3://bucket/key`.
pub(super) fn split(location: &str) -> Result<(BucketName, String), QueryError> {
    let rest = location.strip_prefix("s3://").and_then(|rest| {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        BucketName::new(bucket).ok().map(|bucket| (bucket, key.to_owned()))
    });
    rest.ok_or_else(|| QueryError::invalid(format!("outputLocation is not a valid S3 path: {location}")))
}

fn invalid_token() -> QueryError {
    QueryError::invalid("The provided pagination token is not valid")
}

fn token_parts(token: &str) -> Result<(i64, String), QueryError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid_token())?;
    let (number, id) = text.split_once(' ').ok_or_else(invalid_token)?;
    Ok((number.parse().map_err(|_| invalid_token())?, id.to_owned()))
}

/// The token of the page behind a time and an id.
pub(crate) fn list_token(ms: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{ms} {id}"))
}

/// The inverse of [`list_token`]. Errors: `Invalid`.
pub(crate) fn list_position(token: &str) -> Result<(i64, String), QueryError> {
    token_parts(token)
}

pub(super) fn page_position(token: &str, id: &str) -> Result<u64, QueryError> {
    let (at, of) = token_parts(token)?;
    if of != id {
        return Err(invalid_token());
    }
    u64::try_from(at).map_err(|_| invalid_token())
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn a_pair_of_quotes_is_no_part_of_a_name() {
        assert_eq!(["`db`", "\"db\"", "db"].map(unquoted), ["db"; 3]);
        assert_eq!(
            ["`db", "db`", "`", "``", "`db\"", ""].map(unquoted),
            ["`db", "db`", "`", "``", "`db\"", ""]
        );
    }
}
