"""Fields of raw objects, read without trust: what is missing or of another type reads as empty."""

from __future__ import annotations

from typing import Any


def at(value: Any, *steps: str | int) -> Any:
    """Return what stands at the end of the steps; None from where they lead to nothing."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def map_at(value: Any, *steps: str | int) -> dict[str, Any]:
    """Return the map at the end of the steps, empty where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, dict) else {}


def texts_at(value: Any, *steps: str | int) -> dict[str, str]:
    """Return the map of texts at the end of the steps; entries that are not text are left out."""
    return {key: text for key, text in map_at(value, *steps).items() if isinstance(text, str)}


def list_at(value: Any, *steps: str | int) -> list[Any]:
    """Return the list at the end of the steps, empty where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, list) else []


def maps_at(value: Any, *steps: str | int) -> list[tuple[int, dict[str, Any]]]:
    """Return the maps of the list at the end of the steps, each with its index."""
    return [(index, each) for index, each in enumerate(list_at(value, *steps)) if isinstance(each, dict)]


def text_at(value: Any, *steps: str | int) -> str:
    """Return the text at the end of the steps, "" where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, str) else ""


def number_at(value: Any, *steps: str | int) -> int | None:
    """Return the whole number at the end of the steps, None where there is none."""
    found = at(value, *steps)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
