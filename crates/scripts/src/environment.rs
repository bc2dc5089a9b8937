//! The virtual environment that scripts run in.
//!
//! ```text
//! none ─ setup ─► unfinished (a file says so) ─ installed, imports tried ─► ready ─ setup, imports fail ─► made anew
//! ```
//!
//! Any virtual environment that has what [`package::requirements`] names will do; [`Environment::setup`] makes one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::installer::Installer;
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
    /// What makes it.
    pub installer: Installer,
    /// A folder of wheels to take everything from, without any network.
    pub wheels: Option<PathBuf>,
    /// The variables that the installer and Python get.
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
    /// What was wrong with one that had been ready, and was made anew.
    pub was_broken: Option<String>,
}

/// What environments are made with today.
struct Stamp {
    packages: String,
    needed: String,
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

    /// Makes the environment, or brings it up to date; does nothing but try it when it is as it should be. One whose
    /// imports fail is made anew, unless somebody else has made it.
    ///
    /// # Errors
    /// `NotOurs`; `Step` naming what failed, with the last words of the tool.
    pub async fn setup(&self, setup: &Setup) -> Result<Made, EnvironmentError> {
        let stamp = Stamp { packages: package::fingerprint(), needed: package::requirements().join("\n") };
        let found = fs::read_to_string(self.folder.join(STAMP)).unwrap_or_default();
        let (packages, needed) = found.split_once('\n').unwrap_or_default();
        let ready = self.python().ok().filter(|_| needed == stamp.needed);
        let was_broken = match ready {
            None => None,
            Some(python) => {
                let was_ready = packages == stamp.packages;
                match self.complete(python, setup, was_ready, &stamp).await {
                    Err(EnvironmentError::Step { cause, .. }) => Some(cause),
                    made => return made,
                }
            }
        };
        Ok(Made { was_broken, ..self.anew(setup, &stamp).await? })
    }

    async fn anew(&self, setup: &Setup, stamp: &Stamp) -> Result<Made, EnvironmentError> {
        let is_foreign = self.begin()?;
        if !is_foreign {
            self.make(setup).await?;
        }
        let (python, wheels) = (self.folder.join("bin/python"), setup.wheels.as_deref());
        let installer = &setup.installer;
        let added = installer.add_pip(&python, wheels, &setup.variables).await;
        added.map_err(failed("adding pip"))?;
        let installed = installer.install(&python, &package::requirements(), wheels, &setup.variables).await;
        installed.map_err(failed(installer.installing()))?;
        if !is_foreign {
            return self.complete(python, setup, false, stamp).await;
        }
        self.unpack(&python, setup).await?;
        let versions = self.try_imports(&python, setup).await?;
        Ok(Made { python, versions, was_ready: false, was_broken: None })
    }

    /// Adds our packages where those of another version are, tries the imports, and marks the environment as ready.
    async fn complete(
        &self,
        python: PathBuf,
        setup: &Setup,
        was_ready: bool,
        stamp: &Stamp,
    ) -> Result<Made, EnvironmentError> {
        if !was_ready {
            self.unpack(&python, setup).await?;
        }
        let versions = self.try_imports(&python, setup).await?;
        let text = format!("{}\n{}", stamp.packages, stamp.needed);
        self.end(&text).map_err(broken("marking the environment as ready"))?;
        Ok(Made { python, versions, was_ready, was_broken: None })
    }

    fn end(&self, stamp: &str) -> io::Result<()> {
        fs::write(self.folder.join(STAMP), stamp)?;
        match fs::remove_file(self.folder.join(UNFINISHED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the folder, and says whether it is an environment that somebody else has made: what is in it stays. A folder
    /// that holds something else is left alone.
    fn begin(&self) -> Result<bool, EnvironmentError> {
        fs::create_dir_all(&self.folder).map_err(broken("making the folder"))?;
        let mut entries = fs::read_dir(&self.folder).map_err(broken("reading the folder"))?;
        let is_ours = [UNFINISHED, STAMP].iter().any(|mark| self.folder.join(mark).exists());
        let is_foreign = !is_ours && self.folder.join("pyvenv.cfg").exists();
        if entries.next().is_some() && !is_ours && !is_foreign {
            return Err(EnvironmentError::NotOurs { folder: self.folder.clone() });
        }
        Ok(is_foreign)
    }

    /// Makes an environment in the place of what is there, which is ours. Marked first: whatever breaks it off, the next
    /// setup finds what is its own.
    async fn make(&self, setup: &Setup) -> Result<(), EnvironmentError> {
        fs::write(self.folder.join(UNFINISHED), "").map_err(broken("marking the folder"))?;
        self.clear().map_err(broken("clearing the folder"))?;
        let made = setup.installer.make(&setup.python, &self.folder, &setup.variables).await;
        made.map_err(failed(setup.installer.making()))
    }

    /// Removes all but the mark.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() == UNFINISHED {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
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
