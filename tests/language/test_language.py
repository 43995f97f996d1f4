"""Texts in the reader's language: words of our own, and what was filled into them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from transom.cli import main
from transom.model.language import MAX_TRANSLATED_CHARS, translated, translator

CHINESE = "zh-CN"


def test_english_is_what_the_code_says() -> None:
    assert translator("en")("Nothing was judged.") == "Nothing was judged."
    assert translated("the document is larger than 10 MiB", "en") == "the document is larger than 10 MiB"


def test_what_has_no_translation_stays_english() -> None:
    assert translator(CHINESE)("Call me Ishmael.") == "Call me Ishmael."
    assert translator("tlh")("Nothing was judged.") == "Nothing was judged."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("it is a binary file", "它是二进制文件"),
        ("the document is larger than 10 MiB", "文档大于 10 MiB"),
        ("it is no YAML: a value is missing", "它不是 YAML：缺少一个值"),
        (
            "its pod has no spec, so no rule about pods can judge it",
            "其 Pod 没有 spec，因此任何针对 Pod 的规则都无法评判它",
        ),
        ("there is no finding 3f9c in {deploy}", "在 {deploy} 中没有发现项 3f9c"),
    ],
)
def test_a_text_is_translated_by_the_template_that_made_it(text: str, said: str) -> None:
    assert translated(text, CHINESE) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("there is no cluster to reach: it is empty", "没有可连接的集群：它是空的"),
        (
            "it gives Pod a/b a path to all Secrets, in 2 steps: Pod a/b -> User c (has the account's token mounted)"
            " -> Secrets in shop (may read Secrets)",
            "它让 Pod a/b 经 2 步即可到达所有 Secret：Pod a/b -> User c（挂载了该账号的令牌）"
            " -> shop 中的 Secret（可以读取 Secret）",
        ),
    ],
)
def test_joined_texts_are_translated_one_by_one(text: str, said: str) -> None:
    assert translated(text, CHINESE) == said


def test_a_text_longer_than_any_of_ours_is_left_alone() -> None:
    text = f"cannot be read: {'x' * MAX_TRANSLATED_CHARS}"
    assert translated(text, CHINESE) == text


def test_texts_of_others_never_fail() -> None:
    for text in ("{}", "{0}", "{x", "}{", "%s", "cannot be read: {0.__class__}", "it is no YAML: " * 99, "\ud800"):
        assert isinstance(translated(text, CHINESE), str)
    assert translated("cannot be read: {0.__class__}", CHINESE) == "无法读取：{0.__class__}"


# --lang


@pytest.mark.parametrize("words", [["--lang", "zh-CN", "--help"], ["--help", "--lang=zh"], ["--lang=ZH-cn", "-h"]])
def test_help_speaks_the_language_that_is_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "用法：" in capsys.readouterr().out


def test_help_of_a_command_is_wrapped_by_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from wcwidth import wcswidth

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["scan", "--help", "--lang", CHINESE])
    shown = capsys.readouterr().out
    assert "显示此帮助信息并退出" in shown
    options = shown.partition("选项")[2].partition("示例：")[0]
    assert max(map(wcswidth, options.splitlines())) <= 80


def test_the_locale_decides_where_nobody_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["--help"]) == 0
    assert "用法：" in capsys.readouterr().out
    assert main(["--help", "--lang", "en"]) == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--lang"], ["--lang", "tlh", "version"], ["version", "--lang="]])
def test_an_unknown_language_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "choose from en, zh-CN" in capsys.readouterr().err


def test_errors_speak_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--lang", CHINESE]) == 2
    assert "请指明要扫描什么" in capsys.readouterr().err
    assert main(["scan", "--nonsense", "--lang", CHINESE]) == 2
    assert "无法识别的参数：--nonsense" in capsys.readouterr().err


def test_what_was_skipped_is_told_in_the_language_and_machines_are_told_in_english(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("apiVersion: v1\nkind: [Pod\n")
    main(["scan", str(tmp_path), "--lang", CHINESE])
    shown = capsys.readouterr().out
    assert "它不是 YAML：[ ] 中的列表没有闭合" in shown
    assert "1 项内容无法评判" in shown
    main(["scan", str(tmp_path), "--lang", CHINESE, "-o", "jsonl"])
    assert "it is no YAML: a list in [ ] is not closed" in capsys.readouterr().out


def test_english_does_not_load_a_catalogue() -> None:
    code = (
        "import sys; from transom.cli import main; main(['--lang', 'en', '--help']); "
        "sys.exit('gettext' in sys.modules or 'transom.model.language' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_stream_that_cannot_carry_chinese_is_written_to_all_the_same() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "transom", "scan", "--help", "--lang", CHINESE]
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_what_is_told_behind_the_name_of_a_policy_is_told_in_the_language() -> None:
    assert translated("shop: it has no signature; runs as shop/web", CHINESE) == "shop：它没有签名；运行于 shop/web"


def test_words_of_others_behind_a_name_stay_as_they_are() -> None:
    assert translated("shop: hello world", CHINESE) == "shop: hello world"


def test_a_reason_behind_what_failed_is_no_part_of_a_place() -> None:
    assert translated("cannot read nowhere: it is no OCI layout", CHINESE) == "无法读取 nowhere：它不是 OCI 布局"
    assert translated("cannot read pod.yaml:7", CHINESE) == "无法读取 pod.yaml:7"
