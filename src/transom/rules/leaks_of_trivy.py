"""Rules for credentials in the format of trivy's `trivy-secret.yaml`, beside those that whoever reads it has by default.

Followed: the documentation of trivy 0.65, Secret Scanning, Configuration: `rules`, `allow-rules`, `exclude-block`,
`enable-builtin-rules`, `disable-rules`, `disable-allow-rules`. Its severities are not taken: here it depends on how sure it is
that a leak is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transom.lang.leaks.read import MAX_RULES, MAX_RULES_BYTES, compiled, read_rules, with_problems
from transom.lang.leaks.rules import Allowlist, LeakRule, LeakRules, Problem
from transom.model.errors import UsageError

HELP = "see docs/secret-rules.md for what is read"


def read_trivy_rules(path: str, defaults: str) -> LeakRules:
    """Return the rules of a file, after those of the defaults that it leaves on; raises UsageError.

    A rule that cannot be used is a Problem.
    """
    value = _loaded(path)
    below = read_rules(defaults, checked=False)
    on, off = _texts(value, "enable-builtin-rules"), frozenset(_texts(value, "disable-rules"))
    known = {rule.id for rule in below.rules}
    kept = [rule for rule in below.rules if rule.id not in off and (not on or rule.id in on)]
    problems = [Problem(name, "there is no such rule here to choose") for name in on if name not in known]
    own = []
    for number, table in enumerate(_tables(value, "rules", path), 1):
        try:
            own.append(_rule(table))
        except (ValueError, UsageError) as error:
            problems.append(Problem(str(table.get("id") or f"rule {number}"), str(error)))
    disabled = frozenset(_texts(value, "disable-allow-rules"))
    allowed = [each for each in _allowed(value, path) if each.get("id") not in disabled]
    lists = (*below.allowlists, *map(_allowlist, allowed), *_blocks(value))
    merged = {rule.id: rule for rule in (*kept, *own)}
    return with_problems(LeakRules(tuple(merged.values()), lists, tuple(problems)))


def _loaded(path: str) -> Mapping[str, Any]:
    import yaml

    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a path object is not needed
            content = stream.read(MAX_RULES_BYTES + 1)
        if len(content) > MAX_RULES_BYTES:
            raise UsageError(f"cannot read the rules {path}", "the file is larger than 8 MiB", "name another file")
        value = yaml.safe_load(content)
    except OSError as error:
        raise UsageError(f"cannot read the rules {path}", error.strerror or str(error), "name another file") from error
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"cannot read the rules {path}", f"it is no YAML: {why}", "correct the file") from error
    if not isinstance(value, dict):
        raise UsageError(f"cannot use the rules {path}", "it is no map", HELP)
    return value


def _rule(table: Mapping[str, Any]) -> LeakRule:
    """Return a rule; raises ValueError for one that cannot be meant."""
    name, regex = str(table.get("id") or ""), _text(table, "regex")
    if not name:
        raise ValueError("it has no id")
    return LeakRule(
        id=name,
        description=_text(table, "title"),
        regex=f"({regex})" if regex else "",  # all of the match is the secret, where no group is named
        path=_text(table, "path"),
        group=1 + _group(regex, _text(table, "secret-group-name")) if regex else 0,
        keywords=tuple(word.lower() for word in _texts(table, "keywords")),
        tags=tuple(filter(None, (_text(table, "category"),))),
        allowlists=(*map(_allowlist, _allowed(table, name)), *_blocks(table)),
    )


def _group(regex: str, name: str) -> int:
    """Return the number of a named group, 0 for the whole match; raises ValueError for a name that is not there."""
    import re2

    try:
        numbers = {_string(key): number for key, number in compiled(regex).groupindex.items()} if name else {}
    except re2.error:
        return 0  # the expression itself is told when all are checked
    if name and name not in numbers:
        raise ValueError(f"its regex has no group {name}")
    return int(numbers[name]) if name else 0


def _string(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _allowlist(table: Mapping[str, Any]) -> Allowlist:
    regex, path = _text(table, "regex"), _text(table, "path")
    return Allowlist(regexes=(regex,) if regex else (), paths=(path,) if path else ())


def _blocks(table: Mapping[str, Any]) -> Iterator[Allowlist]:
    block = table.get("exclude-block")
    regexes = _texts(block, "regexes") if isinstance(block, dict) else ()
    if regexes:
        yield Allowlist(blocks=regexes)


def _allowed(table: Mapping[str, Any], path: str) -> Sequence[Mapping[str, Any]]:
    return _tables(table, "allow-rules", path)


def _tables(value: Mapping[str, Any], field: str, path: str) -> Sequence[Mapping[str, Any]]:
    found = value.get(field) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"cannot use the rules {path}", f"{field} is no list of maps", HELP)
    if len(found) > MAX_RULES:
        raise UsageError(f"cannot use the rules {path}", f"it has more than {MAX_RULES} {field}", "use fewer")
    return found


def _texts(value: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = value.get(field)
    return tuple(_strings(found)) if isinstance(found, list) else ()


def _strings(values: Iterable[Any]) -> Iterator[str]:
    return (each for each in values if isinstance(each, str))


def _text(value: Mapping[str, Any], field: str) -> str:
    found = value.get(field)
    return found if isinstance(found, str) else ""
