"""Faults on demand: how a lab BMC is told to misbehave, from Python or through its admin endpoint."""

from pydantic import Field

from workflows.model.record import Record


class Faults(Record):
    """How it misbehaves now; the default is not at all. Set as a whole: a new value replaces the old one.

    ``ignore_power`` and ``ignore_boot``: answers that all is well and does nothing. ``delay``: seconds before each
    answer. ``error_every``: each n-th request gets a 500 and does nothing. ``drop_before`` and ``drop_after``: the
    connection is closed without an answer, before or after the change was made, for verbs that change something;
    ``hang_up``: closed so for every request. ``restless``: the boot resource changes with each look at it, so that no
    ETag holds. ``busy``: 503 for all but the service root. ``serial`` and ``uuid``: another machine sits in the slot.
    ``refuse_logins``: the password is wrong whatever it is. ``garbage``: answers are no JSON. ``flood``: answers
    never end, as fast as they are taken; ``drip``: a byte at a time. ``update_fails``: a firmware update ends badly.
    ``pulled``: ids of parts that are not there, a memory module's place shows as empty; ``slowed``: ids of adapters and
    GPUs that sit in a riser of the generation before. ``redirect``: every answer points to another address. ``stuck``:
    power changes begin and never finish.
    """

    ignore_power: bool = False
    ignore_boot: bool = False
    delay: float = Field(default=0.0, ge=0.0, le=600.0)
    error_every: int = Field(default=0, ge=0)
    drop_before: bool = False
    drop_after: bool = False
    hang_up: bool = False
    restless: bool = False
    busy: bool = False
    serial: str | None = None
    uuid: str | None = None
    refuse_logins: bool = False
    garbage: bool = False
    flood: bool = False
    drip: bool = False
    update_fails: bool = False
    pulled: tuple[str, ...] = ()
    slowed: tuple[str, ...] = ()
    redirect: str | None = None
    stuck: bool = False
