"""Rules from TOML files in the gitleaks format.

Followed: viper_config.go and config.go of gitleaks 8.28: `[[rules]]` with `[rules.allowlist]` or `[[rules.allowlists]]`,
`[allowlist]` or `[[allowlists]]` with targetRules, `[extend]` with path, useDefault and disabledRules. `extend.useDefault`
names the rules that whoever reads the file has by default.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from transom.lang.leaks.rules import Allowlist, LeakRule, LeakRules, Problem, Required, Target
from transom.model.errors import UsageError

MAX_RULES_BYTES = 8 * 1024 * 1024  # the largest public file takes about 0.2 MB
MAX_RULES = 10_000  # public collections have hundreds
MAX_REGEX_CHARS = 100_000  # the longest public one, a list of API names, has some 2,000
MAX_EXTENDS = 2  # as deep as gitleaks follows
_CONDITIONS = {"": False, "OR": False, "||": False, "AND": True, "&&": True}
_TARGETS = {"": "secret", "secret": "secret", "match": "match", "line": "line"}
HELP = "see docs/secret-rules.md for what is read"


class _RuleError(Exception):
    """What keeps a rule from being loaded."""


def read_rules(path: str, defaults: str = "", *, checked: bool = True) -> LeakRules:
    """Return the rules of a file; defaults: the file that `extend.useDefault` means.

    checked: whether each regex is compiled now, which tells those that RE2 does not take; a file that is known to be sound
    is read ten times as fast without. Raises UsageError for a file that cannot be read or is no such file; a rule that
    cannot be used is a Problem.
    """
    rules = _read(path, defaults, MAX_EXTENDS)
    return with_problems(rules) if checked else rules


def _read(path: str, defaults: str, extends: int) -> LeakRules:
    value = _toml(path)
    problems: list[Problem] = []
    rules = {rule.id: rule for rule in _rules(_tables(value, "rules", path), problems)}
    try:
        allowlists = tuple(_allowlists(value))
    except _RuleError as error:
        raise UsageError(f"cannot use the rules {path}", str(error), HELP) from error
    extend = value.get("extend")
    if not isinstance(extend, dict) or not extends:
        return LeakRules(tuple(rules.values()), allowlists, tuple(problems))
    below = _extended(extend, path, defaults, extends)
    merged = _merged(below, rules, frozenset(_texts(extend, "disabledRules")))
    return LeakRules(merged, allowlists + below.allowlists, below.problems + tuple(problems))


def _toml(path: str) -> dict[str, Any]:
    import tomllib

    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a path object is not needed
            content = stream.read(MAX_RULES_BYTES + 1)
        if len(content) > MAX_RULES_BYTES:
            raise UsageError(f"cannot read the rules {path}", "the file is larger than 8 MiB", "name another file")
        return tomllib.loads(content.decode())
    except OSError as error:
        raise UsageError(f"cannot read the rules {path}", error.strerror or str(error), "name another file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"cannot read the rules {path}", f"it is no TOML: {error}", "correct the file") from error


def _tables(value: Mapping[str, Any], field: str, path: str) -> Sequence[Mapping[str, Any]]:
    found = value.get(field, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"cannot use the rules {path}", f"{field} is no list of tables", f"write [[{field}]]")
    if len(found) > MAX_RULES:
        raise UsageError(f"cannot use the rules {path}", f"it has more than {MAX_RULES} {field}", "use fewer")
    return found


def _extended(extend: Mapping[str, Any], path: str, defaults: str, extends: int) -> LeakRules:
    if extend.get("useDefault") is True:
        if not defaults:
            raise UsageError(f"cannot use the rules {path}", "there are no default rules to extend", "name a path")
        return _read(defaults, "", extends - 1)
    other = extend.get("path")
    if not isinstance(other, str) or not other:
        return LeakRules()
    beside = os.path.join(os.path.dirname(path), other)  # noqa: PTH118, PTH120
    return _read(beside if os.path.exists(beside) else other, defaults, extends - 1)  # noqa: PTH110


def _merged(below: LeakRules, own: Mapping[str, LeakRule], disabled: frozenset[str]) -> tuple[LeakRule, ...]:
    """Return the rules of an extended file, each changed by the rule of the same id, then the others of the file."""
    made = {rule.id: rule for rule in below.rules if rule.id not in disabled}
    for rule in own.values():
        made[rule.id] = _changed(made[rule.id], rule) if rule.id in made else rule
    return tuple(made.values())


def _changed(below: LeakRule, own: LeakRule) -> LeakRule:
    return LeakRule(
        id=own.id,
        description=own.description or below.description,
        regex=own.regex or below.regex,
        path=own.path or below.path,
        group=own.group or below.group,
        entropy=own.entropy or below.entropy,
        keywords=below.keywords + own.keywords,
        tags=below.tags + own.tags,
        allowlists=below.allowlists + own.allowlists,
        required=own.required or below.required,
        silent=own.silent or below.silent,
    )


def _rules(tables: Sequence[Mapping[str, Any]], problems: list[Problem]) -> Iterator[LeakRule]:
    for number, table in enumerate(tables, 1):
        name = table.get("id")
        if not isinstance(name, str) or not name:
            problems.append(Problem(f"rule {number}", "it has no id"))
            continue
        try:
            yield _rule(name, table)
        except _RuleError as error:
            problems.append(Problem(name, str(error)))


def _rule(name: str, table: Mapping[str, Any]) -> LeakRule:
    group, entropy = table.get("secretGroup", 0), table.get("entropy", 0.0)
    if not isinstance(group, int) or group < 0 or not isinstance(entropy, int | float):
        raise _RuleError("secretGroup or entropy is no number")
    return LeakRule(
        id=name,
        description=_text(table, "description"),
        regex=_text(table, "regex"),
        path=_text(table, "path"),
        group=group,
        entropy=float(entropy),
        keywords=tuple(keyword.lower() for keyword in _texts(table, "keywords")),
        tags=_texts(table, "tags"),
        allowlists=tuple(_allowlists(table)),
        required=tuple(_required(table)),
        silent=table.get("skipReport") is True,
    )


def _required(table: Mapping[str, Any]) -> Iterator[Required]:
    """Yield the rules that must find something beside this one."""
    found = table.get("required", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _RuleError("required is no list of tables")
    for each in found:
        lines, columns = each.get("withinLines", -1), each.get("withinColumns", -1)
        if not _text(each, "id") or not isinstance(lines, int) or not isinstance(columns, int):
            raise _RuleError("an entry of required has no id, or distances that are no numbers")
        yield Required(_text(each, "id"), lines, columns)


def _allowlists(table: Mapping[str, Any]) -> Iterator[Allowlist]:
    """Yield the allowlists of a rule or a file, in either spelling."""
    found = table.get("allowlists", [])
    if "allowlist" in table:
        found = [table["allowlist"], *found]
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, dict):
            raise _RuleError("an allowlist is no table")
        yield _allowlist(each)


def _allowlist(table: Mapping[str, Any]) -> Allowlist:
    condition, target = _text(table, "condition").upper(), _text(table, "regexTarget").lower()
    if condition not in _CONDITIONS:
        raise _RuleError(f"the condition {condition} of an allowlist is neither AND nor OR")
    if target not in _TARGETS:
        raise _RuleError(f"the regexTarget {target} of an allowlist is neither secret, match nor line")
    if not any(table.get(field) for field in ("commits", "paths", "regexes", "stopwords")):
        raise _RuleError("an allowlist names nothing that is allowed")
    return Allowlist(
        regexes=_texts(table, "regexes"),
        paths=_texts(table, "paths"),
        stopwords=tuple(word.lower() for word in _texts(table, "stopwords")),
        target=cast(Target, _TARGETS[target]),
        every=_CONDITIONS[condition],
        commits=bool(_texts(table, "commits")),
        rules=frozenset(_texts(table, "targetRules")),
    )


def _text(table: Mapping[str, Any], field: str) -> str:
    found = table.get(field, "")
    if not isinstance(found, str):
        raise _RuleError(f"{field} is no text")
    return found


def _texts(table: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = table.get(field) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _RuleError(f"{field} is no list of texts")
    return tuple(found)


def with_problems(rules: LeakRules) -> LeakRules:
    """Return the rules that are whole after everything was merged; the others are problems."""
    problems = {rule.id: _problem(rule) for rule in rules.rules}
    for rule in rules.rules:
        absent = [each.rule for each in rule.required if problems.get(each.rule, "absent")]
        if absent and not problems[rule.id]:
            problems[rule.id] = f"it requires the rule {absent[0]}, which is not loaded"
    allowlists = {each: _problem_of_regexes((*each.regexes, *each.paths, *each.blocks)) for each in rules.allowlists}
    told = [Problem(rule, why) for rule, why in problems.items() if why]
    told += [Problem("allowlist", why) for why in allowlists.values() if why]
    return LeakRules(
        rules=tuple(rule for rule in rules.rules if not problems[rule.id]),
        allowlists=tuple(each for each in rules.allowlists if not allowlists[each]),
        problems=(*rules.problems, *told),
    )


def _problem(rule: LeakRule) -> str:
    """Return why a rule cannot be used, "" where it can."""
    if not rule.regex and not rule.path:
        return "it has neither regex nor path"
    allowed = (regex for each in rule.allowlists for regex in (*each.regexes, *each.paths, *each.blocks))
    problem = _problem_of_regexes(filter(None, (rule.regex, rule.path, *allowed)))
    if not problem and rule.regex and rule.group > compiled(rule.regex).groups:
        return f"its regex has no group {rule.group}"
    return problem


def _problem_of_regexes(patterns: Iterable[str]) -> str:
    import re2

    for pattern in patterns:
        if len(pattern) > MAX_REGEX_CHARS:
            return f"a regular expression is longer than {MAX_REGEX_CHARS} characters"
        try:
            compiled(pattern)
        except re2.error as error:
            told = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
            return f"RE2 does not take its regular expression: {told}"
    return ""


@lru_cache(maxsize=MAX_RULES)
def compiled(pattern: str) -> Any:
    """Return RE2's program for a pattern; raises re2.error where it takes none.

    An ASCII pattern matches byte by byte, so that bytes which are no UTF-8 hide nothing; another one matches UTF-8.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    if pattern.isascii():
        options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)


def any_matches(patterns: tuple[str, ...], text: bytes) -> bool:
    """Tell whether any of several patterns matches somewhere in a text."""
    return any(program.search(text) is not None for program in _programs(patterns))


@lru_cache(maxsize=MAX_RULES)
def _programs(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    """Return one program for several patterns where RE2 takes them together: 25 asked one by one take ten times as long."""
    import re2

    if len({pattern.isascii() for pattern in patterns}) == 1:
        with suppress(re2.error):  # together they may need more memory than RE2 takes
            return (compiled("|".join(f"(?:{pattern})" for pattern in patterns)),)
    return tuple(map(compiled, patterns))


def set_of(patterns: Sequence[str]) -> Any:
    """Return what tells in one pass which patterns match a text, by their numbers, through Match."""
    import re2

    made = re2.Set.SearchSet()
    for pattern in patterns or ["\\z."]:  # an empty set cannot be asked; this one matches nothing
        made.Add(pattern.encode())
    made.Compile()
    return made
