"""Who may use the page, and for what: one file, read anew when it changes. It holds no token, only their SHA-256.

::

    people:
      ann: {role: approver, token_sha256: 4f…}
      bob: {role: operator, token_sha256: 9c…, racks: [R12, R13], verbs: [hold, unhold, retry], at_most: 8}

*viewer* looks; *operator* sends every verb but approve and deny; *approver* sends those too; *admin* may also force.
``racks``, ``verbs`` and ``at_most`` (nodes of one command) narrow a role, never widen it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from workflows.model.command import VERBS, Verb
from workflows.model.desired import Desired
from workflows.model.errors import BadInput
from workflows.model.profile import Sha256
from workflows.model.record import Record

_MAX_TOKEN = 200


class Role(StrEnum):
    """What a person may do, each more than the one before."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


_DECIDES = frozenset({Verb.APPROVE, Verb.DENY})
ALLOWED: dict[Role, frozenset[Verb]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: frozenset(VERBS) - _DECIDES,
    Role.APPROVER: frozenset(VERBS),
    Role.ADMIN: frozenset(VERBS),
}


class Person(Record):
    """One person's entry. ``racks`` empty: all; ``verbs`` None: all of the role; ``at_most``: nodes of one command."""

    role: Role
    token_sha256: Sha256
    racks: tuple[str, ...] = ()
    verbs: tuple[Verb, ...] | None = None
    at_most: int = Field(default=50, ge=1)

    def verbs_allowed(self) -> frozenset[Verb]:
        """The verbs that this person may send."""
        of_role = ALLOWED[self.role]
        return of_role if self.verbs is None else of_role & frozenset(self.verbs)

    def refusal(self, verb: Verb, targets: Sequence[Desired], force: bool) -> str:
        """Why this person may not send this, in one sentence; empty where nothing forbids it."""
        if verb not in self.verbs_allowed():
            may = ", ".join(sorted(self.verbs_allowed())) or "look only"
            return f"your role ({self.role}) doesn't include {verb}; you may {may}"
        if force and self.role is not Role.ADMIN:
            return "only an admin may force a run past running jobs"
        if len(targets) > self.at_most:
            return f"{len(targets)} nodes are named, your limit is {self.at_most} in one command"
        if self.racks and (outside := [d for d in targets if d.rack not in self.racks]):
            mine = ", ".join(self.racks)
            return f"{outside[0].label} is in rack {outside[0].rack or 'none'}; you may act in {mine} only"
        return ""


class _File(Record):
    people: dict[str, Person]

    @field_validator("people")
    @classmethod
    def _distinct(cls, people: dict[str, Person]) -> dict[str, Person]:
        if len({p.token_sha256 for p in people.values()}) < len(people):
            raise ValueError("two people have the same token")
        if odd := [n for n in people if not n.strip() or len(n) > _MAX_TOKEN or not n.isprintable()]:
            raise ValueError(f"{odd[0][:50]!r} is no name of a person")
        return people


@dataclass(slots=True)
class People:
    """The file, read again whenever it was written: who was taken out is out at his next request."""

    file: Path
    _read: tuple[int, int] | None = None
    _people: dict[str, Person] = field(default_factory=dict)

    def all(self) -> dict[str, Person]:
        """Everybody, by name.

        Raises:
            BadInput: the file is missing, or wrong; nobody is let in then.
        """
        try:
            stat = self.file.stat()
            if (stat.st_mtime_ns, stat.st_size) != self._read:
                self._people = _File.model_validate(yaml.safe_load(self.file.read_text())).people
                self._read = stat.st_mtime_ns, stat.st_size
        except OSError as error:
            raise BadInput(f"the file of people {self.file} can't be read ({error.strerror})") from None
        except yaml.YAMLError as error:
            raise BadInput(f"{self.file} is not YAML: {str(error).splitlines()[0]}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadInput(f"{self.file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return self._people

    def of_token(self, token: str) -> str | None:
        """Whose token this is; None for nobody's."""
        digest, found = digest_of(token[:_MAX_TOKEN]), None
        for name, person in self.all().items():
            if hmac.compare_digest(person.token_sha256, digest):
                found = name
        return found


def new_token() -> str:
    """A token of 256 random bits: guessing it is hopeless, so no lock-out is needed."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What the file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
