"""Epoch: which life of the site's store this is. It changes when the store is restored from a backup (failure 21).

Theory of operation. A restored store lies in good faith: runs that have ended are open again, grants that were spent are
open again, a node that serves users was never accepted. Nothing inside the store can tell, so three witnesses stand outside:

* *each service's host* keeps, in its data directory, the epoch and the sequence of the last mark that it left in the store.
  A store that has less than that, or another epoch, is refused with one sentence;
* *a person* who restores a store says so (``bringup sync --restored``), and it gets a new epoch. The boot service closes
  every open grant that is older. A run carries the epoch that it was opened in; in another one it parks as *store restored*
  before anything acts, until a person who was asked since then says ``retry``, ``cancel`` or ``deny``. What people had asked
  before counts no more;
* *the inventory* shows the run that accepted a node. It is compared right before a machine is stopped or wiped: a node that
  was accepted by a run which the store doesn't know is nobody's to wipe.
"""

from datetime import datetime

from workflows.model.record import Record

EPOCH_KEY = "epoch"


class Epoch(Record):
    """``epoch``: the store's present life, since when (server time), and its earlier ones, oldest first."""

    id: str
    since: datetime
    before: tuple[str, ...] = ()
