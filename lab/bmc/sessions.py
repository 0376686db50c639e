"""Sessions of a lab BMC: opened with the password, ended by DELETE or by idleness, limited in number.

A token that was ended is remembered, so that a write which still comes with it is told from a mere typing error: that
is the write of a worker that lost its node.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Session:
    """One open session. ``used`` is the clock's seconds at its last request."""

    id: str
    user: str
    token: str
    used: float


class SessionLimit(Exception):
    """As many sessions are open as the BMC allows."""


class Sessions:
    """The session table of one BMC. ``now`` is monotonic seconds."""

    def __init__(self, limit: int, idle: float, now: Callable[[], float]):
        self._limit, self._idle, self._now = limit, idle, now
        self._open: dict[str, Session] = {}
        self._ended: set[str] = set()
        self._count = 0

    def open(self, user: str) -> Session:
        """Open one. Raises SessionLimit."""
        self._expire()
        if len(self._open) >= self._limit:
            raise SessionLimit
        self._count += 1
        session = Session(str(self._count), user, secrets.token_hex(16), self._now())
        self._open[session.id] = session
        return session

    def end(self, session_id: str) -> bool:
        """End one; False where there is none."""
        session = self._open.pop(session_id, None)
        if session is not None:
            self._ended.add(session.token)
        return session is not None

    def end_all(self) -> None:
        """End all, as a restart of the BMC does."""
        for session_id in list(self._open):
            self.end(session_id)

    def by_token(self, token: str) -> Session | None:
        """The open session of a token, marked as used."""
        self._expire()
        for session in self._open.values():
            if secrets.compare_digest(session.token.encode(), token.encode()):
                session.used = self._now()
                return session
        return None

    def was_ended(self, token: str) -> bool:
        """Whether the token belonged to a session that has ended."""
        return token in self._ended

    def listed(self) -> tuple[Session, ...]:
        """The open sessions."""
        self._expire()
        return tuple(self._open.values())

    def _expire(self) -> None:
        for session in list(self._open.values()):
            if self._now() - session.used > self._idle:
                self.end(session.id)
