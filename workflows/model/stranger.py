"""Machines that asked to boot and that no node's record fits: one bounded record a site, ``strangers.<site>``.

Written by the boot service alone. It only tells people: whoever is in it boots its own disk.
"""

from datetime import datetime, timedelta

from workflows.model.keys import Site
from workflows.model.record import Record

AT_MOST = 32
#: A machine that asks again within this time isn't noted again: one that loops would write for ever.
AGAIN_AFTER = timedelta(minutes=1)
#: With the record full, one newcomer a second at most: whoever makes up machines can't flood the store.
NEWCOMER_AFTER = timedelta(seconds=1)


class Stranger(Record):
    """One machine, by what its firmware said, and why no node fits. ``times`` counts what was noted."""

    mac: str
    serial: str
    uuid: str
    why: str
    first: datetime
    last: datetime
    times: int = 1


class Strangers(Record):
    """The newest strangers of a site, the newest first."""

    site: Site
    seen: tuple[Stranger, ...] = ()

    def noting(self, mac: str, serial: str, uuid: str, why: str, now: datetime) -> "Strangers":
        """The record with this machine in it; unchanged where it was noted just now."""
        old = next((s for s in self.seen if (s.mac, s.serial, s.uuid) == (mac, serial, uuid)), None)
        full = len(self.seen) >= AT_MOST and now - self.seen[0].last < NEWCOMER_AFTER
        if full if old is None else now - old.last < AGAIN_AFTER:
            return self
        first, times = (old.first, old.times + 1) if old is not None else (now, 1)
        new = Stranger(mac=mac, serial=serial, uuid=uuid, why=why, first=first, last=now, times=times)
        return self.model_copy(update={"seen": (new, *(s for s in self.seen if s is not old))[:AT_MOST]})


def strangers_key(site: Site) -> str:
    """The key of a site's record."""
    return f"strangers.{site}"
