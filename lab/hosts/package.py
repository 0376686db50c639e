"""A small Debian package of the lab: what the vendor's says of itself, and files that do as little as can be seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from boot.image.command import run
from lab.hosts.patience import SOON

UNIT = """\
[Unit]
Description={about}
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Package:
    """One binary package. ``files`` by path: those below ``bin`` are programs. ``scripts``: its maintainer scripts."""

    name: str
    version: str
    depends: str = ""
    conflicts: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """As apt names it: without the epoch."""
        return f"{self.name}_{self.version.rpartition(':')[2]}_amd64.deb"


def build_package(package: Package, into: Path, work: Path) -> None:
    """Write the ``.deb`` into a directory; ``work`` is an empty one of its own."""
    control = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": "amd64",
        "Maintainer": "The lab <lab@invalid>",
        "Depends": package.depends,
        "Conflicts": package.conflicts,
        "Description": f"stand-in of {package.name}",
    }
    lines = [f"{name}: {value}\n" for name, value in control.items() if value]
    _write(work / "DEBIAN" / "control", "".join(lines), 0o644)
    for name, text in package.scripts.items():
        _write(work / "DEBIAN" / name, f"#!/bin/sh\nset -e\n{text}\n", 0o755)
    for path, text in package.files.items():
        _write(work / path, text, 0o755 if "bin/" in path else 0o644)
    run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", work, into / package.file_name], timeout=SOON)


def unit(name: str, about: str) -> dict[str, str]:
    """A service that only runs, as a package ships it."""
    return {f"lib/systemd/system/{name}": UNIT.format(about=about)}


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
