"""A number, and why it is believed. One without a source, a date or a method is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import FiniteFloat, StringConstraints, ValidationError

from workflows.model.errors import BadInput
from workflows.model.record import Record

type Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=400)]
type Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_MAX_FILE = 1 << 20


class Threshold(Record):
    """A limit. ``source``: who publishes it; ``method``: how it is measured and compared.

    ``reason`` is set where a site put its own value in the place of the shipped one; ``shipped`` is that one.
    """

    value: FiniteFloat
    source: Words
    date: Day
    method: Words
    reason: str = ""
    shipped: float | None = None

    @property
    def cited(self) -> str:
        """What a verdict gives as its source: the publisher, or the site with its reason and what it put aside."""
        if not self.reason:
            return self.source
        instead = "no shipped value" if self.shipped is None else f"shipped value {self.shipped:g}, {self.source}"
        return f"this site: {self.reason} (instead of {instead})"


class Override(Record):
    """A site's own value. It stands nowhere without the reason, which each report prints."""

    value: FiniteFloat
    reason: Words
    date: Day

    def applied(self, shipped: Threshold | None) -> Threshold:
        """The threshold that is in force with it."""
        return Threshold(
            value=self.value,
            source=shipped.source if shipped else "this site",
            date=self.date,
            method=shipped.method if shipped else "as the site measures it",
            reason=self.reason,
            shipped=shipped.value if shipped else None,
        )


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping from a file, every scalar as text: the record says what is a number.

    Raises:
        BadInput: too large, no YAML, no mapping; the message names the file.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE + 1)
        if len(text) > _MAX_FILE:
            raise BadInput(f"{path.name}: larger than {_MAX_FILE} bytes")
        raw = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - strings only, safer than safe
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadInput(f"{path.name}: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(raw, dict):
        raise BadInput(f"{path.name}: not a mapping of names to values")
    return raw


def parse[T: Record](record: type[T], raw: Mapping[str, Any], where: str) -> T:
    """A record from a file's mapping.

    Raises:
        BadInput: the first field that is wrong, by its name.
    """
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInput(f"{where}: {field}: {first['msg']}") from None
