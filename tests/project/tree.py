"""The project's own files, as a clone has them: what git ignores is no part of it."""

import fnmatch
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("workflows", "inventory_sync", "boot", "burn_in", "frontends", "app", "lab")


def files() -> Iterator[Path]:
    """Every file of the project."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split() if line] + [".git"]
    yield from _files(ROOT, ignored)


def modules() -> Iterator[Path]:
    """Every module of ours that ships."""
    for package in CODE:
        yield from sorted((ROOT / package).rglob("*.py"))


def text(file: Path) -> str:
    """Its text; empty where it is no text."""
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return ""


def _files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _files(path, ignored)
        else:
            yield path
