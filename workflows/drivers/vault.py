"""Secrets of a HashiCorp Vault (or OpenBao): KV version 2, read with ``hvac`` under a token that somebody else keeps fresh.

Theory of operation. ``get`` is called in the worker's own loop by whoever is about to talk to a BMC, so a Vault that hangs
must not hang the worker: a read takes at most ``PATIENCE``; what was read holds for ``FRESH``, so that a wave of nodes with
one credential asks once; and after a Vault that did not answer nobody asks again for ``REST``: each gets the error at once,
and the engine tries again later. Nothing is ever answered by an older value because Vault refuses it.

The token stands in a file of mode 0600, as Vault Agent's sink writes it, and is read anew for each request: logging in and
renewing the token is the agent's work. A secret that has a file of its own (``FileSecrets``) is not asked of Vault.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, VaultError

from workflows.drivers.secrets import FileSecrets, check_reference, flat, read_private
from workflows.model.errors import BringupError, Refused, Unreachable

PATIENCE = 2.0
FRESH = 15.0
REST = 15.0
"""Seconds: of one read, that a value holds, and that nobody asks a Vault which did not answer."""


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where the secrets are: ``mount`` is the KV engine's, ``prefix`` stands before each reference, ``ca`` is a PEM file."""

    url: str
    token_file: Path
    mount: str = "secret"
    prefix: str = "bringup/"
    ca: Path | None = None


class VaultSecrets:
    """Implements ``Secrets``. ``now`` is in seconds, monotonic."""

    def __init__(self, place: VaultPlace, files: FileSecrets, now: Callable[[], float] = time.monotonic):
        self._place, self._files, self._now = place, files, now
        self._known: dict[str, tuple[float, dict[str, str]]] = {}
        self._rests_until = 0.0
        self._said = ""

    def get(self, reference: str) -> dict[str, str]:
        """The fields of a secret: of its file where it has one, else of Vault.

        Raises:
            Refused: there is none, the token may not read it, or the token's file can be read by others.
            BadInput: the reference is malformed, or the secret is no flat mapping of text.
            Unreachable: Vault doesn't answer, or is sealed.
        """
        check_reference(reference)
        own = self._files.find(reference)
        if own is not None:
            return own
        known = self._known.get(reference)
        if known is not None and self._now() < known[0]:
            return known[1]
        if self._now() < self._rests_until:
            raise Unreachable(self._said)
        found = flat(f"secret {reference} in Vault", self._read(reference))
        self._known[reference] = self._now() + FRESH, found
        return found

    def _read(self, reference: str) -> object:
        place, path = self._place, f"{self._place.prefix}{reference}"
        session = requests.Session()
        session.trust_env, session.verify = False, str(place.ca) if place.ca else True
        client = hvac.Client(
            url=place.url, token=self._token(), session=session, timeout=PATIENCE, allow_redirects=False
        )
        try:
            answer = client.secrets.kv.v2.read_secret_version(
                path=path, mount_point=place.mount, raise_on_deleted_version=True
            )
            return answer["data"]["data"]
        except InvalidPath:
            raise Refused(f"there is no secret {reference} in Vault ({place.mount}/{path}), nor in the files") from None
        except Forbidden:
            raise Refused(
                f"Vault refuses secret {reference}: the token of {place.token_file} has ended, or may not read "
                f"{place.mount}/{path}"
            ) from None
        except (VaultError, requests.RequestException) as error:
            raise self._rest(error) from None
        except (KeyError, TypeError, ValueError):
            raise self._rest(TypeError("its answer is none of KV version 2")) from None
        finally:
            session.close()

    def _token(self) -> str:
        path = self._place.token_file
        try:
            return read_private(path, "Vault's token").decode(errors="replace").strip()
        except FileNotFoundError:
            raise Refused(f"there is no token for Vault in {path}: is its agent running?") from None

    def _rest(self, error: Exception) -> BringupError:
        """The same error for all who ask in the next seconds; it says nothing of the request, which held the token."""
        self._rests_until = self._now() + REST
        said = type(error).__name__ if not isinstance(error, TypeError) else str(error)
        self._said = (
            f"Vault at {self._place.url} can't be asked ({said}): is it up, and unsealed? It is asked again by itself"
        )
        return Unreachable(self._said)
