//! Rulesets: made, changed, deleted.

use std::collections::BTreeMap;

use store::{Scope, Tx};

use super::documents::{StoredRuleset, TableName};
use super::error::QualityError;
use super::{Quality, rows};

/// A ruleset to make.
#[derive(Debug, Clone, Default)]
pub struct NewRuleset {
    /// Its name.
    pub name: String,
    /// What people say about it.
    pub description: Option<String>,
    /// In DQDL.
    pub text: String,
    /// The table that it is for.
    pub target: Option<TableName>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// A request with the same token is the same request.
    pub client_token: Option<String>,
}

/// What to change of a ruleset; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct RulesetChange {
    /// What people say about it.
    pub description: Option<String>,
    /// In DQDL.
    pub text: Option<String>,
}

/// The ARN that a ruleset's tags are kept by.
pub fn ruleset_arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:glue:{}:{}:dataQualityRuleset/{name}", scope.region, scope.account)
}

/// How many rules and analyzers a text has. Errors: `Invalid`.
fn counted(text: &str) -> Result<usize, QualityError> {
    let ruleset = crate::quality::parse(text)?;
    Ok(ruleset.rules.len() + ruleset.analyzers.len())
}

/// The ruleset of a name. Errors: `RulesetNotFound`.
pub(super) async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<StoredRuleset, QualityError> {
    let found = rows::find_ruleset(tx, scope, name).await?;
    found.ok_or_else(|| QualityError::RulesetNotFound { name: name.to_owned() })
}

/// Makes a ruleset. Errors: `RulesetExists`; `Invalid`; the catalog's, for a table that is not there.
pub(super) async fn create(
    tx: &mut Tx,
    scope: &Scope,
    new: NewRuleset,
    recommended_by: Option<String>,
) -> Result<(), QualityError> {
    let rules = counted(&new.text)?;
    if let Some(known) = rows::find_ruleset(tx, scope, &new.name).await? {
        let again =
            new.client_token.is_some() && known.client_token == new.client_token && known.text == new.text;
        return if again { Ok(()) } else { Err(QualityError::RulesetExists { name: new.name }) };
    }
    if let Some(target) = &new.target {
        catalog::table::get(tx, scope, &target.database, &target.table).await?;
    }
    let now_ms = tx.now_ms();
    let ruleset = StoredRuleset {
        name: new.name,
        description: new.description,
        text: new.text,
        target: new.target,
        rules,
        recommended_by,
        client_token: new.client_token,
        created_ms: now_ms,
        modified_ms: now_ms,
    };
    rows::put_ruleset(tx, scope, &ruleset).await?;
    store::tags::set(tx, &ruleset_arn(scope, &ruleset.name), &new.tags).await?;
    Ok(())
}

impl Quality {
    /// Makes a ruleset; durable when it returns.
    /// Errors: `RulesetExists`; `Invalid` for a text that cannot be evaluated; the catalog's, for a target that is not
    /// there.
    pub async fn create_ruleset(&self, scope: &Scope, new: NewRuleset) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        create(&mut tx, scope, new, None).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a ruleset and returns it. Errors: `RulesetNotFound`, `Invalid`.
    pub async fn update_ruleset(
        &self,
        scope: &Scope,
        name: &str,
        change: RulesetChange,
    ) -> Result<StoredRuleset, QualityError> {
        let mut tx = self.store().begin().await?;
        let mut ruleset = get(&mut tx, scope, name).await?;
        if let Some(text) = change.text {
            ruleset.rules = counted(&text)?;
            ruleset.text = text;
        }
        ruleset.description = change.description.or(ruleset.description);
        ruleset.modified_ms = tx.now_ms();
        rows::put_ruleset(&mut tx, scope, &ruleset).await?;
        tx.commit().await?;
        Ok(ruleset)
    }

    /// A ruleset. Errors: `RulesetNotFound`.
    pub async fn ruleset(&self, scope: &Scope, name: &str) -> Result<StoredRuleset, QualityError> {
        get(&mut self.store().read().await?, scope, name).await
    }

    /// Deletes a ruleset and its tags; results stay. Errors: `RulesetNotFound`.
    pub async fn delete_ruleset(&self, scope: &Scope, name: &str) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        get(&mut tx, scope, name).await?;
        rows::delete_ruleset(&mut tx, scope, name).await?;
        store::tags::clear(&mut tx, &ruleset_arn(scope, name)).await?;
        Ok(tx.commit().await?)
    }

    /// The ARN of a ruleset, when there is one of that name.
    /// Errors: the store's.
    pub async fn find_arn(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<String>, QualityError> {
        Ok(rows::find_ruleset(tx, scope, name).await?.map(|found| ruleset_arn(scope, &found.name)))
    }
}
