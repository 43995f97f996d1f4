"""Dockerfiles are mended in their own text: nothing but the words that must change, and proven by reading them again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transom.lang.dockerfile import parse, shape
from transom.lang.dockerfile.joined import joined
from transom.lang.dockerfile.reshape import reshaped
from transom.mending import Options, mend
from transom.rules.fixes import fixes_of
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions

PACK = builtin_pack()
FIXES, _ = fixes_of((*PACK.policies, *PACK.checks))
SCAN = ScanOptions(policies=PACK.policies, checks=PACK.checks)
LINES = st.sampled_from(
    [
        "RUN apt-get update && apt-get install curl",
        "RUN apt-get update \\\n  && apt-get install -y \\\n  # why\n  curl",
        "RUN apt install -y git",
        "RUN apk add \\\n\tcurl",
        "RUN pip install a==1",
        "RUN <<EOF\napt-get install -y a\nEOF",
        "run yum install -y a",
        "ADD a /a",
        "add --chown=1:1 a b /c/",
        "MAINTAINER é <a@example.com>",
        "WORKDIR /app",
        "WORKDIR web",
        "CMD python app.py",
        "ENTRYPOINT /run $HOME",
        "HEALTHCHECK CMD true",
        "STOPSIGNAL SIGKILL",
        "RUN useradd -u 10001 app",
        "USER app",
        "FROM b:1 AS next",
        "",
        "# a comment",
    ]
)


def mended(folder: Path, text: str, safe_only: bool = False) -> str:
    (folder / "Dockerfile").write_bytes(text.encode())
    result = mend([str(folder)], Options(SCAN, FIXES, safe_only=safe_only))
    return next((edit.after.decode() for edit in result.edits.values()), text)


def test_continued_lines_and_comments_stay(tmp_path: Path) -> None:
    text = "FROM a:1\nRUN apt-get update \\\n    && apt-get install \\\n        # why\n        curl\nUSER 1\n"
    assert mended(tmp_path, text) == (
        "FROM a:1\nRUN apt-get update \\\n    && apt-get install --no-install-recommends -y \\\n        # why\n        curl \\\n"
        "        && rm -rf /var/lib/apt/lists/*\nUSER 1\n"
    )


def test_another_escape_is_kept(tmp_path: Path) -> None:
    text = "# escape=`\nFROM a:1\nRUN apt-get install -y --no-install-recommends `\n  curl"
    assert mended(tmp_path, text).endswith("  curl `\n  && rm -rf /var/lib/apt/lists/*")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("add a /a", "copy a /a"),
        ("MAINTAINER a b", 'LABEL maintainer="a b"'),
        ("WORKDIR /a\nWORKDIR b", "WORKDIR /a\nWORKDIR /a/b"),
        ("CMD a\nCMD b", 'CMD ["b"]'),
        ("RUN adduser -D -u 10001 app\nUSER app", "RUN adduser -D -u 10001 app\nUSER 10001"),
        ("RUN adduser -D -u 10001 app\nCMD a b", 'RUN adduser -D -u 10001 app\nCMD ["a", "b"]\nUSER 10001'),
        ("CMD a && b", "CMD a && b"),
        ("ADD $A /a", "ADD $A /a"),
        ("RUN <<EOF\napt-get install -y a\nEOF", "RUN <<EOF\napt-get install -y a\nEOF"),
    ],
)
def test_what_is_known_is_mended_and_the_rest_left(tmp_path: Path, before: str, after: str) -> None:
    assert mended(tmp_path, f"FROM a:1\n{before}\n") == f"FROM a:1\n{after}\n"


def test_what_may_change_behaviour_waits_to_be_asked(tmp_path: Path) -> None:
    text = "FROM a:1\nMAINTAINER a\nCMD a\n"
    assert mended(tmp_path, text, safe_only=True) == 'FROM a:1\nLABEL maintainer="a"\nCMD a\n'


def test_bytes_that_are_no_utf_8_are_left(tmp_path: Path) -> None:
    content = b"FROM a:1\nMAINTAINER \xe9\n"
    (tmp_path / "Dockerfile").write_bytes(content)
    result = mend([str(tmp_path)], Options(SCAN, FIXES))
    assert not result.edits
    assert any("UTF-8" in each.reason for each in result.left)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=8))
def test_what_is_mended_is_read_again_and_mended_no_further(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join(["FROM a:1", *lines, ""])
    once = mended(tmp_path, text)
    parse(once.encode())
    assert mended(tmp_path, once) == once


@given(st.lists(LINES, max_size=8))
def test_an_object_that_nobody_changed_is_made_again_as_it_was(lines: list[str]) -> None:
    value = shape(parse("\n".join(["FROM a:1", *lines]).encode()), "Dockerfile")
    assert reshaped(value) == value


@given(st.lists(LINES, max_size=8))
def test_every_character_of_an_instruction_knows_its_place(lines: list[str]) -> None:
    content = "\n".join(["FROM a:1", *lines]).encode()
    for each in parse(content).instructions:
        line = joined(content, each.start, each.end, "\\")
        assert line.text.rstrip().endswith(each.arguments)
        for character, at in zip(line.text, line.offsets, strict=False):
            assert content[at:].startswith(character.encode())
