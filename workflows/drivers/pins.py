"""Certificates of BMCs that a person approved: one small file a BMC, with the SHA-256 of the one that it showed then.

A BMC comes with a certificate that nobody vouches for. So a person compares what it shows with its own page or console once
(``bringup bmc trust``), and from then on it must show exactly that one: nothing is trusted by itself at first use. A pin is
public; the directory must be writable to those alone who may approve.
"""

import os
from pathlib import Path

from workflows.drivers.address import BmcAddress
from workflows.drivers.credential import parse_fingerprint
from workflows.model.errors import Refused

_MOST = 200


class Pins:
    """The pins in one directory."""

    def __init__(self, directory: Path):
        self._directory = directory

    def get(self, address: BmcAddress) -> str | None:
        """The fingerprint (64 hex digits) of a BMC; None where none is pinned.

        Raises:
            Refused: its file can't be read, or holds something else.
        """
        path = self._path(address)
        try:
            text = path.read_text()[:_MOST]
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"the pin of BMC {address.host} can't be read from {path}: {error}") from None
        found = parse_fingerprint(text.strip())
        if found is None:
            raise Refused(f"{path} holds no SHA-256 in hex: remove it, then approve the certificate again")
        return found

    def put(self, address: BmcAddress, fingerprint: str, *, replace: bool) -> None:
        """Pin a certificate that a person approved.

        Raises:
            Refused: another one is pinned and ``replace`` is not said, or the directory can't be written.
        """
        path = self._path(address)
        new = path.with_suffix(f".{os.getpid()}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            new.write_text(f"{fingerprint}\n")
            try:
                if replace:
                    new.replace(path)
                else:
                    os.link(new, path)
            finally:
                new.unlink(missing_ok=True)
        except FileExistsError:
            if self.get(address) != fingerprint:
                raise Refused(
                    f"another certificate of BMC {address.host} is pinned in {path}: if it was renewed, add --replace"
                ) from None
        except OSError as error:
            raise Refused(f"the pin of BMC {address.host} can't be written to {path}: {error.strerror}") from None

    def _path(self, address: BmcAddress) -> Path:
        return self._directory / f"{address.host.lower()}_{address.port or 443}.sha256"
