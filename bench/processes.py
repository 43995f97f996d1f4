"""Whole processes, measured from outside by the operating system's own accounting."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

RUNS = 5
WARM_UP = 1
MEANT = (0, 1, 3)  # exit codes of runs that did their work: clean, findings, findings that are not all


class Measured(msgspec.Struct, frozen=True):
    """Medians over the runs: user plus system seconds of the process and its children, and its peak resident memory."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    exit_code: int


def measure(
    command: Sequence[str | Path], runs: int = RUNS, warm_up: int = WARM_UP, cwd: Path | None = None
) -> Measured:
    """Run a command several times, its output thrown away, and return the medians."""
    check(command, cwd)
    for _ in range(warm_up):
        _once(command, cwd)
    figures = [_once(command, cwd) for _ in range(runs)]
    return Measured(
        statistics.median(figure.cpu_s for figure in figures),
        statistics.median(figure.wall_s for figure in figures),
        max(figure.peak_mb for figure in figures),
        figures[-1].exit_code,
    )


def check(command: Sequence[str | Path], cwd: Path | None = None) -> None:
    """Run a command once and refuse to time one that crashes: a crash is quick."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, check=False)
    if b"Traceback" in done.stderr or done.returncode not in MEANT:
        raise RuntimeError(
            f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
        )


def _once(command: Sequence[str | Path], cwd: Path | None) -> Measured:
    before = os.times().elapsed
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = os.times().elapsed - before
    return Measured(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, process.returncode)
