"""Protections at the edges: the store's server, webhooks, commands, BMC credentials, evidence, processes."""

from tests.mutations.mutation import Mutation

_GATE = "tests/burn_in/test_gate.py::"
_WEBHOOK = "tests/inventory_sync/test_webhook.py::"

EDGES = (
    Mutation(
        "the server refuses an append without the lease",
        ("1", "12", "L2"),
        "workflows/jetstream/store.py",
        '            "Nats-Expected-Last-Subject-Sequence": str(guard.seq),\n'
        '            "Nats-Expected-Last-Subject-Sequence-Subject": _subject(guard.lease_key),\n',
        "",
        "tests/contract/test_store.py::test_a_stale_holder_writes_nothing",
    ),
    Mutation(
        "a run is created once, by the server's word",
        ("3", "12", "L7"),
        "workflows/jetstream/store.py",
        '        headers = {"Nats-Expected-Last-Subject-Sequence": str(expect)}\n',
        "        headers: dict[str, str] = {}\n",
        "tests/contract/test_store.py::test_a_run_is_created_once",
    ),
    Mutation(
        "a webhook is signed",
        ("7",),
        "inventory_sync/webhook.py",
        '    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))',
        "    return True",
        f"{_WEBHOOK}test_a_wrong_signature_leaves_no_trace",
    ),
    Mutation(
        "a webhook without a length is bounded",
        ("7",),
        "inventory_sync/webhook.py",
        "    app = web.Application(client_max_size=MAX_BODY)\n",
        "    app = web.Application(client_max_size=1 << 30)\n",
        f"{_WEBHOOK}test_a_long_body_without_a_length_is_refused_too",
    ),
    Mutation(
        "a command's body is bounded",
        ("7",),
        "workflows/model/command.py",
        "    if len(data) > MAX_BODY:\n",
        "    if False:\n",
        "tests/workflows/test_bounds.py::test_a_command_that_is_too_long_is_refused_by_its_length",
    ),
    Mutation(
        "who a command is for is believed from some only",
        ("17", "L8"),
        "workflows/model/command.py",
        "    if body.person is not None and who not in trusted:\n",
        "    if False:\n",
        "tests/workflows/test_runs.py::test_bad_commands_get_one_sentence_and_a_place_in_dead",
    ),
    Mutation(
        "a refused credential is never sent again",
        ("18",),
        "workflows/drivers/breaker.py",
        "        if self._refused == _digest(username, password):\n",
        "        if False:\n",
        "tests/drivers_bmc/test_redfish_faults.py::test_a_wrong_password_is_sent_once_by_all_together",
    ),
    Mutation(
        "a BMC of unknown origin gets no credential",
        ("18", "23"),
        "workflows/drivers/redfish/tls.py",
        "        return ssl.create_default_context(cafile=ca)\n",
        "        return ssl._create_unverified_context()\n",
        "tests/drivers_bmc/test_redfish_faults.py::test_a_certificate_of_unknown_origin_gets_no_credential",
    ),
    Mutation(
        "a missing bundle is an error",
        ("L10",),
        "burn_in/gate.py",
        '                checks.append(error(f"{probe}.bundle", "", f"the probe {probe} left no bundle"))\n',
        "",
        f"{_GATE}test_missing_bundle_is_an_error",
    ),
    Mutation(
        "a bundle that can't be read is an error",
        ("L10",),
        "burn_in/gate.py",
        '                checks.append(error(f"{probe}.bundle", "", str(refused), kept))\n',
        "",
        f"{_GATE}test_broken_evidence_is_an_error",
    ),
    Mutation(
        "a node of another driver than its release's doesn't come to its burn-in",
        ("L10",),
        "workflows/provision.py",
        '        "verify_software",\n',
        "",
        "tests/workflows/test_verify_software.py::"
        "test_another_driver_than_the_releases_ends_the_run_before_its_burn_in",
    ),
    Mutation(
        "a release whose software can't work on the sku is a problem of the node",
        ("L10",),
        "inventory_sync/profiles.py",
        "return profile, software_problems(profile.sku, profile.release)",
        "return profile, []",
        "tests/inventory_sync/test_project.py::test_a_release_whose_driver_does_not_fit_the_sku_is_a_problem_of_the_node",
    ),
    Mutation(
        "an empty report never accepts",
        ("L10",),
        "workflows/model/verdict.py",
        "        return bool(self.checks) and all(",
        "        return all(",
        "tests/workflows/test_bounds.py::test_a_report_without_a_check_accepts_nothing",
    ),
    Mutation(
        "a signed body is a hook or is refused",
        ("7",),
        "inventory_sync/webhook.py",
        '        raise BadInput("the body is JSON, but no NetBox hook: object_type and data.id are expected")\n',
        "        return None\n",
        "tests/inventory_sync/test_hook.py::test_a_signed_body_that_is_no_hook_is_refused_and_not_passed_over",
    ),
    Mutation(
        "an output that was cut short is not whole",
        ("20", "L10"),
        "burn_in/bundle.py",
        "self.rc == 0 and not self.timed_out and not self.truncated",
        "self.rc == 0 and not self.timed_out",
        f"{_GATE}test_an_output_that_was_cut_short_is_not_whole_whatever_its_exit_status",
    ),
    Mutation(
        "a play dies with its worker",
        ("9", "10"),
        "workflows/drivers/ansible/supervisor.py",
        "        poll.register(0, select.POLLIN | select.POLLHUP)\n",
        "",
        "tests/drivers_ansible/test_supervisor.py::test_killed_worker_takes_everything_with_it",
    ),
)
