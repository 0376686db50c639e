"""The files that make an ``ipmi_sim`` one of the lab's BMCs: its network and user, who its machine is, sensors, event log.

Formats: ipmi_lan(5), ipmi_sim_cmd(5), IPMI 2.0 (sections 32.1 and 43.1), FRU Information Storage Definition (8 and 12).
"""

import uuid
from collections.abc import Iterable

SENSORS = (("CPU1 Temp", 42, 90), ("GPU1 Temp", 95, 80))
"""Name, degrees Celsius, and the degrees that are too warm: critical 10 above them."""

_LAN = """\
name "lab"
set_working_mc 0x20
  startlan 1
    addr {host} {port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid {guid}
  endlan
  chassis_control "{program} 0x20"
  user 2 true "{username}" "{password}" admin 10 md5
"""

_EMU = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x7ed9 0x1
mc_add_fru_data 0x20 0 {size} data {fru}
sel_enable 0x20 100 0x0a
{sensors}{events}mc_enable 0x20
"""

_SENSOR = """\
main_sdr_add 0x20 {record}
sensor_add 0x20 0 {number} 0x01 0x01
sensor_set_threshold 0x20 0 {number} settable 111000 {fatal} {critical} {warm} 0 0 0
sensor_set_event_support 0x20 0 {number} enable scanning per-state {states}
sensor_set_value 0x20 0 {number} {value} 0
"""

_EVENTS = (
    "0x02 0 0 0 0 0x20 0 0x04 0x01 0x02 0x01 0x59 0x5f 0x5a",  # sensor 2, a temperature: above the critical threshold
    "0x02 0 0 0 0 0x20 0 0x04 0x0c 0x03 0x6f 0xa1 0xff 0xff",  # sensor 3, memory: an uncorrectable error
)


def lan(host: str, port: str, machine: str, program: str, username: str, password: str) -> str:
    """The configuration of network and users; ``machine`` is a UUID, ``program`` the chassis control."""
    guid = uuid.UUID(machine).bytes_le.hex()
    return _LAN.format(host=host, port=port, guid=guid, program=program, username=username, password=password)


def emulation(serial: str) -> str:
    """The BMC: FRU with this serial, sensors, and an event log of two lines."""
    fru = _fru("Lab", "Lab Server", serial)
    sensors = "".join(_sensor(n, *sensor) for n, sensor in enumerate(SENSORS, 1))
    events = "".join(f"sel_add 0x20 {event}\n" for event in _EVENTS)
    return _EMU.format(size=len(fru), fru=_hex(fru), sensors=sensors, events=events)


def _sensor(number: int, name: str, value: int, warm: int) -> str:
    """A temperature with upper thresholds, and its full sensor record."""
    body = bytes(
        [0x20, 0, number, 7, 1, 0x7F, 0x68, 0x01, 0x01]
    )  # owner, entity, how it behaves, temperature, threshold
    body += bytes([0x00, 0x0A, 0x00, 0x0A, 0x38, 0x38])  # events, and which thresholds can be read and set
    body += bytes([0, 1, 0, 0, 1, 0, 0, 0, 0, 0])  # degrees Celsius, linear, times one
    body += bytes([0, 0, 0, 0, 255, 0, warm + 20, warm + 10, warm, 0, 0, 0, 1, 1, 0, 0, 0])
    body += bytes([0xC0 | len(name)]) + name.encode()
    record = bytes([number, 0, 0x51, 1, len(body)]) + body
    return _SENSOR.format(
        record=_hex(record), number=number, fatal=warm + 20, critical=warm + 10, warm=warm, value=value,
        states=" ".join(["000111111000000"] * 4),
    )  # fmt: skip


def _fru(manufacturer: str, product: str, serial: str) -> bytes:
    """FRU information with a product area."""
    fields = b""
    for text in (manufacturer, product, "", "", serial, "", ""):
        fields += bytes([0xC0 | len(text)]) + text.encode() if text else b"\x00"
    area = bytes([1, 0, 25]) + fields + b"\xc1"
    area += bytes(-(len(area) + 1) % 8)
    area = bytes([area[0], (len(area) + 1) // 8]) + area[2:]
    header = bytes([1, 0, 0, 0, 1, 0, 0])
    return _summed(header) + _summed(area)


def _summed(part: bytes) -> bytes:
    return part + bytes([-sum(part) % 256])


def _hex(data: Iterable[int]) -> str:
    return " ".join(f"0x{byte:02x}" for byte in data)
