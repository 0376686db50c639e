"""Commands: one verb table for the CLI, the bot, the web page and the plain ``nats`` tool; all send the same message.

A command is a message on ``command.<who>.<verb>.<site>``. Its id is its stream sequence; it expires 10 minutes after
the server's timestamp. It only ever changes ``request.<node>``; what came of it stands under ``outcome.<sequence>``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from workflows.model.errors import BadInput
from workflows.model.keys import Cause, NodeKey, Site
from workflows.model.record import Record

EXPIRY = timedelta(minutes=10)
MAX_BODY = 65_536


class Verb(StrEnum):
    """What can be asked for."""

    PROVISION = "provision"
    REIMAGE = "reimage"
    ADOPT = "adopt"
    RMA = "rma"
    FIRMWARE = "firmware"
    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    HOLD = "hold"
    UNHOLD = "unhold"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class VerbRule:
    """How a verb behaves: which workflow it starts, and whether it may destroy data or stop a machine."""

    starts: str | None
    dangerous: bool
    about: str


VERBS: dict[Verb, VerbRule] = {
    Verb.PROVISION: VerbRule("provision", True, "install and prove a node that was never in service"),
    Verb.REIMAGE: VerbRule("reimage", True, "wipe a node and install it again"),
    Verb.ADOPT: VerbRule("adopt", False, "take in a node that is already in service, by BMC reads alone"),
    Verb.FIRMWARE: VerbRule("firmware", True, "bring firmware and BIOS to the profile's baseline; disks are kept"),
    Verb.RMA: VerbRule("rma", False, "take over a board or parts that were replaced, once a person approved them"),
    Verb.APPROVE: VerbRule(None, True, "let a run that waits for approval go on"),
    Verb.DENY: VerbRule(None, False, "end a run that waits for approval"),
    Verb.CANCEL: VerbRule(None, False, "end a run at its next safe point"),
    Verb.HOLD: VerbRule(None, False, "stop a run at its next safe point until unhold"),
    Verb.UNHOLD: VerbRule(None, False, "let a held run go on"),
    Verb.RETRY: VerbRule(None, True, "go on with a parked run, or run a failed one again"),
}


class CommandBody(Record):
    """The body as sent. ``for`` names the person and is believed only from the bot and the web page.

    ``force``: don't wait for running jobs, and don't ask the scheduler; a second person must approve such a run.
    """

    select: str = Field(min_length=1, max_length=60_000)
    reason: str = Field(default="", max_length=1000)
    release: str | None = Field(default=None, max_length=100)
    after: Cause | None = None
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    force: bool = False
    person: str | None = Field(default=None, alias="for", max_length=200)


@dataclass(frozen=True, slots=True)
class Command:
    """A parsed command. ``at`` is the server's time of the message; ``service``: no person stands behind ``who``."""

    sequence: int
    at: datetime
    who: str
    verb: Verb
    site: Site
    body: CommandBody
    service: bool = False


def parse_command(subject: str, data: bytes, sequence: int, at: datetime, trusted: frozenset[str]) -> Command:
    """Parse a message. ``trusted`` are the senders whose ``for`` is believed.

    Raises:
        BadInput: a subject of another form, an unknown verb, a body that is too long or wrong.
    """
    parts = subject.split(".")
    if len(parts) != 4 or parts[0] != "command":
        raise BadInput(f"subject {subject[:200]!r} is not command.<who>.<verb>.<site>")
    _, who, verb, site = parts
    if verb not in set(Verb):
        raise BadInput(f"unknown verb {verb[:50]!r}; one of {', '.join(Verb)}")
    if len(data) > MAX_BODY:
        raise BadInput(f"the body has {len(data)} bytes, at most {MAX_BODY} are read")
    body = CommandBody.decode(data)
    if body.person is not None and who not in trusted:
        raise BadInput(f"'for' is not believed from {who}: send with your own credential")
    if body.force and not (VERBS[Verb(verb)].starts and VERBS[Verb(verb)].dangerous):
        raise BadInput(f"{verb} can't be forced: force is for a command that starts a destructive run")
    service = who in trusted and body.person is None
    return Command(sequence, at, body.person or who, Verb(verb), site, body, service)


class Ask(Record):
    """One kind of request as it stands for a node: the command's sequence, who asked when (server time), what for.

    One with a ``campaign`` starts its run when that campaign lets the node go, and is void when the campaign is over.
    """

    sequence: int
    at: datetime
    verb: Verb
    who: str
    reason: str = ""
    release: str | None = None
    force: bool = False
    cause: Cause | None = None
    digest: str | None = None
    campaign: str | None = None


class Request(Record):
    """``request.<node>``: one field a kind, so that a cancel can't overwrite a re-image."""

    node: NodeKey
    start: Ask | None = None
    approval: Ask | None = None
    cancel: Ask | None = None
    hold: Ask | None = None
    resume: Ask | None = None


class NodeAnswer(Record):
    """What a command came to for one node, in one sentence."""

    node: NodeKey
    label: str
    accepted: bool
    text: str


class CommandOutcome(Record):
    """``outcome.<sequence>``: created once."""

    sequence: int
    verb: str
    who: str
    accepted: bool
    text: str
    nodes: tuple[NodeAnswer, ...] = ()
    campaign: str | None = None
