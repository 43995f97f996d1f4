"""Streams are split at markers, whatever the pieces in which they arrive."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube import streams
from transom.kube.documents import Document, read_documents
from transom.kube.streams import NotTextError, Segment, segments

LINES = st.sampled_from(
    [
        "---", "...", "--- # c", "--- a: 1", "---a", "a: 1", "a: |", "  ---", "  text é", "", "# c", "%YAML 1.1",
        '{"a": 1}', '{"a": {', '"b": 2}}', "  {", "}", "[1,", "2]", "\t", "k: 'x", "y'",
    ]
)  # fmt: skip


def split(raw: bytes, chunk_bytes: int) -> list[Segment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "CHUNK_BYTES", chunk_bytes)
        return list(segments(io.BytesIO(raw)))


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.integers(1, 20))
def test_the_pieces_of_a_stream_do_not_matter(lines: list[str], end: str, chunk_bytes: int) -> None:
    raw = end.join(lines).encode()
    whole = [item.value for item in read_documents(io.BytesIO(raw), "f") if isinstance(item, Document)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "CHUNK_BYTES", chunk_bytes)
        pieces = [item.value for item in read_documents(io.BytesIO(raw), "f") if isinstance(item, Document)]
    assert pieces == whole


@given(st.lists(LINES, max_size=12), st.integers(1, 20))
def test_segments_know_their_bytes_and_lines(lines: list[str], chunk_bytes: int) -> None:
    raw = "\n".join(lines).encode()
    for segment in split(raw, chunk_bytes):
        assert raw[segment.offset :].startswith(segment.text)
        assert segment.line == raw[: segment.offset].count(b"\n") + 1


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_is_translated_whatever_its_pieces(codec: str) -> None:
    raw = ("\ufeffa: é\n" + "---\nb: 😀\n" * 3).encode(codec)
    for chunk_bytes in (3, 5, 100):
        found = split(raw, chunk_bytes)
        assert [segment.text.decode() for segment in found] == ["a: é\n", *["---\nb: 😀\n"] * 3]
        assert {segment.offset for segment in found} == {streams.TRANSLATED}


def test_half_a_utf16_character_is_no_text() -> None:
    with pytest.raises(NotTextError):
        list(segments(io.BytesIO(b"\xff\xfea")))


def test_text_with_a_stray_nul_is_text_and_a_program_is_none() -> None:
    assert list(segments(io.BytesIO(b"a: some text with one NUL: \0\n")))
    with pytest.raises(NotTextError):
        list(segments(io.BytesIO(b"\x7fELF\x02\x01\x01" + bytes(100))))


def test_a_template_is_not_cut_where_json_would_be() -> None:
    assert len(list(segments(io.BytesIO(b"{{ if .a }}\n{{ .b }}\n{{ end }}\n")))) == 1
