"""The ports: what the engine and the steps need of the world, each one to six methods.

Drivers, ``jetstream``, ``boot`` and ``burn_in`` implement them; ``app`` wires them; the in-memory ones in ``lab`` pass
the same contract tests. All times are timezone-aware UTC. Every deadline comes from the caller.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from workflows.model.desired import BmcTarget, Desired
from workflows.model.hardware import Firmware, HardwareReport, LogLine
from workflows.model.keys import Cause, NodeKey
from workflows.model.profile import BmcProtocol, BootWay, Setting
from workflows.model.record import Json
from workflows.model.verdict import BurnInReport

# --- time ---------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Server time: *now* is the store's time sampled at a look plus local monotonic time since."""

    def now(self) -> datetime:
        """The time, by the store's server."""

    async def sleep(self, delay: timedelta) -> None:
        """Wait."""


# --- state --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """The newest record under a key. ``data`` is None where it was deleted or expired; ``seq`` still guards."""

    key: str
    data: bytes | None
    seq: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Guard:
    """The lease that a write needs: the server refuses the write unless ``lease.<node>`` is still at ``seq``."""

    lease_key: str
    seq: int


class Store(Protocol):
    """The site's state: one stream, one newest record a key, compare-and-set by sequence.

    Keys are dotted (``journal.<site>.<id>.<cause>.<token>.<n>``); in patterns ``*`` is one token, ``>`` the rest.
    """

    async def get(self, key: str) -> Value:
        """The newest record; ``seq`` 0 and ``data`` None where there never was one. May be stale on R3."""

    async def list(self, pattern: str) -> list[Value]:
        """All live records that match, ordered by sequence. Never asked for the journals of all nodes at once."""

    async def put(self, key: str, data: bytes, *, expect: int, ttl: timedelta | None = None) -> int:
        """Write if the key's newest sequence is still ``expect`` (0: never written). Returns the new sequence.

        Raises:
            Conflict: somebody wrote in between.
            Unreachable: no answer; the write may or may not have happened.
        """

    async def append(self, key: str, data: bytes, *, guard: Guard) -> int:
        """Write under a lease; refused by the server once the lease is not at the guard's sequence.

        Raises:
            Fenced: the lease is somebody else's, or gone.
            Unreachable: no answer after republishing the same key and body for 15 s.
        """

    async def delete(self, key: str, *, expect: int) -> None:
        """Delete if the newest sequence is still ``expect``; raises Conflict otherwise."""

    def watch(self, *patterns: str) -> AsyncIterator[Value]:
        """Current records that match, then each change for ever; deletions and expiries come with ``data`` None.

        Expired keys may be reported late or never: a lease unseen for a whole TTL counts as gone.
        """

    async def now(self) -> datetime:
        """The server's time."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a stream. ``sequence`` is its place in it, ``time`` the server's."""

    subject: str
    data: bytes
    sequence: int
    time: datetime


class Bus(Protocol):
    """Wakes, events, commands, logs, notes and dead letters."""

    async def wake(self, node: NodeKey) -> None:
        """Ask any worker to look at the node. A hint: may be lost, doubled or late without harm."""

    def wakes(self) -> AsyncIterator[NodeKey]:
        """Wakes for this worker's site, each acknowledged when handed out."""

    async def publish(self, subject: str, data: bytes, *, dedupe: str | None = None) -> int:
        """Store a message in the stream that owns the subject (``evt. command. note. dead.``); returns its sequence."""

    def consume(self, durable: str, *subjects: str) -> AsyncIterator[Message]:
        """Messages of one stream for a durable consumer; each is acknowledged when the next one is asked for."""

    def log(self, run: str, step: str, line: bytes) -> None:
        """Publish a log line without waiting: a lost log line never fails a step."""

    def logged(self, run: str, step: str = "*", *, after: int = 0) -> AsyncIterator[Message]:
        """The log lines of a run so far with a sequence above ``after``, oldest first; of all its steps for ``*``."""


class Evidence(Protocol):
    """Raw outputs by hash."""

    async def put(self, data: bytes) -> str:
        """Keep the bytes; returns their SHA-256 (hex)."""

    async def get(self, sha256: str) -> bytes:
        """The bytes. Raises Refused where they are not kept."""


