"""The SSH host key that the agent makes for one grant, on the machine; only its public half ever leaves it."""

from pathlib import Path

from workflows.drivers.ssh_key import new_key_pair

NAME = "ssh_host_ed25519_key"


def make_host_key(directory: Path) -> str:
    """Make a new one in ``directory``; returns the public key as one line of type and key."""
    directory.mkdir(parents=True, exist_ok=True)
    private, public = new_key_pair()
    file = directory / NAME
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(private)
    (directory / f"{NAME}.pub").write_text(f"{public}\n")
    return public
