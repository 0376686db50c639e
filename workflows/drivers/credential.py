"""The credential of a BMC, parsed once from the fields of a secret; its password is in no repr."""

from dataclasses import dataclass, field

from workflows.model.errors import BadInput

_FIELDS = frozenset({"username", "password", "ca", "fingerprint", "insecure"})


@dataclass(frozen=True, slots=True)
class Credential:
    """Who we are to a BMC, and how we know it.

    ``ca`` is the path of a PEM file with the authorities to trust, ``fingerprint`` the SHA-256 of the BMC's certificate
    (64 hex digits); without either, the system's authorities. ``insecure`` permits plain HTTP and, where neither ``ca`` nor
    ``fingerprint`` is given, a certificate that nobody vouches for.
    """

    username: str
    password: str = field(repr=False)
    ca: str | None = None
    fingerprint: str | None = None
    insecure: bool = False


def parse_credential(reference: str, fields: dict[str, str]) -> Credential:
    """Parse a secret. The message of an error names the field, never a value.

    Raises:
        BadInput: a field is missing, unknown or malformed.
    """
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        raise BadInput(
            f"secret {reference} has unknown fields {', '.join(unknown)}; known: {', '.join(sorted(_FIELDS))}"
        )
    for name in ("username", "password"):
        if not fields.get(name):
            raise BadInput(f"secret {reference} has no {name}")
    if ":" in fields["username"]:
        raise BadInput(f"secret {reference}: a username with a colon can't be sent by basic authentication")
    if fields.get("insecure", "false") not in ("true", "false"):
        raise BadInput(f"secret {reference}: insecure is true or false")
    fingerprint = parse_fingerprint(fields.get("fingerprint", ""))
    if fields.get("fingerprint") and fingerprint is None:
        raise BadInput(f"secret {reference}: fingerprint is a SHA-256 in hex")
    return Credential(
        username=fields["username"],
        password=fields["password"],
        ca=fields.get("ca"),
        fingerprint=fingerprint,
        insecure=fields.get("insecure") == "true",
    )


def parse_fingerprint(text: str) -> str | None:
    """A SHA-256 as 64 hex digits, however it is written; None where it is none."""
    digits = text.replace(":", "").lower()
    return digits if len(digits) == 64 and not set(digits) - set("0123456789abcdef") else None
