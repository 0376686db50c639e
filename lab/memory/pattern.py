"""Patterns over dotted keys and subjects: ``*`` is one part, ``>`` at the end one part or more."""


def matches(pattern: str, subject: str) -> bool:
    """Whether the subject matches."""
    wanted, parts = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        if len(parts) < len(wanted):
            return False
        wanted, parts = wanted[:-1], parts[: len(wanted) - 1]
    return len(wanted) == len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=True))
