"""The configuration file: what is wrong is named, what is relative is relative to the file, and no secret stands in it."""

from pathlib import Path

import pytest
import yaml

from app.boot import listener
from app.config import CONFIG_VARIABLE, LOGIN_FILE, load_config
from workflows.model.errors import BadInput
from workflows.model.settings import Mode

pytestmark = pytest.mark.fast

GOOD = {
    "settings": {"site": "lab"},
    "yaml": {"directory": "inventory"},
    "profiles": "profiles",
    "secrets": "secrets",
    "data": "data",
}


def write(directory: Path, **changes: object) -> Path:
    file = directory / "site.yaml"
    file.write_text(yaml.safe_dump(GOOD | changes))
    return file


def test_a_fresh_install_observes_and_paths_are_below_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path))
    assert config.settings.mode is Mode.OBSERVE
    assert config.profiles == tmp_path / "profiles"
    assert config.yaml is not None
    assert config.yaml.directory == tmp_path / "inventory"


def test_a_configuration_written_down_is_the_same_again(tmp_path: Path) -> None:
    """What the demo leaves for a person who looks on."""
    config = load_config(write(tmp_path))
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert load_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"site": "Lab One"}}, "settings.site"),
        ({"settings": {"site": "lab", "mode": "yolo"}}, "settings.mode"),
        ({"surprise": 1}, "surprise"),
        ({"netbox": {"url": "http://x", "sync": {"sites": ["lab"]}}}, "one inventory"),
        ({"profiles": None}, "profiles"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load_config(write(tmp_path, **changes))


@pytest.mark.parametrize("text", ["- a\n", "{", "just words"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"site\.yaml"):
        load_config(file)


def test_no_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=CONFIG_VARIABLE):
        load_config(tmp_path / "missing.yaml")


def test_beside_up_its_url_and_login_are_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / LOGIN_FILE).write_text(
        yaml.safe_dump({"url": "nats://127.0.0.1:4", "who": "ann", "seed": "S"})
    )
    nats = load_config(write(tmp_path)).nats
    assert (nats.url, nats.login) == ("nats://127.0.0.1:4", tmp_path / "data" / LOGIN_FILE)


@pytest.mark.parametrize("where", ["8080", "fd:x", "127.0.0.1:http", ""])
def test_a_listener_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(BadInput, match="neither"):
        listener(where)
