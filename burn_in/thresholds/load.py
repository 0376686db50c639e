"""Loads the thresholds that ship with bringup."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from workflows.model.errors import BadInput
from workflows.model.record import Record

_SHIPPED = Path(__file__).parent


class Threshold(Record):
    """A number, and why it is believed."""

    value: float
    source: str
    date: str
    method: str


class GpuThresholds(Record):
    """What a GPU model must show. ``fabric`` is true where NVSwitches join the GPUs."""

    model: str
    product: str
    pci_device_id: str
    memory_mib: Threshold
    link_gen: Threshold
    link_width: Threshold
    power_limit_w: Threshold
    fabric: bool


def load_thresholds(directory: Path = _SHIPPED) -> dict[str, GpuThresholds]:
    """All models of a directory, by the model's name as a sku's ``gpu_model`` gives it.

    Raises:
        BadInput: a file is wrong; the message names file and field.
    """
    found: dict[str, GpuThresholds] = {}
    for path in sorted(directory.glob("*.yaml")):
        try:
            raw = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - strings only, safer than safe
            thresholds = GpuThresholds.model_validate(raw)
        except (yaml.YAMLError, ValidationError) as error:
            raise BadInput(f"{path.name}: {str(error).splitlines()[0]}") from None
        found[thresholds.model] = thresholds
    return found
