"""Each role says what it takes, has a comment at each default, and its README is what its specification says."""

import re
import runpy

import pytest

from tests.project.tree import ROOT

pytestmark = pytest.mark.fast

PAGES = runpy.run_path(str(ROOT / "setup" / "role_pages.py"))
ROLES = PAGES["specified"]()


def test_every_role_has_a_specification() -> None:
    assert {role.name for role in ROLES} == {p.parent.name for p in (ROOT / "roles").glob("*/tasks")}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_its_page_is_in_step(role: object) -> None:
    assert (ROOT / "roles" / role.name / "README.md").read_text() == PAGES["page"](role), (  # type: ignore[attr-defined]
        "python setup/role_pages.py writes it anew"
    )


@pytest.mark.parametrize("file", sorted((ROOT / "roles").glob("*/defaults/main.yml")), ids=lambda f: f.parts[-3])
def test_each_default_says_why(file: object) -> None:
    blocks = re.split(r"\n\s*\n", file.read_text().strip())  # type: ignore[attr-defined]
    assert [block for block in blocks if not block.startswith("#")] == []


def test_no_signature_goes_unchecked() -> None:
    off = re.compile(
        r"gpgcheck: *(false|no)|trusted=yes|allow_unauthenticated|force-yes|--nogpgcheck|disable_gpg_check"
    )
    assert [f.name for f in (ROOT / "roles").rglob("*") if f.is_file() and off.search(f.read_text())] == []
