"""One field of a secret, or a sentence that names the reference and the field, never a value."""

from workflows.engine.ports import Secrets
from workflows.model.errors import Refused


def secret_field(secrets: Secrets, reference: str, name: str) -> str:
    """The field's value.

    Raises:
        Refused: there is no such secret, or it has no such field.
    """
    value = secrets.get(reference).get(name)
    if not value:
        raise Refused(f"the secret {reference} has no field {name!r}: add it")
    return value
