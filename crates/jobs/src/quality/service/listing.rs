//! Lists of rulesets, runs and results: filtered, page by page.

use std::collections::BTreeMap;

use store::{Scope, Tx};

use super::documents::{
    EVALUATION, QualityResult, QualityRun, RECOMMENDATION, StoredRuleset, TableName, Work,
};
use super::error::QualityError;
use super::{Quality, rows, ruleset_arn};

/// Rows looked at together.
const STEP: usize = 200;

/// Which rulesets are wanted.
#[derive(Debug, Clone, Default)]
pub struct RulesetFilter {
    /// Of this name.
    pub name: Option<String>,
    /// With this description.
    pub description: Option<String>,
    /// Made before, epoch milliseconds.
    pub created_before_ms: Option<i64>,
    /// Made after.
    pub created_after_ms: Option<i64>,
    /// Changed before.
    pub modified_before_ms: Option<i64>,
    /// Changed after.
    pub modified_after_ms: Option<i64>,
    /// For this table.
    pub target: Option<TableName>,
    /// With all of these tags.
    pub tags: BTreeMap<String, String>,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// That read this table.
    pub table: Option<TableName>,
    /// That evaluate this ruleset.
    pub ruleset: Option<String>,
    /// Started before, epoch milliseconds.
    pub started_before_ms: Option<i64>,
    /// Started after.
    pub started_after_ms: Option<i64>,
}

/// Which results are wanted.
#[derive(Debug, Clone, Default)]
pub struct ResultFilter {
    /// Of this table.
    pub table: Option<TableName>,
    /// Of this job.
    pub job: Option<String>,
    /// Of this run of a job.
    pub job_run: Option<String>,
    /// Started before, epoch milliseconds.
    pub started_before_ms: Option<i64>,
    /// Started after.
    pub started_after_ms: Option<i64>,
}

fn between(at_ms: i64, after_ms: Option<i64>, before_ms: Option<i64>) -> bool {
    after_ms.is_none_or(|after| at_ms > after) && before_ms.is_none_or(|before| at_ms < before)
}

fn same<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

impl RulesetFilter {
    async fn takes(&self, tx: &mut Tx, scope: &Scope, ruleset: &StoredRuleset) -> Result<bool, QualityError> {
        let plain = same(self.name.as_ref(), Some(&ruleset.name))
            && same(self.description.as_ref(), ruleset.description.as_ref())
            && same(self.target.as_ref(), ruleset.target.as_ref())
            && between(ruleset.created_ms, self.created_after_ms, self.created_before_ms)
            && between(ruleset.modified_ms, self.modified_after_ms, self.modified_before_ms);
        if !plain || self.tags.is_empty() {
            return Ok(plain);
        }
        let tags = store::tags::get(tx, &ruleset_arn(scope, &ruleset.name)).await?;
        Ok(self.tags.iter().all(|(key, value)| tags.get(key) == Some(value)))
    }
}

impl RunFilter {
    fn takes(&self, run: &QualityRun) -> bool {
        let evaluates = |name: &String| match &run.work {
            Work::Evaluation { rulesets, .. } => rulesets.contains(name),
            Work::Recommendation { .. } => false,
        };
        same(self.table.as_ref(), Some(&run.source.table))
            && self.ruleset.as_ref().is_none_or(evaluates)
            && between(run.created_ms, self.started_after_ms, self.started_before_ms)
    }
}

impl ResultFilter {
    fn takes(&self, result: &QualityResult) -> bool {
        let job = result.job.as_ref();
        same(self.table.as_ref(), result.source.as_ref().map(|source| &source.table))
            && same(self.job.as_ref(), job.map(|(name, _)| name))
            && same(self.job_run.as_ref(), job.map(|(_, run)| run))
            && between(result.started_ms, self.started_after_ms, self.started_before_ms)
    }
}

/// A page and the token of the next one.
type Page<T> = (Vec<T>, Option<String>);

fn position(token: Option<&str>) -> Result<Option<(i64, String)>, QualityError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    let parts = token.split_once('.').and_then(|(ms, id)| Some((ms.parse().ok()?, id.to_owned())));
    parts.map(Some).ok_or_else(|| QualityError::invalid("NextToken is not a token of this operation"))
}

/// The first `limit`, and a token when there are more.
fn page<T>(mut found: Vec<T>, limit: usize, token: impl Fn(&T) -> String) -> Page<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(token);
    (found, next)
}

impl Quality {
    /// Rulesets in the order of their names. Errors: the store's.
    pub async fn rulesets(
        &self,
        scope: &Scope,
        filter: &RulesetFilter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<StoredRuleset>, QualityError> {
        let mut tx = self.store().read().await?;
        let mut after = token.unwrap_or_default().to_owned();
        let mut found = Vec::new();
        loop {
            let some = rows::rulesets(&mut tx, scope, &after, STEP).await?;
            let last = some.len() < STEP;
            for ruleset in some {
                after.clone_from(&ruleset.name);
                if filter.takes(&mut tx, scope, &ruleset).await? {
                    found.push(ruleset);
                }
            }
            if last || found.len() > limit {
                return Ok(page(found, limit, |ruleset| ruleset.name.clone()));
            }
        }
    }

    /// Runs that evaluate, the newest first. Errors: `Invalid` for a token that is not ours.
    pub async fn evaluations(
        &self,
        scope: &Scope,
        filter: &RunFilter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<QualityRun>, QualityError> {
        self.runs(scope, EVALUATION, filter, token, limit).await
    }

    /// Runs that recommend, the newest first. Errors: `Invalid` for a token that is not ours.
    pub async fn recommendations(
        &self,
        scope: &Scope,
        filter: &RunFilter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<QualityRun>, QualityError> {
        self.runs(scope, RECOMMENDATION, filter, token, limit).await
    }

    async fn runs(
        &self,
        scope: &Scope,
        kind: &str,
        filter: &RunFilter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<QualityRun>, QualityError> {
        let mut tx = self.store().read().await?;
        let mut after = position(token)?;
        let mut found = Vec::new();
        loop {
            let before = after.as_ref().map(|(ms, id)| (*ms, id.as_str()));
            let some = rows::runs(&mut tx, scope, kind, before, STEP).await?;
            let last = some.len() < STEP;
            after = some.last().map(|run| (run.created_ms, run.id.clone()));
            found.extend(some.into_iter().filter(|run| filter.takes(run)));
            if last || found.len() > limit {
                return Ok(page(found, limit, |run| format!("{}.{}", run.created_ms, run.id)));
            }
        }
    }

    /// Results, the newest first. Errors: `Invalid` for a token that is not ours.
    pub async fn results(
        &self,
        scope: &Scope,
        filter: &ResultFilter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<QualityResult>, QualityError> {
        let mut tx = self.store().read().await?;
        let mut after = position(token)?;
        let mut found = Vec::new();
        loop {
            let before = after.as_ref().map(|(ms, id)| (*ms, id.as_str()));
            let some = rows::results(&mut tx, scope, before, STEP).await?;
            let last = some.len() < STEP;
            after = some.last().map(|result| (result.started_ms, result.id.clone()));
            found.extend(some.into_iter().filter(|result| filter.takes(result)));
            if last || found.len() > limit {
                return Ok(page(found, limit, |result| format!("{}.{}", result.started_ms, result.id)));
            }
        }
    }
}
