"""Why a leak may be none: placeholders, well-known examples, wrong checksums, and files that are not in service."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Literal

from transom.lang.leaks.checksums import checksum_holds
from transom.model.language import mark

Certainty = Literal["proven", "likely", "elsewhere", "doubtful"]
"""proven: its checksum is right; elsewhere: in documentation, tests or the work of others; doubtful: probably no secret."""

PROVEN = mark("its checksum is right")
WRONG_CHECKSUM = mark("its checksum is wrong, so it was made up")
PLACEHOLDER = mark("it reads like a placeholder")
EXAMPLE = mark("it is the well-known example of a vendor's documentation")
IN_DOCS = mark("it stands in documentation")
IN_TESTS = mark("it stands among tests")
IN_RULES = mark("it stands in a list of rules or exceptions of a scanner")
CODE = mark("it reads like code that fetches it")
REFERENCE = mark("it names a secret that is kept elsewhere")
IN_PROGRAM = mark("it stands in a program, and only the name before it tells")
WORD = mark("it reads like a word of a sentence")
IN_VENDORED = mark("it stands in the work of others")

_PLACEHOLDER = re.compile(
    rb"example|sample|placeholder|change[-_.]?(?:me|it|this)|your[-_.]|dummy|redacted|fake|not[-_.]?(?:a[-_.])?real|"
    rb"insert[-_.]|replace[-_.]|my[-_]?(?:pass|secret|token|key)|x{6}|\*{4}|\.{4}|0{8}|1{8}|(?:0?123456789|abcdefgh)|deadbeef|\$\{|\{\{|<[^>]+>",
    re.IGNORECASE,
)
_EXAMPLES = {
    "1a5d44a2dca19669",  # the access key id of AWS
    "78314b11be2e5815",  # and its secret
    "2cafc0970149a84f",  # the test key of Stripe
    "0011cc25eb432071",  # the storage key of Azurite
    "7f75367e78812551",  # the token that jwt.io shows
    "ca7459e2b26776de",  # the logins and tokens of RFC 6749, 6750 and 7617
    "b8e148545b13c78b",
    "a71b359a87afde13",
    "cf4d418ed3de92d7",
}
"""The first 16 hex digits of the SHA-256 of keys that documentation shows, so that no scanner stumbles over this file."""

_NAMED = (
    (
        re.compile(
            rb"(?:projects/|arn:|vault:|ssm:|secretsmanager:|op://|akv://|sm://|/run/secrets/|file:).*", re.DOTALL
        ),
        REFERENCE,
    ),
    (
        re.compile(
            rb"[a-z]{2,16}[,.;:!?)]|(?:options?|arguments?|flags?|parameters?|values?|fields?|variables?|prompts?|files?"
            rb"|is|are|was|to|for|and|or|not|be|as|in|of|on|that|which|with|from)\b.*|(?=.*[\x80-\xff]).*",
            re.DOTALL,
        ),
        WORD,
    ),
    (
        re.compile(
            rb"(?:self|this|os|process|config|settings|params|options|args|kwargs|request|env)[.\[(].*"
            rb"|[a-z_]{2,}(?:\.[a-z_]{2,})+(?:\(.*)?|[A-Za-z_.]{3,}\(.*"  # a call, or a name with names behind it
            rb"|\(.*|[A-Za-z_][\w.]*[\[(),;\]].*|[a-z]+(?:_[a-z]+)+",  # brackets, or a name of several words
            re.DOTALL,
        ),
        CODE,
    ),
    (
        re.compile(rb"\{[^{}]*\}|(?:my[-_]?)?(?:pass(?:w(?:or)?d|phrase)?|secret|token|(?:api[-_]?)?key)\d{0,4}", re.I),
        PLACEHOLDER,
    ),
)
"""What stands behind names like password where no value does, and why it is none."""

_NAME = re.compile(rb"[A-Za-z_]+")
_SOURCES = re.compile(
    r"\.(?:py|pyi|js|mjs|cjs|jsx|ts|tsx|go|rb|java|kt|scala|groovy|c|cc|cpp|h|hpp|cs|php|pl|pm|vim|rs|swift|lua|m)$"
)
"""Files of programs, where a value stands in quotes and a name does not."""

_PATHS = (
    (
        re.compile(r"(?:^|/)(?:\.?gitleaks[^/]*\.toml|\.gitleaksignore|trivy-secret\.yaml|\.secrets\.baseline)$"),
        IN_RULES,
    ),
    (
        re.compile(r"(?:^|/)(?:vendor|node_modules|third[-_]?party|bower_components|site-packages|dist-packages)/"),
        IN_VENDORED,
    ),
    (
        re.compile(
            r"(?:^|/)(?:tests?|testdata|__tests__|specs?|fixtures?|mocks?|e2e)/|[._-]tests?\.[a-z]+$|(?:^|/)test_[^/]+$",
            re.I,
        ),
        IN_TESTS,
    ),
    (
        re.compile(
            r"(?:^|/)(?:docs?|examples?|samples?|documentation)/|\.(?:md|rst|adoc|mdx)$|(?:^|/)(?:README|CHANGELOG)[^/]*$",
            re.I,
        ),
        IN_DOCS,
    ),
)


def certainty(secret: bytes, path: str, by_name: bool = False, binary: bool = False) -> tuple[Certainty, str]:
    """Return how sure it is that a secret is one, and the reason in a person's words, "" where there is none.

    by_name: whether only the name before it says that it is one, which prose and code say of much else; binary: whether it
    stands in a file that is no text.
    """
    if sha256(secret).hexdigest()[:16] in _EXAMPLES:
        return "doubtful", EXAMPLE
    right = checksum_holds(secret)
    if right is False:
        return "doubtful", WRONG_CHECKSUM
    if right is None and (_PLACEHOLDER.search(secret) or len(set(secret)) < 4):
        return "doubtful", PLACEHOLDER
    doubt = _doubt_of_name(secret, path, binary) if by_name else ""
    if doubt:
        return "doubtful", doubt
    for pattern, reason in _PATHS:
        if pattern.search(path):
            return "elsewhere", reason
    return ("proven", PROVEN) if right else ("likely", "")


def _doubt_of_name(secret: bytes, path: str, binary: bool) -> str:
    """Return why a value that goes by its name alone may be none, "" for no reason."""
    if binary:
        return IN_PROGRAM
    if _SOURCES.search(path) and _NAME.fullmatch(secret):
        return CODE
    return next((reason for pattern, reason in _NAMED if pattern.fullmatch(secret)), "")
