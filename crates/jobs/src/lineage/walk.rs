//! From a dataset or a job to the jobs before and behind it.
//!
//! A job is before another when it has written what the other reads: the same table, the same object, the same folder, or
//! one within the other. Each job is met once, at its least distance, with the last of its runs that fits; which datasets it
//! leads on to is what that run has read or written.

use std::collections::BTreeSet;

use serde::Serialize;
use store::{Row, Scope, Tx, Value, params};

use super::start::{Start, end_of, start};
use super::{Dataset, Datasets, Direction, Recorded, recorded};
use crate::JobsError;
use crate::definition::Job;

/// Steps that one walk takes at most, each way.
const MAX_STEPS: usize = 200;
/// Folders of a location that are looked at.
const MAX_FOLDERS: usize = 64;
/// Datasets that one step goes on from at most.
const MAX_PLACES: usize = 500;

/// A job on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Step {
    /// How many jobs lie between it and the start; 0 for those next to it.
    pub distance: u32,
    /// The job.
    pub job: String,
    /// How many of its runs fit.
    pub runs: u64,
    /// The last of them.
    pub run_id: String,
    /// False when it may have to do with the object that was asked for: what it read or wrote there is not known by name.
    pub certain: bool,
    /// When that was published, epoch milliseconds.
    pub published_ms: i64,
    /// What that run has read and written.
    #[serde(flatten)]
    pub datasets: Datasets,
}

/// The result of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lineage {
    /// Where it began.
    pub of: Start,
    /// The last run of the job that it began at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Step>,
    /// The jobs that what is there comes from, the nearest first.
    pub upstream: Vec<Step>,
    /// The jobs that have read it, the nearest first.
    pub downstream: Vec<Step>,
    /// Whether there are more than are walked to.
    pub truncated: bool,
}

/// A place in the lineage of data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    table: Option<String>,
    location: Option<String>,
}

impl Place {
    fn of(dataset: &Dataset) -> Self {
        Self { table: dataset.table.clone(), location: dataset.location.clone() }
    }
}

/// The last run of a job that has to do with a place.
struct Found {
    incarnation: String,
    job: String,
    runs: i64,
    seq: i64,
    certain: bool,
}

/// Walks from a name: `s3://…`, `database.table`, or a job.
///
/// # Errors
/// `JobNotFound` for a name that is neither a table nor a job.
pub async fn of(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Lineage, JobsError> {
    let (start, job) = start(tx, scope, name).await?;
    let mut lineage =
        Lineage { of: start, last_run: None, upstream: Vec::new(), downstream: Vec::new(), truncated: false };
    let mut places = [BTreeSet::new(), BTreeSet::new()];
    let mut met = BTreeSet::new();
    match (&lineage.of, job) {
        (Start::Path { location }, _) => {
            let place = Place { table: None, location: Some(location.clone()) };
            places = [BTreeSet::from([place.clone()]), BTreeSet::from([place])];
        }
        (Start::Table { name, location }, _) => {
            let place = Place { table: Some(name.clone()), location: location.clone() };
            places = [BTreeSet::from([place.clone()]), BTreeSet::from([place])];
        }
        (Start::Job { .. }, Some(job)) => {
            met.insert(job.incarnation.clone());
            if let Some(found) = last_of(tx, &job).await? {
                let step = step(tx, found, 0).await?;
                places = [
                    step.datasets.inputs.iter().map(Place::of).collect(),
                    step.datasets.outputs.iter().map(Place::of).collect(),
                ];
                lineage.last_run = Some(step);
            }
        }
        (Start::Job { .. }, None) => {}
    }
    let [before, behind] = places;
    let (upstream, cut) = Box::pin(along(tx, scope, before, met.clone(), Direction::Written)).await?;
    let (downstream, cut_too) = Box::pin(along(tx, scope, behind, met, Direction::Read)).await?;
    (lineage.upstream, lineage.downstream, lineage.truncated) = (upstream, downstream, cut || cut_too);
    Ok(lineage)
}

async fn last_of(tx: &mut Tx, job: &Job) -> Result<Option<Found>, JobsError> {
    let sql = "SELECT incarnation, job, COUNT(DISTINCT seq), MAX(seq) FROM jobs_lineage WHERE incarnation = $1 \
               GROUP BY incarnation, job";
    let row = tx.query_opt(sql, &params![job.incarnation.as_str()]).await?;
    row.as_ref().map(found).transpose()
}

fn found(row: &Row) -> Result<Found, JobsError> {
    let (incarnation, job) = (row.get(0)?, row.get(1)?);
    Ok(Found { incarnation, job, runs: row.get(2)?, seq: row.get(3)?, certain: true })
}

/// The jobs along the way, breadth first, and whether there are more. `by` says how they have to do with the places.
async fn along(
    tx: &mut Tx,
    scope: &Scope,
    mut places: BTreeSet<Place>,
    mut met: BTreeSet<String>,
    by: Direction,
) -> Result<(Vec<Step>, bool), JobsError> {
    let (mut steps, mut seen) = (Vec::new(), places.clone());
    for distance in 0.. {
        let mut next = BTreeSet::new();
        for place in &places {
            for found in jobs_at(tx, scope, place, by).await? {
                if !met.insert(found.incarnation.clone()) {
                    continue;
                }
                if steps.len() == MAX_STEPS {
                    return Ok((steps, true));
                }
                let step = step(tx, found, distance).await?;
                let on = match by {
                    Direction::Written => &step.datasets.inputs,
                    Direction::Read => &step.datasets.outputs,
                };
                next.extend(on.iter().map(Place::of).filter(|place| seen.insert(place.clone())));
                steps.push(step);
            }
        }
        if next.len() > MAX_PLACES {
            return Ok((steps, true));
        }
        if next.is_empty() {
            break;
        }
        places = next;
    }
    Ok((steps, false))
}

/// The jobs that have written (or read) there.
async fn jobs_at(tx: &mut Tx, scope: &Scope, place: &Place, by: Direction) -> Result<Vec<Found>, JobsError> {
    let mut values = params![scope.account.as_str(), scope.region.as_str(), by.number()].to_vec();
    let mut any = Vec::new();
    let mut value = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    if let Some(table) = &place.table {
        any.push(format!("table_name = {}", value(Value::from(table.as_str()))));
    }
    if let Some(location) = place.location.as_deref().filter(|location| !location.is_empty()) {
        let above: Vec<String> =
            folders_above(location).into_iter().map(|folder| value(Value::from(folder.as_bytes()))).collect();
        any.push(format!("location IN ({})", above.join(", ")));
        if location.ends_with('/') {
            let from = value(Value::from(location.as_bytes()));
            let to = value(Value::from(end_of(location).as_bytes()));
            any.push(format!("(location >= {from} AND location < {to})"));
        }
    }
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT incarnation, job, COUNT(DISTINCT seq), MAX(seq) FROM jobs_lineage \
         WHERE account = $1 AND region = $2 AND direction = $3 AND ({}) \
         GROUP BY incarnation, job ORDER BY job",
        any.join(" OR ")
    );
    let rows = tx.query(&sql, &values).await?;
    let mut all = rows.iter().map(found).collect::<Result<Vec<_>, _>>()?;
    let is_object = |location: &&str| location.starts_with("s3://") && !location.ends_with('/');
    if let Some(location) = place.location.as_deref().filter(is_object) {
        all = by_object(tx, location, by, all).await?;
    }
    Ok(all)
}

