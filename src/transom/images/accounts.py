"""The accounts of a system, as its passwd, group and shadow tell them; no hash of a password is among what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

MAX_ACCOUNTS = 10_000  # of one file; a distribution has some thirty


class Accounts(Struct, frozen=True):
    """Who there is. users, groups: numbers by name; roots: names other than root with the number 0.

    open: names that anybody may log in as, since they have no password; shared: what two users, or two groups, are
    called that have one number.
    """

    users: dict[str, int]
    groups: dict[str, int]
    roots: tuple[str, ...]
    open: tuple[str, ...]
    shared: tuple[tuple[str, ...], ...]


def accounts_of(texts: Mapping[str, bytes]) -> Accounts:
    """Return the accounts that the texts of an image tell; lines that are none are passed by."""
    passwd, group, shadow = (list(_fields(texts.get(f"etc/{name}", b""))) for name in ("passwd", "group", "shadow"))
    users = {each[0]: int(each[2]) for each in passwd if len(each) > 2 and each[2].isdigit()}
    groups = {each[0]: int(each[2]) for each in group if len(each) > 2 and each[2].isdigit()}
    shells = {each[0]: each[6] if len(each) > 6 else "" for each in passwd}
    without = {each[0] for each in (*passwd, *shadow) if len(each) > 1 and not each[1]}
    return Accounts(
        users,
        groups,
        tuple(name for name, number in users.items() if number == 0 and name != "root"),
        tuple(sorted(name for name in without if not shells.get(name, "").endswith(("nologin", "false")))),
        (*_shared(users), *_shared(groups)),
    )


def _fields(content: bytes) -> Iterator[list[str]]:
    for line in content.decode("utf-8", "replace").splitlines()[:MAX_ACCOUNTS]:
        if line.strip() and not line.startswith(("#", "+", "-")):
            yield line.split(":")


def _shared(numbers: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Yield the names that stand for one number, where they are several; 0 is told apart."""
    by_number: dict[int, list[str]] = {}
    for name, number in numbers.items():
        by_number.setdefault(number, []).append(name)
    for number, names in by_number.items():
        if number and len(names) > 1:
            yield tuple(sorted(names))
