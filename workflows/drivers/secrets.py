"""Secrets by reference: files that only we can read, or a mapping that the composition root read from the environment."""

import contextlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import yaml

from workflows.model.errors import BadInput, Refused

MAX_SECRET = 65_536
_REFERENCE = re.compile(r"[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)*")


class FileSecrets:
    """Implements ``Secrets``: ``DIR/<reference>.yaml`` (or ``.json``), a flat mapping of text, mode 0600 or stricter.

    Read anew each time, so that a rotated secret is used at the next claim.
    """

    def __init__(self, directory: Path):
        self._directory = directory

    def get(self, reference: str) -> dict[str, str]:
        """The fields of a secret.

        Raises:
            Refused: there is no such secret, or others can read its file.
            BadInput: the reference or the file is malformed; no value is named.
        """
        found = self.find(reference)
        if found is None:
            raise Refused(
                f"there is no secret {reference} in {self._directory}: put its fields into {reference}.yaml there"
            )
        return found

    def find(self, reference: str) -> dict[str, str] | None:
        """The same; None where there is no such secret."""
        check_reference(reference)
        for suffix in (".yaml", ".json"):
            path = self._directory / f"{reference}{suffix}"
            with contextlib.suppress(FileNotFoundError):
                return read_secret_file(path, f"secret {reference}")
        return None


class MappingSecrets:
    """Implements ``Secrets`` over variables: ``BRINGUP_SECRET_BMC_DEFAULT`` holds ``bmc/default`` as YAML or JSON."""

    def __init__(self, variables: Mapping[str, str], prefix: str = "BRINGUP_SECRET_"):
        self._variables, self._prefix = variables, prefix

    def get(self, reference: str) -> dict[str, str]:
        """The fields of a secret. Raises Refused where there is none, BadInput where it is malformed."""
        check_reference(reference)
        name = self._prefix + reference.upper().replace("/", "_").replace("-", "_")
        if name not in self._variables:
            raise Refused(f"there is no secret {reference}: set {name} to its fields, as JSON")
        return _parse(f"secret {reference}", self._variables[name].encode())


def read_secret_file(path: Path, name: str) -> dict[str, str]:
    """The fields of one file, which only we may read; ``name`` is what an error calls it.

    Raises:
        FileNotFoundError: there is none.
        Refused: it can't be read, or others can read it too.
        BadInput: it is malformed; no value is named.
    """
    return _parse(name, read_private(path, name))


def read_private(path: Path, name: str) -> bytes:
    """At most MAX_SECRET + 1 bytes of a file that only we may read.

    Raises:
        FileNotFoundError: there is none.
        Refused: it can't be read, or others can read it too.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise Refused(f"{name}: others can read {path} (mode {mode:04o}): chmod 600 it")
            return file.read(MAX_SECRET + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{name} can't be read from {path}: {error.strerror}") from None


def write_secret_file(path: Path, fields: Mapping[str, str]) -> None:
    """Make a file as ``read_secret_file`` reads it, and its folders, all for our eyes only. One that is there stays.

    Raises:
        FileExistsError: it is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        yaml.safe_dump(dict(fields), file)


def check_reference(reference: str) -> None:
    """Raises BadInput where this is no reference."""
    if len(reference) > 200 or _REFERENCE.fullmatch(reference) is None:
        raise BadInput(f"{reference[:200]!r} is no reference to a secret: words of a-z, 0-9 and dashes, joined by /")


def _parse(name: str, data: bytes) -> dict[str, str]:
    if len(data) > MAX_SECRET:
        raise BadInput(f"{name} has more than {MAX_SECRET} bytes")
    try:
        fields = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506  (BaseLoader makes text of every scalar)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise BadInput(f"{name} is neither YAML nor JSON") from None
    return flat(name, fields)


def flat(name: str, fields: object) -> dict[str, str]:
    """The fields of a secret that was parsed. Raises BadInput where it isn't a flat mapping of text; names no value."""
    if not isinstance(fields, dict) or not all(isinstance(v, str) for pair in fields.items() for v in pair):
        raise BadInput(f"{name} must be a flat mapping of names to text")
    return fields
