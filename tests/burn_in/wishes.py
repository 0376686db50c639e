"""What the tests wish for, and a place that keeps evidence."""

import hashlib

from workflows.model.desired import Desired, Intent, Interface, Mount
from workflows.model.profile import DiskHint, Image, Profile, Release, Sku


def wish(
    *, interfaces: tuple[Interface, ...] = (), mounts: tuple[Mount, ...] = (), level: str = "gate", **sku: object
) -> Desired:
    """A node of a sku without GPUs, unless the sku's fields say otherwise."""
    image = Image(name="i", sha256="0" * 64, size=1, raw_size=1, raw_sha256="0" * 64, root_uuid="u")
    profile = Profile(
        sku=Sku.model_validate({"name": "lab", "system_disk": DiskHint(), "burn_in_level": level, **sku}),
        release=Release(name="r", image=image),
    )
    return Desired(
        node="lab.nb-1",
        name="gpu-001",
        status="staged",
        intent=Intent.SERVE,
        serial="S1",
        interfaces=interfaces,
        mounts=mounts,
        profile=profile,
    )


class Kept:
    """Evidence in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, data: bytes) -> str:
        """Keep it."""
        name = hashlib.sha256(data).hexdigest()
        self.kept[name] = data
        return name

    async def get(self, sha256: str) -> bytes:
        """Give it back."""
        return self.kept[sha256]
