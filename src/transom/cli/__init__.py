"""The command line: one file per command, imported only when it is chosen."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import TextIOWrapper

from transom import __version__

TYPE_CHECKING = False  # as typing has it, which costs 10 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

COMMANDS = {
    "scan": ("transom.cli.scan", "find every open window in manifests or a cluster, worst first"),
    "secrets": ("transom.cli.secrets", "find credentials in files, git histories and what is staged"),
    "diff": ("transom.cli.diff", "tell what differs between two sources, and which findings came and went"),
    "who-can": ("transom.cli.who_can", "tell everybody who may do something, and through which binding"),
    "can": ("transom.cli.can", "tell what somebody may do, and answer access reviews in bulk"),
    "rbac": ("transom.cli.rbac", "show rights as a matrix, what changed between two sources, and as a graph"),
    "admits": ("transom.cli.admits", "tell whether a cluster's admission would take objects from a user"),
    "paths": ("transom.cli.paths", "show how what the outside reaches leads to everything, and what to take away"),
    "watch": ("transom.cli.watch", "tell of findings that appear and vanish in a cluster, as it happens"),
    "fix": ("transom.cli.fix", "mend manifests byte by byte, each fix proven, and say what is left"),
    "vulns": ("transom.cli.vulns", "tell the known vulnerabilities of an image or an SBOM"),
    "verify": ("transom.cli.verify", "tell who signed images, and whether that satisfies policies"),
    "why-not": ("transom.cli.why_not", "tell why packages do not match a vulnerability"),
    "db": ("transom.cli.db", "build, carry and compare the index of known vulnerabilities"),
    "exceptions": (
        "transom.cli.exceptions",
        "list exceptions and what they accept, carry over those of other scanners",
    ),
    "explain": ("transom.cli.explain", "tell what a rule means, or show one finding at its place"),
    "rules": ("transom.cli.rules", "list, show, test and export the rules"),
    "least": ("transom.cli.least", "compare what was granted with what was used, and propose less"),
    "frameworks": ("transom.cli.frameworks", "list the standards that rules serve, control by control"),
    "layers": ("transom.cli.layers", "tell what made each layer of an image, and how large it is"),
    "sbom": ("transom.cli.sbom", "tell every package of an image, as a table, CycloneDX or SPDX"),
    "snapshot": ("transom.cli.snapshot", "keep an inventory in one file, to be judged later or elsewhere"),
    "permissions": ("transom.cli.permissions", "print the least role that a command needs in a cluster"),
    "doctor": ("transom.cli.doctor", "tell whether this installation can do its work"),
    "completion": ("transom.cli.completion", "print the completion script of a shell"),
    "version": ("transom.cli.version", "print the version"),
}
"""Every command: the module that runs it, and what it does."""

LANGUAGES = {"en": "en", "zh-cn": "zh-CN", "zh": "zh-CN"}
"""What --lang may say, in any case, and the language that is meant."""

BROKEN_PIPE = 141  # what a shell reports of a process that SIGPIPE ended
INTERRUPTED = 130  # … and of one that Ctrl-C ended


_chosen = ""  # by --lang


def program() -> str:
    """Return what a person types to run this: kubectl runs a program of this name as its own command."""
    called = sys.argv[0].rpartition("/")[2] if sys.argv else ""
    return "kubectl transom" if called.startswith("kubectl-transom") else "transom"


def language() -> str:
    """Return the language to speak, as the texts of rules name it: that of --lang, else of the locale."""
    if _chosen:
        return _chosen
    import os

    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "zh-CN" if value.lower().startswith("zh") else "en"
    return "en"


def overview() -> str:
    """Return the text of `transom --help`, made without importing any command."""
    say = _say()
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {command:{width}}  {say(summary)}" for command, (_, summary) in COMMANDS.items())
    summary = say("shuts every window of a Kubernetes estate, and keeps proving that it is shut.")
    name = program()
    return f"""Transom {__version__}: {summary}

{say("usage:")} {name} COMMAND [ARGUMENT...]

{say("commands:")}
{rows}

{say("Try:")}
  {name} scan deploy/            {say("every manifest below a folder")}
  {name} scan cluster            {say("the cluster of the current context")}
  {name} COMMAND --help          {say("all that a command takes")}
  {name} --lang zh-CN ...        {say("another language than that of the locale: en, zh-CN")}

{say("exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete")}
"""


def _say() -> Callable[[str], str]:
    """Return what says a text in the reader's language, for English without importing anything."""
    spoken = language()
    if spoken == "en":
        return str
    from transom.model.language import translator

    return translator(spoken)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Results go to stdout, everything else to stderr."""
    global _chosen  # noqa: PLW0603 - one process speaks one language, and its parsers are made without arguments
    words, wanted = _without_language(sys.argv[1:] if arguments is None else arguments)
    _chosen = LANGUAGES.get(wanted.lower(), "")
    if wanted and not _chosen:
        sys.stderr.write(f"{program()}: there is no language {wanted!r}; choose from en, zh-CN\n")
        return 2
    if language() != "en" and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # it may be unable to carry what is said
    try:
        return _chosen_by(words)
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:  # a full disk behind stdout, as a rule: what was to be said is not said whole
        _silence_stdout()
        sys.stderr.write(f"transom: {error.strerror or error}{f': {error.filename}' if error.filename else ''}\n")
        return 3


def end() -> NoReturn:
    """Run the command as a process of its own: the `transom` script.

    It leaves without taking its memory apart, which costs as much as reading a small estate.
    """
    code = main()
    import atexit
    import os

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # main has told of it
            stream.flush()
    os._exit(code)


def _chosen_by(words: list[str]) -> int:
    """Run what the words choose: help, or a command."""
    if words and words[0] in ("-h", "--help", "help") and len(words) == 1:
        sys.stdout.write(overview())
        sys.stdout.flush()
        return 0
    if words and words[0] in ("-V", "--version"):
        words = ["version"]
    if words and words[0] == "help":
        words = [words[1], "--help"]
    if not words or words[0] not in COMMANDS:
        return _unknown_command(words)
    return _run(words)


def _without_language(words: list[str]) -> tuple[list[str], str]:
    """Return the words without --lang, wherever it stands before `--`, and what it says: even help waits for it."""
    kept: list[str] = []
    wanted = ""
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*kept, word, *rest], wanted
        if word == "--lang":
            wanted = next(rest, "?")
        elif word.startswith("--lang="):
            wanted = word.removeprefix("--lang=") or "?"
        else:
            kept.append(word)
    return kept, wanted


def _unknown_command(words: list[str]) -> int:
    if not words:
        sys.stderr.write(overview())
        return 2
    from difflib import get_close_matches

    close = get_close_matches(words[0], COMMANDS, 1)
    say = _say()
    hint = say("did you mean {}?").format(close[0]) if close else say("see {} --help").format(program())
    sys.stderr.write(f"{program()}: {say('there is no command {}; {}').format(repr(words[0]), hint)}\n")
    return 2


def _run(words: list[str]) -> int:
    from importlib import import_module

    from transom.model.errors import TransomError, UsageError
    from transom.model.language import translated

    command = import_module(COMMANDS[words[0]][0])
    try:
        code: int = command.run(command.parser().parse_args(words[1:]))
        sys.stdout.flush()
    except TransomError as error:
        what, why, next_step = (translated(text, language()) for text in (error.what, error.why, error.next_step))
        sys.stderr.write(f"{program()}: {_say()('{}: {}').format(what, why) if why else what}\n")
        if next_step:
            sys.stderr.write(f"  {next_step}\n")
        return 2 if isinstance(error, UsageError) else 3
    except RecursionError:
        say = _say()
        sys.stderr.write(f"{program()}: {say('the input is nested deeper than can be read')}\n")
        return 3
    return code


def _silence_stdout() -> None:
    """Point stdout at nothing, so that Python's own flush at exit does not complain of the pipe again."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
