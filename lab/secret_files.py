"""A directory of secrets, as ``workflows.drivers.secrets.FileSecrets`` reads it and only its owner can."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml


def write_secrets(directory: Path, known: Mapping[str, Mapping[str, str]]) -> None:
    """One file a reference, with its fields; the files must not be there yet."""
    for reference, fields in known.items():
        file = directory / f"{reference}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            yaml.safe_dump(dict(fields), opened)
