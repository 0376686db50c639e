"""Writes a site's files: what is the site's own is made once and stays, what is rendered follows the answers.

Theory of operation. Each file is complete or not there (written beside, then renamed), so the next run goes on where one was
cut short. Keys come first, then what names their public halves. Nothing is ever deleted.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import yaml
from cryptography import x509

from app.config import load_config
from app.dhcp import dnsmasq_config
from app.nats_logins import SERVICES, public_keys
from app.site.answers import Answers
from app.site.files import NATS_CREDENTIALS, OPEN, File, configuration, nats_server, own_secrets, units
from boot.certificates import load_authority, make_server_files
from workflows.jetstream.permissions import Role, User
from workflows.model.errors import BadInput

ANSWERS = "answers.yaml"
#: A server certificate with less left than this is made anew (it lives 825 days).
RENEW = timedelta(days=180)


class What(StrEnum):
    """What became of a file."""

    MADE = "made"
    RENDERED = "rendered anew"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Done:
    """One file and what became of it."""

    path: Path
    what: What


def make_site(directory: Path, answers: Answers, now: datetime) -> list[Done]:
    """Make what is missing below ``directory``, render what differs; returns each file, in the order of making.

    Raises:
        BadInput: the directory can't be written, or a secret or the configuration in it is malformed.
    """
    try:
        return _make(directory.resolve(), answers, now)
    except OSError as error:
        raise BadInput(f"{error.filename or directory} can't be written: {error.strerror}") from None


def _make(directory: Path, answers: Answers, now: datetime) -> list[Done]:
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    (directory / "secrets").mkdir(exist_ok=True, mode=0o700)
    for own in ("profiles/skus", "profiles/releases", *(["inventory"] if answers.netbox is None else [])):
        (directory / own).mkdir(parents=True, exist_ok=True)
    done = [_write(directory, File(ANSWERS, _as_yaml(answers)))]
    done += [_write(directory, file) for file in (configuration(answers), *own_secrets(answers))]
    done += _logins(directory, answers)
    done += _certificate(directory / "nats", answers, now)
    done.append(_write(directory, nats_server(answers, _users(directory, answers), directory)))
    config = load_config(directory / "site.yaml")
    if config.boot is not None and config.boot.dhcp is not None:
        done.append(_write(directory, File("dhcp/dnsmasq.conf", dnsmasq_config(config.boot))))
    return done + [_write(directory, unit) for unit in units(answers, directory)]


def _logins(directory: Path, answers: Answers) -> list[Done]:
    files = [directory / "secrets" / NATS_CREDENTIALS / f"{who}.yaml" for who in _roles(answers)]
    there = {file for file in files if file.exists()}
    _users(directory, answers)
    return [Done(file, What.STAYS if file in there else What.MADE) for file in files]


def _users(directory: Path, answers: Answers) -> list[User]:
    """Each login with its public key; one that has no key gets one."""
    roles = _roles(answers)
    keys = public_keys(directory / "secrets" / NATS_CREDENTIALS, roles)
    return [User(who, role, keys[who]) for who, role in roles.items()]


def _roles(answers: Answers) -> dict[str, Role]:
    return SERVICES | dict.fromkeys(answers.persons, Role.PERSON)


def _certificate(directory: Path, answers: Answers, now: datetime) -> list[Done]:
    """The NATS server's certificate, by a CA of its own; made anew for another name, or when its end comes near."""
    file = directory / "server.pem"
    authority = load_authority(directory / "ca", f"NATS {answers.site}", now)
    public = _write(directory, File("ca.pem", authority.pem.decode()))
    known = file.exists() and x509.load_pem_x509_certificate(file.read_bytes())
    if known and _names(known) == {answers.nats_host} and known.not_valid_after_utc - now > RENEW:
        what = What.STAYS
    else:
        make_server_files(authority, (answers.nats_host,), directory, now)
        what = What.RENDERED if known else What.MADE
    return [public, Done(file, what)]


def _names(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _write(directory: Path, file: File) -> Done:
    path = directory / file.path
    exists = path.exists()
    if exists and (file.kept or path.read_text() == file.text):
        return Done(path, What.STAYS)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755 if file.mode == OPEN else 0o700)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode), "w") as open_file:
        open_file.write(file.text)
    fresh.rename(path)
    return Done(path, What.RENDERED if exists else What.MADE)


def _as_yaml(answers: Answers) -> str:
    return yaml.safe_dump(answers.model_dump(mode="json", exclude_defaults=True), sort_keys=False)


def today() -> datetime:
    """Now, for certificates."""
    return datetime.now(UTC)
