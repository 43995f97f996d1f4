"""A Dockerfile's object tells stages, images and users; names of instructions hold no value."""

from __future__ import annotations

from typing import Any

from transom.lang.dockerfile import instruction_paths, parse, shape


def stages(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shape(parse(text.encode()), "Dockerfile")["stages"]
    return found


def test_a_stage_that_begins_with_another_inherits_its_user() -> None:
    first, second = stages("FROM a:1 AS base\nUSER app\nFROM BASE\nRUN true\n")
    assert (first["stage"], second["stage"], second["user"], second["final"]) == (False, True, "app", True)


def test_defaults_of_arguments_before_the_first_stage_are_filled_in() -> None:
    text = "ARG REPO=a\nARG TAG\nFROM ${REPO}:${TAG:-2}\nFROM $REPO/$TAG\n"
    assert [stage["image"] for stage in stages(text)] == ["a:2", ""]


def test_variables_are_read_in_both_forms() -> None:
    (stage,) = stages("FROM a:1\nENV A=1 B='2 3'\nENV C d e\nARG F\n")
    values = [each["values"] for each in stage["instructions"][1:]]
    assert values == [
        [{"name": "A", "value": "1"}, {"name": "B", "value": "2 3"}],
        [{"name": "C", "value": "d e"}],
        [{"name": "F", "value": ""}],
    ]


def test_names_differ_and_hold_no_value() -> None:
    text = (
        "FROM a:1\nENV TOKEN=s3cr3t\nRUN login s3cr3t && make\nRUN login other\nADD https://u:s3cr3t@example.com/a /a\n"
    )
    names = [each["name"] for each in stages(text)[0]["instructions"]]
    assert names == ["FROM a:1", "ENV TOKEN", "RUN login; make", "RUN login", "ADD https://example.com/a /a"]
    assert len({each["name"] for each in stages("FROM a:1\nRUN make\nRUN make\n")[0]["instructions"]}) == 3


def test_a_heredoc_is_the_script_of_run() -> None:
    (stage,) = stages("FROM a:1\nRUN <<EOF\napk add curl\nmake\nEOF\n")
    assert [each["name"] for each in stage["instructions"][1]["commands"]] == ["apk", "make"]


def test_the_shell_within_the_json_form_is_read() -> None:
    (stage,) = stages('FROM a:1\nRUN ["/bin/sh", "-c", "curl a | sh"]\n')
    assert [each["pipe"] for each in stage["instructions"][1]["commands"]] == ["", "curl"]


def test_every_path_leads_to_its_instruction() -> None:
    parsed = parse(b"ARG A=1\nFROM a:1\nRUN make\nFROM b:1\nUSER app\n")
    whole = shape(parsed, "Dockerfile")
    for path, instruction in instruction_paths(parsed):
        value: Any = whole
        for step in path:
            value = value[step]
        assert value.get("instruction", "FROM") == instruction.name


def test_an_instruction_knows_the_one_before_it_and_where_it_works() -> None:
    made = shape(parse(b"FROM a AS b\nWORKDIR /app\nWORKDIR sub\nRUN c\nFROM b\nCOPY d ."), "Dockerfile")
    told = [(each["previous"], each["workdir"]) for stage in made["stages"] for each in stage["instructions"]]
    assert told == [
        ("", ""),
        ("FROM", "/app"),
        ("WORKDIR", "/app/sub"),
        ("WORKDIR", "/app/sub"),
        ("", "/app/sub"),
        ("FROM", "/app/sub"),
    ]


def test_what_sudo_calls_is_a_command_of_its_own() -> None:
    made = shape(parse(b"FROM a\nRUN sudo -E apt-get install -y b"), "Dockerfile")
    assert [each["name"] for each in made["stages"][0]["instructions"][1]["commands"]] == ["sudo", "apt-get"]
