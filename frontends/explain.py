"""What a word of bringup's means: exit codes, states, steps, verbs, errors, verdicts, as each is defined. Pure."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from frontends.plan import Known
from workflows.model import errors
from workflows.model.command import VERBS
from workflows.model.errors import BadInput, BringupError
from workflows.model.journal import Kind, Outcome
from workflows.model.status import NodeState
from workflows.model.verdict import Verdict

_STATES: Mapping[NodeState, tuple[str, str]] = {
    NodeState.IDLE: ("nothing is done, and nothing is due", "set the device to the start status"),
    NodeState.WOULD: ("the site or rack only observes: this would be done", "set its mode to supervised or automatic"),
    NodeState.RUNNING: ("a worker is at work on it", "nothing: bringup goes on by itself"),
    NodeState.WAITING: (
        "it waits for the world, with a reason and a deadline",
        "nothing; bringup stuck once it is late",
    ),
    NodeState.PARKED: ("it waits for a person: an approval, or what it must not guess", "approve, retry or cancel it"),
    NodeState.HELD: ("a person stopped it at a safe point", "unhold or cancel it"),
    NodeState.FAILED: ("its newest run failed, and left it as that run's end says", "mend the reason, then retry"),
    NodeState.IN_SERVICE: ("a run proved it on evidence and accepted it", "nothing"),
}
_VERDICTS: Mapping[Verdict, str] = {
    Verdict.PASS: "measured, and within what is expected",
    Verdict.WARN: "worth a look; accepted only where the profile permits it",
    Verdict.FAIL: "measured, and not as it must be: the node isn't accepted",
    Verdict.ERROR: "it could not be measured (a tool crashed, no answer): never a pass",
    Verdict.SKIP: "it was not measured, for a reason that is said: never a pass where it is required",
    Verdict.UNKNOWN: "the output says something that nobody knows: never a pass",
}
_EXITS: Mapping[str, tuple[str, str]] = {
    "0": ("done, or taken", "nothing"),
    "1": ("refused, by bringup or by what it asked", "the message says why and what to do"),
    "2": ("wrong usage", "bringup COMMAND --help"),
    "3": ("out of reach: NATS, a BMC, the inventory", "try later; bringup doctor tries each link"),
    "4": ("a person is needed", "the message says for what"),
    "5": ("done, but something in the answer isn't well", "look at what the answer marks"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one word means. ``kind``: what sort of word it is; ``then``: what to do, where something is to be done."""

    word: str
    kind: str
    says: str
    then: str = ""


def explain(word: str, known: Known) -> list[Meaning]:
    """All meanings of a word, whatever its case; a word can be a step and a verb.

    Raises:
        BadInput: nobody knows it; the message names what is spelled like it.
    """
    every = list(_meanings(known))
    wanted = word.strip().casefold().replace(" ", "-")
    found = [m for m in every if m.word.casefold() == wanted]
    if found:
        return found
    near = get_close_matches(wanted, sorted({m.word.casefold() for m in every}), n=4, cutoff=0.5)
    hint = f"; close to it: {', '.join(near)}" if near else "; bringup explain lists what there is"
    raise BadInput(f"{word[:60]!r} is no word of bringup's{hint}")


def everything(known: Known) -> list[Meaning]:
    """All of them, by kind and word."""
    return sorted(_meanings(known), key=lambda m: (m.kind, m.word))


def _meanings(known: Known) -> list[Meaning]:
    found = [Meaning(code, "exit code", *said) for code, said in _EXITS.items()]
    found += [Meaning(state.value, "state", *said) for state, said in _STATES.items()]
    found += [Meaning(verdict.value, "verdict", said) for verdict, said in _VERDICTS.items()]
    found += [
        Meaning(verb.value, "verb", rule.about, "it may destroy data or stop a machine" if rule.dangerous else "")
        for verb, rule in VERBS.items()
    ]
    found += [
        Meaning(
            step.name,
            "step",
            _first(inspect.getmodule(type(step))),
            f"at most {step.timeout}, {step.retry.attempts} tries",
        )
        for step in known.steps.values()
    ]
    found += [
        Meaning(flow.name, "workflow", flow.about, f"its steps: {', '.join(flow.steps)}")
        for flow in known.workflows.values()
    ]
    found += [
        Meaning(name, "error", _first(kind))
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, BringupError)
    ]
    found += [Meaning(outcome.value, "outcome", f"how a run ended: {outcome.value}") for outcome in Outcome]
    found += [Meaning(kind.value, "journal entry", said) for kind, said in ENTRIES.items()]
    return found


ENTRIES: Mapping[Kind, str] = {
    Kind.CLAIMED: "a worker took the node's lease and the run in hand",
    Kind.SESSION: "the worker opened a session of the BMC, which ends those of earlier claims",
    Kind.INTENT: "a step begins: the world was read, and stands here from before the act",
    Kind.DONE: "the step is done, by what the world shows",
    Kind.FAILED: "a try of the step failed; a final one fails the run",
    Kind.WAITING: "the run waits for the world, with a deadline",
    Kind.PARKED: "the run waits for a person",
    Kind.RESUMED: "a person let it go on",
    Kind.HELD: "a person stopped it",
    Kind.UNHELD: "a person let it go on after a hold",
    Kind.APPROVED: "a person approved exactly this",
    Kind.DENIED: "a person said no",
    Kind.CANCELLED: "a person, or a newer wish, ended it",
    Kind.SETTLED: "everything that the run arranged is released",
    Kind.FINISHED: "the run is over",
}


def _first(described: object) -> str:
    """The first paragraph of where it is described, without the name that a step's begins with."""
    doc = " ".join((inspect.getdoc(described) or "").split("\n\n")[0].split())
    return re.sub(r"^``\w+``: ", "", doc)
