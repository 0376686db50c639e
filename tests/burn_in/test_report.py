"""The report: verdict first, everything that a machine said escaped, nothing fetched from elsewhere."""

import json
import re
from html.parser import HTMLParser

import pytest

from burn_in.report.about import About
from burn_in.report.maps import heat_maps
from burn_in.report.page import as_json, as_page
from workflows.model.verdict import Action, BurnInReport, Check, Part, Span, Verdict

pytestmark = pytest.mark.fast
_ABOUT = About(node="gpu-001", serial="S1", sku="h100", run="lab.nb-1.g3", made="2026-11-25T10:00:00Z")
_GPUS = tuple(
    Check(
        id="nvlink.speed",
        entity=f"GPU-{n}",
        verdict=Verdict.PASS if n < 7 else Verdict.FAIL,
        measured=f"{26.5 if n < 7 else 13} GB/s",
        value=26.5 if n < 7 else 13.0,
        unit="GB/s",
        expected="at least 26.562 GB/s",
        source="NVIDIA",
        message="" if n < 7 else "is 13 GB/s, expected at least 26.562 GB/s",
        action=Action.NONE if n < 7 else Action.SERVICE,
        advice="" if n < 7 else "look at link 17",
        evidence="a" * 64,
    )
    for n in range(8)
)
_REPORT = BurnInReport(
    level="gate",
    checks=(*_GPUS, Check(id="mount.present", entity="/data", verdict=Verdict.PASS, measured="10.0.0.1:/data")),
    timeline=(Span(name="pci", started=100, seconds=1), Span(name="nvidia-smi", started=101, seconds=60, late=True)),
    versions={"NVIDIA driver": "580.105.08"},
    parts=tuple(
        Part(name=f"GPU {n}", place=f"0000:{n}b:00.0", serial=f"165{n}", aliases=(f"GPU-{n}", f"0000:{n}b:00"))
        for n in range(8)
    ),
    overrides=("h100-sxm: nccl_all_reduce_gbs is 440 by this site: case 1234",),
)


class _Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.words: list[str] = []
        self._quiet = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v or "" for name, v in attrs if name in ("src", "href", "data", "action")]
        self._quiet = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Its words, one blank between."""
        return " ".join(" ".join(self.words).split())


def test_the_verdict_comes_first_with_what_to_do_and_the_evidence() -> None:
    """Then the failure with its measured value, threshold and evidence; the passes are last."""
    text = _Page(as_page(_REPORT, _ABOUT)).text
    places = [
        text.index(words)
        for words in (
            "Not accepted at level gate",
            "service: have the part looked at",
            "What keeps it out of service",
            "is 13 GB/s, expected at least 26.562 GB/s",
            "a" * 64,
            "All checks",
            "10.0.0.1:/data",
        )
    ]
    assert places == sorted(places)
    assert "bringup does not try a fault of the hardware again" in text
    for words in ("case 1234", "580.105.08", "nvidia-smi, 60.0 s, killed at its deadline", "S1", "lab.nb-1.g3"):
        assert words in text


def test_the_page_is_whole_in_itself() -> None:
    """No script, no picture, no address; the policy forbids the rest."""
    page = as_page(_REPORT, _ABOUT)
    seen = _Page(page)
    assert not {"script", "link", "img", "iframe", "object", "a"}.intersection(seen.tags)
    assert seen.fetched == []
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|https?:", page)


def test_what_a_machine_says_is_only_shown() -> None:
    """In every field that a node fills."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>'\"&"
    check = Check(
        id=f"gpu.{evil}", entity=evil, verdict=Verdict.FAIL, measured=evil, expected=evil, source=evil, message=evil,
        action=Action.RMA, advice=evil, evidence=evil,
    )  # fmt: skip
    others = tuple(check.model_copy(update={"entity": f"{evil}{n}"}) for n in range(2))
    report = BurnInReport(
        level=evil,
        checks=others,
        versions={evil: evil},
        overrides=(evil,),
        timeline=(Span(name=evil, started=0, seconds=1),),
    )
    about = About(**{name: evil for name in About.model_fields if name != "attempt"})
    page = _Page(as_page(report, about))
    assert not {"script", "img"}.intersection(page.tags)
    assert evil in page.text


def test_the_map_shows_each_gpu_beside_its_sisters() -> None:
    """The bad one by its verdict, the value in the cell; the worst row comes first."""
    good = tuple(c.model_copy(update={"id": "gpu.memory", "verdict": Verdict.PASS}) for c in _GPUS)
    (gpus,) = heat_maps(_REPORT.model_copy(update={"checks": (*good, *_GPUS)}))
    assert [p.name for p in gpus.parts] == [f"GPU {n}" for n in range(8)]
    assert [name for name, _ in gpus.rows] == ["nvlink.speed", "gpu.memory"]
    cells = dict(gpus.rows)["nvlink.speed"]
    assert [(c.verdict, c.text) for c in cells if c][-1] == (Verdict.FAIL, "13")


def test_one_gpu_under_three_names_is_one_column() -> None:
    """The kernel calls it by its address, DCGM by its number, nvidia-smi by its UUID."""
    others = (
        Check(id="gpu.xid", entity="0000:3b:00", verdict=Verdict.FAIL),
        Check(id="dcgm.memory", entity="GPU 3", verdict=Verdict.PASS),
    )
    (gpus,) = heat_maps(_REPORT.model_copy(update={"checks": (*others, *_GPUS)}))
    assert len(gpus.parts) == 8
    assert [n for n, cell in enumerate(dict(gpus.rows)["gpu.xid"]) if cell] == [3]
    text = _Page(as_page(_REPORT, _ABOUT)).text
    assert "GPU 7 (0000:7b:00.0, serial 1657, GPU-7) is 13 GB/s" in text


def test_one_part_is_no_map() -> None:
    """Nothing to lay beside it."""
    assert heat_maps(BurnInReport(level="gate", checks=_GPUS[:1])) == ()


def test_the_json_says_the_same_with_stable_names() -> None:
    """For programs."""
    said = json.loads(as_json(_REPORT, _ABOUT))
    assert (said["accepted"], said["action"], said["level"]) == (False, "service", "gate")
    assert said["counts"] == {"pass": 8, "warn": 0, "fail": 1, "error": 0, "skip": 0, "unknown": 0}
    assert said["about"]["serial"] == "S1"
    assert said["checks"][7]["advice"] == "look at link 17"
    assert BurnInReport(level="gate", checks=tuple(Check(**c) for c in said["checks"])).checks == _REPORT.checks


@pytest.mark.parametrize("report", [BurnInReport(level="gate"), BurnInReport(level="gate", checks=_GPUS[:7])])
def test_an_empty_report_is_not_accepted_and_a_good_one_asks_for_nothing(report: BurnInReport) -> None:
    """Both are pages."""
    text = _Page(as_page(report, _ABOUT)).text
    assert ("Not accepted" in text) is (not report.checks)
    assert ("What keeps it out of service" in text) is False
    assert ("no check ran" in text) is (not report.checks)
