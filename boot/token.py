"""Tokens: HMACs of node, cause, attempt and purpose under the site's key. Never stored, so nothing can leak them.

A token alone is no identity (design, row 23): it reaches a machine in its boot script, over plain HTTP unless the BMC
carries it. The grant binds it to one machine's serial, UUID and disks, and the first claimant spends it.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from workflows.engine.ports import Secrets
from workflows.engine.secret_field import secret_field
from workflows.model.errors import BadInput
from workflows.model.grant import Grant, grant_name
from workflows.model.keys import Cause, NodeKey

SECRET = "boot/token"  # noqa: S105 (a reference, not a secret)
_MAX_LENGTH = 300
_FORM = re.compile(
    r"(?P<purpose>agent|home):(?P<node>[a-z0-9-]+\.[a-z0-9-]+):(?P<cause>[gcf][1-9][0-9]{0,18}):"
    r"(?P<attempt>[1-9][0-9]{0,3}):(?P<mac>[0-9a-f]{64})"
)


class Purpose(StrEnum):
    """What a token is good for: the RAM-disk agent's calls, or the installed system's phone-home."""

    AGENT = "agent"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid token speaks for."""

    node: NodeKey
    cause: Cause
    attempt: int

    @property
    def grant_key(self) -> str:
        """The key of the grant that it speaks for."""
        return f"grant.{grant_name(self.node, self.cause, self.attempt)}"

    @classmethod
    def of(cls, grant: Grant) -> "Claim":
        """The claim that a grant's tokens make."""
        return cls(grant.node, grant.cause, grant.attempt)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and checks tokens. The key is read from the secret provider at each use, so it can be changed."""

    secrets: Secrets

    def issue(self, purpose: Purpose, claim: Claim) -> str:
        """The token."""
        text = f"{purpose}:{claim.node}:{claim.cause}:{claim.attempt}"
        key = secret_field(self.secrets, SECRET, "key").encode()
        return f"{text}:{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"

    def check(self, purpose: Purpose, token: str) -> Claim:
        """What the token speaks for; compared in constant time.

        Raises:
            BadInput: it isn't one of ours, or is for another purpose.
        """
        found = _FORM.fullmatch(token) if len(token) <= _MAX_LENGTH else None
        if found is None:
            raise BadInput("this is no token of this service; boot the network again to get one")
        claim = Claim(found["node"], found["cause"], int(found["attempt"]))
        if not hmac.compare_digest(self.issue(purpose, claim), token):
            raise BadInput("the token was not made by this service; boot the network again to get one")
        return claim
