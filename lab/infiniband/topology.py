"""Writes topologies in ``ibnetdiscover``'s format, which is what ibsim reads: a fat tree, and rails."""

from collections.abc import Sequence

_SPINE, _LEAF, _HOST = 0xB8CEF60300AA0000, 0xB8CEF60300BB0000, 0xB8CEF60300CC0000
_PORTS = 40
_UPLINKS = ((37, 1), (38, 1), (39, 2), (40, 2))
"""Each leaf's ports that go to a spine, with the spine's number."""


def node_guid(index: int) -> int:
    """The node GUID of the host at this place, from 0."""
    return _HOST + (index + 1) * 0x10


def port_guid(index: int) -> str:
    """The port GUID of the host at this place, as the inventory writes it."""
    return f"0x{node_guid(index) + 1:016x}"


def fat_tree(hosts: Sequence[str]) -> str:
    """The topology. Hosts fill the first leaf, then the second; at most 72.

    Raises:
        ValueError: more hosts than the leaves have ports.
    """
    half = (len(hosts) + 1) // 2
    if half > _UPLINKS[0][0] - 1:
        raise ValueError(f"{len(hosts)} hosts don't fit on two leaves of {_PORTS} ports")
    parts = [_spine(number) for number in (1, 2)]
    for leaf, members in ((1, hosts[:half]), (2, hosts[half:])):
        links = [(port, host, 1) for port, host in enumerate(members, 1)]
        links += [(port, f"spine{spine:02d}", _spine_port(leaf, port)) for port, spine in _UPLINKS]
        parts.append(_switch(f"leaf{leaf:02d}", _LEAF + leaf, links))
    for index, host in enumerate(hosts):
        leaf, port = (1, index + 1) if index < half else (2, index - half + 1)
        parts.append(_host(host, node_guid(index), f"leaf{leaf:02d}", port))
    return "\n".join(parts)


def rail_hosts(nodes: Sequence[str], count: int) -> tuple[str, ...]:
    """The names under which ibsim knows the adapters of nodes with so many rails each: one process sees one adapter."""
    return tuple(f"{node}r{rail}" for node in nodes for rail in range(1, count + 1))


def rails(nodes: Sequence[str], count: int, swapped: Sequence[tuple[str, str]] = ()) -> str:
    """A leaf a rail, one spine: rail 3 of the second node ends at port 2 of ``leaf03``. ``swapped`` names pairs of hosts
    (``rail_hosts``) whose cables stand in each other's ports.
    """
    hosts = rail_hosts(nodes, count)
    ends = {host: (place % count + 1, place // count + 1) for place, host in enumerate(hosts)}
    for one, other in swapped:
        ends[one], ends[other] = ends[other], ends[one]
    parts = [_switch("spine01", _SPINE + 1, [(rail, f"leaf{rail:02d}", _PORTS) for rail in range(1, count + 1)])]
    for rail in range(1, count + 1):
        links = sorted((port, host, 1) for host, (leaf, port) in ends.items() if leaf == rail)
        parts.append(_switch(f"leaf{rail:02d}", _LEAF + rail, [*links, (_PORTS, "spine01", rail)]))
    for place, host in enumerate(hosts):
        leaf, port = ends[host]
        parts.append(_host(host, node_guid(place), f"leaf{leaf:02d}", port))
    return "\n".join(parts)


def _spine(number: int) -> str:
    links = [
        (_spine_port(leaf, port), f"leaf{leaf:02d}", port) for leaf in (1, 2) for port, s in _UPLINKS if s == number
    ]
    return _switch(f"spine{number:02d}", _SPINE + number, links)


def _spine_port(leaf: int, leaf_port: int) -> int:
    return (leaf - 1) * 2 + (leaf_port - 1) % 2 + 1


def _switch(name: str, guid: int, links: Sequence[tuple[int, str, int]]) -> str:
    head = f"vendid=0x2c9\ndevid=0xd2f2\nsysimgguid=0x{guid:016x}\nswitchguid=0x{guid:016x}\n"
    title = f'Switch\t{_PORTS} "{name}"\t\t# "{name}" enhanced port 0 lid 0 lmc 0\n'
    return head + title + "".join(f'[{p}]\t"{peer}"[{at}]\t\t# "{peer}" lid 0 4xEDR\n' for p, peer, at in links)


def _host(name: str, guid: int, leaf: str, port: int) -> str:
    head = f"vendid=0x2c9\ndevid=0x1021\nsysimgguid=0x{guid:016x}\ncaguid=0x{guid:016x}\n"
    link = f'[1](0x{guid + 1:016x})\t"{leaf}"[{port}]\t\t# lid 0 lmc 0 "{leaf}" lid 0 4xEDR\n'
    return head + f'Ca\t1 "{name}"\t\t# "{name} mlx5_0"\n' + link
