"""What a person asks for on the page: shown first as it would be, then sent as the same command that the CLI sends.

Theory of operation. A preview names what the person sees (the node's newest run, the digest of what would be approved); the
page sends exactly that back, so a command about something that changed in between is refused by its consumer, not here.
The person's rights are checked at the preview, to say so early, and again at the command, which is what counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from frontends.live import LiveSite
from frontends.plan import Known, plan_node
from frontends.read_model import NodeView
from frontends.send import PATIENCE, as_seen, send
from frontends.site import ConnectedSite
from frontends.web.session import Signed
from workflows.engine.selector import select
from workflows.model.campaign import Campaign, campaign_of
from workflows.model.command import VERBS, CommandBody, CommandOutcome, Verb
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Refused
from workflows.model.keys import Cause
from workflows.model.profile import Sha256
from workflows.model.record import Json, Record

_NAMED = 12


class Asked(Record):
    """What the page sends: the command, and what its sender saw when he confirmed it."""

    verb: Verb
    select: str = Field(min_length=1, max_length=60_000)
    reason: str = Field(default="", max_length=1000)
    force: bool = False
    after: Cause | None = None
    digest: Sha256 | None = None


@dataclass(frozen=True, slots=True)
class Actions:
    """Previews and sends; ``site.who`` is the page's own login, whose ``for`` the command consumer believes."""

    site: ConnectedSite
    live: LiveSite
    known: Known

    def preview(self, signed: Signed, asked: Asked) -> dict[str, Json]:
        """What the command would do, and why this person may not send it, if so.

        Raises:
            BadInput: the selector names nobody, or is no selector.
        """
        targets, campaign = self._targets(asked.select)
        views = [v for t in targets if (v := self.live.view(t.node)) is not None]
        rule = VERBS[asked.verb]
        body = CommandBody(select=asked.select)
        seen: Campaign | None = campaign
        if rule.dangerous and seen is not None:
            body = as_seen(body, asked.verb, seen)
        elif rule.dangerous and len(views) == 1:
            body = as_seen(body, asked.verb, views[0].status)
        many = rule.starts is not None and rule.dangerous and len(targets) >= self.site.settings.campaign_from
        return {
            "verb": asked.verb.value,
            "select": asked.select,
            "about": rule.about,
            "destroys": rule.starts is not None and rule.dangerous,
            "count": len(targets),
            "nodes": [{"id": v.desired.node, "name": v.desired.label, "why": v.why} for v in views[:_NAMED]],
            "says": self._says(asked.verb, views, campaign, many),
            "steps": self._steps(views) if rule.starts is not None and len(views) == 1 else [],
            "refusal": signed.person.refusal(asked.verb, targets, asked.force),
            "after": body.after,
            "digest": body.digest,
        }

    async def command(self, signed: Signed, asked: Asked) -> CommandOutcome:
        """Send it in the person's name, and wait for what came of it.

        Raises:
            Refused: this person may not.
            BadInput: the selector names nobody, or is no selector.
            Unreachable: it is stored, but nobody answered in time.
        """
        targets, _ = self._targets(asked.select)
        if refusal := signed.person.refusal(asked.verb, targets, asked.force):
            raise Refused(refusal)
        body = CommandBody.model_validate(
            {**asked.model_dump(exclude={"verb"}, exclude_defaults=True), "for": signed.name}
        )
        return await send(self.site, asked.verb, body, PATIENCE)

    def _targets(self, selector: str) -> tuple[Sequence[Desired], Campaign | None]:
        name = campaign_of(selector)
        if name is None:
            return select(selector, self.live.desired()), None
        campaign = self.live.campaigns.get(name)
        if campaign is None:
            raise BadInput(f"there is no campaign {name[:50]!r}")
        members = {m.node for m in campaign.members}
        return [d for d in self.live.desired() if d.node in members], campaign

    def _says(self, verb: Verb, views: Sequence[NodeView], campaign: Campaign | None, many: bool) -> str:
        """The one sentence above the button."""
        if campaign is not None:
            return f"{campaign.workflow} of {len(campaign.members)} nodes, asked for by {campaign.asked_by}"
        if many:
            return "It becomes one campaign: nothing starts before a person has approved the whole list"
        if len(views) == 1 and VERBS[verb].starts is None:
            return views[0].why
        if len(views) == 1 and VERBS[verb].dangerous and views[0].status.accepted_run:
            return "The node is in service: its run waits for an approval before anything is touched"
        return ""

    def _steps(self, views: Sequence[NodeView]) -> list[Json]:
        plan = plan_node(views[0], self.site.settings, self.known)
        return [{"step": name, "destroys": bool(destroys)} for name, destroys, _, _ in plan.steps]
