"""Profile files: one YAML file a sku under ``skus``, one a release under ``releases``; and the rule that picks both."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from inventory_sync.settings import ProfileRef
from workflows.model.errors import BadInput
from workflows.model.profile import Profile, Release, Sku
from workflows.model.record import Record
from workflows.model.software import software_problems

_MAX_FILE = 262_144


class _Loader(yaml.SafeLoader):
    """Without YAML 1.1's base-60 numbers and dates: ``52:54:00:12:34:56`` is a MAC address."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] not in ("int", "timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))


@dataclass(frozen=True, slots=True)
class Profiles:
    """All skus and releases that a site knows, by name."""

    skus: dict[str, Sku]
    releases: dict[str, Release]

    def resolve(self, rules: Iterable[tuple[str, ProfileRef]]) -> tuple[Profile | None, list[str]]:
        """The profile that the first rules with a sku and with a release name, and what is wrong, in sentences.

        Each rule comes with the words that say where it stands; sku and release may be won by different ones. A release
        whose software can't work on the sku is a problem of each node that gets the pair.
        """
        named = list(rules)
        sku = next(((where, ref.sku) for where, ref in named if ref.sku), None)
        release = next(((where, ref.release) for where, ref in named if ref.release), None)
        problems = [
            *_wrong("sku", sku, self.skus),
            *_wrong("release", release, self.releases),
        ]
        if problems or sku is None or release is None:
            return None, problems
        won_by = sku[0] if sku[0] == release[0] else f"sku: {sku[0]}; release: {release[0]}"
        profile = Profile(sku=self.skus[sku[1]], release=self.releases[release[1]], won_by=won_by)
        return profile, software_problems(profile.sku, profile.release)


def load_profiles(directory: Path) -> Profiles:
    """Read ``directory/skus/*.yaml`` and ``directory/releases/*.yaml``; a name defaults to its file's (blocks).

    Raises:
        BadInput: a file that is too long, no YAML, no such record, or names what another file names.
    """
    return Profiles(_load(directory / "skus", Sku), _load(directory / "releases", Release))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file of at most 256 KiB that holds a mapping (blocks).

    Raises:
        BadInput: it holds something else, or can't be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise BadInput(f"{path.name}: longer than {_MAX_FILE} bytes")
        content = yaml.load(data, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"{path.name}: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise BadInput(f"{path.name}: a mapping of names to values is expected")
    return content


def parse[R: Record](model: type[R], content: dict[str, Any], name: str) -> R:
    """A record from a file's content; raises BadInput naming the file and the first field that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{name}: {where}: {first['msg']}") from None


def _load[R: (Sku, Release)](directory: Path, model: type[R]) -> dict[str, R]:
    found: dict[str, R] = {}
    for path in sorted(directory.glob("*.yaml")):
        record = parse(model, {"name": path.stem} | read_yaml(path), path.name)
        if record.name in found:
            raise BadInput(f"{path.name}: another file names {record.name} too")
        found[record.name] = record
    return found


def _wrong(what: str, won: tuple[str, str] | None, known: dict[str, Any]) -> list[str]:
    if won is None:
        return [f"no {what} is given: by custom field, config context, platform and role, or device type"]
    where, name = won
    return [] if name in known else [f"the {what} {name!r} ({where}) is not among this site's profiles"]
