"""Dockerfiles are read as BuildKit reads them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.dockerfile import DockerfileError, Instruction, parse, shape
from transom.lang.dockerfile import parse as reading
from transom.lang.dockerfile.commands import commands, words_of

FROM = "FROM alpine:3.24\n"


def second(text: str) -> Instruction:
    return parse((FROM + text).encode()).instructions[1]


def test_a_continued_line_is_one_instruction_of_several_lines() -> None:
    found = second("RUN apk add \\\n  curl \\\n  jq\nUSER app\n")
    assert (found.arguments.split(), found.line, found.end_line) == (["apk", "add", "curl", "jq"], 2, 4)


def test_comments_and_empty_lines_within_an_instruction_are_left_out() -> None:
    assert second("RUN a \\\n# why\n\n  b\n").arguments.split() == ["a", "b"]


def test_a_directive_chooses_another_escape() -> None:
    found = parse(("# escape=`\n" + FROM + "RUN dir c:\\ `\n  /s\n").encode()).instructions[1]
    assert found.arguments.split() == ["dir", "c:\\", "/s"]


def test_a_directive_counts_at_the_top_only() -> None:
    assert parse((FROM + "# escape=`\nRUN a \\\n b\n").encode()).instructions[1].arguments.split() == ["a", "b"]


def test_two_backslashes_continue_nothing() -> None:
    assert second("RUN echo a\\\\\nUSER app\n").arguments == "echo a\\\\"


def test_a_heredoc_belongs_to_its_instruction() -> None:
    found = second("RUN <<EOF\napk add curl\nFROM nothing\nEOF\nUSER app\n")
    assert (found.heredocs, found.end_line) == (("apk add curl\nFROM nothing",), 5)


def test_two_heredocs_follow_each_other_and_tabs_may_stand_before_the_end() -> None:
    found = second("COPY <<-A <<'B' /etc/\n1\n\tA\n2\nB\nUSER app\n")
    assert found.heredocs == ("1", "2")


def test_flags_are_read_apart() -> None:
    found = second("COPY --from=build --chown=1:1 a /a\n")
    assert (found.flags, found.arguments) == ((("from", "build"), ("chown", "1:1")), "a /a")


def test_the_json_form_is_told_from_the_shell_form() -> None:
    assert second('CMD ["sh", "-c", "a"]\n').words == ("sh", "-c", "a")
    assert second("CMD [ -f /a ] && b\n").words is None


def test_onbuild_keeps_its_instruction() -> None:
    found = second("onbuild run make\n")
    assert (found.name, found.arguments, found.onbuild) == ("RUN", "make", True)


def test_offsets_are_those_of_the_bytes() -> None:
    text = (FROM + "# 注释\nRUN echo 你好\nUSER app\n").encode()
    found = parse(text).instructions[1]
    assert text[found.start : found.end].decode() == "RUN echo 你好\n"


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [(FROM + "COPPY a b\n", "no instruction COPPY", 2), ("RUN true\n", "no FROM", 1), ("", "no FROM", 1)],
)
def test_what_is_no_dockerfile_says_why_and_where(text: str, why: str, line: int) -> None:
    with pytest.raises(DockerfileError, match=why) as raised:
        parse(text.encode())
    assert raised.value.line == line


def test_a_file_that_is_too_large_is_none() -> None:
    with pytest.raises(DockerfileError, match="larger"):
        parse(FROM.encode() + b"#" * reading.__globals__["MAX_DOCKERFILE_BYTES"])


def test_a_hostile_number_of_instructions_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reading.__globals__, "MAX_INSTRUCTIONS", 5)
    with pytest.raises(DockerfileError, match="more than 5"):
        parse((FROM + "RUN a\n" * 9).encode())


@given(
    st.lists(
        st.sampled_from([b"FROM a", b"RUN <<A", b"A", b"\\", b" \\", b"ENV a=", b"\n", b"#", b"COPY [", b"\xff"]),
        max_size=12,
    )
)
def test_no_bytes_break_the_reader(parts: list[bytes]) -> None:
    with contextlib.suppress(DockerfileError):
        shape(parse(b"FROM a\n" + b" ".join(parts)), "Dockerfile")


@given(st.text(max_size=60))
def test_no_script_breaks_the_splitting_of_commands(script: str) -> None:
    list(commands(script))
    words_of(script)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("apt-get update && apt-get install -y curl", ["apt-get", "apt-get"]),
        ("A=1 B='2 3' make all; cd /a || exit 1", ["make", "cd", "exit"]),
        ("if [ -f a ]; then rm a; fi", ["[", "rm", "fi"]),
        ("echo 'a && b' \"c; d\" e\\;f", ["echo"]),
        ("(cd /a && make) | tee log", ["cd", "make", "tee"]),
        ("/usr/bin/curl -o a # && rm b", ["curl"]),
    ],
)
def test_the_commands_of_a_script_are_told_apart(script: str, expected: list[str]) -> None:
    assert [command.name for command in commands(script)] == expected


def test_a_pipe_tells_who_reads_whom() -> None:
    _, shell = commands("curl https://example.com | sh -s -- -y")
    assert (shell.piped_from, shell.words) == ("curl", ("-s", "--", "-y"))


def test_a_stage_that_waits_for_a_later_build_is_no_stage() -> None:
    with pytest.raises(DockerfileError, match="no FROM"):
        parse(b"ONBUILD FROM a\n")
