"""Who may say what: one table of roles, and the server's accounts, exports and imports rendered from it.

Theory of operation. Subject permissions alone don't confine a user of JetStream. Whoever may send *any* request that the
server answers can name another's subject as the reply, and the server publishes the answer there with its own authority:
an acknowledgement over ``$KV.state.lease…``, or a copy of his own message, read directly, as another's ``command…`` (seen on
nats-server 2.15; nats-io/nats-server#8274 is the same for push consumers). So JetStream lives in an account of its own,
``SITE``, and each role has an account that *imports* exactly the subjects of this table as services. An answer then goes
back into the account that asked, where no stream listens. Within the account, each user's permissions name his inbox and,
in ``command.<who>.>``, his own name: that is what makes ``<who>`` a fact and not a claim.

A role's account reaches JetStream's API as ``BRINGUP.API…``; ``connect`` finds that out. The configuration holds public keys
only (nkeys): no secret.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import nkeys

from workflows.jetstream.table import EVIDENCE, EVIDENCE_BUCKET, IMPORTED_API, STATE, STATE_PREFIX, STREAMS
from workflows.model.errors import BadInput
from workflows.model.keys import slug
from workflows.model.record import Json

SITE_ACCOUNT = "SITE"
_API = "$JS.API"


class Role(StrEnum):
    """What a login is for."""

    ADMIN = "admin"
    WORKER = "worker"
    SYNC = "sync"
    BOOT = "boot"
    BOT = "bot"
    WEB = "web"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do beyond reading the state, which all may.

    ``writes`` are patterns of keys, ``publishes`` of subjects, ``consumes`` pairs of stream and durable (``*``: any).
    ``commands`` lets each user send commands under his own name.
    """

    writes: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    consumes: tuple[tuple[str, str], ...] = ()
    commands: bool = False
    reads_evidence: bool = False
    reads_log: bool = False
    writes_evidence: bool = False


RIGHTS: Mapping[Role, Rights] = {
    Role.WORKER: Rights(
        writes=(
            "request.>",
            "status.>",
            "run.>",
            "journal.>",
            "lease.>",
            "grant.>",
            "outcome.*",
            "cap.>",
            "campaign.>",
            "witness.*",
        ),
        publishes=("wake.>", "note.>", "log.>", "dead.>"),
        consumes=(("WAKE", "*"), ("EVENTS", "commands")),
        reads_evidence=True,
        writes_evidence=True,
    ),
    Role.SYNC: Rights(
        writes=("desired.>", "cursor.>", "epoch", "witness.*"),
        publishes=("wake.>", "evt.netbox.>", "dead.>"),
        consumes=(("EVENTS", "inventory-sync"),),
        commands=True,
        reads_evidence=True,
    ),
    Role.BOOT: Rights(
        writes=("grant.>", "served.>", "strangers.*", "witness.*"),
        publishes=("wake.>", "evt.agent.>", "log.>", "dead.>"),
    ),
    Role.BOT: Rights(consumes=(("NOTE", "bot"),), commands=True, reads_evidence=True),
    Role.WEB: Rights(consumes=(("NOTE", "web"),), commands=True, reads_evidence=True, reads_log=True),
    Role.PERSON: Rights(commands=True, reads_evidence=True, reads_log=True),
}


@dataclass(frozen=True, slots=True)
class User:
    """One login: its name, its role, and the public half of its key."""

    who: str
    role: Role
    public_key: str


