"""transom completion: completion scripts for shells, made from the commands' own parsers."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from transom.cli import COMMANDS
from transom.cli.arguments import Parser, command_parser

SHELLS = ("bash", "zsh", "fish")

BASH = """\
_transom() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands}"
  else
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
  fi
  if [ "$COMP_CWORD" -gt 1 ] && [[ $cur != -* ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}}
complete -o filenames -F _transom transom
"""

ZSH = """\
#compdef transom
_transom() {{
  local -a commands
  commands=(
{commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
{cases}
    *) _files ;;
  esac
}}
compdef _transom transom
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "completion", "Print the completion script of a shell.", "  source <(transom completion bash)\n"
    )
    made.add_argument("shell", choices=SHELLS, help="the shell to complete in")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write({"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell]())
    return 0


def _options(command: str) -> list[tuple[str, str]]:
    made: Parser = import_module(COMMANDS[command][0]).parser()
    actions = [action for action in made._actions if action.option_strings]  # argparse offers no public list
    return [(name, action.help or "") for action in actions for name in action.option_strings if name.startswith("--")]


def _bash() -> str:
    rows = (f'      {name}) words="{" ".join(option for option, _ in _options(name))}" ;;' for name in COMMANDS)
    return BASH.format(commands=" ".join(COMMANDS), cases="\n".join(rows))


def _zsh() -> str:
    commands = "\n".join(f"    '{name}:{_quoted(summary)}'" for name, (_, summary) in COMMANDS.items())
    rows = []
    for name in COMMANDS:
        options = " ".join(f"'{option}[{_quoted(text)}]'" for option, text in _options(name))
        rows.append(f"    {name}) _arguments {options} '*:file:_files' ;;")
    return ZSH.format(commands=commands, cases="\n".join(rows))


def _fish() -> str:
    lines = []
    for name, (_, summary) in COMMANDS.items():
        lines.append(f"complete -c transom -n __fish_use_subcommand -a {name} -d '{_quoted(summary)}'")
        for option, text in _options(name):
            condition = f"'__fish_seen_subcommand_from {name}'"
            lines.append(f"complete -c transom -n {condition} -l {option.removeprefix('--')} -d '{_quoted(text)}'")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", ",")
