"""Reads a BMC's refusals: which of bringup's errors a status and its message ids stand for."""

from workflows.drivers.redfish.quirks import ALL_BUSY
from workflows.model.errors import BringupError, Busy, Refused, Unsupported
from workflows.model.record import Json

BUSY_STATUS = frozenset({409, 412, 423, 429, 500, 502, 503, 504})
"""Not now: a conflict with something under way, a failed precondition (somebody changed it), overload, a hiccup."""

UNSUPPORTED_STATUS = frozenset({404, 405, 501})

BUSY_MESSAGES = (
    "ResourceInStandby",
    "ResourceInUse",
    "ServiceTemporarilyUnavailable",
    "SessionLimitExceeded",
    *ALL_BUSY,
)
"""Ends of message ids that mean *not now* under any status: DMTF's Base registry, and the vendors' own."""

WRONG_PASSWORD_MESSAGES = ("UnauthorizedLoginAttempt", "InvalidCredentials")
"""Ends of message ids with which some BMCs refuse a login under 400 (HPE iLO)."""


def failure(name: str, verb: str, path: str, status: int, body: dict[str, Json]) -> BringupError:
    """The error for an answer that is no success."""
    ids, text = messages(body)
    said = f"{name} answered {verb} {path} with {status}{': ' + text if text else ''}"
    if status in BUSY_STATUS or any(i.endswith(BUSY_MESSAGES) for i in ids):
        return Busy(said)
    if status in UNSUPPORTED_STATUS:
        return Unsupported(said)
    return Refused(said)


def is_wrong_password(status: int, body: dict[str, Json]) -> bool:
    """Whether a login was refused for its credential."""
    ids, _ = messages(body)
    return status in (401, 403) or (status == 400 and any(i.endswith(WRONG_PASSWORD_MESSAGES) for i in ids))


def messages(body: dict[str, Json]) -> tuple[list[str], str]:
    """Message ids, and the first text as one printable line of at most 200 characters."""
    error = body.get("error")
    if not isinstance(error, dict):
        return [], ""
    infos = error.get("@Message.ExtendedInfo")
    entries = [i for i in infos[:20] if isinstance(i, dict)] if isinstance(infos, list) else []
    ids = [i for e in entries if isinstance(i := e.get("MessageId"), str)]
    texts = [t for e in entries if isinstance(t := e.get("Message"), str)] or [str(error.get("message", ""))]
    return ids, "".join(c for c in texts[0][:200] if c.isprintable())
