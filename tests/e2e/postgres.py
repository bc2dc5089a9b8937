"""A PostgreSQL server that a test starts for itself, from Debian's packages, as a user without rights."""

import os
import pathlib
import shutil
import subprocess

from mariadb import PASSWORD, free_port

NOBODY = 65_534


def programs() -> pathlib.Path:
    """The newest of the versions that Debian installs beside each other, else whatever PATH has."""
    versions = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*") if path.name.isdigit()]
    if versions:
        return max(versions, key=lambda path: int(path.name)) / "bin"
    return pathlib.Path(shutil.which("initdb") or "").parent


class Postgres:
    def __init__(self, folder: pathlib.Path):
        """`folder` must be reachable for every user."""
        self.folder = folder
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o700)

    def run(self, program, *arguments):
        rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [str(programs() / program), *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env={**os.environ, "PGCLIENTENCODING": "UTF8"}, **rights,
        )

    def start(self):
        """Listens on a socket in the folder only."""
        return self.launch("-h ''")

    def start_on_loopback(self):
        """Also lets `tester` in at 127.0.0.1, with a password."""
        self.port = free_port()
        rules = "local all postgres trust\nhost all tester 127.0.0.1/32 scram-sha-256\n"
        self.launch(f"-h 127.0.0.1 -p {self.port}", rules)
        self.sql(f"CREATE ROLE tester LOGIN PASSWORD '{PASSWORD}'")
        return self

    def launch(self, listen, rules=None):
        data = self.folder / "data"
        self.run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        if rules:
            (data / "pg_hba.conf").write_text(rules)
        self.options = f"-k {self.folder} {listen} -F -c max_connections=100"
        return self.go_on()

    def go_on(self):
        """Starts again after `stop`."""
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self.run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", self.options)
        return self

    def sql(self, *statements, database="postgres"):
        """Runs statements as the superuser; needs `start_on_loopback`."""
        commands = [argument for statement in statements for argument in ("-c", statement)]
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database]
        self.run("psql", "-q", "-v", "ON_ERROR_STOP=1", *where, *commands)

    def rows(self, query, database="postgres"):
        """What the superuser sees, a line for each row, its values separated by |."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(
            [str(programs() / "psql"), "-X", "-A", "-t", *where, "-c", query], check=True, stdin=subprocess.DEVNULL,
            capture_output=True, text=True,
        )
        return done.stdout.splitlines()

    def hold(self, statement, database="postgres"):
        """Runs a statement as the superuser in a session that stays until the process that is returned ends."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database]
        process = subprocess.Popen(
            [str(programs() / "psql"), "-X", "-A", "-t", "-q", *where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(f"{statement};\n\\echo held\n")
        process.stdin.flush()
        while process.stdout.readline().strip() != "held":
            assert process.poll() is None, "psql ended"
        return process

    def jdbc(self, database, port=None):
        return f"jdbc:postgresql://127.0.0.1:{port or self.port}/{database}"

    def stop(self):
        self.run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self.folder / "data"))

    @property
    def url(self):
        return f"postgres://postgres@localhost/postgres?host={self.folder}"
