"""Takes values out of Redfish bodies, whatever was put there instead: each answers a value of its kind or nothing."""

from workflows.model.record import Json

type Body = dict[str, Json]

MAX_MEMBERS = 512
"""Members of a collection that are read; the most recorded on one machine are 101, its firmware."""

MAX_TEXT = 200


def link(value: Json) -> str | None:
    """The path in ``{"@odata.id": …}``."""
    path = value.get("@odata.id") if isinstance(value, dict) else None
    return path if isinstance(path, str) and path.startswith("/redfish/") and len(path) < 500 else None


def links(value: Json) -> list[str]:
    """The paths in a list of links, each once, at most MAX_MEMBERS."""
    listed = value[:MAX_MEMBERS] if isinstance(value, list) else []
    return list(dict.fromkeys(path for entry in listed if (path := link(entry)) is not None))


def members(collection: Body) -> list[str]:
    """The paths of a collection's members."""
    return links(collection.get("Members"))


def is_among(path: str, listed: list[str]) -> bool:
    """Whether a path is one of these; some BMCs write the same path with and without a slash at its end."""
    return path.rstrip("/") in (p.rstrip("/") for p in listed)


def part(body: Body, key: str) -> Body:
    """The object under a key; empty where there is none."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def text(body: Body, key: str) -> str | None:
    """The text under a key: stripped, printable, at most MAX_TEXT characters; None where there is none."""
    value = body.get(key)
    if not isinstance(value, str):
        return None
    return "".join(c for c in value.strip()[:MAX_TEXT] if c.isprintable()) or None


def number(body: Body, key: str) -> int | None:
    """The whole number under a key."""
    value = body.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 else None


def texts(value: Json) -> list[str]:
    """The texts of a list, at most 100."""
    return [v[:MAX_TEXT] for v in value[:100] if isinstance(v, str)] if isinstance(value, list) else []


def mac(value: Json) -> str | None:
    """A MAC, lower case with colons; None where it is none, or where it is all zeros or ones."""
    digits = value.lower().replace(":", "").replace("-", "") if isinstance(value, str) else ""
    if len(digits) != 12 or set(digits) - set("0123456789abcdef") or digits in ("0" * 12, "f" * 12):
        return None
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))
