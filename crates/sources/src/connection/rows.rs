//! Connections in the metadata store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use store::vault::Vault;
use store::{Row, Scope, Tx, params};

use super::{Connection, ConnectionInput, arn, secrets};
use crate::SourceError;

const COLUMNS: &str = "name, created_ms, updated_ms, updated_by, validated_ms, doc, sealed";
/// Connections that a round of a filtered listing reads.
const SCAN_ROWS: i64 = 200;
const MAX_NAME_CHARS: usize = 255;

fn from_row(scope: &Scope, row: &Row) -> Result<Connection, SourceError> {
    let name: String = row.get(0)?;
    let doc: String = row.get(5)?;
    let shown =
        serde_json::from_str(&doc).map_err(|source| SourceError::Corrupt { what: "connection", source })?;
    Ok(Connection {
        owner: owner(scope, &name),
        name,
        created_ms: row.get(1)?,
        updated_ms: row.get(2)?,
        updated_by: row.get(3)?,
        validated_ms: row.get(4)?,
        shown,
        sealed: row.get(6)?,
    })
}

/// What secrets are sealed for: they open in this row only.
fn owner(scope: &Scope, name: &str) -> String {
    format!("glue connection {}", arn(scope, name))
}

fn check(input: &ConnectionInput) -> Result<(), SourceError> {
    let name = &input.name;
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(SourceError::invalid("A connection's name has 1 to 255 characters."));
    }
    if name.chars().any(|c| c.is_control() || c == '/') {
        return Err(SourceError::invalid(format!(
            "Connection name {name:?} contains a character that is not allowed."
        )));
    }
    if let Some(property) = secrets::addresses_with_password(&json!(input)).first() {
        return Err(SourceError::invalid(format!(
            "{property} holds a password: it would be shown with the connection. Give it as PASSWORD, which is stored \
             encrypted."
        )));
    }
    Ok(())
}

/// The document that is shown, and the sealed secrets.
fn split(
    scope: &Scope,
    input: &ConnectionInput,
    vault: &Vault,
) -> Result<(String, Option<Vec<u8>>), SourceError> {
    let corrupt = |source| SourceError::Corrupt { what: "connection", source };
    let mut shown = serde_json::to_value(input).map_err(corrupt)?;
    let secret = secrets::split(&mut shown);
    let sealed = if secret.is_empty() {
        None
    } else {
        let bytes = serde_json::to_vec(&Value::Object(secret)).map_err(corrupt)?;
        Some(vault.seal(&owner(scope, &input.name), &bytes)?)
    };
    Ok((shown.to_string(), sealed))
}

/// Makes a connection. `by` is the ARN of the caller.
///
/// # Errors
/// [`SourceError::ConnectionExists`], [`SourceError::InvalidInput`], [`SourceError::Vault`] when there is a secret and
/// no key.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    input: &ConnectionInput,
    by: &str,
    vault: &Vault,
) -> Result<(), SourceError> {
    check(input)?;
    if find(tx, scope, &input.name).await?.is_some() {
        return Err(SourceError::ConnectionExists { name: input.name.clone() });
    }
    let (doc, sealed) = split(scope, input, vault)?;
    tx.execute(
        "INSERT INTO sources_connections (account, region, name, created_ms, updated_ms, updated_by, doc, sealed) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            input.name.as_str(),
            tx.now_ms(),
            by,
            doc,
            sealed
        ],
    )
    .await?;
    Ok(())
}

/// Looks a connection up.
///
/// # Errors
/// [`SourceError::ConnectionNotFound`].
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Connection, SourceError> {
    let found = find(tx, scope, name).await?;
    found.ok_or_else(|| SourceError::ConnectionNotFound { name: name.to_owned() })
}

async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Connection>, SourceError> {
    let sql =
        format!("SELECT {COLUMNS} FROM sources_connections WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(|row| from_row(scope, row)).transpose()
}

/// Replaces a connection's definition, secrets included: what is left out is gone.
///
/// # Errors
/// [`SourceError::ConnectionNotFound`], [`SourceError::InvalidInput`] (also for another name: a connection cannot be
/// renamed), [`SourceError::Vault`].
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    input: &ConnectionInput,
    by: &str,
    vault: &Vault,
) -> Result<(), SourceError> {
    get(tx, scope, name).await?;
    check(input)?;
    if input.name != name {
        return Err(SourceError::invalid(format!(
            "Connection {name} cannot be renamed: make {} and delete it.",
            input.name
        )));
    }
    let (doc, sealed) = split(scope, input, vault)?;
    tx.execute(
        "UPDATE sources_connections SET updated_ms = $4, updated_by = $5, validated_ms = NULL, doc = $6, sealed = $7 \
         WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), name, tx.now_ms(), by, doc, sealed],
    )
    .await?;
    Ok(())
}

