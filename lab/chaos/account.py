"""What machines and BMCs counted of themselves, and what it proves against us. Pure."""

from collections import Counter

from workflows.model.record import Record


class Account(Record):
    """One machine with its BMC, after the fact.

    ``wiped_under`` are the grants under which writes to its system disk began, in order; ``images_on_disk`` is the count
    on the disk's own marker. ``obeyed`` are the changes that its BMC made, in order, with the number of the session that
    asked; ``stale_writes`` and ``stale_reads`` came under a session that had been ended, and were refused.
    """

    name: str
    wiped_under: tuple[str, ...] = ()
    images_on_disk: int = 0
    network_boots: int = 0
    stale_reads: int = 0
    stale_writes: tuple[str, ...] = ()
    obeyed: tuple[tuple[int, str], ...] = ()

    def double_wipes(self, granted: frozenset[str]) -> list[str]:
        """Writes outside a grant: under one that the site never gave, under one twice, or that the machine didn't count."""
        often = Counter(self.wiped_under)
        found = [f"{self.name}: {n} writes under grant {grant}" for grant, n in often.items() if n > 1]
        found += [
            f"{self.name}: a write under {grant}, which was never taken" for grant in often if grant not in granted
        ]
        if self.images_on_disk != len(self.wiped_under):
            found.append(
                f"{self.name}: its disk counts {self.images_on_disk} images, it counted {len(self.wiped_under)}"
            )
        return found

    def stale_acts(self) -> list[str]:
        """Changes that its BMC made for an older session after it had made one for a newer session."""
        newest, found = 0, []
        for session, what in self.obeyed:
            if session < newest:
                found.append(f"{self.name}: {what} by session {session} after one by session {newest}")
            newest = max(newest, session)
        return found


class Accounts(Record):
    """All machines of a farm."""

    machines: tuple[Account, ...]
