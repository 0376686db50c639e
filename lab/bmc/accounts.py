"""The one account of a lab BMC: whether a credential is right, and the lock that too many wrong ones close."""

import base64
import binascii
import secrets
from collections.abc import Callable

from lab.bmc.bodies import ROOT, Body, resource
from lab.bmc.traits import Traits

ACCOUNT_SERVICE = f"{ROOT}/AccountService"


class Accounts:
    """Counts refused credentials. ``wrong`` is how many there were since the last right one; ``now`` is in seconds."""

    def __init__(self, username: str, password: str, traits: Traits, now: Callable[[], float]):
        self.username, self.password = username, password
        self.wrong = 0
        self._traits, self._now = traits, now
        self._locked_until = 0.0

    @property
    def locked(self) -> bool:
        """Whether even the right credential is refused now."""
        return self._now() < self._locked_until

    def knows(self, user: object, password: object) -> bool:
        """Whether this is the credential. A wrong one counts towards the lock; a locked account knows nobody."""
        said = f"{user}\0{password}".encode()
        right = secrets.compare_digest(said, f"{self.username}\0{self.password}".encode())
        if self.locked:
            return False
        self.wrong = 0 if right else self.wrong + 1
        if self._traits.lock_after and self.wrong >= self._traits.lock_after:
            self._locked_until, self.wrong = self._now() + self._traits.lock_seconds, 0
        return right

    def bodies(self) -> dict[str, Body]:
        """The account service."""
        return {
            ACCOUNT_SERVICE: resource(
                ACCOUNT_SERVICE, "AccountService.v1_8_0", "Account Service",
                AccountLockoutThreshold=self._traits.lock_after, AccountLockoutDuration=int(self._traits.lock_seconds),
            )
        }  # fmt: skip


def basic(header: str) -> tuple[str, str]:
    """User and password of an Authorization header; empty where it is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
