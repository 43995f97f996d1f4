"""Fields of raw objects, checked as the API server checks them: each reader returns a value or raises PolicyError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.kube.selectors import SelectorError, compile_selector
from transom.model.language import mark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from transom.model.places import Path


class PolicyError(Exception):
    """What is wrong with a policy; path: where in its object; text and offset: where in an expression."""

    def __init__(self, reason: str, path: Path = (), next_step: str = "", text: str = "", offset: int = 0) -> None:
        super().__init__(reason)
        self.path = path
        self.text = text
        self.offset = offset
        self.next_step = next_step or mark("mend the policy, or leave it out")


class Unsupported(PolicyError):  # noqa: N818 - named for what is wrong
    """A policy, or a rule of one, in a language that is not judged here; rule: its id."""

    def __init__(self, reason: str, path: Path = (), rule: str = "", next_step: str = "") -> None:
        super().__init__(reason, path, next_step or mark("rewrite it in CEL, or leave it to its own engine"))
        self.rule = rule


def known_fields(value: Mapping[str, Any], known: Collection[str], path: Path) -> None:
    """Refuse a field that the API server does not know."""
    for field in value:
        if field not in known:
            hint = f"remove it, or correct its name; there are {', '.join(sorted(known))}"
            raise PolicyError(f"unknown field {field}", (*path, field), hint)


def map_field(value: Mapping[str, Any], field: str, path: Path) -> Mapping[str, Any]:
    """Return a map, empty where it is absent or null."""
    found = value.get(field)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise PolicyError(f"{field} is no map", (*path, field))
    return found


def maps_field(
    value: Mapping[str, Any], field: str, path: Path, known: Collection[str]
) -> Sequence[tuple[Path, Mapping[str, Any]]]:
    """Return the maps of a list, each with its path; known: the fields that they may have."""
    found = value.get(field)
    if found is None:
        return []
    if not isinstance(found, list):
        raise PolicyError(f"{field} is no list", (*path, field))
    for index, each in enumerate(found):
        if not isinstance(each, dict):
            raise PolicyError(f"an entry of {field} is no map", (*path, field, index))
        known_fields(each, known, (*path, field, index))
    return [((*path, field, index), each) for index, each in enumerate(found)]


def texts_field(value: Mapping[str, Any], field: str, path: Path, required: bool = False) -> tuple[str, ...]:
    """Return a list of texts; required: at least one."""
    found = value.get(field)
    if found is None:
        found = []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise PolicyError(f"{field} is no list of texts", (*path, field))
    if required and not found:
        raise PolicyError(f"{field} is missing or empty", path)
    return tuple(found)


def text_field(value: Mapping[str, Any], field: str, path: Path) -> str:
    """Return a text, "" where it is absent or null."""
    found = value.get(field)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise PolicyError(f"{field} is no text", (*path, field), "put it in quotes")
    return found


def required_text(value: Mapping[str, Any], field: str, path: Path) -> str:
    """Return a text that must be there."""
    found = text_field(value, field, path)
    if not found.strip():
        raise PolicyError(f"{field} is missing or empty", (*path, field) if field in value else path)
    return found


def one_of(value: Mapping[str, Any], field: str, words: Sequence[str], path: Path, default: str | None = None) -> str:
    """Return one of some words; default: where the field is absent, None where it must not be."""
    found = value.get(field)
    if found is None and default is not None:
        return default
    if found not in words:
        told = "missing" if found is None else repr(found)
        raise PolicyError(
            f"{field} is {told}, not one of {', '.join(words)}", (*path, field) if field in value else path
        )
    return str(found)


def selector_field(value: Mapping[str, Any], field: str, path: Path) -> Any:
    """Return a label selector as it stands, None where it is absent."""
    found = value.get(field)
    if found is None:
        return None
    try:
        compile_selector(found)
    except SelectorError as error:
        raise PolicyError(f"{field} is no label selector: {error}", (*path, field)) from error
    return found
