"""What people write by hand, and what BMCs answer, parsed once: addresses, credentials, secrets, refusals, Systems."""

import json
from pathlib import Path

import pytest

from workflows.drivers.address import parse_address
from workflows.drivers.breaker import Breaker
from workflows.drivers.credential import parse_credential
from workflows.drivers.redfish.answers import failure, is_wrong_password
from workflows.drivers.redfish.body import mac, members
from workflows.drivers.redfish.quirks import DELL, STANDARD, SUPERMICRO, Quirks
from workflows.drivers.redfish.system import (
    boot_of,
    boot_patch,
    choose_system,
    reset_type,
    serial_of,
    uuid_of,
)
from workflows.drivers.secrets import FileSecrets, MappingSecrets
from workflows.engine.ports import BootTarget, Power
from workflows.model.errors import AuthenticationFailed, BadInput, Busy, Refused, Unsupported

pytestmark = pytest.mark.fast

RESET = {"Actions": {"#ComputerSystem.Reset": {"target": "/redfish/v1/x"}}}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("bmc-7.example", "https://bmc-7.example"),
        ("10.0.0.7", "https://10.0.0.7"),
        ("10.0.0.7:8443", "https://10.0.0.7:8443"),
        ("2001:db8::7", "https://[2001:db8::7]"),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
        ("https://bmc-7/", "https://bmc-7"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_as_people_write_it(text: str, url: str) -> None:
    assert parse_address(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bmc/redfish",
        "user@bmc",
        "user:pass@bmc",
        "bmc:0",
        "bmc:99999",
        "bmc:x",
        "ftp://bmc",
        "[::1]x",
        "a b",
        "bmc?q",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(BadInput, match="BMC address"):
        parse_address(text)


def test_a_password_is_in_no_repr() -> None:
    credential = parse_credential(
        "bmc/default", {"username": "u", "password": "hunter2", "fingerprint": "AB:" * 31 + "AB"}
    )
    assert "hunter2" not in repr(credential)
    assert credential.fingerprint == "ab" * 32


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "u"},
        {"username": "", "password": "hunter2"},
        {"username": "a:b", "password": "hunter2"},
        {"username": "u", "password": "hunter2", "fingerprint": "12"},
        {"username": "u", "password": "hunter2", "insecure": "yes"},
        {"username": "u", "password": "hunter2", "verify": "false"},
    ],
)
def test_a_malformed_credential_names_the_field_never_the_value(fields: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="secret bmc/default") as caught:
        parse_credential("bmc/default", fields)
    assert "hunter2" not in str(caught.value)


def test_file_secrets(tmp_path: Path) -> None:
    (tmp_path / "bmc").mkdir()
    file = tmp_path / "bmc" / "default.yaml"
    file.write_text("username: admin\npassword: 0123\ninsecure: true\n")
    secrets = FileSecrets(tmp_path)
    file.chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        secrets.get("bmc/default")
    file.chmod(0o600)
    assert secrets.get("bmc/default") == {"username": "admin", "password": "0123", "insecure": "true"}
    file.write_text(json.dumps({"username": "admin", "password": "new"}))
    assert secrets.get("bmc/default")["password"] == "new"
    with pytest.raises(Refused, match="no secret bmc/other"):
        secrets.get("bmc/other")
    for reference in ("../bmc/default", "/etc/passwd", "bmc//default", "BMC", ""):
        with pytest.raises(BadInput):
            secrets.get(reference)
    file.write_text("- hunter2")
    with pytest.raises(BadInput) as caught:
        secrets.get("bmc/default")
    assert "hunter2" not in str(caught.value)


def test_mapping_secrets() -> None:
    secrets = MappingSecrets({"BRINGUP_SECRET_BMC_DEFAULT": '{"username": "u", "password": "p"}'})
    assert secrets.get("bmc/default") == {"username": "u", "password": "p"}
    with pytest.raises(Refused, match="BRINGUP_SECRET_BMC_OTHER"):
        secrets.get("bmc/other")


def test_the_breaker_opens_for_a_credential_not_for_good() -> None:
    breaker = Breaker("BMC x")
    breaker.check("u", "old")
    assert "old" not in str(breaker.refused("u", "old"))
    with pytest.raises(AuthenticationFailed):
        breaker.check("u", "old")
    breaker.check("u", "new")


