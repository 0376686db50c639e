"""Owns the processes of one throwaway NetBox. A script of its own, standard library only; see ``serve.py``.

``supervisor.py DIRECTORY PYTHON DUMP POSTGRES_BIN``: prints one JSON line when NetBox answers, then one for each line
it reads (``reset [NAME]``, ``keep NAME``, ``log``), and ends everything at the end of its input.
"""

import contextlib
import ctypes
import functools
import gzip
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CONFIGURATION = """
ALLOWED_HOSTS = ["*"]
DATABASES = {{"default": {{"NAME": "netbox", "USER": "netbox", "HOST": "{run}", "CONN_HEALTH_CHECKS": True}}}}
REDIS = {{"tasks": {{"URL": "unix://{redis}?db=0"}}, "caching": {{"URL": "unix://{redis}?db=1"}}}}
SECRET_KEY = "{secret}"
API_TOKEN_PEPPERS = {{1: "{secret}"}}
ISOLATED_DEPLOYMENT = True
CENSUS_REPORTING_ENABLED = False
PLUGINS = []
"""


class Rack:
    """The directory and the processes in it."""

    def __init__(self, directory: Path, python: Path, dump: Path, postgres: Path) -> None:
        self.directory, self.python, self.dump, self.bin = directory, python, dump, postgres
        self.run = directory / "run"
        self.redis = directory / "run" / "redis.sock"
        self.account = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
        self.children: list[subprocess.Popen[bytes]] = []
        self.environment = {
            "PATH": os.defpath,
            "NETBOX_ROOT": str(directory),
            "DJANGO_SETTINGS_MODULE": "netbox.settings",
            "NO_PROXY": "*",
        }

    def start(self) -> dict[str, str]:
        """Start all; returns where it is."""
        self.start_stores()
        self._load()
        token = secrets.token_hex(20)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            self._netbox(listener, token)
        self._wait("the database with its first user", lambda: (self.run / "prepared").exists(), 90)
        self._sql("postgres", "CREATE DATABASE pristine TEMPLATE netbox")
        (self.run / "go").touch()
        self._wait("NetBox", functools.partial(_answers, port), 90)
        return {
            "url": f"http://127.0.0.1:{port}",
            "token": token,
            "database": f"host={self.run} user=netbox dbname=netbox",
        }

    def start_stores(self) -> None:
        """PostgreSQL with an empty database, Redis, and the configuration that names them."""
        self.run.mkdir()
        self.directory.chmod(0o755)
        self.run.chmod(0o777)
        self._redis()
        self._postgres()
        self._configure()

    def reset(self, name: str = "pristine") -> dict[str, str]:
        """The database from a template; the cache and the queues empty (only this Redis is ever touched)."""
        self._sql("postgres", "DROP DATABASE netbox WITH (FORCE)")
        self._sql("postgres", f"CREATE DATABASE netbox TEMPLATE {name}")
        redis = ["redis-cli", "-s", str(self.redis)]
        subprocess.run([*redis, "-n", "1", "flushdb"], check=True, stdout=subprocess.DEVNULL)
        for queue in ("high", "default", "low"):
            subprocess.run([*redis, "-n", "0", "del", f"rq:queue:{queue}"], check=True, stdout=subprocess.DEVNULL)
        return {"ok": "reset"}

    def keep(self, name: str) -> dict[str, str]:
        """A template of the database as it is; its connections are cut for that, and come back by themselves."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'netbox'"
        self._sql("postgres", f"ALTER DATABASE netbox ALLOW_CONNECTIONS false; {cut}")
        self._sql("postgres", f"CREATE DATABASE {name} TEMPLATE netbox")
        self._sql("postgres", "ALTER DATABASE netbox ALLOW_CONNECTIONS true")
        return {"ok": "keep"}

    def log(self) -> dict[str, str]:
        """The end of the log."""
        return {"log": (self.directory / "netbox.log").read_text(errors="replace")[-4000:]}

    def stop(self) -> None:
        """End all, newest first."""
        for child in reversed(self.children):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(
                    child.pid,
                    signal.SIGKILL if len(self.children) < 2 or child is not self.children[1] else signal.SIGQUIT,
                )
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _redis(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.redis), "--save", "", "--appendonly", "no"]
        self._child([*command, "--dir", str(self.run)], "redis.log")
        self._wait("Redis", self.redis.exists, 20)

    def _postgres(self) -> None:
        data = self.directory / "data"
        data.mkdir()
        if self.account:
            shutil.chown(data, self.account)
        tool = [str(self.bin / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        self._once([*tool, "--locale=C.UTF-8"])
        options = [f"unix_socket_directories={self.run}", "listen_addresses=", "fsync=off", "full_page_writes=off"]
        options += ["synchronous_commit=off", "max_connections=60"]
        command = [str(self.bin / "postgres"), "-D", str(data)]
        self._child(command + [w for o in options for w in ("-c", o)], "postgres.log", death=signal.SIGQUIT)
        ready = [str(self.bin / "pg_isready"), "-q", "-h", str(self.run)]
        self._wait("PostgreSQL", lambda: subprocess.run(ready, check=False).returncode == 0, 30)
        self._sql("postgres", "CREATE ROLE netbox SUPERUSER LOGIN")
        self._sql("postgres", "CREATE DATABASE netbox OWNER netbox")

    def _load(self) -> None:
        with gzip.open(self.dump) as dump:
            load = [str(self.bin / "psql"), "-q", "-X", "-h", str(self.run), "-U", "netbox", "-d", "netbox"]
            subprocess.run([*load, "-v", "ON_ERROR_STOP=1"], check=True, input=dump.read(), stdout=subprocess.DEVNULL)

    def _configure(self) -> None:
        configuration = self.directory / "conf"
        configuration.mkdir()
        text = CONFIGURATION.format(run=self.run, redis=self.redis, secret=secrets.token_hex(32))
        (configuration / "configuration.py").write_text(text)

    def _netbox(self, listener: socket.socket, token: str) -> None:
        environment = self.environment | {"NETBOX_LAB_TOKEN": token}
        script = Path(__file__).with_name("netbox_process.py")
        command = [str(self.python), str(script), str(listener.fileno()), str(self.run)]
        self._child(command, "netbox.log", environment=environment, descriptor=listener.fileno(), own_account=True)

    def _child(
        self,
        command: list[str],
        log: str,
        *,
        death: int = signal.SIGKILL,
        environment: dict[str, str] | None = None,
        descriptor: int | None = None,
        own_account: bool = False,
    ) -> None:
        account = None if own_account else self.account
        with (self.directory / log).open("wb") as output:
            self.children.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=self.directory,
                    env=environment,
                    pass_fds=() if descriptor is None else (descriptor,),
                    user=account,
                    group=pwd.getpwnam(account).pw_gid if account else None,
                    extra_groups=[] if account else None,
                    preexec_fn=functools.partial(_die_with_parent, death),
                )
            )

    def _once(self, command: list[str]) -> None:
        done = subprocess.run(command, check=False, capture_output=True, user=self.account, cwd=self.directory)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace')[-500:]}")

    def _sql(self, database: str, statement: str) -> None:
        tool = [str(self.bin / "psql"), "-q", "-X", "-h", str(self.run), "-U", "postgres", "-d", database]
        self._once([*tool, "-v", "ON_ERROR_STOP=1", "-c", statement])

    def _wait(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not ready():
            for child in self.children:
                if child.poll() is not None:
                    logs = sorted(self.directory.glob("*.log"), key=lambda path: path.stat().st_mtime)
                    raise RuntimeError(f"{child.args!r} ended: {logs[-1].read_text(errors='replace')[-1500:]}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what} wasn't ready after {seconds:.0f} s")
            time.sleep(0.05)


def _die_with_parent(number: int) -> None:
    ctypes.CDLL(None).prctl(1, number)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(60)
        peer.sendall(b"GET /api/status/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        return b"HTTP/" in peer.recv(64)
    return False


def main() -> None:
    """Start, serve the lines, stop."""
    rack = Rack(*(Path(argument) for argument in sys.argv[1:5]))
    try:
        _say(rack.start())
        for line in sys.stdin:
            verb, *arguments = line.split()
            verbs: dict[str, Callable[..., dict[str, str]]]
            verbs = {"reset": rack.reset, "keep": rack.keep, "log": rack.log}
            _say(verbs[verb](*arguments))
    except Exception as error:  # noqa: BLE001  (the parent shows it)
        _say({"error": str(error)})
    finally:
        rack.stop()


def _say(answer: dict[str, str]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
