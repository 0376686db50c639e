"""A site's own NATS server from the documentation alone: keys and accounts by one command, streams by another."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from app.config import load_config
from app.connect import connected
from workflows.drivers.secrets import FileSecrets
from workflows.jetstream.server import EmbeddedServer
from workflows.model.errors import Refused

pytestmark = pytest.mark.real

SITE = {
    "settings": {"site": "lab"},
    "nats": {"url": "nats://127.0.0.1:1", "credentials": "nats"},
    "yaml": {"directory": "inventory"},
    "profiles": "profiles",
    "secrets": "secrets",
    "data": "data",
}


async def bringup(directory: Path, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "--config", str(directory / "site.yaml"), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory with the configuration of a site whose NATS is not ours to start."""
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    return tmp_path


@pytest.fixture
async def served(site: Path) -> AsyncIterator[Path]:
    """The same, with a server that runs with what the command printed."""
    _, printed, _ = await bringup(site, "nats", "accounts", "--person", "ann")
    server = EmbeddedServer(site / "server", accounts=json.loads(printed)["accounts"])
    await server.start()
    changed = SITE | {"nats": {"url": server.url, "credentials": "nats"}}
    (site / "site.yaml").write_text(yaml.safe_dump(changed))
    yield site
    await server.kill()


async def test_each_login_gets_a_key_once_and_no_seed_is_shown(site: Path) -> None:
    first = await bringup(site, "nats", "accounts", "--person", "ann", "--person", "bob")
    again = await bringup(site, "nats", "accounts", "--person", "ann", "--person", "bob")
    assert first == again
    assert first[0] == 0
    files = sorted((site / "secrets" / "nats").iterdir())
    assert [file.name for file in files] == [
        f"{who}.yaml" for who in ("admin", "ann", "bob", "boot", "sync", "web", "worker")
    ]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert not any(yaml.safe_load(file.read_text())["seed"] in first[1] for file in files)


async def test_a_login_lost_or_not_ours_is_refused_with_the_reason_and_no_key_is_made(site: Path) -> None:
    for name, said in (("../ann", "a-z, 0-9 and dashes"), ("Ann", "a-z, 0-9 and dashes"), ("worker", "no person")):
        code, out, error = await bringup(site, "nats", "accounts", "--person", name)
        assert (code, out) == (1, "")
        assert said in error
    assert not (site / "secrets").exists()
    (site / "secrets" / "nats").mkdir(parents=True)
    bad = site / "secrets" / "nats" / "sync.yaml"
    bad.touch(0o600)
    bad.write_text("seed: nonsense\n")
    code, _, error = await bringup(site, "nats", "accounts")
    assert code == 1
    assert "login sync" in error
    assert "nonsense" not in error


async def test_with_the_printed_accounts_each_login_does_its_part_and_nothing_else(served: Path) -> None:
    config = load_config(served / "site.yaml")
    secrets = FileSecrets(config.secrets)
    with pytest.raises(Refused):
        async with connected(config, secrets, "sync", make_streams=1):
            pass
    assert (await bringup(served, "nats", "streams"))[0] == 0
    assert (await bringup(served, "nats", "streams"))[0] == 0, "as often as one likes"
    async with connected(config, secrets, "sync", make_streams=1) as sync, connected(config, secrets, "ann") as ann:
        await sync.store.put("desired.lab.nb-1", b"{}", expect=0)
        assert (await ann.store.get("desired.lab.nb-1")).data == b"{}"
        await ann.bus.publish("command.ann.hold.lab", b"{}")
        with pytest.raises(Refused):
            await ann.store.put("desired.lab.nb-1", b"[]", expect=0)
