"""What ``site init`` has to be told: asked in a terminal, read from a file, kept beside what was made of it.

Theory of operation. ``answers.yaml`` in the site's directory is the record of what was asked. A first run asks for what is
missing where there is a terminal, and names all that is missing where there is none. A later run asks nothing; whoever
changes an answer there and runs ``site init`` again has what is rendered from it anew.
"""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from app.nats_logins import SERVICES
from workflows.model.errors import BadInput
from workflows.model.keys import slug
from workflows.model.record import Record

#: Each question's words and its answer where a person presses return; None: there is no such answer.
QUESTIONS: Mapping[str, tuple[str, str | None]] = {
    "site": ("Name of the site (a-z, 0-9 and dashes)", None),
    "address": ("This host's IPv4 address in the provisioning network", None),
    "prefix": ("The provisioning network, such as 10.20.0.0/16", None),
    "gateway": ("Its gateway (empty: none)", ""),
    "interface": ("This host's interface in it", None),
    "netbox": ("NetBox's URL (empty: the inventory is a directory of YAML files)", ""),
    "persons": ("Who may send commands (names of a-z, 0-9 and dashes, separated by spaces)", "operator"),
}


class Answers(Record):
    """A site in few words. ``nats`` is where clients reach its NATS server, the provisioning address by default."""

    site: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    address: IPv4Address
    prefix: IPv4Network
    gateway: IPv4Address | None = None
    interface: str = Field(pattern=r"^[A-Za-z0-9._-]{1,15}$")
    nameservers: tuple[IPv4Address, ...] = ()
    netbox: str | None = Field(default=None, pattern=r"^https?://[^\s/@]+(/[^\s@]*)?$")
    persons: tuple[str, ...] = Field(default=("operator",), min_length=1)
    nats: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]{1,253}$")
    nats_port: int = Field(default=4222, ge=1, le=65535)
    data: Path = Path("/var/lib/bringup")

    @field_validator("persons", "nameservers", mode="before")
    @classmethod
    def _words(cls, raw: object) -> object:
        return tuple(raw.replace(",", " ").split()) if isinstance(raw, str) else raw

    @field_validator("gateway", "netbox", mode="before")
    @classmethod
    def _nothing(cls, raw: object) -> object:
        return None if raw == "" else raw

    @field_validator("prefix", mode="before")
    @classmethod
    def _network(cls, raw: object) -> IPv4Network:
        return IPv4Network(str(raw))  # its errors say what is wrong; pydantic's own don't

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, address in (("address", self.address), ("gateway", self.gateway)):
            if address is not None and address not in self.prefix:
                raise ValueError(f"{name} {address} is not in {self.prefix}")
        if odd := [who for who in self.persons if who != slug(who) or who in SERVICES]:
            raise ValueError(f"{', '.join(odd)}: a person's name is of a-z, 0-9 and dashes, and none of a service")
        if not self.data.is_absolute():
            raise ValueError(f"data {self.data} is not an absolute path")
        return self

    @property
    def nats_host(self) -> str:
        """What the NATS server's certificate is made out to."""
        return self.nats or str(self.address)


def load_answers(file: Path) -> dict[str, object]:
    """What a file answers.

    Raises:
        BadInput: it can't be read, or is no mapping.
    """
    try:
        raw = yaml.safe_load(file.read_text())
    except OSError as error:
        raise BadInput(f"no answers at {file}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{file} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict):
        raise BadInput(f"{file} is not a mapping of answers: see docs/first-run.md")
    return raw


def complete(known: Mapping[str, object], ask: Callable[[str, str | None], str] | None) -> Answers:
    """The answers; what is not known is asked, or refused where nobody can be asked.

    Raises:
        BadInput: an answer is missing or wrong; the message names each of them.
    """
    missing = [name for name in QUESTIONS if name not in known]
    if ask is not None:
        known = dict(known) | {name: ask(*QUESTIONS[name]) for name in missing}
    elif needed := [name for name in missing if QUESTIONS[name][1] is None]:
        raise BadInput(f"no answer for {', '.join(needed)}: name them with --set or in a file with --answers")
    try:
        return Answers.model_validate(known)
    except ValidationError as error:
        said = [
            f"{'.'.join(str(part) for part in one['loc']) or 'together'}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise BadInput("; ".join(said)) from None