/// Of jobs that have to do with an object's folder, those that have to do with the object itself; and those that may,
/// because the objects of one of their datasets there are not known by name.
async fn by_object(
    tx: &mut Tx,
    location: &str,
    by: Direction,
    jobs: Vec<Found>,
) -> Result<Vec<Found>, JobsError> {
    let exact = "SELECT l.incarnation, l.job, COUNT(DISTINCT l.seq), MAX(l.seq) FROM jobs_lineage_objects o \
                 JOIN jobs_lineage l ON l.incarnation = o.incarnation AND l.seq = o.seq AND l.ordinal = o.ordinal \
                 WHERE o.location = $1 AND l.direction = $2 AND l.incarnation = $3 GROUP BY l.incarnation, l.job";
    let mut kept = Vec::new();
    for job in jobs {
        let values = params![location.as_bytes(), by.number(), job.incarnation.as_str()];
        match tx.query_opt(exact, &values).await? {
            Some(row) => kept.push(found(&row)?),
            None => kept.extend(perhaps(tx, location, by, &job.incarnation).await?),
        }
    }
    Ok(kept)
}

/// The runs of a job that have to do with a folder of an object, and whose objects are not known by name.
async fn perhaps(
    tx: &mut Tx,
    location: &str,
    by: Direction,
    incarnation: &str,
) -> Result<Option<Found>, JobsError> {
    let mut values = params![incarnation, by.number()].to_vec();
    let mut folders = Vec::new();
    for folder in folders_above(location) {
        values.push(Value::from(folder.as_bytes()));
        folders.push(format!("${}", values.len()));
    }
    let sql = format!(
        "SELECT incarnation, job, COUNT(DISTINCT seq), MAX(seq) FROM jobs_lineage l \
         WHERE incarnation = $1 AND direction = $2 AND files > 0 AND location IN ({}) AND NOT EXISTS ( \
         SELECT 1 FROM jobs_lineage_objects o WHERE o.incarnation = l.incarnation AND o.seq = l.seq \
         AND o.ordinal = l.ordinal) GROUP BY incarnation, job",
        folders.join(", ")
    );
    let row = tx.query_opt(&sql, &values).await?;
    Ok(row.as_ref().map(found).transpose()?.map(|found| Found { certain: false, ..found }))
}

/// A location and the folders that it lies in.
fn folders_above(location: &str) -> Vec<&str> {
    let mut above = vec![location];
    let mut rest = location.trim_end_matches('/');
    while let Some(at) = rest.rfind('/').filter(|at| *at > "s3://".len()) {
        above.extend(location.get(..=at));
        rest = rest.get(..at).unwrap_or_default();
        if above.len() == MAX_FOLDERS {
            break;
        }
    }
    above
}

async fn step(tx: &mut Tx, found: Found, distance: u32) -> Result<Step, JobsError> {
    let Found { incarnation, job, runs, seq, certain } = found;
    let Recorded { run_id, published_ms, datasets } = recorded(tx, &incarnation, seq).await?;
    let runs = u64::try_from(runs).unwrap_or(0);
    Ok(Step { distance, job, runs, run_id, certain, published_ms, datasets })
}

#[cfg(test)]
mod tests {
    use super::super::start::folder_of;
    use super::*;

    #[test]
    fn a_place_lies_in_its_folders() {
        assert_eq!(folders_above("s3://b/x/y/"), ["s3://b/x/y/", "s3://b/x/", "s3://b/"]);
        assert_eq!(folders_above("s3://b/f.csv"), ["s3://b/f.csv", "s3://b/"]);
        assert_eq!(folders_above("s3://b/"), ["s3://b/"]);
        assert_eq!(folder_of("s3a://b/x"), "s3://b/x/");
        assert_eq!(folder_of("postgres://h:1/d.s.t"), "postgres://h:1/d.s.t");
    }
}
