"""Loads the burn-in's readers and judges when a command of ``bringup burn-in`` needs them: the command line stays quick."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workflows.model.errors import BadInput
from workflows.model.record import Json

if TYPE_CHECKING:
    from workflows.model.desired import Desired
    from workflows.model.profile import Sku
    from workflows.model.verdict import BurnInReport

_GPUS = {
    "a100-sxm-40gb": 8, "a100-sxm-80gb": 8, "h100-sxm": 8, "h200-sxm": 8, "b200-sxm": 8, "b300-sxm": 8,
    "gb200": 4, "gb300": 4,
}  # fmt: skip
"""GPUs of the usual node of a model: an HGX board has 8, a tray of an NVL72 rack 4. Boards of PCIe come in any number."""

_WISH = "wish.yaml"


def kinds() -> Mapping[str, str]:
    """Every kind of output by name, and what prints it."""
    from burn_in.readers.catalog import KINDS

    return {kind.name: kind.about for kind in KINDS.values()}


def read_output(kind: str, data: bytes) -> Json:
    """The record of one output. Raises BadInput where it is refused."""
    from burn_in import offline

    return offline.read_output(kind, data)


def judge(profile: str, directory: Path, level: str | None) -> dict[str, Json]:
    """The report of a folder of outputs, as JSON, with the files that it was made from.

    Raises:
        BadInput: no such profile, folder or level, or a file of ours in it that is wrong.
    """
    from burn_in.folder import judge_folder, read_folder
    from burn_in.report.about import About
    from burn_in.report.page import as_json

    folder = read_folder(directory)
    desired = _desired(profile, directory, level)
    assert desired.profile is not None
    report = asyncio.run(judge_folder(folder, desired))
    about = About(node=desired.label, serial=desired.serial or "", sku=desired.profile.sku.name)
    judged: dict[str, Json] = json.loads(as_json(report, about))
    judged["files"] = [{"file": o.file, "kind": o.kind, "part": o.part} for o in folder.outputs]
    judged["passed_over"] = [{"file": file, "why": why} for file, why in folder.passed_over if file != _WISH]
    return judged


def floors(reports: Mapping[str, BurnInReport]) -> dict[str, Json]:
    """The limits that the reports of one GPU model's nodes support, as the site's thresholds file takes them."""
    from burn_in.statistics.cohort import propose

    today = datetime.now(UTC).date().isoformat()
    return {
        p.limit: {
            "value": float(f"{p.floor:.4g}"),
            "reason": f"95 % of the slowest of {p.parts} parts of {p.nodes} accepted nodes: {p.slowest:.4g} {p.unit}, "
            f"their median {p.middle:.4g}",
            "date": today,
        }
        for p in propose(reports)
    }


def _desired(profile: str, directory: Path, level: str | None) -> Desired:
    """What the folder is judged against: the profile, and what ``wish.yaml`` in it says of the node, if there is one."""
    from inventory_sync.profiles import parse, read_yaml
    from workflows.model.desired import Desired, Intent
    from workflows.model.profile import Image, Profile, Release

    sku = _sku(profile)
    if level is not None:
        sku = sku.model_copy(update={"burn_in_level": level})
    nothing = "0" * 64
    image = Image(name="none", sha256=nothing, size=0, raw_size=0, raw_sha256=nothing, root_uuid="")
    wish = read_yaml(directory / _WISH) if (directory / _WISH).is_file() else {}
    if odd := sorted(wish.keys() - {"name", "serial", "interfaces", "mounts"}):
        raise BadInput(f"{_WISH}: {odd[0]!r} is none of name, serial, interfaces, mounts")
    fixed = {
        "node": "offline.folder",
        "name": directory.resolve().name,
        "serial": None,
        "status": "",
        "intent": Intent.SERVE,
        "profile": Profile(sku=sku, release=Release(name="none", image=image)),
    }
    return parse(Desired, {**fixed, **wish}, _WISH)


def _sku(profile: str) -> Sku:
    """A YAML file (a sku, or a whole profile with one), or the name of a GPU model, ``MODEL`` or ``MODEL:COUNT``."""
    import difflib

    from burn_in.thresholds.load import load_thresholds
    from inventory_sync.profiles import parse, read_yaml
    from workflows.model.profile import Sku

    path = Path(profile)
    if path.is_file():
        content = read_yaml(path)
        own = content.get("sku", content)
        if not isinstance(own, dict):
            raise BadInput(f"{path.name}: sku: a mapping of names to values is expected")
        return parse(Sku, {"name": path.stem, "system_disk": {}, **own}, path.name)
    model, _, count = profile.partition(":")
    known = load_thresholds()
    if model not in known:
        near = next(iter(difflib.get_close_matches(model, known, n=1, cutoff=0.3)), None)
        meant = f"did you mean {near}?" if near else f"known models: {', '.join(known)};"
        raise BadInput(
            f"{profile[:100]!r} is no file and no GPU model: {meant} a sku of your own is named by its YAML file"
        )
    if not count and model not in _GPUS:
        raise BadInput(f"{model}: how many GPUs has the node? Write {model}:COUNT")
    if count and not (count.isascii() and count.isdecimal() and 0 < int(count[:6]) <= 64):
        raise BadInput(f"{profile[:100]!r}: the count of GPUs is a number from 1 to 64")
    gpus = int(count) if count else _GPUS[model]
    return parse(Sku, {"name": profile, "system_disk": {}, "gpu_model": model, "gpu_count": gpus}, profile)
