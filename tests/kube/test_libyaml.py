"""libyaml's binding without PyYAML's own parser: nothing of it is imported, and nothing is missing to who wants it later."""

from __future__ import annotations

import subprocess
import sys

import pytest

READING = """
import sys
from transom.kube.builder import build
assert build(b"a: [1, x]").value == {"a": [1, "x"]}
"""


def run(code):
    return subprocess.run([sys.executable, "-c", READING + code], check=True, capture_output=True, text=True).stdout


def test_reading_imports_no_parser_written_in_python():
    loaded = run("print(*(name for name in sys.modules if name.startswith('yaml')))").split()
    assert set(loaded) == {"yaml", "yaml._yaml", "yaml.error", "yaml.tokens", "yaml.events", "yaml.nodes"}


@pytest.mark.parametrize(
    "loads",
    [
        "import yaml; found = yaml.safe_load('a: 1')",
        "import yaml; found = yaml.load('a: 1', Loader=yaml.CSafeLoader)",
        "from yaml import safe_load; found = safe_load('a: 1')",
        "from yaml import *; found = safe_load('a: 1')",
        "import yaml.loader; found = yaml.safe_load(yaml.dump({'a': 1}))",
        "import msgspec; found = msgspec.yaml.decode(b'a: 1')",
    ],
)
def test_the_package_is_whole_for_who_imports_it_later(loads):
    assert run(f"{loads}\nprint(found)") == "{'a': 1}\n"


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    assert run("import yaml; print(hasattr(yaml, 'nothing'), hasattr(yaml, 'nothing'))") == "False False\n"


@pytest.mark.parametrize(("text", "error"), [("b'a: ['", "parser.ParserError"), ("b'a: \\x00'", "reader.ReaderError")])
def test_errors_are_those_of_the_package(text, error):
    told = run(f"""
import yaml.{error.partition(".")[0]}
try:
    build({text})
except yaml.YAMLError as raised:
    print(type(raised) is yaml.{error}, isinstance(raised, yaml.{error}))
""")
    assert told == "True True\n"


def test_a_package_that_is_there_already_is_taken_as_it_is():
    code = "import yaml; from transom.kube.libyaml import libyaml; print(libyaml is yaml._yaml, yaml.safe_load('1'))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "True 1\n"
