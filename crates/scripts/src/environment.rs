//! The virtual environment that scripts run in.
//!
//! ```text
//! none ─ setup ─► unfinished (a file says so) ─ installed, imports tried ─► ready
//! ```
//!
//! Any virtual environment that has what [`package::requirements`] names will do; [`Environment::setup`] makes one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::package;
use crate::python::{self, ToolError};

/// Marks an environment whose making has begun and not ended.
const UNFINISHED: &str = "tenon-unfinished";
/// Names what an environment was made with: our packages in its first line, what they need in the others.
const STAMP: &str = "tenon-packages";

/// Tries what every script needs, and says what is there. A file, because the Spark Connect client refuses `-c`.
const TRY: &str = "\
import importlib.metadata as metadata
import awsglue.context, awsglue.job, awsglue.transforms, awsglue.utils
import boto3
from pyspark.context import SparkContext
from pyspark.sql.connect.session import SparkSession
from pysail.spark import SparkConnectServer
print(', '.join(name + ' ' + metadata.version(name) for name in ('pysail', 'pyspark-client', 'pandas', 'boto3')))
";

/// An environment that cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// There is none.
    #[error("there is no Python environment for scripts at {}: run `tenon python setup` once", folder.display())]
    Missing {
        /// Where it should be.
        folder: PathBuf,
    },
    /// Its making was broken off.
    #[error("the Python environment for scripts at {} is unfinished: run `tenon python setup` again", folder.display())]
    Unfinished {
        /// Where it is.
        folder: PathBuf,
    },
    /// Something else is there, which is not ours to overwrite.
    #[error("{} is neither empty nor a Python environment; choose another folder with scripts.environment", folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// A step failed.
    #[error("{step}: {cause}")]
    Step {
        /// What was being done.
        step: &'static str,
        /// What went wrong.
        cause: String,
    },
}

fn failed(step: &'static str) -> impl Fn(ToolError) -> EnvironmentError {
    move |error| EnvironmentError::Step { step, cause: error.to_string() }
}

fn broken(step: &'static str) -> impl Fn(io::Error) -> EnvironmentError {
    move |error| EnvironmentError::Step { step, cause: error.to_string() }
}

/// How to make an environment.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The interpreter to make it with.
    pub python: PathBuf,
    /// A folder of wheels to take everything from, without any network.
    pub wheels: Option<PathBuf>,
    /// The variables that pip and Python get.
    pub variables: BTreeMap<String, String>,
}

/// A ready environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its interpreter.
    pub python: PathBuf,
    /// Names and versions of what counts.
    pub versions: String,
    /// Whether there was nothing to do.
    pub was_ready: bool,
}

