"""NetBox itself, installed once into a virtual environment of its own: it pins its dependencies, which can't be ours."""

import fcntl
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workflows.model.errors import Refused, Unsupported

VERSION = "4.7.3"

# NetBox asks for psycopg's C build, which needs a compiler and libpq's headers; the binary build is the same code.
_OVERRIDE = "psycopg[binary,pool]\n"


@dataclass(frozen=True, slots=True)
class Installation:
    """Where a NetBox is installed. ``python`` runs it; ``version`` names the dump that fits it."""

    root: Path
    version: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python"


def install(cache: Path, *, version: str = VERSION) -> Installation:
    """NetBox under ``cache/netbox-<version>``; installs it where it isn't yet (about a minute, from PyPI; blocks).

    A lock file lets two test sessions ask at the same time; the marker is written last, so a broken install is redone.

    Raises:
        Unsupported: ``uv`` isn't there.
        Refused: the installer failed; the message ends with its last lines.
    """
    root = cache.absolute() / f"netbox-{version}"
    marker = root / "installed"
    if not marker.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"netbox-{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not marker.exists():
                _install(root, version)
                marker.write_text(version)
    return Installation(root, version)


def _install(root: Path, version: str) -> None:
    beside = Path(sys.executable).parent / "uv"
    uv = shutil.which("uv") or (str(beside) if beside.exists() else None)
    if uv is None:
        raise Unsupported("uv isn't on the PATH: NetBox is installed with it (https://docs.astral.sh/uv/)")
    _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(root))
    with tempfile.TemporaryDirectory() as directory:
        override = Path(directory) / "override.txt"
        override.write_text(_OVERRIDE)
        python = str(root / "bin" / "python")
        _run(uv, "pip", "install", "--quiet", "--python", python, "--override", str(override), f"netbox=={version}")


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        last = done.stdout[-2000:]
        raise Refused(f"{' '.join(command[:3])} failed with exit {done.returncode}; NetBox isn't installed:\n{last}")
