//! Database servers that live as long as a test, on free ports of the loopback interface.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "p@ss:w/ord";
/// `nobody`: the servers refuse to run as root.
const UNPRIVILEGED: u32 = 65_534;
const DEADLINE: Duration = Duration::from_secs(60);

/// A port that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn folder() -> (TempDir, bool) {
    let folder = TempDir::new().unwrap();
    let as_root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
    if as_root {
        chown(folder.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, as_root)
}

fn command(program: impl AsRef<Path>, folder: &Path, as_root: bool) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    if as_root {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    command
}

fn run(mut command: Command) {
    let shown = format!("{command:?}");
    let output = command.stderr(Stdio::piped()).output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert!(output.status.success(), "{shown}: {}", String::from_utf8_lossy(&output.stderr));
}

fn wait_for(port: u16, child: &mut Child) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "the server ended");
        assert!(start.elapsed() < DEADLINE, "no server on port {port}");
        std::thread::yield_now();
    }
}

pub(crate) struct Postgres {
    folder: TempDir,
    as_root: bool,
    port: u16,
}

impl Postgres {
    pub(crate) fn start() -> Postgres {
        let (folder, as_root) = folder();
        let data = folder.path().join("data");
        let mut init = command(postgres_program("initdb"), folder.path(), as_root);
        init.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        run(init);
        let rules = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let port = closed_port();
        let options = format!("-k {} -h 127.0.0.1 -p {port} -F", folder.path().display());
        let mut start = command(postgres_program("pg_ctl"), folder.path(), as_root);
        start.args(["start", "-w", "-o", &options, "-D"]).arg(&data).arg("-l").arg(folder.path().join("log"));
        assert!(start.status().unwrap().success());
        let started = Postgres { folder, as_root, port };
        started.sql(&format!("CREATE ROLE tester LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE app;"));
        started
    }

    pub(crate) fn url(&self) -> String {
        format!("jdbc:postgresql://127.0.0.1:{}/app", self.port)
    }

    /// Runs statements as the superuser, in `app` once it is there.
    pub(crate) fn sql(&self, sql: &str) {
        let database = if sql.contains("CREATE DATABASE app") { "postgres" } else { "app" };
        for statement in sql.split(';').filter(|text| !text.trim().is_empty()) {
            let mut psql = command(postgres_program("psql"), self.folder.path(), self.as_root);
            psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", statement]);
            psql.arg("-h").arg(self.folder.path()).arg("-p").arg(self.port.to_string());
            run(psql);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // `immediate`: as a crash, which a folder that is about to go may have.
        let mut stop = command(postgres_program("pg_ctl"), self.folder.path(), self.as_root);
        run({
            stop.args(["stop", "-m", "immediate", "-w", "-D"]).arg(self.folder.path().join("data"));
            stop
        });
    }
}

/// A program of the newest version that Debian installs beside others, else whatever PATH has.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join(name).exists())
        .collect();
    bins.sort();
    bins.pop().map_or_else(|| PathBuf::from(name), |(_, bin)| bin.join(name))
}

pub(crate) struct MariaDb {
    _folder: TempDir,
    port: u16,
    server: Child,
}

impl MariaDb {
    /// Starts a server that has run these statements, for which no client program is needed.
    pub(crate) fn start(statements: &str) -> MariaDb {
        let (folder, as_root) = folder();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if as_root {
            chown(&data, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        }
        let mut script = format!("CREATE USER tester@'%' IDENTIFIED BY '{PASSWORD}';\n");
        for statement in statements.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            script.push_str(&format!("{};\n", statement.replace('\n', " ")));
        }
        std::fs::write(folder.path().join("init.sql"), script).unwrap();
        let mut init = command("mariadb-install-db", folder.path(), as_root);
        init.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        init.arg(format!("--datadir={}", data.display()));
        run(init);
        let port = closed_port();
        let mut server = Self::spawn(folder.path(), as_root, port);
        wait_for(port, &mut server);
        MariaDb { _folder: folder, port, server }
    }

    fn spawn(folder: &Path, as_root: bool, port: u16) -> Child {
        let shown = folder.display();
        let mut start = command("mariadbd", folder, as_root);
        start.args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]);
        start.args([
            format!("--datadir={shown}/data"),
            format!("--socket={shown}/socket"),
            format!("--port={port}"),
        ]);
        start.args([format!("--init-file={shown}/init.sql"), format!("--pid-file={shown}/pid")]);
        start.stderr(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("jdbc:mysql://127.0.0.1:{}/shop", self.port)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}
