"""A signed apt mirror in a directory, built once a test session: repositories of the lab's packages, one flat one each."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from boot.image.command import run
from lab.hosts.package import Package, build_package
from lab.hosts.patience import SOON

NEEDED = ("dpkg-deb", "apt-ftparchive", "gpg")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A throwaway key. ``home`` is gpg's directory, ``public`` its armoured public half."""

    home: Path
    fingerprint: str
    public: str


def make_signing_key(home: Path, name: str) -> SigningKey:
    """A fresh key without a passphrase. ``home`` must not exist; gpg's socket lives in it, so keep its path short."""
    home.mkdir(mode=0o700)
    run([*_gpg(home), "--passphrase", "", "--quick-gen-key", f"{name} <lab@invalid>", "ed25519", "sign"], timeout=SOON)
    listed = run([*_gpg(home), "--list-keys", "--with-colons"], timeout=SOON).decode()
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    public = run([*_gpg(home), "--export", "--armor", fingerprint], timeout=SOON).decode()
    return SigningKey(home, fingerprint, public)


def end_signing_key(key: SigningKey) -> None:
    """End gpg's agent of this key and remove its private half."""
    run(["gpgconf", "--homedir", key.home, "--kill", "all"], timeout=SOON)
    shutil.rmtree(key.home)


def build_mirror(directory: Path, repositories: Mapping[str, Iterable[Package]], key: SigningKey) -> None:
    """Build and sign each repository in a directory of its name.

    ``key.asc``, the key's public half, lies in each, and beside them for the hosts' own distribution. Others than root can
    read it all: apt fetches as a user of its own.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    (directory / "key.asc").write_text(key.public)
    for name, packages in repositories.items():
        repository = directory / name
        repository.mkdir()
        (repository / "key.asc").write_text(key.public)
        for package in packages:
            with tempfile.TemporaryDirectory() as work:
                Path(work).chmod(0o755)
                build_package(package, repository, Path(work))
        sign_repository(repository, key)


def sign_repository(repository: Path, key: SigningKey) -> None:
    """Index what lies in a repository and sign the index, with another key than before or anew."""
    index = run(["apt-ftparchive", "packages", "."], timeout=SOON, cwd=repository)
    (repository / "Packages").write_bytes(index)
    release = (
        f"Origin: lab\nLabel: {repository.name}\nSuite: lab\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    )
    (repository / "Release").write_text(release)
    run(
        [*_gpg(key.home), "--yes", "--local-user", key.fingerprint, "--clearsign", "--output", "InRelease", "Release"],
        timeout=SOON,
        cwd=repository,
    )


def _gpg(home: Path) -> tuple[str, ...]:
    return ("gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback")