/// Notes that a test of a connection, as it was changed last at `updated_ms`, succeeded just now.
///
/// # Errors
/// [`SourceError::Store`].
pub async fn mark_validated(tx: &mut Tx, scope: &Scope, tested: &Connection) -> Result<(), SourceError> {
    tx.execute(
        "UPDATE sources_connections SET validated_ms = $5 \
         WHERE account = $1 AND region = $2 AND name = $3 AND updated_ms = $4",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            tested.name.as_str(),
            tested.updated_ms,
            tx.now_ms()
        ],
    )
    .await?;
    Ok(())
}

/// Deletes a connection with its tags.
///
/// # Errors
/// [`SourceError::ConnectionNotFound`].
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), SourceError> {
    let deleted = tx
        .execute(
            "DELETE FROM sources_connections WHERE account = $1 AND region = $2 AND name = $3",
            &params![scope.account.as_str(), scope.region.as_str(), name],
        )
        .await?;
    if deleted == 0 {
        return Err(SourceError::ConnectionNotFound { name: name.to_owned() });
    }
    store::tags::clear(tx, &arn(scope, name)).await?;
    Ok(())
}

/// What to list; all of it must fit.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only connections with all of these criteria.
    pub match_criteria: Vec<String>,
    /// Only connections of this type.
    pub connection_type: Option<String>,
    /// Only connections of this schema version: 2 with an `AuthenticationConfiguration`, 1 without.
    pub schema_version: Option<i64>,
}

impl Filter {
    fn fits(&self, found: &Connection) -> bool {
        let version = if found.shown.get("AuthenticationConfiguration").is_some() { 2 } else { 1 };
        let criteria = found.shown.get("MatchCriteria").and_then(Value::as_array);
        let has = |wanted: &String| {
            criteria.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(wanted)))
        };
        self.match_criteria.iter().all(has)
            && self.connection_type.as_ref().is_none_or(|wanted| wanted == found.connection_type())
            && self.schema_version.is_none_or(|wanted| wanted == version)
    }
}

