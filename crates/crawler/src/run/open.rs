//! Tables of open formats that a listing of plain files comes by.
//!
//! Their folders hold the files of all versions of the table: read as what lies there, rows would come twice, and rows that
//! were deleted would come back. What is in them is left out, and the log says so.

use std::collections::BTreeMap;

use super::Job;
use super::survey::Looked;
use crate::plan::Folder;
use crate::targets::iceberg::version;

/// Why files are left out, as it is counted.
const REASON: &str = "open table format";

/// An open format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Delta,
    Hudi,
    Iceberg,
}

/// The tables of a target, by their folders (without slashes at the ends).
#[derive(Debug, Default)]
pub(super) struct OpenTables {
    roots: BTreeMap<String, Format>,
}

impl OpenTables {
    /// Takes note of a key, relative to the target.
    pub(super) fn notice(&mut self, relative: &str) {
        if let Some((root, format)) = sign(relative)
            && !self.roots.contains_key(root)
        {
            self.roots.insert(root.to_owned(), format);
        }
    }

    /// Takes what is in these tables out of `folders`, and says so. `place`: the target's folder, with a slash at its end.
    pub(super) fn leave_out(
        &self,
        job: &Job<'_>,
        place: &str,
        folders: &mut BTreeMap<String, Folder>,
        looked: &mut Looked,
    ) {
        for (root, format) in &self.roots {
            let inside = |path: &str| match path.strip_prefix(root.as_str()) {
                Some(rest) => root.is_empty() || rest.is_empty() || rest.starts_with('/'),
                None => false,
            };
            let mut files = 0;
            folders.retain(|path, folder| {
                let is_inside = inside(path);
                files += if is_inside { folder.recognised() + folder.counted.0 } else { 0 };
                !is_inside
            });
            let slash = if root.is_empty() { "" } else { "/" };
            let (table, what) = (format!("{place}{root}{slash}"), format.description());
            if let Some(report) = &mut looked.report {
                report.leave_out(&table, what);
            }
            *looked.left_out.entry(REASON.to_owned()).or_default() += files;
            job.log.error(format!("{table}: {what}; its {files} files are left out"));
        }
    }
}

impl Format {
    fn description(self) -> &'static str {
        match self {
            Self::Delta => {
                "it is a Delta table (_delta_log): its files are not its rows. Give it to a crawler as a DeltaTarget"
            }
            Self::Hudi => {
                "it is a Hudi table (.hoodie), which keeps several versions of its files: they are not its rows. Give it to a \
                 crawler as a HudiTarget"
            }
            Self::Iceberg => {
                "it is an Iceberg table (metadata/*.metadata.json): its files are not its rows. Give it to a crawler as an \
                 IcebergTarget"
            }
        }
    }
}

/// The folder of the table whose log, timeline or metadata a key belongs to.
fn sign(relative: &str) -> Option<(&str, Format)> {
    let (folder, name) = relative.rsplit_once('/')?;
    let parent = |of: &str| folder.strip_suffix(of).filter(|rest| rest.is_empty() || rest.ends_with('/'));
    let plain = |root: &'_ str| root.len().saturating_sub(1);
    if let Some(root) = parent("_delta_log")
        && name.len() > 20
        && name.bytes().take(20).all(|byte| byte.is_ascii_digit())
    {
        return Some((&relative[..plain(root)], Format::Delta));
    }
    if let Some(root) = parent("metadata")
        && version(name).is_some()
    {
        return Some((&relative[..plain(root)], Format::Iceberg));
    }
    if let Some(root) = parent(".hoodie")
        && name == "hoodie.properties"
    {
        return Some((&relative[..plain(root)], Format::Hudi));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_open_formats() {
        for (key, found) in [
            ("a/t/_delta_log/00000000000000000000.json", Some(("a/t", Format::Delta))),
            ("_delta_log/00000000000000000010.checkpoint.parquet", Some(("", Format::Delta))),
            ("t/metadata/00000-ab.metadata.json", Some(("t", Format::Iceberg))),
            ("t/.hoodie/hoodie.properties", Some(("t", Format::Hudi))),
            ("t/_delta_log/notes.txt", None),
            ("t/my_delta_log/00000000000000000000.json", None),
            ("t/metadata/a.json", None),
            ("metadata.json", None),
            ("t/.hoodie/20260101.commit", None),
        ] {
            assert_eq!(sign(key), found, "{key}");
        }
    }
}
