//! Rulesets.

use jobs::quality::service::{NewRuleset, RulesetChange, RulesetFilter, StoredRuleset};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply, epoch_seconds};

use super::{QualityFace, fault, limit, read};
use crate::glue::catalog::{required, scope};
use crate::glue::tags;

pub(super) async fn create(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let tags = tags::given(&call, "Tags");
    tags::check(&tags)?;
    let name = required(&call, "Name").to_owned();
    let new = NewRuleset {
        name: name.clone(),
        description: call.text("Description").map(str::to_owned),
        text: required(&call, "Ruleset").to_owned(),
        target: call.input.get("TargetTable").map(|table| read::table(&scope, table)).transpose()?,
        tags,
        client_token: call.text("ClientToken").map(str::to_owned),
    };
    face.quality.create_ruleset(&scope, new).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Name": name })))
}

pub(super) async fn update(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let change = RulesetChange {
        description: call.text("Description").map(str::to_owned),
        text: call.text("Ruleset").map(str::to_owned),
    };
    let ruleset =
        face.quality.update_ruleset(&scope(&call)?, required(&call, "Name"), change).await.map_err(fault)?;
    let mut shown = json!({ "Name": ruleset.name, "Ruleset": ruleset.text });
    if let Some(description) = ruleset.description {
        shown["Description"] = json!(description);
    }
    Ok(Reply::from(shown))
}

pub(super) async fn get(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let ruleset = face.quality.ruleset(&scope(&call)?, required(&call, "Name")).await.map_err(fault)?;
    let mut shown = shown(&ruleset);
    shown["Ruleset"] = json!(ruleset.text);
    Ok(Reply::from(shown))
}

pub(super) async fn delete(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    face.quality.delete_ruleset(&scope(&call)?, required(&call, "Name")).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn list(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given = call.input.get("Filter");
    let text = |member: &str| given.and_then(|filter| read::text(filter, member)).map(str::to_owned);
    let target = given.and_then(|filter| filter.get("TargetTable"));
    let filter = RulesetFilter {
        name: text("Name"),
        description: text("Description"),
        created_before_ms: read::moment(given, "CreatedBefore"),
        created_after_ms: read::moment(given, "CreatedAfter"),
        modified_before_ms: read::moment(given, "LastModifiedBefore"),
        modified_after_ms: read::moment(given, "LastModifiedAfter"),
        target: target.map(|table| read::table(&scope, table)).transpose()?,
        tags: tags::given(&call, "Tags"),
    };
    let found = face.quality.rulesets(&scope, &filter, call.text("NextToken"), limit(&call)).await;
    let (rulesets, next) = found.map_err(fault)?;
    let listed = rulesets.iter().map(|ruleset| {
        let mut shown = shown(ruleset);
        shown["RuleCount"] = json!(ruleset.rules);
        shown
    });
    Ok(Reply::from(json!({ "Rulesets": listed.collect::<Vec<Value>>(), "NextToken": next })))
}

fn shown(ruleset: &StoredRuleset) -> Value {
    let mut shown = json!({
        "Name": ruleset.name,
        "CreatedOn": epoch_seconds(ruleset.created_ms),
        "LastModifiedOn": epoch_seconds(ruleset.modified_ms),
    });
    if let Some(description) = &ruleset.description {
        shown["Description"] = json!(description);
    }
    if let Some(target) = &ruleset.target {
        shown["TargetTable"] = json!({ "DatabaseName": target.database, "TableName": target.table });
    }
    if let Some(run) = &ruleset.recommended_by {
        shown["RecommendationRunId"] = json!(run);
    }
    shown
}
