"""The one base of everything that is persisted or crosses an edge: frozen, strict about names, JSON in and out."""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from workflows.model.errors import BadInput

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class Record(BaseModel):
    """A frozen record. Unknown fields are refused, so a record of a newer version is never half understood."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def encode(self) -> bytes:
        """The record as compact JSON, UTF-8."""
        return self.model_dump_json(exclude_defaults=True).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse what ``encode`` wrote.

        Raises:
            BadInput: the data is no such record; the message names the first field that is wrong.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise BadInput(f"not a valid {cls.__name__}: {where}: {first['msg']}") from None
