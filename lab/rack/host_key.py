"""The SSH host key that the agent makes for one grant, on the machine; only its public half ever leaves it."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "ssh_host_ed25519_key"


def make_host_key(directory: Path) -> str:
    """Make a new one in ``directory``; returns the public key as one line of type and key."""
    directory.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    file = directory / NAME
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(private)
    (directory / f"{NAME}.pub").write_bytes(public + b"\n")
    return public.decode()
