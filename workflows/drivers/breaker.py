"""One circuit breaker a BMC, shared by everything that talks to it: a refused credential is never tried again.

BMCs lock an account after a few wrong passwords, often for everybody who uses it. So the first refusal opens the breaker
for this BMC and this very credential; it closes when the secret has another value, or with a new process.

Other processes need not know: a BMC belongs to one node (two devices with one BMC address are both refused), a node has one
holder, and the refusal fails its run for good. So whoever looks next finds a run that has ended, and sends nothing before a
person's ``retry``.
"""

import hashlib

from workflows.model.errors import AuthenticationFailed


class Breaker:
    """The breaker of one BMC. Holds a digest of the credential that was refused, never the credential."""

    def __init__(self, name: str):
        self._name = name
        self._refused: str | None = None

    def check(self, username: str, password: str) -> None:
        """Call before the credential is sent. Raises AuthenticationFailed, with no traffic, where it was refused."""
        if self._refused == _digest(username, password):
            raise AuthenticationFailed(
                f"{self._name} has refused the credential of {username}; it is not tried again, so that the account is "
                "not locked: correct the secret, then retry"
            )

    def refused(self, username: str, password: str) -> AuthenticationFailed:
        """Open the breaker; returns the error to raise."""
        self._refused = _digest(username, password)
        return AuthenticationFailed(
            f"{self._name} refused the credential of {username}: correct the secret, then retry; it is not tried again"
        )


def _digest(username: str, password: str) -> str:
    return hashlib.sha256(f"{username}\0{password}".encode()).hexdigest()
