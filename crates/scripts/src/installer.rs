//! What makes a virtual environment and installs into it: uv, or Python's own `venv` with pip.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::python::{self, ToolError};

const UV: &str = "uv";
/// What tells pip where packages are, and uv nothing.
const OF_PIP: [&str; 6] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_CONFIG_FILE",
    "PIP_CONSTRAINT",
];

/// What installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installer {
    /// The program uv.
    Uv(PathBuf),
    /// `python -m venv`, and the pip that it brings.
    Pip,
}

impl Installer {
    /// uv as found in `PATH`.
    pub fn uv(variables: &BTreeMap<String, String>) -> Option<Self> {
        let folders = env::split_paths(variables.get("PATH")?).map(|folder| folder.join(UV));
        folders.into_iter().find(|program| program.is_file()).map(Self::Uv)
    }

    /// uv where it is found in `PATH`, else pip. Pip, too, when variables tell it where packages are and tell uv nothing,
    /// which does not read them.
    pub fn choose(variables: &BTreeMap<String, String>) -> Self {
        let is_pip_told = OF_PIP.iter().any(|name| variables.contains_key(*name));
        let is_uv_told = variables.keys().any(|name| name.starts_with("UV_"));
        if is_pip_told && !is_uv_told {
            return Self::Pip;
        }
        Self::uv(variables).unwrap_or(Self::Pip)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uv(_) => UV,
            Self::Pip => "pip",
        }
    }

    /// What a message calls making an environment.
    pub(crate) fn making(&self) -> &'static str {
        match self {
            Self::Uv(_) => "making a virtual environment with uv (Python 3.9 or newer is needed)",
            Self::Pip => "making a virtual environment (Python 3.9 or newer with its venv module is needed)",
        }
    }

    /// What a message calls installing.
    pub(crate) fn installing(&self) -> &'static str {
        match self {
            Self::Uv(_) => "installing the engine and the clients with uv",
            Self::Pip => "installing the engine and the clients with pip",
        }
    }

    /// Makes an environment in a folder that is there.
    pub(crate) async fn make(
        &self,
        python: &Path,
        folder: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ToolError> {
        let (program, mut arguments) = match self {
            Self::Uv(uv) => {
                (uv.as_path(), texts(&["venv", "--no-project", "--allow-existing", "--quiet", "--python"]))
            }
            Self::Pip => (python, texts(&["-m", "venv"])),
        };
        if matches!(self, Self::Uv(_)) {
            arguments.push(python.into());
        }
        arguments.push(folder.into());
        python::call(program, arguments, variables).await.map(drop)
    }

    /// Installs requirements into the environment of an interpreter, from a folder of wheels alone if one is given.
    pub(crate) async fn install(
        &self,
        python: &Path,
        requirements: &[String],
        wheels: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ToolError> {
        let (program, mut arguments) = match self {
            Self::Uv(uv) => {
                let mut arguments = texts(&["pip", "install", "--quiet", "--python"]);
                arguments.push(python.into());
                (uv.as_path(), arguments)
            }
            Self::Pip => (
                python,
                texts(&["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]),
            ),
        };
        if let Some(wheels) = wheels {
            if matches!(self, Self::Uv(_)) {
                // Its cache takes a wheel for the one that it knows by that name.
                arguments.extend(texts(&["--offline", "--no-cache"]));
            }
            arguments.extend(["--no-index".into(), "--find-links".into(), wheels.into()]);
        }
        arguments.extend(requirements.iter().map(OsString::from));
        python::call(program, arguments, variables).await.map(drop)
    }

    /// Makes sure that the environment has pip, which installs what jobs want besides: uv brings none.
    pub(crate) async fn add_pip(
        &self,
        python: &Path,
        wheels: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ToolError> {
        let has_pip = python::call(python, ["-m", "pip", "--version"], variables).await.is_ok();
        // Python's own copy asks nobody; systems that keep it apart may lack it.
        if has_pip || python::call(python, ["-m", "ensurepip"], variables).await.is_ok() {
            return Ok(());
        }
        self.install(python, &["pip".to_owned()], wheels, variables).await
    }
}

fn texts(texts: &[&str]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn uv_is_taken_where_it_is_and_not_told_less_than_pip() {
        let folder = tempfile::tempdir().unwrap();
        let of = |more: &[(&str, &str)]| {
            let path = format!("/nowhere:{}", folder.path().display());
            let all = [&[("PATH", path.as_str())], more].concat();
            let all = all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Installer::choose(&all.collect())
        };
        assert_eq!(of(&[]), Installer::Pip);
        fs::write(folder.path().join("uv"), "").unwrap();
        let uv = Installer::Uv(folder.path().join("uv"));
        assert_eq!(of(&[("PIP_DISABLE_PIP_VERSION_CHECK", "1")]), uv);
        assert_eq!(of(&[("PIP_INDEX_URL", "http://localhost/")]), Installer::Pip);
        assert_eq!(of(&[("PIP_INDEX_URL", "x"), ("UV_DEFAULT_INDEX", "y")]), uv);
        assert_eq!(Installer::choose(&BTreeMap::new()), Installer::Pip);
    }
}