def test_refusals_by_status_and_message() -> None:
    post = {
        "error": {
            "@Message.ExtendedInfo": [{"MessageId": "iLO.2.14.UnableToModifyDuringSystemPOST", "Message": "POST"}]
        }
    }
    login = {"error": {"@Message.ExtendedInfo": [{"MessageId": "iLO.2.14.UnauthorizedLoginAttempt"}]}}
    assert type(failure("b", "PATCH", "/x", 400, post)) is Busy
    assert type(failure("b", "PATCH", "/x", 400, {})) is Refused
    assert type(failure("b", "PATCH", "/x", 428, {})) is Refused
    assert type(failure("b", "GET", "/x", 404, {})) is Unsupported
    assert type(failure("b", "GET", "/x", 503, {"error": "no object"})) is Busy
    assert is_wrong_password(400, login)
    assert not is_wrong_password(400, post)


def test_the_right_system() -> None:
    path, why, others = choose_system("b", [("/s/HGX_Baseboard_0", RESET), ("/s/1", RESET)])
    assert (path, [(o.path, o.why) for o in others]) == (
        "/s/1",
        [("/s/HGX_Baseboard_0", "a GPU baseboard, no machine")],
    )
    assert "of 2 Systems" in why
    kinds = [("/s/a", RESET | {"SystemType": "Virtual"}), ("/s/b", RESET | {"SystemType": "Physical"})]
    assert choose_system("b", kinds)[0] == "/s/b"
    assert choose_system("b", [("/s/a", {}), ("/s/b", RESET)])[0] == "/s/b"
    assert (
        choose_system("b", [("/s/a", RESET), ("/s/b", RESET | {"Boot": {"BootSourceOverrideTarget": "None"}})])[0]
        == "/s/b"
    )
    for none in ([], [("/s/a", {})]):
        with pytest.raises(Unsupported, match="allowed to see"):
            choose_system("b", none)
    with pytest.raises(Unsupported, match="several machines"):
        choose_system("b", [("/s/a", RESET), ("/s/b", RESET)])


def test_identity_as_vendors_show_it() -> None:
    assert serial_of({"SKU": "ABC1234", "SerialNumber": "CNFCP0"}, DELL) == "ABC1234"
    assert serial_of({"SKU": "920-2", "SerialNumber": " 166 "}, STANDARD) == "166"
    for nobody in (None, "To Be Filled By O.E.M.", "Default string", "0000000000"):
        assert serial_of({"SerialNumber": nobody}, STANDARD) is None
    assert uuid_of({"UUID": "B11DD4F2-BFDE-1000-02BC-5CFF35FBE6E9"}) == "b11dd4f2-bfde-1000-02bc-5cff35fbe6e9"
    for nobody in ("none", "03000200-0400-0500-0006-000700080009", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"):
        assert uuid_of({"UUID": nobody}) is None
    assert mac("5C-FF-35-FE-04-B1") == "5c:ff:35:fe:04:b1"
    assert mac("n/a") is mac("00:00:00:00:00:00") is mac(None) is None
    assert members({"Members": [{"@odata.id": "https://elsewhere/x"}, {"@odata.id": "/redfish/v1/a"}, 7]}) == [
        "/redfish/v1/a"
    ]


def test_the_override_is_read_with_care() -> None:
    def boot(enabled: str, target: str) -> BootTarget | None:
        return boot_of({"Boot": {"BootSourceOverrideEnabled": enabled, "BootSourceOverrideTarget": target}})

    assert boot("Once", "Pxe") is boot("Once", "UefiHttp") is BootTarget.NETWORK_ONCE
    assert boot("Disabled", "Pxe") is boot("Once", "Hdd") is boot("Once", "None") is BootTarget.DISK
    assert boot("Continuous", "Pxe") is None
    assert boot_of({}) is None


def test_what_is_asked_for_is_what_is_offered() -> None:
    def offered(targets: list[str], mode: str = "UEFI", quirks: Quirks = STANDARD) -> dict[str, object]:
        boot = {"BootSourceOverrideTarget@Redfish.AllowableValues": targets, "BootSourceOverrideMode": mode}
        return boot_patch("b", BootTarget.NETWORK_ONCE, {"Boot": boot}, quirks)["Boot"]  # type: ignore[return-value,dict-item]

    assert offered(["Pxe", "UefiHttp"])["BootSourceOverrideTarget"] == "UefiHttp"
    assert offered(["Pxe", "UefiHttp"], "Legacy")["BootSourceOverrideTarget"] == "Pxe"
    assert "BootSourceOverrideMode" not in offered(["Pxe"])
    sent = offered(["Pxe", "UefiHttp"], "Legacy", SUPERMICRO)
    assert (sent["BootSourceOverrideMode"], sent["BootSourceOverrideTarget"]) == ("UEFI", "UefiHttp")
    with pytest.raises(Unsupported):
        offered(["Hdd"])
    assert (reset_type("b", Power.ON, ["ForceOn"]), reset_type("b", Power.OFF, [])) == ("ForceOn", "ForceOff")
    with pytest.raises(Unsupported):
        reset_type("b", Power.OFF, ["PowerCycle", "GracefulShutdown"])