# --- the machine --------------------------------------------------------------------------------------------------


class Power(StrEnum):
    """Power of a machine, as its BMC reports it. UNKNOWN covers transitions such as PoweringOn."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


class BootTarget(StrEnum):
    """What the next boot shall use. NETWORK_ONCE: one boot by any ``BootWay``, virtual media included."""

    NETWORK_ONCE = "network-once"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class BmcFacts:
    """Who the BMC says the machine is, and how it stands now. ``boot`` is None where the BMC shows no override.

    ``way``: by which way the one network boot is that stands; None where there is none, or the BMC doesn't tell. ``ways``:
    those that it offers. ``progress``: how far its POST has come, in the BMC's own word; empty where it doesn't tell.
    """

    serial: str | None
    uuid: str | None
    vendor: str
    model: str
    power: Power
    boot: BootTarget | None
    system: str = ""
    way: BootWay | None = None
    ways: tuple[BootWay, ...] = ()
    progress: str = ""


class Bmc(Protocol):
    """One machine's BMC during one claim. Absolute verbs; none of them retries, re-logs in or waits by itself.

    Each call reads or sets once and returns what the BMC shows afterwards. All raise Unreachable, Busy,
    AuthenticationFailed, Unsupported, or Fenced where the session was ended by a newer owner.
    """

    async def open(self) -> str | None:
        """Open the session of this claim; returns its URI (never its token), None where the time rule holds.

        Called once, before the first write. Reads work before it.
        """

    async def end_session(self, uri: str) -> None:
        """End a session that an earlier claim of this node opened. Ending one that is gone is no error."""

    async def facts(self) -> BmcFacts:
        """Read identity, power and boot override."""

    async def power(self, wanted: Power) -> None:
        """Ask for power on or off (hard). Asking for the state that is already there sends nothing."""

    async def boot(self, target: BootTarget, way: BootWay | None = None, media: str = "") -> None:
        """Set the boot override.

        A network boot goes by ``way``, by the first that the BMC offers where none is named; ``media`` is the URL of the
        image for virtual media, which DISK takes out again.
        """

    async def reset_bmc(self) -> None:
        """Restart the BMC itself; it answers nothing for a minute or more afterwards."""

    async def close(self) -> None:
        """End this claim's session and release the connection. Never raises."""


class BmcInspector(Protocol):
    """What else a BMC shows of its machine; reads only."""

    async def survey(self) -> HardwareReport:
        """The out-of-band inventory. What can't be read is a gap in it; raises only where nothing can be."""

    async def events(self, limit: int) -> tuple[LogLine, ...]:
        """The newest lines of the event log, oldest first. Raises Unsupported where there is none."""


@dataclass(frozen=True, slots=True)
class BiosFacts:
    """BIOS attributes as they hold, and those that wait for the next boot."""

    attributes: dict[str, Setting]
    pending: dict[str, Setting]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task of a BMC. ``ended``: it is over, or waits for a boot; ``failed``: it is over and went wrong."""

    path: str
    state: str
    percent: int
    ended: bool
    failed: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """An image by where it is and what it must be."""

    url: str
    sha256: str


class BmcBaseline(Protocol):
    """BIOS attributes and firmware. All raise Unsupported where the BMC or its protocol can't."""

    async def bios(self) -> BiosFacts:
        """Read the attributes."""

    async def set_bios(self, attributes: dict[str, Setting]) -> None:
        """Set attributes for the next boot."""

    async def firmware(self) -> tuple[Firmware, ...]:
        """Read the versions."""

    async def tasks(self) -> tuple[TaskFacts, ...]:
        """The BMC's tasks, oldest first."""

    async def flash(self, paths: Sequence[str], image: FirmwareImage) -> None:
        """Begin the update of these firmware resources, as a task.

        Raises:
            Refused: the image isn't what it must be; nothing was sent.
            Unreachable: no answer; the task may have begun.
        """


class OpenedBmc(Bmc, BmcInspector, BmcBaseline, Protocol):
    """A BMC as the drivers implement it."""


