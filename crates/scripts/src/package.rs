//! Our Python packages inside this binary: their files, what they need, and a name for this very set of files.

use std::path::Path;
use std::{fs, io};

use sha2::{Digest as _, Sha256};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Says what the packages need and is none of their files.
const PROJECT: &str = "pyproject.toml";

/// Sixteen hexadecimal digits that change with any file.
pub fn fingerprint() -> String {
    let mut digest = Sha256::new();
    for (name, bytes) in FILES {
        digest.update(name.len().to_le_bytes());
        digest.update(name.as_bytes());
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    }
    hex::encode(&digest.finalize()[..8])
}

/// Writes the packages below a folder, which is made. Files that are there already are replaced, others stay.
///
/// # Errors
/// The folder cannot be written.
pub fn unpack(folder: &Path) -> io::Result<()> {
    for (name, bytes) in FILES.iter().filter(|(name, _)| *name != PROJECT) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// What the packages and the engine Sail need, as pip's requirements.
pub fn requirements() -> Vec<String> {
    let project = FILES.iter().find(|(name, _)| *name == PROJECT).map_or(&b""[..], |(_, bytes)| bytes);
    let table: toml::Table = String::from_utf8_lossy(project).parse().unwrap_or_default();
    let project = table.get("project");
    let needed = project.and_then(|project| project.get("dependencies"));
    let sail = project.and_then(|project| project.get("optional-dependencies")?.get("sail"));
    let lists = [needed, sail].into_iter().flatten().filter_map(toml::Value::as_array);
    lists.flatten().filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        unpack(folder.path()).unwrap();
        for file in [
            "awsglue/context.py",
            "awsglue/transforms/__init__.py",
            "tenon_pyspark.pth",
            "awsgluedq/py.typed",
            "tenon_session/__main__.py",
        ] {
            assert!(folder.path().join(file).exists(), "{file}");
        }
        assert!(!folder.path().join(PROJECT).exists());
        assert_eq!(fingerprint().len(), 16);
    }

    #[test]
    fn what_they_need_is_read_from_the_project() {
        let found = requirements();
        for name in ["boto3", "pysail", "pyspark-client", "pandas"] {
            assert!(found.iter().any(|entry| entry.starts_with(name)), "{name} in {found:?}");
        }
    }
}
