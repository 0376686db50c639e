"""The escalation ladder: what is done to a machine or BMC that does not move, before its step is tried again (failure 15).

Theory of operation. A BMC answers "204 OK" and does nothing, keeps no override, or hangs; a machine never comes out of its
POST. Reading back shows it. Asking again often helps; sometimes only power off and on, or a restart of the BMC, does. A step
names its rungs in ``Retry.rungs``, one for each try after the first; when they are used up a person is asked, who finds each
failure with its evidence, and what was done next, in the journal.

A rung is climbed after the intent of its try was journaled, and after ``verify`` has seen that it is still needed: a worker
that dies in between is followed by one that looks first. Off and on is what ``deploy`` does at each try, with a new grant; a
restart of the BMC is done here. It is never done while a machine has taken a grant: that one may be writing its disk, and on
some servers a BMC that starts takes the machine with it.

A restart ends all sessions of the BMC and leaves it silent for minutes. So it is a try of its own: it ends the claim, and
the next one comes ``BMC_SILENCE`` later, with a session of its own.
"""

from datetime import timedelta

from workflows.engine.step import Context, Rung
from workflows.model.errors import Transient, Unsupported
from workflows.model.grant import GrantState

#: How long a BMC is left alone after its restart: a minute or more by the design; large servers' take up to five.
BMC_SILENCE = timedelta(minutes=5)


async def climb(rung: Rung, ctx: Context) -> None:
    """Do what the rung asks besides the step's own act, which follows.

    Raises:
        Transient: the BMC was restarted, or can't be: this try is over.
    """
    if rung is not Rung.RESET:
        return
    grants = await ctx.grants.all()
    if grants and grants[-1][0].state is GrantState.TAKEN:
        return
    try:
        await ctx.bmc.reset_bmc()
    except Unsupported as error:
        raise Transient(f"the BMC can't be restarted: {error}") from None
    raise Transient("the BMC was restarted, because it answered and nothing moved")
