"""The page beside a real ``bringup up``: the page's own NATS rights, a person's token, and a command that arrives."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from app.config import WebConfig
from app.web import _tls
from lab.site.yaml_site import running_up, write_yaml_site
from tests.project.tree import ROOT
from tests.workflows.samples import IMAGE
from workflows.jetstream.permissions import RIGHTS, Role
from workflows.model.errors import BadInput


def asked(url: str, token: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def _first_fleet(url: str, token: str, up: "subprocess.Popen[bytes]") -> Any:
    """The fleet, as soon as the page is up and knows a node."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert up.poll() is None
        try:
            if (fleet := asked(f"{url}/fleet", token))["rows"]:
                return fleet
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    raise AssertionError("the page shows no node")


@pytest.mark.real
def test_up_serves_the_page_to_who_was_given_a_token_by_the_command(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "app", "web", "token", "ann", "--role", "operator"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    token = made.stderr.split()[-1]
    assert token not in made.stdout
    (tmp_path / "people.yaml").write_text(made.stdout)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    known = {"bmc/default": {"username": "u", "password": "p"}, "ssh/bringup": {"key": "k", "public_key": "p"}}
    config = write_yaml_site(
        tmp_path, 2, "active", IMAGE, known, settings={"site": "lab", "mode": "automatic"},
        web={"listen": f"127.0.0.1:{port}", "people": "people.yaml"},
    )  # fmt: skip
    with running_up(config) as up:
        fleet = _first_fleet(url, token, up)
        body = {"verb": "hold", "select": fleet["rows"][0]["id"], "reason": "x"}
        outcome = asked(f"{url}/commands", token, body)
    assert (outcome["who"], outcome["nodes"][0]["label"]) == ("ann", "gpu-001")


@pytest.mark.fast
def test_the_pages_login_can_write_nothing_but_commands() -> None:
    web = RIGHTS[Role.WEB]
    assert (web.writes, web.publishes, web.writes_evidence, web.commands) == ((), (), False, True)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("web", "well"),
    [
        ({"listen": "127.0.0.1:1"}, True),
        ({"listen": "[::1]:1"}, True),
        ({"listen": "0.0.0.0:1"}, False),
        ({"listen": "0.0.0.0:1", "url": "http://bringup.example"}, False),
        ({"listen": "10.0.0.1:1", "url": "https://bringup.example"}, True),
        ({"listen": "0.0.0.0:1", "certificate": "nowhere.pem", "key": "nowhere.key"}, False),
    ],
)
def test_no_token_ever_crosses_a_network_in_the_clear(web: dict[str, str], well: bool) -> None:
    config = WebConfig.model_validate(web | {"people": "people.yaml"})
    if well:
        assert _tls(config) is None
        return
    with pytest.raises(BadInput, match=r"without TLS|can't be used"):
        _tls(config)


@pytest.mark.fast
def test_the_page_needs_nothing_from_anywhere_else() -> None:
    static = ROOT / "frontends" / "web" / "static"
    texts = {f.name: f.read_text() for f in static.iterdir()}
    assert [n for n, t in texts.items() if "://" in t.replace("http://www.w3.org/2000/svg", "")] == []
    assert [n for n, t in texts.items() if "innerHTML" in t or "eval(" in t or "style=" in t] == []
