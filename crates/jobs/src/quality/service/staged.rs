//! Rules of scripts: evaluated on frames that the script has staged as Parquet files, while it waits for the answer.
//!
//! The script is the run: there is no other one for the evaluation, and no lease. What it makes of the outcomes is its own
//! affair. What a crash leaves: nothing; the script's request fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::quality::Ruleset;
use datafusion::dataframe::DataFrame;
use engine::write::{self, Spec};
use engine::{EngineError, PathFormat, PathSource, Session, SessionOptions, Sources, SqlDialect};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::documents::QualityResult;
use super::error::QualityError;
use super::publish::Place;
use super::{Quality, result_id, rows, work};
use crate::plan::{self, PlanError};
use crate::quality::{self, Input};
use crate::run;

/// A frame that a script has written: without records there may be no file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFrame {
    /// The folder of its Parquet files.
    pub folder: String,
    /// Its columns, and their types as the catalog writes them.
    pub columns: Vec<(String, String)>,
}

impl StagedFrame {
    /// Its rows.
    pub(crate) async fn open(&self, session: &Session) -> Result<DataFrame, PlanError> {
        let columns = self.columns.iter().map(|(name, hive)| (name.as_str(), hive.as_str()));
        let source = PathSource {
            format: PathFormat::Parquet,
            schema: Some(Arc::new(plan::declared(columns)?)),
            folder_columns: false,
            ..PathSource::new(vec![self.folder.clone()])
        };
        plan::plain(session.read_path(source).await?)
    }
}

/// Rules, and what they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The rules, in DQDL.
    pub ruleset: String,
    /// The frame that is evaluated.
    pub primary: StagedFrame,
    /// Other frames by the names that rules use.
    pub others: BTreeMap<String, StagedFrame>,
    /// Whether composite rules are evaluated row by row.
    pub by_row: bool,
}

/// What becomes of the outcomes, beside being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishing {
    /// `EvaluationContext`, which also stands for the name of the ruleset.
    pub context: String,
    /// A folder of a bucket for them.
    pub prefix: Option<String>,
    /// Whether they are kept for GetDataQualityResult.
    pub kept: bool,
    /// The run of a job that the script is.
    pub run: Option<String>,
}

impl Quality {
    /// Evaluates rules; what is to be published of it is stored in one transaction.
    /// Errors: `Invalid` for rules that cannot be parsed, frames that cannot be read and results that cannot be written;
    /// `Store`.
    pub async fn evaluate_staged(
        &self,
        scope: &Scope,
        staged: &Staged,
        publishing: Publishing,
    ) -> Result<QualityResult, QualityError> {
        let job = match &publishing.run {
            Some(run) => Some(self.job_of(scope, run).await?),
            None => None,
        };
        publishing.prefix.as_deref().map(Place::parse).transpose()?;
        let ruleset = quality::parse(&staged.ruleset)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let started_ms = self.store().clock().now_ms();
        let input = input(&session, staged, &ruleset, started_ms).await.map_err(refused)?;
        let evaluation = quality::evaluate(input, &ruleset).await.map_err(|error| refused(error.into()))?;
        let result = QualityResult {
            id: result_id(self.store()),
            source: None,
            ruleset: publishing.context.clone(),
            context: Some(publishing.context),
            job,
            run: None,
            started_ms,
            completed_ms: self.store().clock().now_ms(),
            evaluation,
        };
        let mut tx = self.store().begin().await?;
        if publishing.kept {
            rows::insert_result(&mut tx, scope, &result).await?;
        }
        if let Some(prefix) = &publishing.prefix
            && let Some(why) = self.write(&mut tx, scope, prefix, std::slice::from_ref(&result)).await?
        {
            return Err(QualityError::invalid(why));
        }
        tx.commit().await?;
        Ok(result)
    }

    /// Writes the rows of the evaluated frame, with what the rules say about each, as Parquet files into `folder`, which
    /// nobody else may write to; returns how many there are. With `skipped`, a row that a rule's `where` leaves out is
    /// counted as skipped instead of passed.
    /// Errors: as [`Self::evaluate_staged`].
    pub async fn stage_row_outcomes(
        &self,
        scope: &Scope,
        staged: &Staged,
        skipped: bool,
        folder: &str,
    ) -> Result<u64, QualityError> {
        let place = Place::named("Folder", folder)?;
        let ruleset = quality::parse(&staged.ruleset)?;
        let stop = CancellationToken::new();
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let now_ms = self.store().clock().now_ms();
        let input = input(&session, staged, &ruleset, now_ms).await.map_err(refused)?;
        let of_engine = |error: EngineError| refused(error.into());
        let frame = quality::row_outcomes(input, &ruleset, skipped).await.map_err(of_engine)?;
        let spec = Spec::parquet(place.bucket, place.prefix, "rows");
        let output = write::write_partitioned(&session, frame, &spec).await.map_err(of_engine)?;
        let mut tx = self.store().begin().await?;
        let published = write::publish(&mut tx, &self.inner.lake, output).await.map_err(of_engine)?;
        tx.commit().await?;
        Ok(published.rows)
    }

    /// The job of a run, and the run.
    async fn job_of(&self, scope: &Scope, id: &str) -> Result<(String, String), QualityError> {
        let run = run::load(&mut self.store().read().await?, id).await?;
        match run.filter(|run| run.scope == *scope) {
            Some(run) => Ok((run.details.job, run.id)),
            None => Err(QualityError::invalid(format!("there is no job run {id}"))),
        }
    }

    fn session(&self, scope: &Scope, cancel: CancellationToken) -> Session {
        let inner = &self.inner;
        let sources = Sources { store: inner.store.clone(), lake: inner.lake.clone(), scope: scope.clone() };
        let options = SessionOptions { cancel, dialect: SqlDialect::Spark, ..SessionOptions::default() };
        inner.engine.session(sources, options)
    }
}

async fn input<'a>(
    session: &'a Session,
    staged: &Staged,
    ruleset: &Ruleset,
    now_ms: i64,
) -> Result<Input<'a>, PlanError> {
    let primary = staged.primary.open(session).await?;
    let mut others = BTreeMap::new();
    for (alias, frame) in &staged.others {
        others.insert(alias.clone(), frame.open(session).await?);
    }
    work::add_tables(session, ruleset, &mut others).await?;
    Ok(Input { session, primary, others, now_ms, by_row: staged.by_row })
}

/// The script's own fault, as far as it may be.
fn refused(error: PlanError) -> QualityError {
    match error {
        PlanError::Engine(EngineError::Store(error)) => QualityError::Store((*error).clone()),
        other => QualityError::invalid(other.to_string()),
    }
}
