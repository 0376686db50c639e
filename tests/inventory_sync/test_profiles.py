"""Profile files: what is wrong with one is said with its name."""

from pathlib import Path

import pytest

from inventory_sync.profiles import load_profiles
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast

SKU = "system_disk:\n  min_bytes: 1000\n"
RELEASE = (
    "image:\n  name: debian-12\n  sha256: '{0}'\n  size: 1\n  raw_size: 2\n  raw_sha256: '{0}'\n  root_uuid: 11-22\n"
).format("a" * 64)


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        kind, _, stem = name.partition("_")
        (directory / kind).mkdir(exist_ok=True)
        (directory / kind / f"{stem}.yaml").write_text(text)
    return directory


def test_a_name_defaults_to_the_files(tmp_path: Path) -> None:
    profiles = load_profiles(write(tmp_path, skus_lab=SKU, releases_r1=RELEASE))
    assert profiles.skus["lab"].name == "lab"
    assert profiles.releases["r1"].image.name == "debian-12"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("system_disk: {min_bytes: many}", "lab.yaml: system_disk.min_bytes: Input should be a valid integer"),
        ("system_disc: {}", "lab.yaml: "),
        ("- a list", "lab.yaml: a mapping of names to values is expected"),
        ("a: [", "lab.yaml: while parsing"),
        ("a: !!python/object/apply:os.system [true]", "lab.yaml: could not determine a constructor"),
        ("x: " + "y" * 300_000, "lab.yaml: longer than 262144 bytes"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadInput, match="^" + reason.replace(".", r"\.")):
        load_profiles(write(tmp_path, skus_lab=text))


def test_two_files_with_one_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="another file names lab too"):
        load_profiles(write(tmp_path, skus_lab=SKU, skus_other="name: lab\n" + SKU))