/// A virtual environment at a folder.
#[derive(Debug, Clone)]
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// That at a folder, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its interpreter.
    ///
    /// # Errors
    /// `Missing`, `Unfinished`: the text names the command that helps.
    pub fn python(&self) -> Result<PathBuf, EnvironmentError> {
        let python = self.folder.join("bin/python");
        if !python.exists() {
            return Err(EnvironmentError::Missing { folder: self.folder.clone() });
        }
        if self.folder.join(UNFINISHED).exists() {
            return Err(EnvironmentError::Unfinished { folder: self.folder.clone() });
        }
        Ok(python)
    }

    /// Makes the environment, or brings it up to date; does nothing but try it when it is as it should be.
    ///
    /// # Errors
    /// `NotOurs`; `Step` naming what failed, with the last words of the tool.
    pub async fn setup(&self, setup: &Setup) -> Result<Made, EnvironmentError> {
        let (packages, needed) = (package::fingerprint(), package::requirements().join("\n"));
        let found = fs::read_to_string(self.folder.join(STAMP)).unwrap_or_default();
        let (old_packages, old_needed) = found.split_once('\n').unwrap_or_default();
        let ready = self.python().ok().filter(|_| old_needed == needed);
        let was_ready = ready.is_some() && old_packages == packages;
        let mut is_foreign = false;
        let python = match ready {
            Some(python) => python,
            None => {
                is_foreign = self.begin()?;
                let python =
                    if is_foreign { self.folder.join("bin/python") } else { self.make(setup).await? };
                self.install(&python, setup).await?;
                python
            }
        };
        if !was_ready {
            self.unpack(&python, setup).await?;
        }
        let versions = self.try_imports(&python, setup).await?;
        if !is_foreign {
            self.end(&format!("{packages}\n{needed}")).map_err(broken("marking the environment as ready"))?;
        }
        Ok(Made { python, versions, was_ready })
    }

    fn end(&self, stamp: &str) -> io::Result<()> {
        fs::write(self.folder.join(STAMP), stamp)?;
        match fs::remove_file(self.folder.join(UNFINISHED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Marks the folder as unfinished, and says whether it is an environment that somebody else has made: what is in it
    /// stays. A folder that holds something else is left alone.
    fn begin(&self) -> Result<bool, EnvironmentError> {
        fs::create_dir_all(&self.folder).map_err(broken("making the folder"))?;
        let mut entries = fs::read_dir(&self.folder).map_err(broken("reading the folder"))?;
        let is_ours = [UNFINISHED, STAMP].iter().any(|mark| self.folder.join(mark).exists());
        let is_foreign = !is_ours && self.folder.join("pyvenv.cfg").exists();
        if entries.next().is_some() && !is_ours && !is_foreign {
            return Err(EnvironmentError::NotOurs { folder: self.folder.clone() });
        }
        if !is_foreign {
            fs::write(self.folder.join(UNFINISHED), "").map_err(broken("marking the folder"))?;
        }
        Ok(is_foreign)
    }

    async fn make(&self, setup: &Setup) -> Result<PathBuf, EnvironmentError> {
        const STEP: &str =
            "making a virtual environment (Python 3.9 or newer with its venv module is needed)";
        let arguments: [OsString; 4] =
            ["-m".into(), "venv".into(), "--clear".into(), self.folder.clone().into()];
        python::call(&setup.python, arguments, &setup.variables).await.map_err(failed(STEP))?;
        // `--clear` has taken the mark away.
        fs::write(self.folder.join(UNFINISHED), "").map_err(broken("marking the folder"))?;
        Ok(self.folder.join("bin/python"))
    }

    async fn install(&self, python: &Path, setup: &Setup) -> Result<(), EnvironmentError> {
        const STEP: &str = "installing the engine and the clients with pip";
        let mut arguments: Vec<OsString> =
            ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
                .map(OsString::from)
                .to_vec();
        if let Some(wheels) = &setup.wheels {
            arguments.extend(["--no-index".into(), "--find-links".into(), wheels.clone().into()]);
        }
        arguments.extend(package::requirements().into_iter().map(OsString::from));
        python::call(python, arguments, &setup.variables).await.map(|_| ()).map_err(failed(STEP))
    }

    /// Puts our packages where Python finds them, so that the environment also serves scripts that a shell starts.
    async fn unpack(&self, python: &Path, setup: &Setup) -> Result<(), EnvironmentError> {
        const STEP: &str = "adding the awsglue package";
        let ask = ["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"];
        let folder = python::call(python, ask, &setup.variables).await.map_err(failed(STEP))?;
        package::unpack(Path::new(folder.trim())).map_err(broken(STEP))
    }

    async fn try_imports(&self, python: &Path, setup: &Setup) -> Result<String, EnvironmentError> {
        const STEP: &str = "trying the environment";
        let file = self.folder.join("tenon-try.py");
        fs::write(&file, TRY).map_err(broken(STEP))?;
        // As runs have it: nothing but the environment's own packages.
        let mut variables = setup.variables.clone();
        variables.remove("PYTHONPATH");
        let found = python::call(python, [&file], &variables).await.map_err(failed(STEP))?;
        Ok(found.trim().to_owned())
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
