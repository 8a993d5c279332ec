"""Starts commands and measures them: a line of JSON in, a line of JSON out, one command at a time.

A process of its own, because Linux counts towards a child's peak memory what its parent held when the child was started: from
a test that holds a movie, every command would seem to need as much. It imports next to nothing for the same reason.
"""

import json
import os
import signal
import sys
import time


def measure(command, environment, folder, out, err, timeout_s):
    """Runs a command to its end, or kills it when its time is up."""
    inherited = os.getcwd()
    os.chdir(folder)
    started = time.monotonic()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o600),
    ]
    child = os.posix_spawnp(command[0], command, environment, file_actions=files)
    timed_out = False

    def kill(*_):
        nonlocal timed_out
        timed_out = True
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _, status, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.chdir(inherited)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "wall_s": time.monotonic() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "rss_mb": usage.ru_maxrss / 1024,
        "timed_out": timed_out,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(measure(**json.loads(line))), flush=True)
