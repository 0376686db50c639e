"""Tokens are bound to node, cause, attempt and purpose, and to the site's key."""

import pytest

from boot.token import Claim, Purpose, Tokens
from tests.boot.conftest import CLAIM, Site
from workflows.drivers.secrets import MappingSecrets
from workflows.model.errors import BadInput

pytestmark = pytest.mark.fast


def test_a_token_speaks_for_its_claim(site: Site) -> None:
    assert site.tokens.check(Purpose.AGENT, site.token()) == CLAIM


@pytest.mark.parametrize(("old", "new"), [("lab.n1", "lab.n2"), (":g1:", ":g2:"), (":1:", ":2:"), ("agent:", "home:")])
def test_a_token_changed_in_any_part_is_refused(site: Site, old: str, new: str) -> None:
    changed = site.token().replace(old, new, 1)
    with pytest.raises(BadInput):
        site.tokens.check(Purpose.HOME if new == "home:" else Purpose.AGENT, changed)


def test_an_agents_token_is_no_phone_home_token(site: Site) -> None:
    with pytest.raises(BadInput):
        site.tokens.check(Purpose.HOME, site.token())


def test_another_sites_token_is_refused(site: Site) -> None:
    foreign = Tokens(MappingSecrets({"BRINGUP_SECRET_BOOT_TOKEN": '{"key": "another"}'}))
    with pytest.raises(BadInput):
        site.tokens.check(Purpose.AGENT, foreign.issue(Purpose.AGENT, CLAIM))


@pytest.mark.parametrize("text", ["", "x" * 10_000, "agent:lab.n1:g1:1:" + "é" * 64, "agent:lab.n1:g1:0:" + "a" * 64])
def test_what_is_no_token_is_refused(site: Site, text: str) -> None:
    with pytest.raises(BadInput):
        site.tokens.check(Purpose.AGENT, text)


def test_a_claim_names_its_grant() -> None:
    assert Claim("lab.n1", "c7", 2).grant_key == "grant.lab.n1.c7.2"
