"""What a login must not do, tried on the running server: ``doctor`` proves denials too.

The write that is tried names a revision that no key has. A server that refuses it by permission is well; one that would have
allowed it answers that the revision is wrong, and nothing is written either way.
"""

from collections.abc import Mapping

from app.config import Config
from app.connect import connected
from app.nats_logins import ADMIN, SERVICES
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.permissions import Role
from workflows.model.errors import BadInput, Conflict, Refused

#: A key that the role's row of the permission table doesn't name.
_FORBIDDEN: Mapping[Role, str] = {
    Role.WORKER: "desired.doctor.forbidden",
    Role.SYNC: "lease.doctor.forbidden",
    Role.BOOT: "lease.doctor.forbidden",
    Role.WEB: "request.doctor.forbidden",
    Role.PERSON: "lease.doctor.forbidden",
}
_NO_REVISION = 1 << 53


async def refusals(config: Config) -> str:
    """Try every login whose secret lies here; what was refused, in a sentence.

    Raises:
        BadInput: the server has no logins, or allowed what the permission table forbids.
        Refused, Unreachable: a login can't connect at all.
    """
    if config.nats.url is None or config.nats.login is not None:
        return "bringup up keeps a server of its own on loopback, with a login each"
    if config.nats.credentials is None:
        raise BadInput("nats.url without nats.credentials: whoever reaches that server may wipe nodes; see NATS logins")
    files = sorted((config.secrets / config.nats.credentials).glob("*.yaml"))
    logins = {file.stem: SERVICES.get(file.stem, Role.PERSON) for file in files if file.stem != ADMIN}
    if not logins:
        raise BadInput(f"no login's secret lies in {config.secrets / config.nats.credentials}: bringup nats accounts")
    if allowed := [who for who, role in logins.items() if not await _refused(config, who, _FORBIDDEN[role])]:
        raise BadInput(
            f"the server lets {', '.join(allowed)} write what is not theirs: give it the accounts that "
            "bringup nats accounts or bringup site init renders, and reload it"
        )
    return f"each refused what is not its own: {', '.join(logins)}"


async def _refused(config: Config, who: str, key: str) -> bool:
    async with connected(config, FileSecrets(config.secrets), who) as site:
        try:
            await site.store.put(key, b"", expect=_NO_REVISION)
        except Conflict:
            return False
        except Refused:
            return True
    return False
