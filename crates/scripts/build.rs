//! Puts the Python packages of `python/` into the binary: whoever has only the binary can run scripts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What `python/pyproject.toml` packs into its wheel, and that file, which says what they need.
const ENTRIES: [&str; 10] = [
    "awsglue",
    "awsgluedi",
    "awsgluedq",
    "awsglueml",
    "tenon_pool",
    "tenon_pyspark",
    "tenon_pyspark.pth",
    "tenon_pytest",
    "tenon_session",
    "pyproject.toml",
];

fn main() -> io::Result<()> {
    let of = |name: &str| {
        env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("no {name}")))
    };
    let root = of("CARGO_MANIFEST_DIR")?.join("../../python").canonicalize()?;
    let mut files = Vec::new();
    for entry in ENTRIES {
        println!("cargo::rerun-if-changed={}", root.join(entry).display());
        gather(&root.join(entry), &mut files)?;
    }
    files.sort();
    let mut text = String::from("pub(crate) const FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        // A `String` takes whatever is written.
        let _ = writeln!(
            text,
            "    ({:?}, include_bytes!({:?})),",
            name.display().to_string(),
            file.display().to_string()
        );
    }
    text.push_str("];\n");
    fs::write(of("OUT_DIR")?.join("files.rs"), text)
}

/// All files below a path but what Python compiled.
fn gather(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() != "__pycache__" {
            gather(&entry.path(), files)?;
        }
    }
    Ok(())
}
