"""``doctor`` on a site where each link is broken in turn: that one is named, with what to do, and no other is disturbed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from app.checks import Link, doctor
from app.config import load_config
from lab.nats import throwaway_server
from tests.app.test_config import GOOD
from tests.workflows.samples import IMAGE, desired
from workflows.engine.ports import Secrets
from workflows.engine.secret_field import secret_field
from workflows.jetstream.site import open_site
from workflows.jetstream.wire import Login
from workflows.model.errors import Refused

BOOT = {"http_url": "http://b:1", "https_url": "https://b:2", "artifacts": "artifacts", "certificates": "c"}
#: The server of these tests has no logins, which a site of several hosts must not have.
OPEN_SERVER = ["nats permissions"]
WELL = {
    "inventory/gpu-001.yaml": {"status": "staged"},
    "profiles/skus/lab.yaml": {"system_disk": {"model": "x"}},
    "profiles/releases/r1.yaml": {"image": IMAGE.model_dump(mode="json")},
    "secrets/ssh/bringup.yaml": {"key": "k", "public_key": "p"},
    "secrets/boot/token.yaml": {"key": "k"},
    "secrets/bmc/default.yaml": {"username": "u", "password": "p"},
    "artifacts/vmlinuz": {},
    "artifacts/agent.gz": {},
}


def write(directory: Path, files: dict[str, dict[str, object]]) -> None:
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(content))


async def examined(directory: Path, url: str, **changes: object) -> dict[str, Link]:
    write(directory, {"site.yaml": GOOD | {"boot": BOOT, "nats": {"url": url}} | changes})
    return {link.name: link for link in await doctor(load_config(directory / "site.yaml"))}


@pytest.mark.real
async def test_each_broken_link_says_what_to_do_and_the_others_stay_well(tmp_path: Path) -> None:
    files: list[tuple[str, Callable[[Path], object], str]] = [
        ("secrets", lambda d: (d / "secrets/boot/token.yaml").unlink(), "there is no secret boot/token in "),
        ("secrets", lambda d: (d / "secrets/ssh/bringup.yaml").chmod(0o644), "chmod 600 it"),
        (
            "secrets",
            lambda d: write(d, {"secrets/ssh/bringup.yaml": {"key": "k"}}),
            "has no field 'public_key': add it",
        ),
        ("profiles", lambda d: write(d, {"profiles/skus/bad.yaml": {"bmc": "fax"}}), "bad.yaml: bmc: "),
        ("profiles", lambda d: (d / "profiles/releases/r1.yaml").unlink(), "has no releases: write one file each"),
        (
            "profiles",
            lambda d: write(d, {"profiles/skus/lab.yaml": WELL["profiles/skus/lab.yaml"] | {"gpu_model": "h900"}}),
            "no thresholds are known for GPU model 'h900'",
        ),
        ("inventory", lambda d: (d / "inventory").rename(d / "elsewhere"), "make it, or correct yaml.directory"),
        ("bmc credentials", lambda d: write(d, {"secrets/bmc/default.yaml": {"username": "u"}}), "has no password"),
        ("artifacts", lambda d: (d / "artifacts/agent.gz").unlink(), "has no agent.gz: run bringup image build"),
    ]
    async with throwaway_server(tmp_path / "nats") as server:
        async with open_site([server.url], Login("t"), "lab") as site:
            await site.store.put("desired.lab.nb-1", desired().encode(), expect=0)
        for number, (name, broken, said) in enumerate(files):
            directory = tmp_path / str(number)
            write(directory, WELL)
            links = await examined(directory, server.url)
            assert [link.name for link in links.values() if not link.well] == OPEN_SERVER
            broken(directory)
            links = await examined(directory, server.url)
            assert {link.name for link in links.values() if not link.well} == {name, *OPEN_SERVER}
            assert said in links[name].said


@pytest.mark.real
async def test_a_netbox_out_of_reach_and_no_nats_at_all_say_which_setting_to_look_at(tmp_path: Path) -> None:
    write(tmp_path, WELL | {"secrets/netbox/token.yaml": {"token": "t"}, "secrets/netbox/webhook.yaml": {"key": "k"}})
    netbox = {"url": "http://127.0.0.1:9", "sync": {"sites": ["lab"]}}
    links = await examined(tmp_path, "", yaml=None, nats={}, netbox=netbox)
    assert links["secrets"].well
    assert links["inventory"].said.endswith("is it up, and is netbox.url right?")
    assert "names no nats.url: add it, or start everything with bringup up" in links["nats"].said


class Fields:
    """One secret of these fields."""

    def __init__(self, **fields: str):
        self._fields = fields

    def get(self, reference: str) -> dict[str, str]:
        return self._fields


@pytest.mark.fast
@pytest.mark.parametrize("secrets", [Fields(other="value-of-it"), Fields(key="")])
def test_a_secret_without_the_field_is_a_sentence_without_a_value(secrets: Secrets) -> None:
    with pytest.raises(Refused, match=r"^the secret boot/token has no field 'key': add it$"):
        secret_field(secrets, "boot/token", "key")
