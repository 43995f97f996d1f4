"""A Dockerfile as an object that policies can judge: `transom.dev/v1`, kind Dockerfile.

metadata: {name: deploy/Dockerfile}
stages:
- name: build                # its alias, else its number
  alias: build
  image: golang:1.26         # with the defaults of ARG filled in; "" where these do not tell it
  stage: false               # whether it begins with an earlier stage
  final: false
  user: app                  # whom the stage ends as; "" where nobody says
  instructions:
  - name: RUN apk add        # what it does in few words, by which it is known when lines move; no value is in it
    instruction: RUN
    onbuild: false
    arguments: apk add curl
    form: shell              # or exec
    words: [apk, add, curl]
    flags: [{name: mount, value: "type=cache,target=/root"}]
    heredocs: []             # their texts
    values: [{name: PATH, value: /bin}]             # of ARG, ENV and LABEL
    commands:                # of RUN, CMD, ENTRYPOINT and HEALTHCHECK
    - name: apk
      words: [add, curl]
      pipe: ""               # the command whose output it reads
      packages: [{name: curl, version: ""}]         # that it installs, with the version that it asks for
    previous: FROM           # the instruction before it in its stage, "" for the first
    layer: 2                 # of the image, from 0, where the history of one tells the instruction
    workdir: /app            # where it works, "" where neither the stage nor the one it begins with says so
arguments: []                # what stands before the first FROM, of the same form; only ARG may
rebuilt: false               # whether it was put together from the history of an image
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transom.lang.dockerfile.commands import commands, words_of
from transom.lang.dockerfile.installs import asked
from transom.lang.dockerfile.parse import Dockerfile, Instruction
from transom.model.places import Path

API_VERSION, KIND = "transom.dev/v1", "Dockerfile"
MAX_NAME_CHARS = 80  # of what an instruction does, in its name
RUNNING = frozenset(("CMD", "ENTRYPOINT", "HEALTHCHECK", "RUN"))
NAMING = frozenset(("ARG", "ENV", "LABEL"))
TASKS = frozenset(
    ("add", "build", "clean", "clone", "download", "get", "install", "remove", "run", "update", "upgrade")
)
"""Words that tell what a command is to do; any other may be a value."""

_LOGIN = re.compile(r"//[^/@\s]*@")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")


def shape(parsed: Dockerfile, name: str) -> dict[str, Any]:
    """Return the object of a Dockerfile; name: of its file."""
    before, groups = _groups(parsed.instructions)
    defaults = {value["name"]: value["value"] for each in before for value in _values(each)}
    stages: list[dict[str, Any]] = []
    for group in groups:
        stages.append(_stage(group, len(stages), defaults, stages))
    stages[-1]["final"] = True
    arguments = _numbered(list(_in_turn(before, "")))
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "arguments": arguments,
        "stages": stages,
        "rebuilt": False,
    }


def instruction_paths(parsed: Dockerfile) -> Iterator[tuple[Path, Instruction]]:
    """Yield where each instruction, and each stage, stands in the object."""
    before, groups = _groups(parsed.instructions)
    yield from ((("arguments", index), each) for index, each in enumerate(before))
    for number, group in enumerate(groups):
        yield ("stages", number), group[0]
        yield from ((("stages", number, "instructions", index), each) for index, each in enumerate(group))


def _groups(instructions: Sequence[Instruction]) -> tuple[list[Instruction], list[list[Instruction]]]:
    """Return what stands before the first FROM, and the instructions of each stage with their FROM."""
    before: list[Instruction] = []
    groups: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM" and not instruction.onbuild:
            groups.append([instruction])
        else:
            (groups[-1] if groups else before).append(instruction)
    return before, groups


def _stage(
    group: Sequence[Instruction], number: int, defaults: Mapping[str, str], before: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    words = words_of(group[0].arguments)
    alias = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
    image = _filled(words[0], defaults) if words else ""
    parent = next((each for each in before if image and image.lower() == each["alias"].lower()), None)
    users = [each.arguments for each in group if each.name == "USER" and not each.onbuild]
    instructions = list(_in_turn(group, parent["instructions"][-1]["workdir"] if parent else ""))
    return {
        "name": alias or str(number),
        "alias": alias,
        "image": image,
        "stage": parent is not None,
        "final": False,
        "user": users[-1] if users else (parent["user"] if parent else ""),
        "instructions": _numbered(instructions),
    }


def _in_turn(group: Sequence[Instruction], workdir: str) -> Iterator[dict[str, Any]]:
    """Yield instructions with what those before them say; workdir: where the first one works."""
    previous = ""
    for each in group:
        if each.name == "WORKDIR" and not each.onbuild:
            step = each.arguments.strip("\"'")
            workdir = step if step.startswith(("/", "$")) or step[1:2] == ":" or not workdir else f"{workdir}/{step}"
        yield {**_shaped(each), "previous": previous, "workdir": workdir}
        previous = each.name


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with variables filled in; "" where one of them has no value."""
    unknown = False

    def value(found: re.Match[str]) -> str:
        nonlocal unknown
        known = values.get(found[1] or found[4], "")
        if found[2] == "-":
            return known or found[3]
        unknown = unknown or not known
        return known

    filled = _VARIABLE.sub(value, text)
    return "" if unknown else filled


