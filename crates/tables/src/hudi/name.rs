//! Names of data files. Source: Hudi's technical specification, "File Layout Hierarchy" and "Data Files".

/// Endings of base files of any format that Hudi writes.
const BASE_ENDINGS: [&str; 4] = [".parquet", ".orc", ".hfile", ".lance"];

/// `<file id>_<write token>_<instant>.<ending>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BaseName<'a> {
    pub(super) file_id: &'a str,
    pub(super) instant: &'a str,
}

/// `.<file id>_<instant>.log.<version>[_<write token>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogName<'a> {
    pub(super) file_id: &'a str,
    pub(super) instant: &'a str,
}

/// What a file in a partition's folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileName<'a> {
    Base(BaseName<'a>),
    Log(LogName<'a>),
    /// A file that is no data: metadata of the partition, markers, what somebody put there.
    Other,
    /// It ends like a base file and cannot be one, or is one of a format that is not read.
    Strange,
}

impl<'a> FileName<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        if let Some(hidden) = name.strip_prefix('.') {
            return log(hidden).map_or(Self::Other, Self::Log);
        }
        if !BASE_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return Self::Other;
        }
        match base(name) {
            Some(base) if name.ends_with(".parquet") => Self::Base(base),
            _ => Self::Strange,
        }
    }
}

fn is_instant(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The instant ends with the first dot after it: writers put more endings behind it (`.c000.snappy.parquet`).
fn base(name: &str) -> Option<BaseName<'_>> {
    let (file_id, rest) = name.split_once('_')?;
    let (token, rest) = rest.split_once('_')?;
    let (instant, _) = rest.split_once('.')?;
    (!file_id.is_empty() && !token.is_empty() && is_instant(instant)).then_some(BaseName { file_id, instant })
}

/// `hidden`: the name without its dot. Logs of changes (`-cdc`) only say again what base files hold.
fn log(hidden: &str) -> Option<LogName<'_>> {
    let (file_id, rest) = hidden.split_once('_')?;
    let (instant, rest) = rest.split_once(".log.")?;
    let version = rest.split('_').next().unwrap_or_default();
    let is_log = !file_id.is_empty() && is_instant(instant) && is_instant(version);
    let is_changes = rest.ends_with(".cdc") || rest.ends_with("-cdc");
    (is_log && !is_changes).then_some(LogName { file_id, instant })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let id = "54e9a5e9-ee5d-4ed2-acee-720b5810d380-0";
        for name in [
            format!("{id}_0-3-3_20240402123035233.parquet"),
            format!("{id}_0-3-3_20240402123035233.c000.snappy.parquet"),
        ] {
            let base = BaseName { file_id: id, instant: "20240402123035233" };
            assert_eq!(FileName::of(&name), FileName::Base(base), "{name}");
        }
        for name in [format!(".{id}_20240402.log.1_0-3-3"), format!(".{id}_20240402.log.12")] {
            assert_eq!(
                FileName::of(&name),
                FileName::Log(LogName { file_id: id, instant: "20240402" }),
                "{name}"
            );
        }
        for name in [
            ".hoodie_partition_metadata",
            ".hoodie_partition_metadata.parquet",
            "_SUCCESS",
            "a.json",
            "",
            ".a_20240402.log.1_0-1-0-cdc",
            ".a_20240402.log.1_0-1-0.cdc",
            ".a_x.log.1_0",
            ".crc",
        ] {
            assert_eq!(FileName::of(name), FileName::Other, "{name}");
        }
        for name in [
            "part-00000.parquet",
            "a_b.parquet",
            "a__1.parquet",
            "_0_1.parquet",
            "a_0_x1.parquet",
            "a_0_1.orc",
            "a_0_1.hfile",
        ] {
            assert_eq!(FileName::of(name), FileName::Strange, "{name}");
        }
    }
}
