"""Protections of the boot service: who gets a script, who takes a grant, which disk, which token, which host key."""

from tests.mutations.mutation import Mutation

_CLAIMS = "tests/boot/test_claims.py::"
_SCRIPTS = "tests/boot/test_scripts.py::"
_SERVICE = "tests/boot/test_service.py::"
_TOKEN = "tests/boot/test_token.py::"

BOOT = (
    Mutation(
        "a grant never goes back",
        ("22", "L4"),
        "workflows/model/grant.py",
        "    GrantState.TAKEN: frozenset({GrantState.REPORTED}),\n",
        "    GrantState.TAKEN: frozenset({GrantState.REPORTED, GrantState.OPEN}),\n",
        "tests/workflows/test_grant.py",
    ),
    Mutation(
        "a grant is taken once",
        ("22", "23", "L4"),
        "boot/claims.py",
        "(holder.nonce, holder.address) == (machine.nonce, machine.address)",
        "True",
        f"{_CLAIMS}test_a_second_claimant_is_refused_and_the_grant_stays_with_the_first",
    ),
    Mutation(
        "only the boot that took a grant reports",
        ("22", "23"),
        "boot/claims.py",
        "        if grant.machine is None or grant.machine.nonce != nonce:\n            raise Denied(HTTPStatus.CONFLICT, SECOND",
        "        if grant.machine is None:\n            raise Denied(HTTPStatus.CONFLICT, SECOND",
        f"{_CLAIMS}test_another_boot_can_not_report",
    ),
    Mutation(
        "a grant has a deadline",
        ("22", "23"),
        "boot/claims.py",
        "        if await store.now() > grant.deadline:\n",
        "        if False:\n",
        f"{_CLAIMS}test_a_grant_past_its_deadline_is_not_given",
    ),
    Mutation(
        "a grant is for one machine",
        ("16", "L4"),
        "boot/claims.py",
        "        if wrong is not None:\n",
        "        if False:\n",
        f"{_CLAIMS}test_another_machine_never_takes_it",
    ),
    Mutation(
        "a grant needs a live run",
        ("1", "22", "L4"),
        "boot/claims.py",
        "        await require_live(store, claim)\n",
        "",
        "tests/safety/test_overtaken.py"
        "::test_a_grant_that_an_overtaken_worker_opens_after_its_run_was_cancelled_wipes_nothing",
    ),
    Mutation(
        "a grant needs a run that is not parked",
        ("L4", "L6"),
        "boot/live_run.py",
        "    if (state.beneath or state).phase not in _LIVE:",
        "    if False:",
        f"{_CLAIMS}test_a_grant_whose_run_waits_for_no_machine_is_nobodys",
    ),
    Mutation(
        "a grant needs a run at exactly these steps",
        ("L4",),
        "boot/live_run.py",
        "    if not asked_for:\n",
        "    if False:\n",
        f"{_CLAIMS}test_a_grant_of_a_run_that_has_not_come_to_it_yet_is_nobodys",
    ),
    Mutation(
        "exactly one disk fits",
        ("L4", "L6"),
        "boot/claims.py",
        "    if len(matching) == 1 and sum(",
        "    if len(matching) >= 1 and sum(",
        f"{_CLAIMS}test_no_disk_or_two_disks_that_match_leave_the_grant_open_and_list_what_is_there",
    ),
    Mutation(
        "a disk's id is its own",
        ("L4", "L6"),
        "boot/claims.py",
        "    if len(matching) == 1 and sum(disk.id == matching[0].id for disk in machine.disks) == 1:\n",
        "    if len(matching) == 1:\n",
        f"{_CLAIMS}test_no_disk_or_two_disks_that_match_leave_the_grant_open_and_list_what_is_there",
    ),
    Mutation(
        "no open grant, local boot",
        ("19", "L4"),
        "boot/scripts.py",
        "g.state is GrantState.OPEN and now",
        "now",
        f"{_SCRIPTS}test_a_grant_that_is_not_open_boots_the_disk",
    ),
    Mutation(
        "a grant past its deadline, local boot",
        ("22", "L4"),
        "boot/scripts.py",
        "now <= g.deadline and",
        "",
        f"{_SCRIPTS}test_a_grant_past_its_deadline_boots_the_disk",
    ),
    Mutation(
        "a grant for another board, local boot",
        ("16", "L4"),
        "boot/scripts.py",
        " and _may_ask(g, who)]",
        "]",
        f"{_SCRIPTS}test_a_grant_for_another_board_boots_the_disk",
    ),
    Mutation(
        "store out of reach, local boot in the end",
        ("L4", "L10"),
        "templates/ipxe/boot.ipxe.j2",
        "iseq ${tries} 20 ",
        "iseq ${tries} 200 ",
        f"{_SCRIPTS}test_a_machine_asks_again_for_a_while_and_then_boots_its_disk",
    ),
    Mutation(
        "a watch that is behind makes nobody a stranger",
        ("6",),
        "boot/scripts.py",
        "            await self.read_again()\n",
        "            pass\n",
        f"{_SCRIPTS}test_a_node_that_the_index_has_not_heard_of_yet_is_looked_up_before_it_is_a_stranger",
    ),
    Mutation(
        "all identifiers fit one node",
        ("16",),
        "boot/identity.py",
        "if all(n in o for o in owners) and _fits(",
        "if _fits(",
        f"{_SCRIPTS}test_identifiers_of_two_machines_get_no_grant",
    ),
    Mutation(
        "a token is bound to node, cause and attempt",
        ("23",),
        "boot/token.py",
        '        text = f"{purpose}:{claim.node}:{claim.cause}:{claim.attempt}"\n'
        '        key = secret_field(self.secrets, SECRET, "key").encode()\n'
        '        return f"{text}:{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"',
        '        text = f"{purpose}:{claim.node}:{claim.cause}:{claim.attempt}"\n'
        '        key = secret_field(self.secrets, SECRET, "key").encode()\n'
        '        return f"{text}:{hmac.new(key, b"", hashlib.sha256).hexdigest()}"',
        f"{_TOKEN}test_a_token_changed_in_any_part_is_refused",
    ),
    Mutation(
        "a token is compared",
        ("23",),
        "boot/token.py",
        "        if not hmac.compare_digest(self.issue(purpose, claim), token):\n",
        "        if False:\n",
        f"{_TOKEN}test_another_sites_token_is_refused",
    ),
    Mutation(
        "phone-home shows the grant's host key",
        ("23",),
        "boot/agent_calls.py",
        "        if body.host_key.split()[:2] != grant.report.host_key.split()[:2]:\n",
        "        if False:\n",
        f"{_SERVICE}test_phone_home_with_another_host_key_is_refused_and_told",
    ),
    Mutation(
        "the agent's calls are HTTPS only",
        ("23",),
        "boot/service.py",
        '        app.add_routes(\n            [\n                web.get("/boot.ipxe"',
        '        app.add_routes(self._calls.routes())\n        app.add_routes(\n            [\n                web.get("/boot.ipxe"',
        f"{_SERVICE}test_the_agents_calls_are_not_served_over_plain_http",
    ),
    Mutation(
        "a go needs the store's acknowledgement",
        ("12", "L4"),
        "boot/claims.py",
        "    except Conflict:\n        return False\n    return True\n",
        "    except Conflict:\n        return False\n    except Transient:\n        return True\n    return True\n",
        f"{_SERVICE}test_no_go_without_the_stores_acknowledgement",
    ),
    Mutation(
        "a machine's body is bounded",
        ("7",),
        "boot/service.py",
        "        app = web.Application(client_max_size=MAX_BODY, middlewares=[refuse_plainly])\n"
        "        app.add_routes([*self._calls.routes()",
        "        app = web.Application(client_max_size=1 << 30, middlewares=[refuse_plainly])\n"
        "        app.add_routes([*self._calls.routes()",
        f"{_SERVICE}test_a_bad_body_gets_one_sentence",
    ),
    Mutation(
        "held, a run gives what it gave before",
        ("L4", "L6"),
        "boot/live_run.py",
        "    if (state.beneath or state).phase not in _LIVE:",
        "    if state.phase not in (*_LIVE, Phase.HELD):",
        f"{_CLAIMS}test_a_grant_whose_run_waits_for_no_machine_is_nobodys",
    ),
    Mutation(
        "a grant is changed by compare-and-set",
        ("22", "23", "L4"),
        "boot/claims.py",
        "    try:\n        await store.put(value.key, grant.encode(), expect=value.seq)\n    except Conflict:\n"
        "        return False\n    return True\n",
        "    while True:\n        try:\n"
        "            await store.put(value.key, grant.encode(), expect=(await store.get(value.key)).seq)\n"
        "            return True\n        except Conflict:\n            continue\n",
        f"{_CLAIMS}test_of_many_claimants_at_once_one_wins",
    ),
    Mutation(
        "a grant that ended is for nobody",
        ("22", "L4"),
        "boot/claims.py",
        "        if grant.state is not GrantState.OPEN:\n",
        "        if False:\n",
        f"{_CLAIMS}test_a_grant_that_ended_is_never_given_again",
    ),
    Mutation(
        "a token is for one purpose",
        ("23",),
        "boot/token.py",
        "self.issue(purpose, claim)",
        'self.issue(Purpose(found["purpose"]), claim)',
        f"{_TOKEN}test_an_agents_token_is_no_phone_home_token",
    ),
)
