//! The folders of a preview: which became tables, levels and partitions.

use std::collections::{BTreeMap, HashMap};

use crate::plan::TablePlan;
use crate::preview::FolderReport;

/// All folders below `prefix` (and itself), with their roles. `counts` are recognised files per folder that has any.
pub(super) fn folders(
    prefix: &str,
    counts: &[(String, u64)],
    plans: &[TablePlan],
    whys: Vec<(String, String)>,
) -> Vec<FolderReport> {
    let mut all: BTreeMap<String, u64> = BTreeMap::from([(prefix.to_owned(), 0)]);
    for (path, files) in counts {
        let mut whole = prefix.to_owned();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            whole = format!("{whole}{name}/");
            all.entry(whole.clone()).or_default();
        }
        *all.entry(whole).or_default() += files;
    }
    let mut reasons: HashMap<String, Vec<String>> = HashMap::new();
    for (path, why) in whys {
        reasons.entry(path).or_default().push(why);
    }
    let roles = Roles::of(plans);
    let report = |(path, files): (String, u64)| {
        let (role, of) = roles.role(&path);
        FolderReport { role, of, why: reasons.remove(&path).unwrap_or_default(), files, path }
    };
    all.into_iter().map(report).collect()
}

struct Roles<'a> {
    tables: HashMap<&'a str, &'a TablePlan>,
    parts: HashMap<&'a str, (&'a TablePlan, String)>,
    /// Folders between tables and their partitions.
    levels: HashMap<&'a str, String>,
}

impl<'a> Roles<'a> {
    fn of(plans: &'a [TablePlan]) -> Self {
        let tables = plans.iter().map(|plan| (plan.path.as_str(), plan)).collect();
        let (mut parts, mut levels) = (HashMap::new(), HashMap::new());
        for plan in plans {
            for part in plan.parts.iter().filter(|_| !plan.keys.is_empty()) {
                let named: Vec<String> =
                    plan.keys.iter().zip(&part.values).map(|(k, v)| format!("{k}={v}")).collect();
                parts.insert(part.folder.as_str(), (plan, named.join(", ")));
                let below = part.folder.get(plan.path.len()..).unwrap_or_default();
                for ((at, _), key) in below.match_indices('/').zip(&plan.keys) {
                    levels.insert(&part.folder[..=plan.path.len() + at], format!("{}: {key}", plan.path));
                }
            }
        }
        Self { tables, parts, levels }
    }

    fn role(&self, path: &str) -> (&'static str, String) {
        if self.tables.contains_key(path) {
            return ("TABLE", path.to_owned());
        }
        if let Some((plan, named)) = self.parts.get(path) {
            return ("PARTITION", format!("{}: {named}", plan.path));
        }
        if let Some(level) = self.levels.get(path) {
            return ("PARTITION_LEVEL", level.clone());
        }
        // The nearest table or partition above; what lies beside partitions is in neither.
        let above = path.trim_end_matches('/').match_indices('/').rev().map(|(at, _)| &path[..=at]);
        for folder in above.chain([""]) {
            if self.parts.contains_key(folder) {
                return ("WITHIN", folder.to_owned());
            }
            if let Some(plan) = self.tables.get(folder) {
                if plan.keys.is_empty() {
                    return ("WITHIN", folder.to_owned());
                }
                break;
            }
        }
        ("NONE", String::new())
    }
}
