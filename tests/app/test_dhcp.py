"""``bringup boot dnsmasq``: what the site's configuration says becomes a configuration that dnsmasq itself accepts."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from app.config import CONFIG_VARIABLE, load_config
from app.main import build
from tests.app.test_config import GOOD
from tests.project.tree import ROOT
from workflows.model.errors import BadInput

DHCP = {
    "interface": "eno1",
    "hosts_file": "hosts",
    "lease_file": "leases",
    "tftp_root": ".",
    "prefixes": [
        {"prefix": "10.20.0.0/16", "gateway": "10.20.0.1", "pool": ["10.20.250.1", "10.20.250.200"]},
        {"prefix": "10.21.0.0/16", "gateway": "10.21.0.1"},
        "10.23.0.0/24",
    ],
    "advertise": "fd77:7::",
}
PROXY = DHCP | {"prefixes": [{"prefix": "10.22.0.0/16", "proxy": True}]}
BOOT = {
    "http_url": "http://10.20.0.5:8080",
    "https_url": "https://10.20.0.5:8443",
    "artifacts": "a",
    "certificates": "c",
}


def site(directory: Path, dhcp: dict[str, Any] | None) -> Path:
    file = directory / "site.yaml"
    boot = BOOT | {"nameservers": ["10.20.0.2"]} | ({"dhcp": dhcp} if dhcp is not None else {})
    file.write_text(yaml.safe_dump(GOOD | {"boot": boot}))
    return file


def rendered(file: Path, *more: str) -> str:
    result = CliRunner().invoke(build(), ["--config", str(file), "boot", "dnsmasq", *more])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.fast
def test_every_setting_reaches_the_configuration(tmp_path: Path) -> None:
    text = rendered(site(tmp_path, DHCP))
    for line in (
        "interface=eno1",
        "dhcp-range=set:net0,10.20.250.1,10.20.250.200,255.255.0.0,10m",
        "dhcp-option=tag:net0,option:router,10.20.0.1",
        "dhcp-range=set:net1,10.21.0.0,static,255.255.0.0,10m",
        "dhcp-range=set:net2,10.23.0.0,static,255.255.255.0,10m",
        "dhcp-boot=tag:ipxe,http://10.20.0.5:8080/boot.ipxe",
        "dhcp-option=option:dns-server,10.20.0.2",
        f"dhcp-hostsfile={tmp_path}/hosts",
        f"tftp-root={tmp_path}",
        "dhcp-range=fd77:7::,ra-only,64",
    ):
        assert line in text.splitlines()
    assert "dhcp-range=10.22.0.0,proxy,255.255.0.0" in rendered(site(tmp_path, PROXY))


@pytest.mark.fast
def test_it_is_written_once_and_a_place_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    file, target = site(tmp_path, DHCP), tmp_path / "dnsmasq.conf"
    assert "restart dnsmasq" in rendered(file, "--write", str(target))
    assert "says so already" in rendered(file, "--write", str(target))
    assert target.read_text() == rendered(file)
    with pytest.raises(BadInput, match="can't be written"):
        rendered(file, "--write", str(tmp_path / "nowhere" / "dnsmasq.conf"))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefixes": ["10.20.0.5/16"]}, "host bits"),
        ({"prefixes": ["2001:db8::/64"]}, "Expected 4 octets"),
        ({"prefixes": []}, "prefixes"),
        ({"prefixes": [{"prefix": "10.20.0.0/24", "gateway": "10.21.0.1"}]}, "10.21.0.1 is not in 10.20.0.0/24"),
        ({"prefixes": [{"prefix": "10.20.0.0/24", "pool": ["10.20.0.9", "10.20.0.2"]}]}, "ends before it begins"),
        ({"prefixes": [{"prefix": "10.20.0.0/24", "gateway": "10.20.0.1", "proxy": True}]}, "leave them out"),
        ({"prefixes": ["10.20.0.0/16", "10.20.8.0/24"]}, "overlap"),
        ({"interface": "eno1\nlog-facility=/etc/passwd"}, "interface"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load_config(site(tmp_path, DHCP | changes))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("dhcp", "said"),
    [(None, "no section boot.dhcp"), ({k: v for k, v in DHCP.items() if k != "interface"}, "interface")],
)
def test_what_is_missing_is_named(tmp_path: Path, dhcp: dict[str, Any] | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        rendered(site(tmp_path, dhcp))


@pytest.mark.fast
def test_the_configuration_of_the_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/configuration.md shows a whole file: it is read as it stands, and dnsmasq's is rendered from it."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    file = tmp_path / "site.yaml"
    file.write_text(page.partition("```yaml\n")[2].partition("```")[0])
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    assert load_config(None).settings.site == "rno1"
    assert "interface=eno1" in rendered(file)


@pytest.mark.real
@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="Debian package dnsmasq-base is not installed")
@pytest.mark.parametrize("dhcp", [DHCP, PROXY], ids=["relayed", "proxy"])
def test_dnsmasq_accepts_it(tmp_path: Path, dhcp: dict[str, Any]) -> None:
    target = tmp_path / "dnsmasq.conf"
    rendered(site(tmp_path, dhcp), "--write", str(target))
    checked = subprocess.run(["dnsmasq", "--test", f"--conf-file={target}"], capture_output=True, text=True, timeout=10)
    assert checked.returncode == 0, checked.stderr
