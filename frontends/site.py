"""What every frontend gets from ``app``: one connected site, and nothing of how it was connected."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from workflows.engine.ports import Bus, Clock, Evidence, Store
from workflows.model.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class ConnectedSite:
    """A site as a person sees it. ``who`` is the name that the connection's credential gives (enforced by the server)."""

    store: Store
    bus: Bus
    clock: Clock
    evidence: Evidence
    settings: SiteSettings
    who: str


type OpenSite = Callable[[], AbstractAsyncContextManager[ConnectedSite]]
