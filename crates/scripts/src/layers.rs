//! Modules that a job wants besides what the environment has (`--additional-python-modules`): a virtual environment on top
//! of it, made once per set of modules and kept.
//!
//! ```text
//! <folder>/<name>/            name = digest of base, modules, options and the bytes of given files
//!   ready                     written last: without it the layer is made anew
//! ```

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::environment::EnvironmentError;
use crate::python;

const READY: &str = "ready";

/// What a job wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modules {
    /// Requirements as pip takes them, and paths of wheels.
    pub names: Vec<String>,
    /// Options for pip (`--python-modules-installer-option`).
    pub options: Vec<String>,
    /// Files among `names` and `options`: their bytes count, not their place.
    pub files: Vec<PathBuf>,
}

/// A layer that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its interpreter.
    pub python: PathBuf,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Layers in a folder. Cheap to clone; only one process uses a folder at a time.
#[derive(Debug, Clone)]
pub struct Layers {
    folder: PathBuf,
    /// What pip gets.
    variables: BTreeMap<String, String>,
    /// A layer is made by one run, while others that want it wait.
    making: Arc<Mutex<HashMap<String, Arc<Mutex<()>>>>>,
}

impl Layers {
    /// Layers below a folder, which need not exist; `variables` are those that pip gets.
    pub fn new(folder: PathBuf, variables: BTreeMap<String, String>) -> Self {
        Self { folder, variables, making: Arc::default() }
    }

    /// The layer of these modules on top of the environment of `base`, an interpreter.
    ///
    /// # Errors
    /// `Step` with pip's last words, when they cannot be installed.
    pub async fn get(&self, base: &Path, modules: &Modules) -> Result<Layer, EnvironmentError> {
        let name = name(base, modules).map_err(broken)?;
        let own = Arc::clone(self.making.lock().await.entry(name.clone()).or_default());
        let _making = own.lock().await;
        let folder = self.folder.join(name);
        let python = folder.join("bin/python");
        if folder.join(READY).exists() {
            return Ok(Layer { python, is_new: false });
        }
        self.make(base, &folder, modules).await?;
        fs::write(folder.join(READY), "").map_err(broken)?;
        Ok(Layer { python, is_new: true })
    }

    async fn make(&self, base: &Path, folder: &Path, modules: &Modules) -> Result<(), EnvironmentError> {
        const STEP: &str = "installing --additional-python-modules";
        let failed =
            |error: python::ToolError| EnvironmentError::Step { step: STEP, cause: error.to_string() };
        fs::create_dir_all(&self.folder).map_err(broken)?;
        let arguments: [OsString; 5] =
            ["-m".into(), "venv".into(), "--clear".into(), "--without-pip".into(), folder.into()];
        python::call(base, arguments, &self.variables).await.map_err(failed)?;
        let python = folder.join("bin/python");
        let below = site_packages(base, &self.variables).await.map_err(failed)?;
        let above = site_packages(&python, &self.variables).await.map_err(failed)?;
        // Read when Python starts: what the environment has is there, behind what the layer has.
        let line = format!("import site; site.addsitedir({})\n", serde_json::Value::from(below));
        fs::write(Path::new(&above).join("tenon-environment.pth"), line).map_err(broken)?;
        let mut arguments: Vec<OsString> = vec!["-m".into(), "pip".into(), "--python".into(), python.into()];
        arguments
            .extend(["install", "--disable-pip-version-check", "--no-input", "--quiet"].map(OsString::from));
        arguments.extend(modules.options.iter().chain(&modules.names).map(OsString::from));
        python::call(base, arguments, &self.variables).await.map_err(failed).map(|_| ())
    }
}

async fn site_packages(
    python: &Path,
    variables: &BTreeMap<String, String>,
) -> Result<String, python::ToolError> {
    let ask = ["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"];
    Ok(python::call(python, ask, variables).await?.trim().to_owned())
}

fn broken(error: io::Error) -> EnvironmentError {
    EnvironmentError::Step { step: "keeping --additional-python-modules", cause: error.to_string() }
}

/// Changes with the interpreter and with everything that pip is given.
fn name(base: &Path, modules: &Modules) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut add = |text: &[u8]| {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    };
    add(base.as_os_str().as_encoded_bytes());
    let is_file = |text: &String| modules.files.iter().any(|file| file.as_os_str() == text.as_str());
    for text in modules.options.iter().chain(&modules.names) {
        let known = Path::new(text).file_name().filter(|_| is_file(text));
        add(known.map_or(text.as_bytes(), |name| name.as_encoded_bytes()));
    }
    for file in &modules.files {
        add(&fs::read(file)?);
    }
    Ok(hex::encode(&digest.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_known_by_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = |place: &str, bytes: &str| {
            fs::create_dir_all(folder.path().join(place)).unwrap();
            let path = folder.path().join(place).join("x.whl");
            fs::write(&path, bytes).unwrap();
            Modules { names: vec![path.display().to_string()], options: Vec::new(), files: vec![path] }
        };
        let name = |modules: &Modules| name(Path::new("/python"), modules).unwrap();
        assert_eq!(name(&wheel("a", "1")), name(&wheel("b", "1")));
        assert_ne!(name(&wheel("a", "1")), name(&wheel("a", "2")));
        let named = |names: &[&str]| Modules {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            ..Modules::default()
        };
        assert_ne!(name(&named(&["a", "b"])), name(&named(&["ab"])));
    }
}
