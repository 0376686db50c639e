"""The files of a job: inventory, variables, known host and key, and ssh's options. Pure text.

Whatever comes from the inventory is data, never a template: a NetBox field that holds ``{{ … }}`` would otherwise run
code on the worker. So every string of ours is tagged ``!unsafe``, Ansible's own mark for that.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from workflows.engine.ports import Host
from workflows.model.errors import Refused
from workflows.model.record import Json

HOST_ALIAS = "bringup-node"
_HOST_KEY = re.compile(r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,3}$")


def unsafe_yaml(value: Json) -> str:
    """The value as YAML in flow style, every string tagged ``!unsafe``."""
    if isinstance(value, str):
        return f"!unsafe {json.dumps(value)}"
    if isinstance(value, list):
        return "[" + ", ".join(unsafe_yaml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {unsafe_yaml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def known_hosts(host: Host) -> str:
    """One line under an alias, so that address and port don't matter: only this key is this node.

    Raises:
        Refused: the recorded host key is none.
    """
    key = " ".join(host.host_key.split()[:2])
    if not _HOST_KEY.match(key):
        raise Refused(f"{host.name}: the recorded host key is no SSH public key, so the host can't be trusted")
    return f"{HOST_ALIAS} {key}\n"


def ssh_options(directory: Path) -> tuple[str, ...]:
    """Options of every ssh of ours: no configuration of the user, no agent, no password, this one host key."""
    options = {
        "IdentityFile": f"{directory}/key",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": HOST_ALIAS,
        "UserKnownHostsFile": f"{directory}/known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    return ("-F", "/dev/null", *(part for k, v in options.items() for part in ("-o", f"{k}={v}")))


def inventory(host: Host, directory: Path, connection: str) -> str:
    """An inventory of one host, under its node key."""
    variables: dict[str, Json] = {
        "ansible_connection": connection,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    if connection == "ssh":
        variables |= {
            "ansible_host": host.address,
            "ansible_port": host.port,
            "ansible_user": host.user,
            "ansible_ssh_common_args": " ".join(ssh_options(directory)),
            "ansible_ssh_transfer_method": "piped",
        }
    return unsafe_yaml({"all": {"hosts": {host.node: variables}}})


def ansible_environment(directory: Path, roles: Sequence[Path]) -> dict[str, Json]:
    """Ansible's settings, all of them here: no ansible.cfg is read. A role comes from the first of ``roles`` that has it."""
    return {
        "ANSIBLE_CONFIG": f"{directory}/ansible.cfg",
        "ANSIBLE_ROLES_PATH": ":".join(map(str, roles)),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_SSH_ARGS": f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={directory}/c",
        "ANSIBLE_LOCAL_TEMP": f"{directory}/local",
        "ANSIBLE_REMOTE_TEMP": "~/.ansible/tmp",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }
