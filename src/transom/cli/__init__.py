"""The command line: one file per command, imported only when it is chosen."""

from __future__ import annotations

import sys

from transom import __version__

COMMANDS = {
    "scan": ("transom.cli.scan", "find every open window in manifests, worst first"),
    "explain": ("transom.cli.explain", "tell what a rule means, or show one finding at its place"),
    "rules": ("transom.cli.rules", "list, show, test and export the rules"),
    "snapshot": ("transom.cli.snapshot", "keep an inventory in one file, to be judged later or elsewhere"),
    "doctor": ("transom.cli.doctor", "tell whether this installation can do its work"),
    "completion": ("transom.cli.completion", "print the completion script of a shell"),
    "version": ("transom.cli.version", "print the version"),
}
"""Every command: the module that runs it, and what it does."""

BROKEN_PIPE = 141  # what a shell reports of a process that SIGPIPE ended
INTERRUPTED = 130  # … and of one that Ctrl-C ended


def overview() -> str:
    """Return the text of `transom --help`, made without importing any command."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {summary}" for name, (_, summary) in COMMANDS.items())
    return f"""Transom {__version__}: shuts every window of a Kubernetes estate, and keeps proving that it is shut.

usage: transom COMMAND [ARGUMENT...]

commands:
{rows}

Try:  transom scan deploy/            every manifest below a folder
      kubectl get all -A -o yaml | transom scan -
      transom COMMAND --help          all that a command takes

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Results go to stdout, everything else to stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in ("-h", "--help", "help") and len(words) == 1:
        return _print(overview())
    if words and words[0] in ("-V", "--version"):
        words = ["version"]
    if words and words[0] == "help":
        words = [words[1], "--help"]
    if not words or words[0] not in COMMANDS:
        return _unknown_command(words)
    try:
        return _run(words)
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    return 0


def _unknown_command(words: list[str]) -> int:
    if not words:
        sys.stderr.write(overview())
        return 2
    from difflib import get_close_matches

    close = get_close_matches(words[0], COMMANDS, 1)
    hint = f"did you mean {close[0]}?" if close else "see transom --help"
    sys.stderr.write(f"transom: there is no command {words[0]!r}; {hint}\n")
    return 2


def _run(words: list[str]) -> int:
    from importlib import import_module

    from transom.model.errors import TransomError, UsageError

    command = import_module(COMMANDS[words[0]][0])
    try:
        code: int = command.run(command.parser().parse_args(words[1:]))
        sys.stdout.flush()
    except TransomError as error:
        sys.stderr.write(f"transom: {error.what}{': ' if error.why else ''}{error.why}\n")
        if error.next_step:
            sys.stderr.write(f"  {error.next_step}\n")
        return 2 if isinstance(error, UsageError) else 3
    except RecursionError:
        sys.stderr.write("transom: the input is nested deeper than can be read\n")
        return 3
    return code


def _silence_stdout() -> None:
    """Point stdout at nothing, so that Python's own flush at exit does not complain of the pipe again."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
