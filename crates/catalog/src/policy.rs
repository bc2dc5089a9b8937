//! Resource policies, kept as they were given. Nothing enforces them here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{Row, Scope, Tx, params};

use crate::error::CatalogError;
use crate::page::{self, AfterName, Page};

/// A resource policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The ARN of the catalog or of the resource that it is for.
    pub arn: String,
    /// The document, as given.
    pub document: String,
    /// Identifies the document.
    pub hash: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When it was changed last, epoch milliseconds.
    pub updated_ms: i64,
}

/// What must hold for a change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Condition<'a> {
    /// The hash that the policy must have.
    pub hash: Option<&'a str>,
    /// Whether there must, or must not, be a policy.
    pub exists: Option<bool>,
}

impl Condition<'_> {
    fn check(&self, found: Option<&Policy>) -> Result<(), CatalogError> {
        let failed = |message: &str| Err(CatalogError::ConditionFailed { message: message.to_owned() });
        match (self.exists, found) {
            (Some(true), None) => return failed("There is no resource policy, and one must exist."),
            (Some(false), Some(_)) => return failed("There is a resource policy already."),
            _ => {}
        }
        match self.hash {
            Some(wanted) if found.is_none_or(|policy| policy.hash != wanted) => {
                failed("The resource policy has another hash than PolicyHashCondition.")
            }
            _ => Ok(()),
        }
    }
}

const COLUMNS: &str = "arn, doc, hash, created_ms, updated_ms";

fn from_row(row: &Row) -> Result<Policy, CatalogError> {
    Ok(Policy {
        arn: row.get(0)?,
        document: row.get(1)?,
        hash: row.get(2)?,
        created_ms: row.get(3)?,
        updated_ms: row.get(4)?,
    })
}

/// Reads the policy of a resource; `None` when it has none.
/// Errors: `Store`.
pub async fn find(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Option<Policy>, CatalogError> {
    let sql =
        format!("SELECT {COLUMNS} FROM catalog_policies WHERE account = $1 AND region = $2 AND arn = $3");
    let row = tx.query_opt(&sql, &params![scope.account.as_str(), scope.region.as_str(), arn]).await?;
    row.as_ref().map(from_row).transpose()
}

fn not_found() -> CatalogError {
    CatalogError::NotFound { what: "Resource", name: "policy".to_owned() }
}

/// Reads the policy of a resource.
/// Errors: `NotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Policy, CatalogError> {
    find(tx, scope, arn).await?.ok_or_else(not_found)
}

/// Makes or replaces the policy of a resource; returns its hash.
/// Errors: `InvalidInput` when it is no policy document, `ConditionFailed`.
pub async fn put(
    tx: &mut Tx,
    scope: &Scope,
    arn: &str,
    document: &str,
    condition: Condition<'_>,
) -> Result<String, CatalogError> {
    let parsed: Option<Value> = serde_json::from_str(document).ok();
    let statements = parsed.as_ref().and_then(|policy| policy.get("Statement"));
    if !statements.is_some_and(|found| found.is_array() || found.is_object()) {
        return Err(CatalogError::invalid(
            "PolicyInJson is not a policy document: a JSON object with Statement.",
        ));
    }
    condition.check(find(tx, scope, arn).await?.as_ref())?;
    let hash = STANDARD.encode(&Sha256::digest(document.as_bytes())[..16]);
    tx.execute(
        "INSERT INTO catalog_policies (account, region, arn, hash, created_ms, updated_ms, doc) \
         VALUES ($1, $2, $3, $4, $5, $5, $6) ON CONFLICT (account, region, arn) \
         DO UPDATE SET hash = excluded.hash, updated_ms = excluded.updated_ms, doc = excluded.doc",
        &params![scope.account.as_str(), scope.region.as_str(), arn, hash.as_str(), tx.now_ms(), document],
    )
    .await?;
    Ok(hash)
}

/// Deletes the policy of a resource.
/// Errors: `NotFound`, `ConditionFailed`.
pub async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    arn: &str,
    condition: Condition<'_>,
) -> Result<(), CatalogError> {
    let found = get(tx, scope, arn).await?;
    condition.check(Some(&found))?;
    forget(tx, scope, arn).await
}

/// Removes the policy of a resource that goes.
pub(crate) async fn forget(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<(), CatalogError> {
    tx.execute(
        "DELETE FROM catalog_policies WHERE account = $1 AND region = $2 AND arn = $3",
        &params![scope.account.as_str(), scope.region.as_str(), arn],
    )
    .await?;
    Ok(())
}

/// Moves the policy of a resource that is renamed. What an ARN has that nobody has is no policy of the resource that comes
/// to have it.
pub(crate) async fn carry(tx: &mut Tx, scope: &Scope, from: &str, to: &str) -> Result<(), CatalogError> {
    forget(tx, scope, to).await?;
    tx.execute(
        "UPDATE catalog_policies SET arn = $4 WHERE account = $1 AND region = $2 AND arn = $3",
        &params![scope.account.as_str(), scope.region.as_str(), from, to],
    )
    .await?;
    Ok(())
}

/// Puts a policy back as it was; the resource has none.
pub(crate) async fn put_back(tx: &mut Tx, scope: &Scope, policy: &Policy) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO catalog_policies (account, region, arn, hash, created_ms, updated_ms, doc) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            policy.arn.as_str(),
            policy.hash.as_str(),
            policy.created_ms,
            policy.updated_ms,
            policy.document.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// Lists policies by ARN, up to `limit` (at least 1) after `token`.
/// Errors: `InvalidToken`.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<Policy>, CatalogError> {
    let limit = limit.max(1);
    let after = page::position::<AfterName>(token)?.map_or_else(String::new, |found| found.after);
    let sql = format!(
        "SELECT {COLUMNS} FROM catalog_policies WHERE account = $1 AND region = $2 AND arn > $3 \
         ORDER BY arn LIMIT $4"
    );
    let position = params![scope.account.as_str(), scope.region.as_str(), after, limit as i64 + 1];
    let rows = tx.query(&sql, &position).await?;
    let mut items = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let more = page::cut(&mut items, limit);
    let next = match items.last() {
        Some(last) if more => Some(page::token(&AfterName { after: last.arn.clone() })?),
        _ => None,
    };
    Ok(Page { items, next })
}
