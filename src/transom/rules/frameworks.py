"""Frameworks: which controls of the standards that people are held to a rule serves.

Each framework is one table, `content/frameworks/<id>.yaml`; nowhere else does a control's id stand. A control without
rules is there to say that objects do not decide it, and why.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path as File

from transom.model.errors import TransomError, UsageError
from transom.model.frameworks import Framework

FRAMEWORKS_FOLDER = File(__file__).parent.parent / "content" / "frameworks"


@lru_cache(maxsize=1)
def frameworks() -> tuple[Framework, ...]:
    """Return the frameworks that come with Transom, by id; raises TransomError for a broken table."""
    return tuple(read_framework(file) for file in sorted(FRAMEWORKS_FOLDER.glob("*.yaml")))


def read_framework(file: File) -> Framework:
    """Return the framework of a table; raises TransomError for one that cannot be read or contradicts itself."""
    import msgspec
    from yaml import YAMLError

    try:
        found = msgspec.yaml.decode(file.read_bytes(), type=Framework)
    except (OSError, YAMLError, msgspec.MsgspecError) as error:
        raise TransomError(f"cannot read the framework {file}", str(error), "install Transom again") from error
    problem = _problem(found, file)
    if problem:
        raise TransomError(f"cannot read the framework {file}", problem, "correct the table")
    return found


def _problem(framework: Framework, file: File) -> str:
    """Return how a table contradicts itself, "" where it does not."""
    if framework.id != file.stem:
        return f"it is called {framework.id}, not {file.stem}"
    seen = set()
    for control in framework.controls:
        if control.id in seen:
            return f"it has two controls {control.id}"
        seen.add(control.id)
        if len(set(control.rules)) != len(control.rules):
            return f"control {control.id} names a rule twice"
        if bool(control.rules) == bool(control.undecided):
            return f"control {control.id} must either name rules, or say why it is undecided"
    return ""


def framework_named(name: str) -> Framework:
    """Return the framework with an id; raises UsageError where there is none."""
    found = {framework.id: framework for framework in frameworks()}
    if name not in found:
        raise UsageError(f"there is no framework {name!r}", "", f"choose from {', '.join(found)}")
    return found[name]


def controls_of(rule_id: str) -> dict[str, list[str]]:
    """Return the ids of the controls that a rule serves, by framework id; a framework without any is left out."""
    served = {
        framework.id: [control.id for control in framework.controls if rule_id in control.rules]
        for framework in frameworks()
    }
    return {framework: controls for framework, controls in served.items() if controls}
