"""What a host remembers of the store, in a file outside of it: the outside witness that needs nobody (``model/epoch.py``).

Theory of operation. Each service leaves a mark in the store every few seconds by compare-and-set, and writes its sequence
into its file. A store that refuses the next mark, and shows an older one, has lost what it held: it was restored, or is
another one. Reads from a replica may lag, so it is asked for some seconds before it is believed. What happened within the
last mark's seconds can't be seen by this; the inventory's witness remains.
"""

import logging
import os
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from workflows.engine.ports import Clock, Store
from workflows.model.epoch import EPOCH_KEY, Epoch
from workflows.model.errors import BadInput, Conflict, Refused, Unreachable
from workflows.model.record import Record

BEAT = timedelta(seconds=10)
#: How long a service waits for the epoch of a store that is being set up.
PATIENCE = timedelta(seconds=60)
_LOOKS = 5
_POLL = timedelta(seconds=1)
log = logging.getLogger("bringup.store")
_RESTORED = "if it was restored from a backup, read docs/restore.md and start sync (or up) once with --restored"


class Known(Record):
    """The store's epoch, the name of the mark (``witness.<mark>``) that is left there, and the newest one's sequence."""

    epoch: str
    mark: str
    seq: int = 0


@dataclass(slots=True)
class Witness:
    """One service's memory; services with the same file share the mark."""

    store: Store
    clock: Clock
    file: Path
    _known: Known = field(default_factory=lambda: Known(epoch="", mark=secrets.token_hex(8)))

    async def meet(self) -> Epoch:
        """The store's epoch, if it is the store that this host knows; on first sight it is remembered.

        Raises:
            Refused: it is another store, or an older state of the one that was known.
            Unreachable: the store gives no answer, or has no epoch within a minute.
        """
        epoch, known = await self._epoch(), self._load()
        if known is None:
            known = Known(epoch=epoch.id, mark=self._known.mark)
        elif known.epoch in epoch.before:
            known = Known(epoch=epoch.id, mark=known.mark)
        elif known.epoch != epoch.id:
            raise Refused(
                f"the store's epoch is {epoch.id}, {self.file} remembers {known.epoch}: another store answers, or an older "
                f"state of it. Correct nats.url; {_RESTORED}"
            )
        self._known = known
        await self.mark()
        return epoch

    async def mark(self) -> None:
        """Leave a mark, and remember it.

        Raises:
            Refused: the store has forgotten this host's last mark, or has another epoch by now.
            Unreachable: no answer; the mark may or may not be there.
        """
        if (await self._epoch()).id != self._known.epoch:
            raise Refused("the store has got a new epoch, after a restore: start this service again")
        expect = self._known.seq
        for _ in range(_LOOKS):
            try:
                sequence = await self.store.put(self._key, self._known.epoch.encode(), expect=expect)
            except Conflict:
                found = (await self.store.get(self._key)).seq
                if found > self._known.seq:
                    expect = found  # another service with this file, or a mark of ours whose answer was lost
                else:
                    await self.clock.sleep(_POLL)
            else:
                self._known = self._known.model_copy(update={"seq": sequence})
                self._save()
                return
        raise Refused(
            "the store has forgotten what it held when this host last saw it: nothing is done on an old state of things; "
            + _RESTORED
        )

    async def watch(self) -> None:
        """Mark it again and again, for ever.

        Raises:
            Refused: the store is another one by now, see ``mark``.
        """
        while True:
            await self.clock.sleep(BEAT)
            try:
                await self.mark()
            except Unreachable as error:
                log.warning("%s", error)

    @property
    def _key(self) -> str:
        return f"witness.{self._known.mark}"

    async def _epoch(self) -> Epoch:
        deadline = self.clock.now() + PATIENCE
        while (value := await self.store.get(EPOCH_KEY)).data is None:
            if self.clock.now() > deadline:
                raise Unreachable("the store has no epoch yet: bringup sync (or up) makes it")
            await self.clock.sleep(_POLL)
        return Epoch.decode(value.data)

    def _load(self) -> Known | None:
        try:
            return Known.decode(self.file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, BadInput) as error:
            raise Refused(f"{self.file}, what this host remembers of the store, can't be read: {error}") from None

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        new.write_bytes(self._known.encode())
        new.replace(self.file)
