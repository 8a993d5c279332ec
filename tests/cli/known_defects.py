"""Tests of behaviour that fovflow doesn't have yet, each with what is wrong. They run, and have to fail: one that passes fails the
suite, so that it leaves this list with the fix. Those whose outcome hangs on the moment of a signal or on the machine may pass."""

import pytest

KNOWN = {
    "test_a_setting_that_is_not_utf_8_is_not_passed_over": "a FOVFLOW__ variable that is not UTF-8 is ignored without a word",
    "test_output_that_is_lost_is_an_error[inspect {}]": "a full standard output does not change the exit code",
    "test_output_that_is_lost_is_an_error[inspect {} --json]": "a full standard output does not change the exit code",
    "test_output_that_is_lost_is_an_error[config init]": "a full standard output does not change the exit code",
    "test_output_that_is_lost_is_an_error[config check {}]": "a full standard output does not change the exit code",
    "test_more_workers_than_threads": "from 512 stages at once all threads that may block wait for one of their own: the run hangs",
    "test_log_lines_are_json": "with --log-format json the last error is still plain text",
    "test_simulate_does_not_write_over_a_movie": "simulate replaces a file that exists",
    "test_a_demo_that_is_cancelled_says_so": "a demo that is cancelled while it processes looks for its table and exits as if it had failed",
    "test_a_demo_that_was_killed_leaves_nothing_half_written": "a demo that is killed while it simulates leaves its temporary file",
}


TIMED = ("test_a_demo_", "test_more_workers_", "test_a_setting_")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name in KNOWN:
            item.add_marker(pytest.mark.xfail(reason=KNOWN[item.name], strict=not item.name.startswith(TIMED)))
