//! What a survey found, grouped into tables.

use super::survey::{Found, Looked, Place, look_around};
use super::{Ended, Job, explain};
use crate::plan::{Grouping, TablePlan, Tree, level};
use crate::preview::TargetReport;

/// Why files are left out of a partition that mixes them, as it is counted.
const MIXED: &str = "mixed in a partition";

/// Surveys one place and groups what it finds into tables. Errors: as [`look_around`].
pub(super) async fn tables(
    job: &Job<'_>,
    place: &Place,
    grouping: Grouping,
    looked: &mut Looked,
) -> Result<Vec<Found>, Ended> {
    let (found, notes) = planned(job, place, grouping, looked).await?;
    for note in notes {
        job.log.warn(note);
    }
    Ok(found)
}

/// The same, with the remarks that are to be made when the tables are.
pub(super) async fn planned(
    job: &Job<'_>,
    place: &Place,
    grouping: Grouping,
    looked: &mut Looked,
) -> Result<(Vec<Found>, Vec<String>), Ended> {
    let bucket = place.bucket.as_str();
    if job.is_preview() {
        let path = format!("s3://{bucket}/{}", place.path);
        looked.report = Some(TargetReport { path, ..TargetReport::default() });
    }
    let surveyed = look_around(job, place, grouping, None, looked).await?;
    if let Some(shape) = surveyed.single {
        let plan = TablePlan { path: place.path.clone(), shape, keys: Vec::new(), parts: Vec::new() };
        return Ok((vec![Found { exclusions: Vec::new(), ..place.found(job, plan) }], Vec::new()));
    }
    let prefix = surveyed.prefix;
    let counts: Vec<(String, u64)> = match &looked.report {
        Some(_) => {
            surveyed.folders.iter().map(|(path, folder)| (path.clone(), folder.recognised())).collect()
        }
        None => Vec::new(),
    };
    let tree = Tree::new(&prefix, surveyed.folders, grouping);
    let planned = match &mut looked.report {
        Some(report) => {
            let mut planned = tree.explained();
            let whys = planned.whys.take().unwrap_or_default();
            report.folders = explain::folders(&prefix, &counts, &planned.tables, whys);
            for (folder, _) in &planned.left_out {
                report.leave_out(folder, "it mixes files that no one table can read");
            }
            planned
        }
        None => tree.planned(),
    };
    let mut notes: Vec<String> =
        planned.notes.into_iter().map(|note| format!("s3://{bucket}/: {note}")).collect();
    if let Some(wanted) = grouping.table_level.filter(|wanted| *wanted < level(&prefix)) {
        notes.push(format!(
            "s3://{bucket}/: TableLevelConfiguration {wanted} lies above the target {prefix}, which is at level {}: \
             tables begin there, or below",
            level(&prefix)
        ));
    }
    for (_, files) in planned.left_out.iter().filter(|(_, files)| *files > 0) {
        *looked.left_out.entry(MIXED.to_owned()).or_default() += files;
    }
    Ok((planned.tables.into_iter().map(|plan| place.found(job, plan)).collect(), notes))
}
