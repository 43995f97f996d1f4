"""The object of a Dockerfile as it is once instructions in it were changed: everything that follows from them anew.

Whoever changes an object says of an instruction `instruction` and `arguments`, and of flags, `onbuild` and heredocs what
stays; the rest is made of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from transom.lang.dockerfile.parse import KNOWN, Dockerfile, DockerfileError, Instruction, json_words
from transom.lang.dockerfile.shape import shape


def reshaped(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object of the instructions that a changed object has; raises DockerfileError where it is none.

    An instruction that was changed may say the name that it is known by, so that it stays the same one.
    """
    made = Dockerfile(tuple(instructions_of(value)))
    if not any(each.name == "FROM" and not each.onbuild for each in made.instructions):
        raise DockerfileError("it has no FROM")
    told = shape(made, str(value.get("metadata", {}).get("name", "")))
    for old, new in zip(_instructions(value), _instructions(told), strict=True):
        new["name"] = old.get("name") or new["name"]
    return {**told, "rebuilt": value.get("rebuilt") is True}


def instructions_of(value: Mapping[str, Any]) -> Iterator[Instruction]:
    """Yield the instructions of an object, without their places; raises DockerfileError for what is none."""
    for number, each in enumerate(_instructions(value), 1):
        name, arguments = each.get("instruction"), each.get("arguments")
        if name not in KNOWN or not isinstance(arguments, str):
            raise DockerfileError(f"there is no instruction {name}", number)
        flags = tuple((str(flag["name"]), str(flag["value"])) for flag in each.get("flags") or ())
        heredocs = tuple(map(str, each.get("heredocs") or ()))
        onbuild = each.get("onbuild") is True
        yield Instruction(name, arguments, 0, 0, 0, 0, flags, json_words(arguments), heredocs, onbuild)


def _instructions(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from value.get("arguments") or ()
    for stage in value.get("stages") or ():
        yield from stage.get("instructions") or ()
