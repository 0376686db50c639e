"""InfiniBand port GUIDs, as inventories and tools write them."""

import re

_GUID = re.compile(r"^[0-9a-f]{16}$")


def plain_guid(text: str) -> str | None:
    """16 hex digits of ``0xb8ce…``, ``B8:CE:…`` or ``b8ce:f603:…``; None where it is no GUID or all zero."""
    digits = re.sub(r"[:.\-]", "", text.strip().lower().removeprefix("0x"))
    return digits if _GUID.match(digits) and int(digits, 16) else None