/// Lists connections by name, up to `limit` (at least 1) after `token`, with the token of the next page.
///
/// # Errors
/// [`SourceError::InvalidToken`].
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    token: Option<&str>,
    limit: usize,
) -> Result<(Vec<Connection>, Option<String>), SourceError> {
    let mut after = match token.filter(|text| !text.is_empty()) {
        Some(text) => {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SourceError::InvalidToken)?;
            String::from_utf8(bytes).map_err(|_| SourceError::InvalidToken)?
        }
        None => String::new(),
    };
    let limit = limit.max(1);
    let sql = format!(
        "SELECT {COLUMNS} FROM sources_connections WHERE account = $1 AND region = $2 AND name > $3 \
         ORDER BY name LIMIT $4"
    );
    let mut found = Vec::new();
    loop {
        let position = params![scope.account.as_str(), scope.region.as_str(), after.as_str(), SCAN_ROWS];
        let rows = tx.query(&sql, &position).await?;
        for row in &rows {
            let one = from_row(scope, row)?;
            after.clone_from(&one.name);
            if filter.fits(&one) {
                found.push(one);
            }
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|last| URL_SAFE_NO_PAD.encode(&last.name));
                return Ok((found, next));
            }
        }
        if (rows.len() as i64) < SCAN_ROWS {
            return Ok((found, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use store::vault::{Secret, Vault, VaultError};

    use super::*;

    fn scope() -> Scope {
        Scope::new("000000000000", "us-east-1").unwrap()
    }

    fn vault() -> Vault {
        Vault::with_key(&Secret::new("0f".repeat(32))).unwrap()
    }

    fn input(name: &str) -> ConnectionInput {
        serde_json::from_value(json!({
            "Name": name, "ConnectionType": "JDBC", "Description": "d", "MatchCriteria": ["a", "b"],
            "ConnectionProperties": { "JDBC_CONNECTION_URL": "jdbc:postgresql://h/d", "USERNAME": "me",
                "PASSWORD": "hunter2" },
            "PhysicalConnectionRequirements": { "SubnetId": "s" },
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn secrets_are_sealed_in_the_row_and_shown_on_demand_only() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        create(&mut tx, &scope(), &input("c"), "me", &vault()).await.unwrap();
        let again = create(&mut tx, &scope(), &input("c"), "me", &vault()).await.unwrap_err();
        assert!(matches!(again, SourceError::ConnectionExists { .. }));
        let row = tx.query_opt("SELECT doc, sealed FROM sources_connections", &[]).await.unwrap().unwrap();
        let (doc, sealed): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        assert!(!doc.contains("hunter2") && !sealed.windows(7).any(|bytes| bytes == b"hunter2"));
        let found = get(&mut tx, &scope(), "c").await.unwrap();
        assert!(!found.to_json().to_string().contains("hunter2"));
        assert!(!format!("{found:?}").contains("hunter2"));
        let shown = found.to_json_with_password(&vault()).unwrap();
        assert_eq!(shown["ConnectionProperties"]["PASSWORD"], "hunter2");
        assert_eq!(shown["PhysicalConnectionRequirements"]["SubnetId"], "s");
        let config = found.jdbc(&vault()).unwrap();
        assert_eq!(config.secret.unwrap().expose(), "hunter2");
    }

    #[tokio::test]
    async fn without_a_key_secrets_are_refused_and_the_rest_works() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        let none = Vault::without_key();
        let refused = create(&mut tx, &scope(), &input("c"), "me", &none).await.unwrap_err();
        assert!(matches!(refused, SourceError::Vault(VaultError::NoKey)), "{refused}");
        let mut open = input("c");
        open.connection_properties.remove("PASSWORD");
        create(&mut tx, &scope(), &open, "me", &none).await.unwrap();
        assert!(get(&mut tx, &scope(), "c").await.unwrap().jdbc(&none).unwrap().secret.is_none());
    }

    #[tokio::test]
    async fn connections_are_replaced_listed_and_deleted() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        for name in ["a", "b", "c"] {
            create(&mut tx, &scope(), &input(name), "me", &vault()).await.unwrap();
        }
        let (page, next) = list(&mut tx, &scope(), &Filter::default(), None, 2).await.unwrap();
        assert_eq!(page.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let (page, next) = list(&mut tx, &scope(), &Filter::default(), next.as_deref(), 2).await.unwrap();
        assert_eq!((page.len(), next), (1, None));
        let mut changed = input("b");
        changed.match_criteria = Some(vec!["z".to_owned()]);
        changed.connection_properties.remove("PASSWORD");
        update(&mut tx, &scope(), "b", &changed, "you", &vault()).await.unwrap();
        assert!(get(&mut tx, &scope(), "b").await.unwrap().jdbc(&vault()).unwrap().secret.is_none());
        let wanted = Filter { match_criteria: vec!["z".to_owned()], ..Filter::default() };
        assert_eq!(list(&mut tx, &scope(), &wanted, None, 9).await.unwrap().0.len(), 1);
        for wrong in [
            Filter { connection_type: Some("KAFKA".to_owned()), ..Filter::default() },
            Filter { schema_version: Some(2), ..Filter::default() },
        ] {
            assert!(list(&mut tx, &scope(), &wrong, None, 9).await.unwrap().0.is_empty());
        }
        assert!(update(&mut tx, &scope(), "b", &input("q"), "you", &vault()).await.is_err(), "no renaming");
        delete(&mut tx, &scope(), "b").await.unwrap();
        assert!(matches!(delete(&mut tx, &scope(), "b").await, Err(SourceError::ConnectionNotFound { .. })));
        assert!(list(&mut tx, &scope(), &Filter::default(), Some("!"), 9).await.is_err());
    }

    #[tokio::test]
    async fn an_address_that_may_hold_a_secret_is_sealed() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        let mut given = input("c");
        given.connection_type = "CUSTOM".to_owned();
        let address = "https://h/v1?api_key=hunter2";
        given.connection_properties = BTreeMap::from([("CONNECTION_URL".to_owned(), address.to_owned())]);
        create(&mut tx, &scope(), &given, "me", &vault()).await.unwrap();
        let row = tx.query_opt("SELECT doc, sealed FROM sources_connections", &[]).await.unwrap().unwrap();
        let (doc, sealed): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        assert!(!doc.contains("hunter2") && !sealed.windows(7).any(|bytes| bytes == b"hunter2"));
        let found = get(&mut tx, &scope(), "c").await.unwrap();
        let shown = |value: Value| value["ConnectionProperties"]["CONNECTION_URL"].clone();
        assert_eq!(shown(found.to_json()), "https://h/v1");
        assert_eq!(shown(found.to_json_with_password(&vault()).unwrap()), address);
        let error = found.api(&vault()).unwrap_err().to_string();
        assert!(error.contains("CONNECTION_URL") && !error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn an_address_with_a_password_is_refused() {
        let (store, _folder) = store::testing::temp(&[crate::MIGRATIONS]).await;
        let mut tx = store.begin().await.unwrap();
        let addresses = [
            "jdbc:postgresql://h/d?password=hunter2",
            "jdbc:mysql://h:1/x?user=a&pass%77ord=hunter2",
            "jdbc:snowflake://h/?user=a&passcode=hunter2",
            "jdbc:snowflake://h/?user=a&token=hunter2",
        ];
        for url in addresses {
            let mut bad = input("c");
            bad.connection_properties.insert("JDBC_CONNECTION_URL".to_owned(), url.to_owned());
            let text = create(&mut tx, &scope(), &bad, "me", &vault()).await.unwrap_err().to_string();
            assert!(text.contains("PASSWORD") && !text.contains("hunter2"), "{text}");
        }
        let mut bad = input("c");
        let properties = json!({ "connection_string": "jdbc:x?password=hunter2" });
        bad.other.insert("AthenaProperties".to_owned(), properties);
        assert!(create(&mut tx, &scope(), &bad, "me", &vault()).await.is_err());
    }
}
