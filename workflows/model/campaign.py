"""Campaign: one command, or one bulk edit of the inventory, over many nodes: one list, one approval, waves, one report.

Theory of operation. A campaign is one record, ``campaign.<site>.<id>``; every change is a compare-and-set on it. Its id is
its cause (``c<sequence>`` of the command, ``n<hash>`` of NetBox's request), so the same cause seen twice is one campaign.
The list of members is frozen when it is proposed; each member carries the hash of what its run would do to which machine
(``Run.content``), and the digest that a person approves covers all of them, the waves and the failure limit.

The record has no power of its own. A member's run is opened by a worker, under the node's lease, and only while the record
says that this member was *let go*; its holder takes the approval from the record at the moment it needs one, and only
while the campaign runs and the run is exactly what was approved. So a driver that was paused, killed or doubled can at
worst fail to let a node go; nothing that it has read earlier counts.

::

    proposed ──approve──▶ running ◀──approve, unhold, retry── paused     (failure limit, hold, approval expired)
      │  │                 │  │ └────────────────────────────▶──┘ │
    deny cancel          ended cancel ──▶ stopping ◀──cancel──────┘
      ▼  ▼                 ▼                 │ every run that began has ended
    denied cancelled      done           cancelled

*Paused* lets nobody go and gives no approval: a member that hasn't touched its machine yet doesn't. *Stopping* also cancels
the runs under way, each at its next safe point; a machine that writes its disk is never interrupted.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.model.errors import BadInput
from workflows.model.keys import Cause, NodeKey, Site
from workflows.model.record import Record
from workflows.model.run import Run
from workflows.model.settings import CampaignSettings

#: Members of one campaign: the record must stay below the largest message of the store (1,000,000 bytes).
MAX_MEMBERS = 2000
#: How a selector names a campaign instead of nodes.
SELECTOR = "campaign:"
_NAMED = 10


class CampaignState(StrEnum):
    """Where a campaign stands."""

    PROPOSED = "proposed"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    DONE = "done"
    DENIED = "denied"
    CANCELLED = "cancelled"


LEGAL: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.PROPOSED: frozenset({CampaignState.RUNNING, CampaignState.DENIED, CampaignState.CANCELLED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.STOPPING, CampaignState.DONE}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.STOPPING}),
    CampaignState.STOPPING: frozenset({CampaignState.CANCELLED}),
    CampaignState.DONE: frozenset(),
    CampaignState.DENIED: frozenset(),
    CampaignState.CANCELLED: frozenset(),
}


class MemberState(StrEnum):
    """How far one node is. *Stuck*: its run is open and waits for a person. *Skipped*: left as it was, with the reason."""

    WAITING = "waiting"
    LET_GO = "let-go"
    PASSED = "passed"
    FAILED = "failed"
    STUCK = "stuck"
    SKIPPED = "skipped"


#: States in which nothing more comes of a member by itself.
ENDED = (MemberState.PASSED, MemberState.FAILED, MemberState.STUCK, MemberState.SKIPPED)


class Member(Record):
    """One node of the frozen list. ``cause`` is that of its run, ``content`` what was seen of it (``Run.content``)."""

    node: NodeKey
    label: str
    wave: int
    cause: Cause
    content: str
    state: MemberState = MemberState.WAITING
    text: str = ""


class Campaign(Record):
    """The record. ``wave`` counts from 0, the canary. ``failures`` that many stop it; ``excused`` were accepted since.

    ``force``: its runs don't wait for running jobs. ``answered`` is the sequence of the last command that changed it,
    ``stopped_by`` who cancelled it.
    """

    site: Site
    id: str
    workflow: str
    select: str
    asked_by: str
    reason: str = ""
    proposed_at: datetime
    members: tuple[Member, ...]
    failures: int
    force: bool = False
    state: CampaignState = CampaignState.PROPOSED
    text: str = ""
    wave: int = 0
    excused: int = 0
    approved_by: str = ""
    approved_at: datetime | None = None
    stopped_by: str = ""
    answered: int = 0

    @property
    def key(self) -> str:
        """Where it stands in the store."""
        return campaign_key(self.site, self.id)

    @property
    def live(self) -> bool:
        """Whether anything may still come of it."""
        return bool(LEGAL[self.state])

    @property
    def waves(self) -> int:
        """How many there are."""
        return max(m.wave for m in self.members) + 1

    def digest(self) -> str:
        """What its approver saw, as SHA-256: the list with what happens to each, in which waves, and what stops it."""
        seen = [self.id, self.workflow, [[m.node, m.wave, m.content] for m in self.members], self.failures]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()

    def member(self, node: NodeKey) -> Member | None:
        """The node's place in the list."""
        return next((m for m in self.members if m.node == node), None)

    def to(self, state: CampaignState, **changes: object) -> "Campaign":
        """The campaign in its next state.

        Raises:
            BadInput: the table has no such transition.
        """
        if state not in LEGAL[self.state]:
            raise BadInput(f"campaign {self.id} can't go from {self.state} to {state}")
        return self.model_copy(update={"state": state} | changes)

    def with_members(self, members: Sequence[Member]) -> "Campaign":
        """The campaign with some of its members as given."""
        changed = {m.node: m for m in members}
        return self.model_copy(update={"members": tuple(changed.get(m.node, m) for m in self.members)})

    def count(self, *states: MemberState) -> int:
        """How many members are in one of these states."""
        return sum(m.state in states for m in self.members)

    def holds(self, now: datetime, life: timedelta) -> bool:
        """Whether its approval has been given and hasn't expired."""
        return self.approved_at is not None and now < self.approved_at + life

    def approves(self, run: Run, now: datetime, life: timedelta) -> bool:
        """Whether the campaign's approval is one of exactly this run, now."""
        member = self.member(run.node)
        return (
            self.state is CampaignState.RUNNING
            and self.holds(now, life)
            and member is not None
            and member.state in (MemberState.LET_GO, MemberState.STUCK)
            and (member.cause, member.content) == (run.cause, run.content())
        )

    def standing(self, node: NodeKey) -> str:
        """Why a member that wasn't let go waits, in words."""
        member = self.member(node)
        wave = f"wave {member.wave + 1} of {self.waves}" if member is not None else "not on its list"
        if self.state is CampaignState.PROPOSED:
            return f"waits for campaign {self.id} ({wave}), which waits for approval"
        at = f": {self.text}" if self.text else f" at wave {self.wave + 1}"
        return f"waits for campaign {self.id} ({wave}), which is {self.state}{at}"

    def report(self) -> str:
        """How many came into service, and each that didn't with its reason, in one line."""
        good = self.count(MemberState.PASSED)
        others = [m for m in self.members if m.state is not MemberState.PASSED]
        touched = [m for m in others if m.state is not MemberState.WAITING]
        named = [f"{m.label} {m.state}: {m.text}" if m.text else f"{m.label} {m.state}" for m in touched[:_NAMED]]
        more = [f"{len(touched) - _NAMED} more"] if len(touched) > _NAMED else []
        untouched = len(others) - len(touched)
        rest = [f"{untouched} untouched"] if untouched else []
        return "; ".join([f"{self.select}: {good} of {len(self.members)} in service", *named, *more, *rest])


def campaign_key(site: Site, campaign: str) -> str:
    """The key of one campaign."""
    return f"campaign.{site}.{campaign}"


def campaign_of(selector: str) -> str | None:
    """The id of the campaign that a selector names; None where it names nodes."""
    return selector.removeprefix(SELECTOR).strip() if selector.startswith(SELECTOR) else None


def id_of_edit(request: str) -> str:
    """The id of the campaign of one request to the inventory."""
    return f"n{hashlib.sha256(request.encode()).hexdigest()[:12]}"


def waves(count: int, settings: CampaignSettings, step: int) -> list[int]:
    """The wave of each of ``count`` members in order: the canaries, then a share of all, then ``step`` at a time."""
    sizes = [settings.canary, max(1, -(-count * settings.second_percent // 100))]
    found: list[int] = []
    wave = 0
    while len(found) < count:
        found += [wave] * (sizes[wave] if wave < len(sizes) else max(1, step))
        wave += 1
    return found[:count]


def failure_limit(count: int, settings: CampaignSettings) -> int:
    """How many members that don't come into service stop the campaign after its canary."""
    return max(settings.failures, -(-count * settings.failure_percent // 100))
