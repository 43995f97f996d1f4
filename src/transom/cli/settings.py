"""transom.yaml: what a team keeps beside its manifests. Versioned; an unknown key is an error, never ignored."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import msgspec

from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES, Severity

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_FILE = "transom.yaml"
VERSION = 1
MAX_SETTINGS_BYTES = 1024 * 1024  # written by hand


class StatedException(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exception as it is written; see rules.waivers.Waiver for what the fields mean.

    expires: a date, which is checked where there is one: its module costs 2 ms at every start.
    """

    rule: str
    reason: str
    owner: str = ""
    expires: Any = None
    kind: str = ""
    namespace: str = ""
    name: str = ""
    labels: str = ""
    container: str = ""
    path: str = ""
    file: str = ""
    vulnerability: str = ""
    package: str = ""
    state: str = ""
    status: str = ""
    justification: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    exclude: patterns in .gitignore syntax; profiles: ids of the profiles whose rules are asked for; severity: rule id to
    label; parameters: rule id to the values of its parameters, which replace those of the rule's own parameter object;
    secret_rules: a file in the gitleaks format; exceptions: findings that the team accepts.
    """

    version: int
    exclude: list[str] = []
    profiles: list[str] = []
    severity: dict[str, str] = {}
    parameters: dict[str, dict[str, Any]] = {}
    secret_rules: str = ""
    exceptions: list[StatedException] = []
    places: dict[int, tuple[str, int]] = {}

    def severities(self) -> dict[str, Severity]:
        """Return the overrides by rule id."""
        return {rule: SEVERITIES[label] for rule, label in self.severity.items()}


def read_settings(named: str | None) -> Settings:
    """Return the settings of the named file, else of ./transom.yaml, else the defaults."""
    if named is None and not os.path.isfile(DEFAULT_FILE):
        return Settings(version=VERSION)
    from pathlib import Path

    import yaml

    path = Path(named or DEFAULT_FILE)
    try:
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise UsageError(f"cannot read {path}", "it is larger than 1 MiB", "name another file with --config")
        content = path.read_bytes()
        value = yaml.safe_load(content)
        settings = msgspec.convert(value, Settings)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}", error.strerror or str(error), "name another file with --config"
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"cannot read {path}", " ".join(str(error).split()), "mend its YAML") from error
    except (msgspec.ValidationError, RecursionError) as error:
        where = _line_of(str(error), content)
        step = "begin it with: version: 1" if "`version`" in str(error) else "see the settings in docs/settings.md"
        raise UsageError(f"cannot use {path}{where}", str(error), step) from error
    _check(settings, path)
    if not settings.exceptions:
        return settings
    lines = _exception_lines(content)
    return msgspec.structs.replace(settings, places={n: (str(path), line) for n, line in enumerate(lines)})


def _line_of(message: str, content: bytes) -> str:
    """Return `:LINE` of the exception that a message speaks of, "" where it speaks of none."""
    found = re.search(r"\$\.exceptions\[(\d+)\]", message)
    lines = _exception_lines(content) if found else []
    index = int(found[1]) if found else 0
    return f":{lines[index]}" if index < len(lines) else ""


def _exception_lines(content: bytes) -> list[int]:
    """Return the line of each exception."""
    import yaml

    root = yaml.compose(content, Loader=yaml.SafeLoader)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "exceptions" and isinstance(value, yaml.SequenceNode):
            return [each.start_mark.line + 1 for each in value.value]
    return []


def _check(settings: Settings, path: Path) -> None:
    if settings.version != VERSION:
        raise UsageError(
            f"cannot use {path}", f"its version is {settings.version}, not {VERSION}", f"write version: {VERSION}"
        )
    for rule, label in settings.severity.items():
        if label not in SEVERITIES:
            why = f"severity of {rule} is {label!r}"
            raise UsageError(f"cannot use {path}", why, f"choose from {', '.join(SEVERITIES)}")
