"""What ``site init`` makes of the answers: each file's content, and whether it stays the site's own or is rendered anew.

A *kept* file is made once and then belongs to the site (configuration, secrets, profiles). A *rendered* one follows from the
answers and the logins' keys, and is written again whenever it differs: nobody has to keep it in step by hand.
"""

import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.site.answers import Answers
from boot.templates import render
from workflows.drivers.ssh_key import new_key_pair
from workflows.jetstream.permissions import User, accounts
from workflows.jetstream.server import durable, server_binary
from workflows.model.record import Json

SECRET, OPEN = 0o600, 0o644
NATS_CREDENTIALS = "nats"


@dataclass(frozen=True, slots=True)
class File:
    """One file below the site's directory."""

    path: str
    text: str
    kept: bool = False
    mode: int = OPEN


def configuration(answers: Answers) -> File:
    """``site.yaml``: it observes, so nothing is touched before somebody says so."""
    inventory: dict[str, Json]
    if answers.netbox is None:
        inventory = {"yaml": {"directory": "inventory"}}
    else:
        sync: Json = {"sites": [answers.site]}
        inventory = {"netbox": {"url": answers.netbox, "webhook_listen": f"{answers.address}:8010", "sync": sync}}
    network: dict[str, Json] = {"prefix": str(answers.prefix)}
    if answers.gateway is not None:
        network["gateway"] = str(answers.gateway)
    site: dict[str, Json] = {
        "settings": {"site": answers.site, "mode": "observe"},
        "nats": {
            "url": f"tls://{answers.nats_host}:{answers.nats_port}",
            "credentials": NATS_CREDENTIALS,
            "ca": "nats/ca.pem",
        },
        **inventory,
        "boot": {
            "http_url": f"http://{answers.address}:8080",
            "https_url": f"https://{answers.address}:8443",
            "artifacts": str(answers.data / "artifacts"),
            "certificates": str(answers.data / "certificates"),
            "nameservers": [str(address) for address in answers.nameservers],
            "dhcp": {
                "interface": answers.interface,
                "hosts_file": str(answers.data / "dhcp-hosts"),
                "pid_file": "/run/dnsmasq/dnsmasq.pid",
                "prefixes": [network],
            },
        },
        "profiles": "profiles",
        "secrets": "secrets",
        "data": str(answers.data),
        "who": answers.persons[0],
    }
    return File("site.yaml", yaml.safe_dump(site, sort_keys=False), kept=True)


def own_secrets(answers: Answers) -> list[File]:
    """The secrets that nobody else has to know: made here, once."""
    private, public = new_key_pair()
    known = {
        "boot/token": {"key": secrets.token_hex(32)},
        "ssh/bringup": {"key": private, "public_key": f"{public} bringup@{answers.site}"},
    }
    if answers.netbox is not None:
        known["netbox/webhook"] = {"key": secrets.token_hex(32)}
    return [
        File(f"secrets/{name}.yaml", yaml.safe_dump(fields), kept=True, mode=SECRET) for name, fields in known.items()
    ]


def nats_server(answers: Answers, users: Sequence[User], directory: Path) -> File:
    """The NATS server's configuration: TLS, accounts and permissions by the table, each acknowledgement on disk."""
    tls: Json = {"cert_file": str(directory / "nats/server.pem"), "key_file": str(directory / "nats/server.key")}
    whole: dict[str, Json] = {
        "server_name": f"{answers.site}-1",
        "listen": f"0.0.0.0:{answers.nats_port}",
        **durable(answers.data / "nats"),
        "tls": tls,
        "accounts": accounts(users),
    }
    return File("nats/server.conf", json.dumps(whole, indent=1) + "\n")


def units(answers: Answers, directory: Path) -> list[File]:
    """A systemd unit a service, and the user they run as."""
    ours = f"{Path(sys.executable).parent / 'bringup'} --config {directory / 'site.yaml'}"
    each = {
        "bringup-nats": ("NATS JetStream of bringup", f"{server_binary()} -c {directory / 'nats/server.conf'}"),
        "bringup-sync": ("bringup: the inventory's side", f"{ours} sync"),
        "bringup-boot": ("bringup: what machines boot from the network", f"{ours} boot"),
        "bringup-worker": ("bringup: drives nodes", f"{ours} worker"),
    }
    made = [File("systemd/bringup.sysusers.conf", f'u bringup - "bringup" {answers.data}\n')]
    for name, (about, command) in each.items():
        names: dict[str, object] = {
            "name": name,
            "about": about,
            "command": command,
            "reload": "/bin/kill -HUP $MAINPID" if name == "bringup-nats" else "",
            "directory": directory,
            "state": "bringup",
            "data": answers.data,
            # dnsmasq, another user's process, is told to read the host file again, and has to be able to read it.
            "capabilities": "CAP_KILL" if name == "bringup-boot" else "",
            "umask": "0022" if name == "bringup-boot" else "0077",
        }
        made.append(File(f"systemd/{name}.service", render("systemd/service.j2", names)))
    return made
