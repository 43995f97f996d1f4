"""Versions of Alpine packages: numbers, a letter, suffixes, a commit, a revision (apk-tools 3).

A number behind the first that begins with 0 is compared as text. After an equal beginning more numbers are greatest,
then a letter, a suffix that comes after a release, its number, a commit, a revision, nothing; least is a suffix that
comes before a release. What is no part of a version any more (`1-ruff`) is less than nothing, and all such is equal, as
with `apk version -t`; a letter may have a number, which old packages still do (`6.6p1`).
"""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number, word

BEFORE, END, REVISION, COMMIT, SUFFIX_NUMBER, AFTER, LETTER, NUMBER = (bytes((each,)) for each in range(1, 9))
INVALID, VALID = b"\0", b"\1"
AS_TEXT, AS_NUMBER = b"\1", b"\2"
SUFFIXES_BEFORE = ("alpha", "beta", "pre", "rc")
SUFFIXES_AFTER = ("cvs", "svn", "git", "hg", "p")
_VERSION = re.compile(
    r"(?P<first>[0-9]+)(?P<more>(?:\.[0-9]*)*)(?:(?P<letter>[a-z])(?P<letter_number>[0-9]*))?"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?",
    re.ASCII,
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)", re.ASCII)


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError for what is too long to be one."""
    text = bounded(version)
    match = _VERSION.match(text)
    if not match:
        return INVALID + word(text)
    key = bytearray(VALID + number(match["first"]))
    for digits in match["more"].split(".")[1:]:
        plain = digits[:1] != "0"
        key += NUMBER + (AS_NUMBER + number(digits) if plain else AS_TEXT + word(digits))
    if match["letter"]:
        key += LETTER + match["letter"].encode()
        if match["letter_number"]:
            key += SUFFIX_NUMBER + number(match["letter_number"])
    for name, digits in _SUFFIX.findall(match["suffixes"]):
        before = name in SUFFIXES_BEFORE
        index = (SUFFIXES_BEFORE if before else SUFFIXES_AFTER).index(name)
        key += (BEFORE if before else AFTER) + bytes((index,))
        if digits:
            key += SUFFIX_NUMBER + number(digits)
    if match["commit"]:
        key += COMMIT + word(match["commit"])
    if match["revision"]:
        key += REVISION + number(match["revision"])
    return bytes(key + (END if match.end() == len(text) else INVALID))