def _shaped(instruction: Instruction) -> dict[str, Any]:
    script = "\n".join(instruction.heredocs) or instruction.arguments
    words = instruction.words
    found: list[dict[str, Any]] = []
    if instruction.name in RUNNING:
        found = list(_commands(script if words is None else _of_words(words)))
    values = list(_values(instruction))
    return {
        "name": _name(instruction, found, values),
        "instruction": instruction.name,
        "onbuild": instruction.onbuild,
        "arguments": instruction.arguments,
        "form": "shell" if words is None else "exec",
        "words": words_of(instruction.arguments) if words is None else list(words),
        "flags": [{"name": name, "value": value} for name, value in instruction.flags],
        "heredocs": list(instruction.heredocs),
        "values": values,
        "commands": found,
    }


def _name(instruction: Instruction, found: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, str]]) -> str:
    """Return what an instruction does in few words: the commands that it calls, the variables that it sets."""
    if found:
        words = [" ".join((each["name"], *_first_word(each["words"]))) for each in found]
        text = "; ".join(dict.fromkeys(words))
    elif values:
        text = " ".join(value["name"] for value in values)
    else:
        text = _LOGIN.sub("//", instruction.arguments)
    return " ".join(f"{instruction.name} {text}".split())[:MAX_NAME_CHARS]


def _first_word(words: Sequence[str]) -> list[str]:
    """Return the word that tells what a command is to do, such as `install`, where it has one."""
    return [word for word in words if word in TASKS][:1]


def _numbered(instructions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return instructions whose names differ: the second of a name ends in `#2`."""
    counts: dict[str, int] = {}
    for each in instructions:
        name = each["name"]
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > 1:
            each["name"] = f"{name} #{counts[name]}"
    return instructions


def _of_words(words: Sequence[str]) -> str:
    """Return the script of the JSON form: what stands behind `sh -c`, else the words themselves."""
    if len(words) > 2 and words[0].endswith("sh") and words[1] == "-c":
        return words[2]
    return " ".join(words)


def _commands(script: str) -> Iterator[dict[str, Any]]:
    for command in commands(script):
        packages = [{"name": each.name, "version": each.version} for each in asked(command.name, command.words)]
        words = list(command.words)
        yield {"name": command.name, "words": words, "pipe": command.piped_from, "packages": packages}


def _values(instruction: Instruction) -> Iterator[dict[str, str]]:
    if instruction.name not in NAMING:
        return
    words = words_of(instruction.arguments)
    if instruction.name != "ARG" and words and "=" not in words[0]:
        yield {"name": words[0], "value": instruction.arguments.partition(words[0])[2].strip()}  # the old form
        return
    for word in words:
        name, _, value = word.partition("=")
        yield {"name": name, "value": value}
