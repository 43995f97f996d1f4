"""transom watch: a cluster in; findings that appear and vanish out, as they happen."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, add_rule_arguments, command_parser
from transom.cli.clusters import add_cluster_arguments, names_cluster, seconds
from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.inventory.live import Followed, LiveInventory, Step
    from transom.model.turns import State, Verdict
    from transom.report.summary import Report
    from transom.scan import ScanOptions
    from transom.verdicts import Verdicts

TAKE_S = 0.5  # how long a signal may wait to be seen
LONGEST_PAUSE_S = 2.0  # between digests: after each as long as it took, so that half of a core is left to others
EXAMPLES = """\
  transom watch                                        the cluster of the current context
  transom watch cluster:prod -n shop -o jsonl          one namespace, for a machine
  transom watch --present --for 10m                    what is there now as well; for ten minutes

Ends on Ctrl-C and SIGTERM, with exit code 0. A cluster that cannot be reached at the start is exit code 3; later it is told,
and tried again for as long as it takes.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("watch", "Tell of findings that appear and vanish in a cluster, as it happens.", EXAMPLES)
    made.add_argument("target", metavar="cluster[:CONTEXT]", nargs="?", default="cluster", help="the cluster to watch")
    made.add_argument("-o", "--output", choices=("lines", "jsonl"), default="lines", help="lines (default) or jsonl")
    made.add_argument("--present", action="store_true", help="tell first what is there at the beginning")
    made.add_argument(
        "--for", dest="for_s", metavar="TIME", type=seconds, default=0.0, help="end after a time, like 10m"
    )
    made.add_argument(
        "--only", metavar="WINDOW", action="append", default=[], help="look through this window only (repeatable)"
    )
    made.add_argument(
        "--pod-security", metavar="LEVEL[@VERSION]", help="judge as Pod Security admission does, and nothing else"
    )
    made.add_argument("--no-exceptions", action="store_true", help="report also what files declare acceptable")
    namespaces = made.add_mutually_exclusive_group()
    namespaces.add_argument(
        "-n", "--namespace", metavar="NS", help="watch this namespace only, and nothing cluster-wide"
    )
    namespaces.add_argument("-A", "--all-namespaces", action="store_true", help="watch all namespaces (the default)")
    made.add_argument(
        "-l", "--selector", metavar="SELECTOR", help="judge objects with these labels only (kubectl syntax)"
    )
    add_rule_arguments(made)
    add_cluster_arguments(made)
    made.set_defaults(exclude=[], values=[])
    return made


def run(arguments: argparse.Namespace) -> int:
    """Watch until a signal comes, or the time is over."""
    if not names_cluster([arguments.target]):
        raise UsageError(f"cannot watch {arguments.target}", "only a cluster can be watched", "name cluster[:CONTEXT]")
    from msgspec.structs import replace

    from transom.cli.selection import scan_options
    from transom.inventory import Inventory
    from transom.inventory.live import LiveInventory, follow
    from transom.inventory.live.source import LiveCluster
    from transom.verdicts import Verdicts

    arguments.targets = [arguments.target]
    ended = _signals()
    options = _seen_in_parts(scan_options(arguments))
    assert options.cluster is not None
    context = arguments.target.partition(":")[2]
    access = replace(options.cluster.access, context=context or options.cluster.access.context)
    cluster = LiveCluster(replace(options.cluster, access=access))
    inventory = Inventory()
    inventory.clusters[arguments.target] = (
        cluster.facts()
    )  # the first word with the cluster: it raises where there is none
    live = LiveInventory(inventory, arguments.target)
    end_s = time.monotonic() + arguments.for_s if arguments.for_s else float("inf")
    with follow(cluster) as followed:
        _watch(followed, live, Verdicts(options, inventory), _teller(arguments, options), ended, end_s)
    return 0


def _seen_in_parts(options: ScanOptions) -> ScanOptions:
    """Return options without the rules that need all of a cluster for each answer: every change would ask them again."""
    from msgspec.structs import replace

    left = [check for check in options.checks if check.window != "paths"]
    return replace(options, checks=left, windows=[each for each in options.windows if each != "paths"])


def _signals() -> Callable[[], bool]:
    """Take Ctrl-C and SIGTERM for a wish to end, the second of them for an order; return what tells of the first."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(came)


def _watch(
    followed: Followed,
    live: LiveInventory,
    verdicts: Verdicts,
    teller: _Teller,
    ended: Callable[[], bool],
    end_s: float,
) -> None:
    skipped: frozenset[Verdict] = frozenset()
    synced = False
    waiting: list[Step] = []
    while not ended() and time.monotonic() < end_s:
        waiting += live.apply(followed.mailbox.take(min(TAKE_S, max(end_s - time.monotonic(), 0.0))))
        if not synced and (followed.kinds is None or not live.synced(followed.kinds)):
            continue  # a verdict on half of a cluster would be taken back a moment later
        began = time.monotonic()
        turns, waiting = verdicts.digest(waiting), []
        if not synced:
            teller.begin(live, verdicts)
            gc.collect()
            gc.freeze()  # what was there at the beginning mostly stays
        else:
            teller.tell((turn.verdict, "appeared" if turn.appeared else "vanished") for turn in turns)
        now = frozenset(live.skipped)
        teller.tell((each, "vanished") for each in skipped - now)
        teller.tell((each, "appeared") for each in now - skipped)
        skipped, synced = now, True
        time.sleep(min(time.monotonic() - began, LONGEST_PAUSE_S, max(end_s - time.monotonic(), 0.0)))


class _Teller:
    """Writes what happens to stdout, and what is begun to stderr."""

    def __init__(self, write: Callable[[Verdict, State, str], str], present: bool) -> None:
        self._write = write
        self._present = present

    def begin(self, live: LiveInventory, verdicts: Verdicts) -> None:
        """Tell that everything was read once."""
        from transom.model.findings import Finding

        found = list(verdicts)
        if self._present:
            self.tell((each, "present") for each in found)
        told = terminal.say("{objects:,} objects are watched; {findings:,} findings now")
        count = sum(isinstance(each, Finding) for each in found)
        sys.stderr.write(told.format(objects=len(live.inventory), findings=count) + "\n")
        sys.stderr.flush()

    def tell(self, turns: Iterable[tuple[Verdict, State]]) -> None:
        """Write a line for each."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for verdict, state in turns:
            sys.stdout.write(self._write(verdict, state, at) + "\n")
        sys.stdout.flush()


def _teller(arguments: argparse.Namespace, options: ScanOptions) -> _Teller:
    from transom.report.summary import gather
    from transom.report.text import Look
    from transom.report.turns import line, record

    report: Report = gather((), rules=options.faces, targets=(arguments.target,), threshold=SEVERITIES["high"])
    look = Look(terminal.report_options(sys.stdout))
    if arguments.output == "jsonl":
        return _Teller(lambda verdict, state, at: _json(record(verdict, state, at, report)), arguments.present)
    return _Teller(lambda verdict, state, at: line(verdict, state, at, report, look), arguments.present)


def _json(record: object) -> str:
    from msgspec import json

    return json.encode(record).decode()
