"""The README of each role, from its own specification: ``python setup/role_pages.py`` writes them anew."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
_EVERY_SPEC = "meta/argument_specs.yml"


def specified(roles: Path = ROLES) -> list[Path]:
    """The roles that say what they are and what they take."""
    return sorted(spec.parents[1] for spec in roles.glob(f"*/{_EVERY_SPEC}"))


def page(role: Path) -> str:
    """The README of a role: what it does, and each variable with its type, its default as it is written, and its meaning."""
    main = _read(role / _EVERY_SPEC)["argument_specs"]["main"]
    defaults = _read(role / "defaults/main.yml") if (role / "defaults/main.yml").exists() else {}
    paragraphs = [str(text).strip() for text in main.get("description", [f"{main['short_description']}."])]
    lines = [
        f"# {role.name}",
        "",
        "<!-- Written by setup/role_pages.py from meta/argument_specs.yml and the defaults. -->",
    ]
    for paragraph in paragraphs:
        lines += ["", paragraph]
    if options := main.get("options", {}):
        lines += ["", "| variable | type | default | what |", "|---|---|---|---|"]
        lines += [row for name, option in options.items() for row in _rows(name, option, defaults)]
    return "\n".join(lines) + "\n"


def _rows(name: str, option: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
    default = defaults.get(name, option.get("default"))
    shown = "required" if option.get("required") else "" if default is None else f"`{_short(default)}`"
    choices = f" One of {', '.join(map(str, option['choices']))}." if "choices" in option else ""
    yield f"| `{name}` | {kind} | {shown} | {' '.join(str(option['description']).split())}{choices} |"
    for inner, inside in option.get("options", {}).items():
        yield from _rows(f"{name}.{inner}", inside, {})


def _short(value: Any) -> str:
    """A default in one line; a bar would end the cell."""
    text = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return " ".join(text.removesuffix("...").split()).replace("|", "\\|") or '""'


def _read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict), path
    return content


def main() -> None:
    """Write all of them."""
    for role in specified():
        (role / "README.md").write_text(page(role))


if __name__ == "__main__":
    main()
