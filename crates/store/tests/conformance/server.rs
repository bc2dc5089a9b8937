//! A PostgreSQL server that lives as long as the test.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// `nobody`: PostgreSQL refuses to run as root.
const UNPRIVILEGED: u32 = 65_534;

pub(crate) struct Server {
    folder: TempDir,
    bin: Option<PathBuf>,
    as_root: bool,
}

impl Server {
    /// Starts a server that listens on a socket in its own folder only.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let as_root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
        if as_root {
            chown(folder.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let server = Self { folder, bin: newest_bin(), as_root };
        let data = server.data();
        let common = ["-D", &data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"];
        // A linguistic default order shows whether we depend on it; older servers lack the provider.
        let linguistic = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
        if !server.run("initdb", &[&common[..], &linguistic[..]].concat()) {
            assert!(server.run("initdb", &[&common[..], &["--locale=C"]].concat()), "initdb failed");
        }
        let options = format!("-k {} -h '' -F -c max_connections=100", server.folder.path().display());
        let log = server.folder.path().join("log").display().to_string();
        let started = server.run("pg_ctl", &["start", "-w", "-D", &data, "-l", &log, "-o", &options]);
        assert!(started, "{}", std::fs::read_to_string(log).unwrap_or_default());
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.bin.as_ref().map_or_else(|| PathBuf::from(program), |bin| bin.join(program));
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(self.folder.path()).stdout(Stdio::null()).stdin(Stdio::null());
        if self.as_root {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        let status = command.status();
        status.unwrap_or_else(|error| panic!("{}: {error}", program.display())).success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Stops the server whose process id is in the data folder.
        self.run("pg_ctl", &["stop", "-m", "immediate", "-w", "-D", &self.data()]);
    }
}

/// The newest of the versions that Debian installs beside each other, else whatever PATH has.
fn newest_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut bins: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = Path::file_name(&path)?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    bins.sort();
    bins.pop().map(|(_, bin)| bin)
}
