"""The Dockerfile behind an image, as far as the image's history tells it.

Read are the forms of BuildKit (`RUN /bin/sh -c make # buildkit`), of the builders before it (`/bin/sh -c #(nop) CMD ["a"]`,
`|1 A=b /bin/sh -c make`), and of those that write instructions as they are. What other makers write is no instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from msgspec import Struct

from transom.lang.dockerfile import Dockerfile, Instruction, shape
from transom.lang.dockerfile.parse import KNOWN, MAX_INSTRUCTIONS, json_words
from transom.model.places import Path
from transom.registry.blobs import History

MAX_STEP_CHARS = 64 * 1024  # of one step; longer ones are data, not commands
BUILDKIT, NO_COMMAND = " # buildkit", "#(nop)"
_SHELL = re.compile(r"(?P<shell>/(?:usr/)?bin/[a-z]*sh(?: -[a-z]+| pipefail)*) -[a-z]*c\s+(?P<script>.*)", re.S)
_GIVEN = re.compile(r"\|\d+ (?P<given>.*?)\s*(?P<rest>/(?:usr/)?bin/[a-z]*sh .*|\Z)", re.S)
_PORT = re.compile(r"\d+(?:/\w+)?")
_BETWEEN = re.compile(r'"\s+"')


class Step(Struct, frozen=True):
    """One instruction that made an image. layer: the number of the layer that it made, the lowest 0, -1 for none."""

    instruction: Instruction
    layer: int = -1


def steps(history: Sequence[History]) -> list[Step]:
    """Return the instructions of a history, the first one made first."""
    found: list[Step] = []
    layer = 0
    for number, each in enumerate(history[:MAX_INSTRUCTIONS], 1):
        made = -1 if each.empty_layer else layer
        layer += not each.empty_layer
        found += [Step(one, made) for one in _instructions(each.created_by[:MAX_STEP_CHARS], number)]
    return found


def without_arguments(created_by: str) -> str:
    """Return a step as it was written down, without the values that its build was given: secrets are among them."""
    return _GIVEN.sub(r"\g<rest>", created_by[:MAX_STEP_CHARS]) if "|" in created_by else created_by


def rebuilt(found: Sequence[Step], name: str) -> dict[str, Any]:
    """Return the object of the Dockerfile that steps come to; policies know by `rebuilt` that nobody wrote it so."""
    begin = Instruction("FROM", "scratch", 0, 0, 0, 0)
    made = shape(Dockerfile((begin, *(each.instruction for each in found))), name)
    for instruction, step in zip(made["stages"][0]["instructions"][1:], found, strict=True):
        if step.layer >= 0:
            instruction["layer"] = step.layer
    return {**made, "rebuilt": True}


def places_in(wanted: Mapping[str, Any], written: Mapping[str, Any]) -> dict[int, Path]:
    """Return where the instructions of a rebuilt Dockerfile stand in one that somebody wrote, as far as they do.

    Compared is what instructions do, in the order of the last stage; the keys count from 0, without FROM.
    """
    number = len(written["stages"]) - 1
    ours = [each["name"] for each in wanted["stages"][0]["instructions"]][1:]
    theirs = [each["name"] for each in written["stages"][number]["instructions"]][1:]
    found: dict[int, Path] = {}
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for index in range(block.size):
            found[block.a + index] = ("stages", number, "instructions", block.b + index + 1)
    return found


def _instructions(made_by: str, number: int) -> Iterator[Instruction]:
    """Yield the instruction that a step was, before it the arguments and the shell that it was given."""
    text = made_by.strip().removesuffix(BUILDKIT).strip()
    name, rest = _named(text)
    given = _GIVEN.match(rest)
    if given:
        yield from (_made("ARG", each, number) for each in _arguments(given["given"]))
        rest = given["rest"]
    shell = _SHELL.match(rest)
    if shell and shell["script"].startswith(NO_COMMAND):
        name, rest = _named(shell["script"].removeprefix(NO_COMMAND).strip())
    elif shell and name in ("", "RUN"):
        name, rest = "RUN", shell["script"]
        if "pipefail" in shell["shell"]:
            yield _made("SHELL", shell["shell"], number)
    if name:  # else other makers' words
        yield _made(name, rest.strip(), number)


def _named(text: str) -> tuple[str, str]:
    """Return an instruction's name and what follows it; "" and the whole where it begins with none."""
    name, _, rest = text.partition(" ")
    return (name, rest.strip()) if name in KNOWN else ("", text)


def _made(name: str, arguments: str, number: int) -> Instruction:
    if name == "EXPOSE":
        arguments = " ".join(_PORT.findall(arguments))
    if arguments.startswith('["'):
        arguments = _BETWEEN.sub('","', arguments)
    return Instruction(name, arguments, number, number, 0, 0, words=json_words(arguments))


def _arguments(text: str) -> Iterator[str]:
    """Yield the arguments that a build was given; a value with spaces goes on until the next name."""
    for each in re.split(r"\s+(?=\w+=)", text):
        if "=" in each:
            yield each
