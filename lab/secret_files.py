"""The secrets of a throwaway site."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from workflows.drivers.secrets import write_secret_file
from workflows.drivers.ssh_key import new_key_pair


def site_secrets() -> dict[str, dict[str, str]]:
    """What every site needs, made anew: the key of the boot tokens, and the SSH key that reaches installed nodes."""
    private, public = new_key_pair()
    return {
        "boot/token": {"key": secrets.token_hex(32)},
        "ssh/bringup": {"key": private, "public_key": public},
    }


def write_secrets(directory: Path, known: Mapping[str, Mapping[str, str]]) -> None:
    """One file a reference."""
    for reference, fields in known.items():
        write_secret_file(directory / f"{reference}.yaml", fields)
