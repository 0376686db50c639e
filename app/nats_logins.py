"""The keys of a site's NATS logins: one secret each, made where it is missing, never replaced."""

from collections.abc import Iterable
from pathlib import Path

from workflows.drivers.secrets import read_secret_file, write_secret_file
from workflows.jetstream.permissions import Role, new_key, public_key
from workflows.model.errors import BadInput
from workflows.model.keys import slug

ADMIN = "admin"
SERVICES = {ADMIN: Role.ADMIN, "worker": Role.WORKER, "sync": Role.SYNC, "boot": Role.BOOT, "web": Role.WEB}


def public_keys(directory: Path, logins: Iterable[str]) -> dict[str, str]:
    """The public key of each login; one that has no secret ``<login>.yaml`` in ``directory`` gets a new one.

    Raises:
        BadInput: a name that is not of a-z, 0-9 and dashes, or a secret without a usable seed.
        Refused: a secret can't be read, or others can read it.
    """
    names = list(logins)
    for who in names:
        if not who or who != slug(who):
            raise BadInput(f"login {who!r}: a name is of a-z, 0-9 and dashes, for it is part of subjects")
    return {who: _public(directory / f"{who}.yaml", who) for who in names}


def _public(file: Path, who: str) -> str:
    try:
        known = read_secret_file(file, f"the secret of login {who}")
    except FileNotFoundError:
        seed, public = new_key()
        write_secret_file(file, {"seed": seed})
        return public
    try:
        return public_key(known.get("seed", ""))
    except BadInput as error:
        raise BadInput(f"the secret of login {who}: {error}; mend it, or remove {file} to have a new key") from None
