"""The boot service's half of a wipe grant: take it for a machine that showed who it is, and keep its report.

Theory of operation. A machine that runs the agent says hello with its token. The grant's record decides alone:

* ``open``, not past its deadline, its run waits for its machine (``boot.live_run``), the machine is the one that the grant
  names, and exactly one of its disks matches the hint: compare-and-set to ``taken`` with the machine and that disk. Only the
  acknowledged write is a *go*.
* ``taken`` by the same boot (nonce and address) of the same machine: *go* again. This is the machine whose answer was
  lost, or for which the store's acknowledgement was: it writes once, because it waits for the answer.
* ``taken`` or ``reported`` by any other boot: refused as a second claimant. It may be a neighbour who poses as the machine,
  or the machine itself after a neighbour won the race; only a person can tell (law 6, failure 23).
* ``reported`` by this boot, or ``closed``: refused.

A refusal that the run's owner must hear of (``TOLD``) is written into the grant before the machine is answered: an event
may be lost, and a run that waits for a machine which was turned away would wait for its whole deadline.

A write whose outcome is unknown (``Unreachable``) is answered with 503; the machine's next hello finds the truth. Two
boot services may run: the compare-and-set on the one key makes them one.
"""

from http import HTTPStatus

from boot.answers import Denied
from boot.identity import mismatch
from boot.live_run import require_live
from boot.token import Claim
from workflows.engine.ports import Store, Value
from workflows.model.errors import Conflict, Transient
from workflows.model.grant import Disk, Grant, GrantState, Machine, Refusal, Report

_ROUNDS = 5
SECOND_CLAIMANT = "second-claimant"
#: Refusals that only a person can clear.
TOLD = frozenset({"wrong-machine", "no-disk", SECOND_CLAIMANT})


async def take(store: Store, claim: Claim, machine: Machine) -> Grant:
    """The grant, taken by this machine now or by an earlier hello of the same boot.

    Raises:
        Denied: this machine doesn't get it; the message is for its console, the event for the run's owner.
        Unreachable: the store gave no answer; the grant may or may not be taken.
    """
    for _ in range(_ROUNDS):
        grant, value = await _read(store, claim)
        if grant.state is GrantState.TAKEN:
            return _taken_again(grant, machine)
        if grant.state is GrantState.REPORTED:
            _taken_again(grant, machine)
        if grant.state is not GrantState.OPEN:
            raise Denied(
                HTTPStatus.GONE, "spent", f"the grant is {grant.state}: it was for one wipe; boot the local disk"
            )
        if await store.now() > grant.deadline:
            raise Denied(HTTPStatus.GONE, "late", "the grant's deadline has passed; boot the local disk")
        await require_live(store, claim)
        wrong = mismatch(grant, machine)
        if wrong is not None:
            raise Denied(HTTPStatus.FORBIDDEN, "wrong-machine", f"this machine shows {wrong}; nothing was written")
        taken = grant.to(GrantState.TAKEN, machine=machine.model_dump(), disk=the_disk(grant, machine).model_dump())
        if await _write(store, value, taken):
            return taken
    raise Transient("the grant changed too often while it was read")


async def report(store: Store, claim: Claim, nonce: str, what: Report) -> Grant:
    """Keep the report of the boot that took the grant; the same boot's second report changes nothing.

    Raises:
        Denied: another boot than the one that took it, or nothing was taken.
        Unreachable: the store gave no answer; report again.
    """
    for _ in range(_ROUNDS):
        grant, value = await _read(store, claim)
        if grant.machine is None or grant.machine.nonce != nonce:
            raise Denied(HTTPStatus.CONFLICT, SECOND_CLAIMANT, "this boot did not take the grant; nothing was kept")
        if grant.state is GrantState.REPORTED:
            return grant
        reported = grant.to(GrantState.REPORTED, report=what.model_dump())
        if await _write(store, value, reported):
            return reported
    raise Transient("the grant changed too often while it was read")


async def note_refusal(store: Store, claim: Claim, address: str, error: Denied) -> None:
    """Write a refusal of ``TOLD`` into the grant; others, and those of a grant that was closed meanwhile, change nothing.

    Raises:
        Unreachable: the store gave no answer; the machine asks again and is refused again.
    """
    if error.event not in TOLD:
        return
    for _ in range(_ROUNDS):
        grant, value = await _read(store, claim)
        if grant.state is GrantState.CLOSED:
            return
        refusal = Refusal(event=error.event, message=str(error), address=address, at=await store.now())
        if await _write(store, value, grant.noting(refusal)):
            return
    raise Transient("the grant changed too often while a refusal was written into it")


async def progressing(store: Store, claim: Claim, nonce: str) -> Grant:
    """The grant, if this boot has taken it.

    Raises:
        Denied: it hasn't.
    """
    grant, _ = await _read(store, claim)
    if grant.state is not GrantState.TAKEN or grant.machine is None or grant.machine.nonce != nonce:
        raise Denied(HTTPStatus.CONFLICT, "", "this boot does not hold the grant")
    return grant


def the_disk(grant: Grant, machine: Machine) -> Disk:
    """The one disk that the hint means.

    Raises:
        Denied: none or several match, or two disks share an id; the message lists what the machine has.
    """
    matching = [disk for disk in machine.disks if disk.matches(grant.hint)]
    if len(matching) == 1 and sum(disk.id == matching[0].id for disk in machine.disks) == 1:
        return matching[0]
    has = "; ".join(f"{d.id} {d.size} bytes {d.model}".strip() for d in machine.disks) or "no disk"
    count = len(matching) or "none"
    hint = grant.hint.model_dump_json(exclude_none=True)
    raise Denied(
        HTTPStatus.CONFLICT,
        "no-disk",
        f"{count} of the machine's disks match {hint} and exactly one must; it has: {has}. Nothing was written",
    )


def _taken_again(grant: Grant, machine: Machine) -> Grant:
    holder = grant.machine
    if holder is not None and (holder.nonce, holder.address) == (machine.nonce, machine.address):
        return grant
    raise Denied(
        HTTPStatus.CONFLICT,
        SECOND_CLAIMANT,
        f"the grant was taken by {holder.address if holder else 'another machine'}, "
        f"now {machine.address} asks with another boot; nothing was written by this one",
    )


async def _read(store: Store, claim: Claim) -> tuple[Grant, Value]:
    value = await store.get(claim.grant_key)
    if value.data is None:
        raise Denied(HTTPStatus.NOT_FOUND, "", "there is no such grant; boot the local disk")
    return Grant.decode(value.data), value


async def _write(store: Store, value: Value, grant: Grant) -> bool:
    try:
        await store.put(value.key, grant.encode(), expect=value.seq)
    except Conflict:
        return False
    return True