def new_key() -> tuple[str, str]:
    """A new user key: the seed, which is the secret, and the public key, which the server's configuration names."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode()
    return seed, public_key(seed)


def public_key(seed: str) -> str:
    """The public key of a user's seed.

    Raises:
        BadInput: it is no seed of a user's key; it is not shown.
    """
    try:
        public: str = nkeys.from_seed(seed.encode()).public_key.decode()
    except (nkeys.NkeysError, ValueError):
        raise BadInput("this is no seed of an nkey") from None
    if not public.startswith("U"):
        raise BadInput("this is the seed of another kind of nkey, not of a user's")
    return public


def accounts(users: Sequence[User]) -> dict[str, Json]:
    """The ``accounts`` block of a server's configuration for these users.

    Raises:
        BadInput: two users have one name, or a name that would not be one part of a subject.
    """
    names = [user.who for user in users]
    for who in names:
        if not who or who != slug(who) or names.count(who) > 1:
            raise BadInput(f"user {who!r}: each needs a name of its own, of a-z, 0-9 and dashes")
    block: dict[str, Json] = {
        SITE_ACCOUNT: {
            "jetstream": "enabled",
            "exports": _exports(),
            "users": [{"nkey": u.public_key} for u in users if u.role is Role.ADMIN],
        }
    }
    for role in RIGHTS:
        block[_account(role)] = {
            "imports": [
                {"service": {"account": SITE_ACCOUNT, "subject": subject}, "to": _imported(subject)}
                for subject in _subjects(role)
            ],
            "users": [_user(u) for u in users if u.role is role],
        }
    return block


def _account(role: Role) -> str:
    return role.upper()


def _user(user: User) -> dict[str, Json]:
    """A user's own permissions: what his account imports, commands under his name only, his own inbox."""
    allowed: list[Json] = [_imported(s) for s in _subjects(user.role) if s != "command.>"]
    if RIGHTS[user.role].commands:
        allowed.append(f"command.{user.who}.>")
    return {
        "nkey": user.public_key,
        "permissions": {
            "publish": {"allow": [f"{_API}.INFO", *allowed]},
            "subscribe": {"allow": [f"_INBOX.{user.who}.>"]},
        },
    }


def _subjects(role: Role) -> list[str]:
    """Every subject that the role's account imports, as the site's account calls it."""
    rights = RIGHTS[role]
    subjects = [
        *(f"{_API}.STREAM.INFO.{stream.name}" for stream in STREAMS),
        f"{_API}.DIRECT.GET.{STATE}",
        f"{_API}.DIRECT.GET.{STATE}.>",
        f"{_API}.CONSUMER.CREATE.{STATE}.>",
        f"{_API}.CONSUMER.MSG.NEXT.{STATE}.>",
        *(STATE_PREFIX + key for key in rights.writes),
        *rights.publishes,
    ]
    for stream, durable in rights.consumes:
        subjects += [
            f"{_API}.CONSUMER.CREATE.{stream}.{durable}",
            f"{_API}.CONSUMER.CREATE.{stream}.{durable}.>",
            f"{_API}.CONSUMER.MSG.NEXT.{stream}.{durable}",
            f"$JS.ACK.{stream}.{durable}.>",
        ]
    if rights.commands:
        subjects.append("command.>")
    if rights.reads_evidence:
        subjects += [f"{_API}.DIRECT.GET.{EVIDENCE}", f"{_API}.DIRECT.GET.{EVIDENCE}.>"]
    if rights.reads_log:
        subjects += [f"{_API}.DIRECT.GET.LOG", f"{_API}.DIRECT.GET.LOG.>"]
    if rights.writes_evidence:
        subjects += [f"$O.{EVIDENCE_BUCKET}.C.*", f"$O.{EVIDENCE_BUCKET}.M.*"]
    return subjects


def _exports() -> list[Json]:
    """Each subject that some role imports, exported to those roles only."""
    importers: dict[str, list[Json]] = {}
    for role in RIGHTS:
        for subject in _subjects(role):
            importers.setdefault(subject, []).append(_account(role))
    return [
        {"service": subject, "accounts": roles, "response_type": "stream" if _answers_often(subject) else "singleton"}
        for subject, roles in importers.items()
    ]


def _answers_often(subject: str) -> bool:
    return ".DIRECT.GET." in subject or ".MSG.NEXT." in subject


def _imported(subject: str) -> str:
    """How the importing account calls a subject."""
    return subject.replace(_API, IMPORTED_API, 1) if subject.startswith(_API) else subject
