"""What must hold of a node whatever happened to its workers, its machine, its BMC, the store and the inventory.

``violations`` may be asked at any moment, ``unrest`` when everything has come to rest. Both believe the simulated machine
(wipes, the BMC's accepted writes, the inventory's answers) and compare it with what the store holds; each line names the
promise that is broken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lab.memory.store import MemoryStore
from tests.fakes.world import DISK, Wipe, World
from workflows.catalog import STEPS
from workflows.engine.decide import Act, Rest, decide
from workflows.engine.look import look
from workflows.engine.ports import BootTarget, Value
from workflows.engine.standing import FITS, of_run
from workflows.model.cap import Cap
from workflows.model.desired import Intent
from workflows.model.grant import Grant, GrantState
from workflows.model.journal import Entry, Fold, Kind, Outcome, Phase, fold
from workflows.model.keys import NodeKey
from workflows.model.run import Run

_MAY_WIPE = (Phase.READY, Phase.ACTING, Phase.WAITING, Phase.HELD)


@dataclass(frozen=True)
class Told:
    """A run with its journal as it stands in the store."""

    run: Run
    entries: tuple[tuple[Entry, Value], ...]

    def at(self, seq: int) -> Fold:
        """Where the run stood when the store's newest sequence was this."""
        return fold(self.run, [(entry, value.time) for entry, value in self.entries if value.seq <= seq])

    @property
    def now(self) -> Fold:
        """Where the run stands."""
        return self.at(self.entries[-1][1].seq) if self.entries else Fold()


async def told(store: MemoryStore, node: NodeKey) -> dict[str, Told]:
    """All runs of a node by their cause, oldest first."""
    runs = [Run.decode(v.data or b"") for v in await store.list(f"run.{node}.*")]
    found = {}
    for run in runs:
        values = await store.list(f"journal.{node}.{run.cause}.>")
        found[run.cause] = Told(run, tuple((Entry.decode(v.data or b""), v) for v in values))
    return found


async def violations(store: MemoryStore, world: World) -> list[str]:
    """The broken promises of one node, at any moment."""
    node = world.wish.node
    runs = await told(store, node)
    grants = {v.key: Grant.decode(v.data or b"") for v in await store.list(f"grant.{node}.>")}
    found = [
        *(line for wipe in world.wiped for line in _wipe(wipe, world, runs, grants)),
        *_sessions(world, runs),
        *(line for each in runs.values() for line in _said(each)),
    ]
    if len({wipe.grant for wipe in world.wiped}) < len(world.wiped):
        found.append(f"two wipes for one grant: {world.wiped}")
    open_runs = [cause for cause, each in runs.items() if each.now.phase is not Phase.FINISHED]
    if len(open_runs) > 1:
        found.append(f"several open runs: {open_runs}")
    return found


async def unrest(store: MemoryStore, world: World, *, hindered: bool) -> list[str]:
    """What is left over, or left without an end, on a node where nothing is under way any more.

    Where the end was ``hindered``, two things may be left that wipe nothing: a slot of the cap, taken too late by a worker
    that was overtaken (whoever needs it gets it), and a network boot at a BMC that was out of reach (it boots locally).
    """
    node = world.wish.node
    view = await look(store, node)
    found = []
    if view.run is not None and view.open_run is None:
        grants = [Grant.decode(v.data or b"") for v in await store.list(f"grant.{node}.>")]
        found += [f"grant {g.cause}.{g.attempt} is open and no run is" for g in grants if g.state is GrantState.OPEN]
        caps = [(v.key, Cap.decode(v.data or b"{}")) for v in await store.list("cap.>")]
        held = [] if hindered else [(key, s.holder) for key, cap in caps for s in cap.slots if s.until is None]
        found += [f"{who} holds a slot of {key} and no run is open" for key, who in held if f"{node}." in who]
        if world.boot is BootTarget.NETWORK_ONCE and not hindered:
            found.append("a network boot is left at the BMC")
        if view.stored != view.status:
            found.append(f"the status shown is not the journal's: {view.stored} instead of {view.status}")
    if (await store.get(f"lease.{node}")).data is not None:
        found.append("somebody holds the lease and nothing is under way")
    return found


def _wipe(wipe: Wipe, world: World, runs: dict[str, Told], grants: dict[str, Grant]) -> list[str]:
    """Whether a wipe was permitted when the machine asked: the right machine, disk, run, step, person and inventory."""
    name = f"wipe for {wipe.grant.cause}.{wipe.grant.attempt}"
    grant, each = grants[wipe.grant.grant_key], runs[wipe.grant.cause]
    run, state = each.run, each.at(wipe.asked)
    found = []
    if wipe.serial != grant.serial or wipe.serial != run.desired.serial or grant.node != run.node:
        found.append(f"{name} on machine {wipe.serial}, the run is for {run.desired.serial}")
    if wipe.disk != DISK.id:
        found.append(f"{name} on disk {wipe.disk}")
    if state.phase not in _MAY_WIPE:
        found.append(f"{name} while the run was {state.phase}")
    if run.approval and state.approved != run.digest():
        found.append(f"{name} that nobody approved")
    before = [other for other in runs.values() if other.run.cause != run.cause and _accepted(other, wipe.asked)]
    if run.cause.startswith("g") and before:
        found.append(f"{name} by an edit on a node that was accepted by {before[0].run.cause}")
    looks = [look for look in world.looks if look.seq <= wipe.asked]
    said = looks[-1].said if looks else None
    if said is None or said.protected or said.intent is not Intent.SERVE or said.serial != run.desired.serial:
        found.append(f"{name} although the inventory last said {said}")
    return found


def _accepted(each: Told, seq: int) -> bool:
    """Whether the run had put the node in service by then: a part that was taken over, or new firmware, does not."""
    state = each.at(seq)
    return state.phase is Phase.FINISHED and state.outcome is Outcome.SUCCEEDED and each.run.has("register")


def _sessions(world: World, runs: dict[str, Told]) -> list[str]:
    """The BMC took a write only under the session that the newest claim had journaled by then."""
    named = sorted(
        (value.seq, entry.session)
        for each in runs.values()
        for entry, value in each.entries
        if entry.kind is Kind.SESSION
    )
    found = []
    for write in world.accepted:
        newest = [session for seq, session in named if seq <= write.seq][-1:]
        if newest != [write.session]:
            found.append(f"{write.what} at {write.seq} under {write.session}, the newest claim's is {newest}")
    return found


def _said(each: Told) -> list[str]:
    """Law 5, of what was written and not of the table: reason, deadline, next action, and an end.

    A wait ends by itself: when it is due, a worker has something to do. What waits for a person names a verb that fits.
    """
    found = []
    for entry, value in each.entries:
        if entry.kind not in (Kind.WAITING, Kind.PARKED, Kind.HELD):
            continue
        where = f"{each.run.id} {entry.kind} in step {entry.step}"
        if not entry.reason or not entry.next_action or entry.deadline is None or entry.deadline < value.time:
            found.append(f"{where} without a reason, a deadline or a next action: {entry}")
        state = each.at(value.seq)
        if entry.kind is not Kind.WAITING:
            if not any(verb in entry.next_action for verb in FITS[of_run(state)]):
                found.append(f"{where} names nothing that a person can do: {entry}")
        elif entry.due_at is None or isinstance(_decided(each.run, state, entry.due_at), Rest):
            found.append(f"{where} waits for nothing that is due: {entry}")
    return found


def _decided(run: Run, state: Fold, at: datetime) -> Act:
    return decide(run, state, at, STEPS, approval_life=timedelta(days=1))