class Bmcs(Protocol):
    """Opens BMCs by what desired state says of them."""

    def connect(self, target: BmcTarget, protocol: BmcProtocol) -> OpenedBmc:
        """A BMC; no traffic yet."""


@dataclass(frozen=True, slots=True)
class Host:
    """A node as Ansible and SSH reach it: by address, with the host key that the agent made for its grant."""

    node: NodeKey
    name: str
    address: str
    host_key: str
    user: str = "root"
    port: int = 22


@dataclass(frozen=True, slots=True)
class PlayResult:
    """How a play ended. ``failed`` names the first task that failed with its message, in one line."""

    ok: bool
    tasks: int = 0
    changed: int = 0
    failed: str = ""
    seconds: float = 0.0


class Ansible(Protocol):
    """Runs a playbook of the project on one host, in a supervised process group that dies with the worker."""

    async def play(
        self, host: Host, playbook: str, variables: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> PlayResult:
        """Run it; events go to the log as they come. Cancelling the task kills the whole process group.

        Raises:
            Unreachable: the host did not answer.
            Transient: the deadline passed; the group was killed.
        """

    async def collect(
        self, host: Host, probes: Sequence[str], parameters: dict[str, Json], *, run: str, step: str, timeout: timedelta
    ) -> dict[str, bytes]:
        """Run burn-in probes on the node and return the raw bundle of each (JSON, see ``burn_in.bundle``).

        ``timeout`` is for all of it; ``deadline_s`` among the parameters is each probe's, where it is given.
        """

    async def shell(self, host: Host, command: Sequence[str], *, timeout: timedelta) -> str:
        """One command over SSH, host-key checking on; returns stdout. Raises Unreachable, or Refused on exit ≠ 0."""


class Judge(Protocol):
    """Reads and judges the evidence of one node: of its hardware (``judge``) or of its software (``proof``)."""

    def probes(self, desired: Desired) -> Sequence[str]:
        """The probes that this node's profile and mounts need."""

    async def judge(self, desired: Desired, bundles: dict[str, bytes]) -> BurnInReport:
        """The report. A missing bundle is an ERROR, never a pass. Asks the subnet manager's side where needed."""


class Secrets(Protocol):
    """Resolves references to secrets. Values never reach a log, journal, argv or report."""

    def get(self, reference: str) -> dict[str, str]:
        """The fields of a secret (``username``, ``password``, ``key`` …). Raises Refused where there is none."""


# --- the scheduler ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Duty:
    """How a scheduler sees a node.

    ``jobs``: what runs there and is waited for, in words. ``moving``: what can be asked to run elsewhere (``drain`` asks).
    ``open``: it may be given new work; ``reason``: why it isn't, as whoever closed it said. ``present``: the scheduler
    hears from the node.
    """

    jobs: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    open: bool = True
    reason: str = ""
    present: bool = True


class Scheduler(Protocol):
    """What gives jobs to nodes. All raise Unreachable where it can't be asked, Refused where it refuses us.

    Nothing here ends a job. A node that somebody else closed stays closed, with that person's reason.
    """

    async def duty(self, node: Desired) -> Duty | None:
        """How the node stands; None where the scheduler doesn't know it."""

    async def drain(self, node: Desired, reason: str) -> None:
        """Close the node to new work with this reason, if it is open; ask what can move to move. May be called again."""

    async def resume(self, node: Desired, reason: str) -> None:
        """Open the node again if it is closed with exactly this reason; otherwise nothing."""


# --- the inventory ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What write-back brings to the inventory: a status within the class, fields, and a journal text."""

    node: NodeKey
    state: str
    text: str
    run: str
    cause: Cause | None = None
    fields: tuple[tuple[str, str], ...] = ()


class Inventory(Protocol):
    """The source of truth, for the second look right before a destructive act (law 4)."""

    async def read(self, node: NodeKey) -> Desired | None:
        """Read the node's record now and project it; None where it is gone. Raises Unreachable."""

    async def accepted_by(self, node: NodeKey) -> str:
        """The id of the run that it shows as the one that accepted the node; empty where none. Raises Unreachable."""
