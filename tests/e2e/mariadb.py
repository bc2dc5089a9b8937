"""A MariaDB server that a test starts for itself, from Debian's packages, as a user without rights."""

import os
import pathlib
import socket
import subprocess

NOBODY = 65_534
PASSWORD = "p@ss:w/ord"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MariaDb:
    def __init__(self, folder: pathlib.Path, statements: str = ""):
        """`folder` must be reachable for every user; `statements` are run at the start, one line each."""
        self.folder, self.port, self.process = folder, free_port(), None
        folder.chmod(0o755)
        self.data = folder / "data"
        self.data.mkdir()
        self.init = folder / "init.sql"
        self.init.write_text(f"CREATE USER tester@'%' IDENTIFIED BY '{PASSWORD}';\n{statements}")
        self.rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        if self.rights:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(self.data, NOBODY, NOBODY)

    def start(self, wait_until):
        # Its temporary files have the same names in every server that installs at that time: they are kept apart.
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
                 "env": {**os.environ, "TMPDIR": str(self.folder)}}
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
             f"--datadir={self.data}"], cwd=self.folder, check=True, **quiet, **self.rights,
        )
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--bind-address=127.0.0.1", f"--port={self.port}", f"--datadir={self.data}",
             f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid", f"--init-file={self.init}"],
            cwd=self.folder, **quiet, **self.rights,
        )
        wait_until(self.listens, "MariaDB to listen")
        return self

    def listens(self) -> bool:
        assert self.process.poll() is None, "MariaDB ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sql(self, statement):
        """Runs a statement as the superuser."""
        subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-u", "root", "--default-character-set=utf8mb4",
             "-e", statement], check=True, stdin=subprocess.DEVNULL,
        )

    def rows(self, query, database="shop"):
        """What the superuser sees, a line for each row, its values separated by |."""
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-u", "root", "--default-character-set=utf8mb4",
             "-N", "-B", "-D", database, "-e", query], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        return [line.replace("\t", "|") for line in done.stdout.splitlines()]

    def stop(self):
        self.process.kill()
        self.process.wait()

    @property
    def jdbc(self):
        return f"jdbc:mysql://127.0.0.1:{self.port}/shop"
