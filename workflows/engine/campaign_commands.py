"""Commands about campaigns: one that would destroy the data of many nodes proposes one; others answer one by its id.

Theory of operation. A proposal previews every node, freezes the list, and creates the campaign's record under an id made of
the command's sequence; only then each member's request gets the ask, which is void without that record. A redelivered
command finds the record and goes on with its list, so a crash in between neither loses a node nor adds one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workflows.engine.campaign import Preview, answered, made
from workflows.engine.campaign_driver import announce
from workflows.engine.look import look
from workflows.engine.ports import Bus, Clock, Store
from workflows.engine.requests import ask_of, put_ask, refused
from workflows.model.campaign import MAX_MEMBERS, SELECTOR, Campaign, Member, MemberState, campaign_key
from workflows.model.command import Ask, Command, CommandOutcome, NodeAnswer, Verb
from workflows.model.desired import Desired
from workflows.model.errors import BadInput, Conflict, Refused
from workflows.model.keys import NodeKey
from workflows.model.run import Run
from workflows.model.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class CampaignCommands:
    """The command consumer's half that knows campaigns."""

    store: Store
    bus: Bus
    clock: Clock
    settings: SiteSettings
    preview: Preview

    async def propose(self, command: Command, targets: Sequence[Desired]) -> CommandOutcome:
        """Make one campaign of a command over many nodes; nodes that it can't be meant for are refused one by one.

        Raises:
            BadInput: more nodes than one campaign may have.
        """
        if len(targets) > MAX_MEMBERS:
            raise BadInput(f"{len(targets)} nodes are more than one campaign may have ({MAX_MEMBERS}): name fewer")
        campaign, refusals = await self._proposed(command, targets)
        if campaign is None:
            return _outcome(command, f"{command.verb} was taken for none of {len(targets)} nodes", refusals)
        for member in campaign.members:
            await self._put(member.node, ask_of(command, campaign=campaign.id))
            await self.bus.wake(member.node)
        answers = [
            NodeAnswer(node=m.node, label=m.label, accepted=True, text=f"wave {m.wave + 1} of {campaign.waves}")
            for m in campaign.members
        ]
        text = (
            f"campaign {campaign.id} over {len(answers)} of {len(targets)} nodes waits for approval: "
            f"bringup approve {SELECTOR}{campaign.id}"
        )
        return _outcome(command, text, [*answers, *refusals], campaign)

    async def answer(self, command: Command, campaign_id: str) -> CommandOutcome:
        """Apply a verb to a campaign.

        Raises:
            BadInput: there is none of that id.
        """
        key = campaign_key(self.settings.site, campaign_id)
        while True:
            value = await self.store.get(key) if campaign_id.isalnum() else None
            if value is None or value.data is None:
                raise BadInput(f"there is no campaign {campaign_id[:50]!r}: bringup campaign lists them")
            before = Campaign.decode(value.data)
            try:
                after = answered(before, command, self.clock.now(), self.settings)
            except Refused as error:
                return _outcome(command, str(error), [], before, accepted=False)
            if command.verb is Verb.RETRY:
                for member in after.members:
                    await self._ask_again(command, before, member)
            if after != before:
                try:
                    sequence = await self.store.put(key, after.encode(), expect=value.seq)
                except Conflict:
                    continue
                await announce(self.bus, after, sequence)
            return _outcome(command, f"campaign {after.id} is {after.state} now", [], after)

    async def _proposed(self, command: Command, targets: Sequence[Desired]) -> tuple[Campaign | None, list[NodeAnswer]]:
        """The campaign's record, made or found, and why the other nodes are not on its list."""
        campaign_id = f"c{command.sequence}"
        runs, refusals = [], []
        for desired in targets:
            would = await self._would(command, desired)
            if isinstance(would, Run):
                runs.append(would)
            else:
                refusals.append(NodeAnswer(node=desired.node, label=desired.label, accepted=False, text=would))
        known = await self.store.get(campaign_key(self.settings.site, campaign_id))
        if known.data is not None:
            campaign = Campaign.decode(known.data)
            return campaign, [r for r in refusals if campaign.member(r.node) is None]
        if not runs:
            return None, refusals
        proposal = Campaign(
            site=self.settings.site,
            id=campaign_id,
            workflow=runs[0].workflow,
            select=command.body.select[:200],
            asked_by=command.who,
            reason=command.body.reason,
            proposed_at=command.at,
            force=command.body.force,
            text=runs[0].caution,
            members=(),
            failures=1,
        )
        campaign = made(proposal, runs, self.settings)
        try:
            sequence = await self.store.put(campaign.key, campaign.encode(), expect=known.seq)
        except Conflict:
            return await self._proposed(command, targets)
        await announce(self.bus, campaign, sequence)
        return campaign, refusals

    async def _would(self, command: Command, desired: Desired) -> Run | str:
        view = await look(self.store, desired.node)
        return refused(command, view, self.settings) or self.preview.run(view, ask_of(command))

    async def _ask_again(self, command: Command, before: Campaign, member: Member) -> None:
        """The request of a member that is tried again: a new run where it failed, a word to the parked one."""
        was = before.member(member.node)
        if was is None or was.state not in (MemberState.FAILED, MemberState.STUCK):
            return
        if was.state is MemberState.STUCK:
            await self._put(member.node, ask_of(command, cause=member.cause))
            await self.bus.wake(member.node)
            return
        verb = Verb(before.workflow)
        await self._put(
            member.node,
            ask_of(command, campaign=before.id).model_copy(
                update={"verb": verb, "who": before.asked_by, "force": before.force}
            ),
        )

    async def _put(self, node: NodeKey, ask: Ask) -> None:
        while not await put_ask(self.store, node, ask):
            pass


def _outcome(
    command: Command,
    text: str,
    nodes: list[NodeAnswer],
    campaign: Campaign | None = None,
    *,
    accepted: bool | None = None,
) -> CommandOutcome:
    return CommandOutcome(
        sequence=command.sequence,
        verb=command.verb,
        who=command.who,
        accepted=campaign is not None if accepted is None else accepted,
        text=text,
        nodes=tuple(nodes),
        campaign=campaign.id if campaign is not None else None,
    )
