"""Named feeds are brought from a mirror: once, only where they changed, never mixed, never lost."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zstandard

from transom.advisories import Index, mirrors
from transom.advisories.documents import is_wanted
from transom.advisories.feeds import told
from transom.advisories.fetching import fetch_feed
from transom.advisories.mirrors import PART
from transom.advisories.sources import is_source, remotes, sources
from transom.cli import main
from transom.model.advisories import Advisory
from transom.model.errors import TransomError, UsageError

CORPORA = Path(os.environ.get("TRANSOM_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
KEV = "www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
CATALOGUE = json.dumps(
    {"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-0001", "dateAdded": "2024-01-02"}]}
)


class Served:
    """Files by path, served with entity tags and ranges; asked: what was asked for, with its headers."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str], int]] = []
        self.cut: dict[str, int] = {}
        self.status: dict[str, int] = {}
        self.address = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, headers = request.path.lstrip("/"), dict(request.headers)
        content = self.files.get(path)
        status = self.status.get(path, 404 if content is None else 200)
        tag = f'"{hashlib.sha256(content or b"").hexdigest()[:16]}"'
        body = content if content is not None and status == 200 else b""
        if status == 200 and headers.get("If-None-Match") == tag:
            status, body = 304, b""
        start = int(headers.get("Range", "bytes=0-").partition("=")[2].rstrip("-"))
        if status == 200 and start and headers.get("If-Range", tag) == tag:
            status, body = 206, body[start:]
        self.asked.append((path, headers, status))
        request.send_response(status)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(body)))
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/*")
        request.end_headers()
        request.wfile.write(body[: self.cut.pop(path, len(body))])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(mirrors, "PAUSES_S", (0.0, 0.0, 0.0))
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_feed_that_did_not_change_is_not_sent_again(served, tmp_path):
    served.files[KEV] = CATALOGUE.encode()
    assert [each.changed for each in fetch_feed("kev", tmp_path, served.address)] == [True]
    assert [each.changed for each in fetch_feed("kev", tmp_path, served.address)] == [False]
    assert [status for _, _, status in served.asked] == [200, 304]
    served.files[KEV] += b"\n"
    assert [each.changed for each in fetch_feed("kev", tmp_path, served.address)] == [True]


def test_a_feed_that_was_asked_for_again_counts_as_of_today(served, tmp_path):
    served.files[KEV] = CATALOGUE.encode()
    (fetched,) = fetch_feed("kev", tmp_path, served.address)
    os.utime(tmp_path / fetched.file, (1_700_000_000, 1_700_000_000))
    assert next(told(str(tmp_path / "kev"))).time.startswith("2023-11-14")
    list(fetch_feed("kev", tmp_path, served.address))
    age = datetime.now(UTC) - datetime.fromisoformat(next(told(str(tmp_path / "kev"))).time)
    assert age < timedelta(minutes=5)


def test_a_download_that_broke_off_goes_on(served, tmp_path):
    served.files[KEV] = CATALOGUE.encode() + b" " * 100_000
    served.cut[KEV] = 50_000
    (fetched,) = fetch_feed("kev", tmp_path, served.address)
    assert (tmp_path / fetched.file).read_bytes() == served.files[KEV]
    assert [status for _, _, status in served.asked] == [200, 206]


def test_parts_of_two_versions_are_never_joined(served, tmp_path):
    served.files[KEV] = b"a" * 100_000
    served.cut[KEV] = 50_000
    served.status = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirrors, "TRIES", 1)
        with pytest.raises(TransomError, match="cannot fetch"):
            list(fetch_feed("kev", tmp_path, served.address))
    assert list(tmp_path.rglob(f"*{PART}"))
    served.files[KEV] = b"b" * 100_000
    (fetched,) = fetch_feed("kev", tmp_path, served.address)
    assert (tmp_path / fetched.file).read_bytes() == b"b" * 100_000


def test_a_file_that_is_too_large_is_not_fetched_whole(served, tmp_path, monkeypatch):
    served.files["x"] = b"a" * 3_000_000
    with pytest.raises(TransomError, match="larger than 1 MB"):
        mirrors.fetch(f"{served.address}/x", tmp_path / "x", 1 << 20)


def test_a_download_without_end_is_given_up(served, tmp_path, monkeypatch):
    monkeypatch.setattr(mirrors, "LONGEST_S", -1.0)
    served.files["x"] = b"a"
    with pytest.raises(TransomError, match="it takes more than"):
        mirrors.fetch(f"{served.address}/x", tmp_path / "x")


def test_a_mirror_that_fails_leaves_what_was_fetched_before(served, tmp_path):
    served.files[KEV] = CATALOGUE.encode()
    (fetched,) = fetch_feed("kev", tmp_path, served.address)
    for status in (500, 404):
        served.status[KEV] = status
        with pytest.raises(TransomError, match=f"answers {status}"):
            list(fetch_feed("kev", tmp_path, served.address))
        assert (tmp_path / fetched.file).read_bytes() == served.files[KEV]


def test_releases_that_are_not_there_are_no_error_and_those_that_went_are_forgotten(served, tmp_path):
    for release in ("v3.18", "v3.19"):
        served.files[f"secdb.alpinelinux.org/{release}/main.json"] = b"{}"
    assert len(list(fetch_feed("alpine", tmp_path, served.address))) == 2
    del served.files["secdb.alpinelinux.org/v3.18/main.json"]
    (kept,) = fetch_feed("alpine", tmp_path, served.address)
    assert [each.name for each in (tmp_path / "alpine").glob("*.json")] == [Path(kept.file).name]
    with pytest.raises(TransomError, match="none of its files"):
        list(fetch_feed("nvd", tmp_path, served.address))


def test_an_archive_is_found_by_the_text_that_names_it(served, tmp_path):
    base = "security.access.redhat.com/data/csaf/v2/vex"
    for day in ("2026-11-01", "2026-11-08"):
        served.files[f"{base}/archive_latest.txt"] = f"csaf_vex_{day}.tar.zst".encode()
        served.files[f"{base}/changes.csv"] = b""
        served.files[f"{base}/csaf_vex_{day}.tar.zst"] = day.encode()
        (fetched,) = fetch_feed("redhat", tmp_path, served.address)
        assert (tmp_path / fetched.file).read_bytes() == day.encode()
    assert len(list((tmp_path / "redhat").glob("*.tar.zst"))) == 1
    served.files[f"{base}/archive_latest.txt"] = b"<html>Sign in</html>"
    with pytest.raises(TransomError, match="it names no file"):
        list(fetch_feed("redhat", tmp_path, served.address))


def test_documents_that_changed_since_an_archive_are_brought_one_by_one(served, tmp_path):
    base = "security.access.redhat.com/data/csaf/v2/advisories"
    samples = CORPORA / "advisory-feeds/tests/unit/providers/rhel/test-fixtures/csaf/server"
    if not samples.is_dir():
        pytest.skip(f"{samples} is not there: set TRANSOM_CORPORA")
    for path in ("archive_latest.txt", "changes.csv", "2024/rhsa-2024_0010.json"):
        served.files[f"{base}/{path}"] = (samples / path).read_bytes()
    served.files[f"{base}/csaf_advisories_2025-02-15.tar.zst"] = zstandard.compress(b"")
    brought = [Path(each.file).name for each in fetch_feed("redhat-advisories", tmp_path, served.address)]
    assert brought[1:] == ["changed-2024-rhsa-2024_0010.json"]
    asked = [path.rpartition("/")[2] for path, _, _ in served.asked]
    assert "rhsa-2024_11255.json" in asked  # of the archive's own day: gone since
    assert "rhsa-2024_4444.json" not in asked  # of the day before
    assert {each.id for each in told(str(tmp_path / "redhat-advisories")) if isinstance(each, Advisory)} == {
        "RHSA-2024:0010"
    }


def test_more_changes_than_can_be_asked_for_one_by_one_are_an_error(served, tmp_path):
    base = "security.access.redhat.com/data/csaf/v2/vex"
    served.files[f"{base}/archive_latest.txt"] = b"csaf_vex_2026-11-01.tar.zst"
    served.files[f"{base}/csaf_vex_2026-11-01.tar.zst"] = b"x"
    lines = (f'"2026/cve-2026-{number}.json","2026-11-02T00:00:00+00:00"' for number in range(5_001))
    served.files[f"{base}/changes.csv"] = "\n".join(lines).encode()
    with pytest.raises(TransomError, match="5,001 documents changed"):
        list(fetch_feed("redhat", tmp_path, served.address))


def test_errata_of_a_repository_are_found_by_its_list_of_mirrors(served, tmp_path):
    guid = "cdn.amazonlinux.com/2/core/2.0/x86_64/0123"
    served.files["cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list"] = f"https://{guid}\n".encode()
    served.files[f"{guid}/repodata/repomd.xml"] = (
        b'<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"><location href="p.gz"/></data>'
        b'<data type="updateinfo"><location href="repodata/updateinfo.xml.gz"/></data></repomd>'
    )
    update = b'<updates><update type="security"><id>ALAS2-2024-1</id><pkglist><collection>'
    update += b'<package name="a" version="1" release="1"/></collection></pkglist></update></updates>'
    served.files[f"{guid}/repodata/updateinfo.xml.gz"] = gzip.compress(update)
    assert len(list(fetch_feed("amazon", tmp_path, served.address))) == 1
    assert [each.id for each in told(str(tmp_path / "amazon")) if isinstance(each, Advisory)] == ["ALAS2-2024-1"]


def test_every_address_of_the_table_is_safe_and_has_a_file_of_its_own():
    for name, source in sources().items():
        found = list(remotes(f"{name}:PyPI" if "{argument}" in source.files[0] else name))
        assert all(each.address.startswith("https://") for each in found)
        assert len({each.file for each in found}) == len(found)
        assert all(is_wanted(each.file) for each in found if each.kind == "file")
        assert source.about


@pytest.mark.parametrize("name", ["nothing", "osv", "kev:x", "../kev", "osv:../../x"])
def test_a_name_that_is_not_known_is_told(name):
    with pytest.raises(UsageError):
        list(remotes(name))


def test_a_path_that_is_there_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_source("kev")
    (tmp_path / "kev").touch()
    assert not is_source("kev")


def test_plain_http_of_another_machine_is_not_taken_by_a_redirect_either(served, tmp_path):
    with pytest.raises(TransomError, match="plain HTTP"):
        list(fetch_feed("kev", tmp_path, "http://mirror.example"))


def packed(folder: Path, *parts: str) -> bytes:
    """Return files of a corpus as their publisher packs them."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            for each in sorted((folder / part).rglob("*"))[:200]:
                if each.suffix in (".json", ".yaml"):
                    archive.write(each, each.name)
    return made.getvalue()


def test_an_index_of_named_feeds_is_built_from_the_corpora_as_a_mirror_serves_them(served, tmp_path, capsys):
    if not (CORPORA / "osv-pypi").is_dir():
        pytest.skip(f"{CORPORA} is not there: set TRANSOM_CORPORA")
    samples = CORPORA / "advisory-feeds" / "tests" / "unit" / "providers"
    served.files["osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"] = packed(CORPORA, "osv-pypi")
    served.files[KEV] = (CORPORA / "kev" / "known_exploited_vulnerabilities.json").read_bytes()
    served.files["packages.wolfi.dev/os/security.json"] = (
        samples / "wolfi/test-fixtures/input/secdb/security.json"
    ).read_bytes()
    epss = gzip.compress((samples / "epss/test-fixtures/example-1.csv").read_bytes())
    served.files["epss.empiricalsecurity.com/epss_scores-current.csv.gz"] = epss
    ubuntu = io.BytesIO()
    with tarfile.open(fileobj=ubuntu, mode="w:xz") as archive:
        archive.add(samples / "ubuntu/test-fixtures/osv", "osv")
    served.files["security-metadata.canonical.com/osv/osv-all.tar.xz"] = ubuntu.getvalue()
    words = ["db", "build", "osv:PyPI", "kev", "wolfi", "epss", "ubuntu", "-o", str(tmp_path / "x.db")]
    words += ["--feeds", str(tmp_path / "feeds"), "--mirror", served.address]
    assert main(words) == 0
    with Index(tmp_path / "x.db") as index:
        feeds = {each.feed: each for each in index.feeds}
    assert {"pypa", "kev", "wolfi", "epss", "ubuntu"} <= set(feeds)
    assert feeds["kev"].records > 1_000
    served.asked.clear()
    assert main(words) == 0
    assert {status for _, _, status in served.asked} == {304}
    capsys.readouterr()


def test_feeds_can_be_brought_first_and_built_without_a_network(served, tmp_path, capsys):
    record = {"id": "PYSEC-1", "modified": "2024-01-01T00:00:00Z", "affected": [
        {"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}
    ]}  # fmt: skip
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(record))
    served.files["osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"] = made.getvalue()
    assert main(["db", "fetch", "osv:PyPI", "--feeds", str(tmp_path / "feeds"), "--mirror", served.address]) == 0
    served.files.clear()
    assert main(["db", "build", str(tmp_path / "feeds"), "-o", str(tmp_path / "x.db")]) == 0
    assert "1 records" in capsys.readouterr().out


def test_fetch_without_a_name_tells_which_there_are(capsys):
    assert main(["db", "fetch"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("debian", "osv", "kev"))
    assert "Oracle Linux's OVAL of all releases (tried on documents after its specification only)" in out


def test_large_archives_are_read_as_they_come(tmp_path):
    record = b'{"id": "PYSEC-%d", "modified": "2024-01-01T00:00:00Z", "affected": []}'
    for name, mode in (("a.tar", "w"), ("b.tar.gz", "w:gz"), ("c.tar.bz2", "w:bz2"), ("d.tar.xz", "w:xz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            for number in range(3):
                entry = tarfile.TarInfo(f"osv/{number}.json")
                entry.size = len(record % number)
                archive.addfile(entry, io.BytesIO(record % number))
        assert [each.id for each in told(str(tmp_path / name)) if isinstance(each, Advisory)] == [
            "PYSEC-0",
            "PYSEC-1",
            "PYSEC-2",
        ]
    (tmp_path / "named-otherwise.json").write_bytes(zstandard.compress((tmp_path / "a.tar").read_bytes()))
    assert len([each for each in told(str(tmp_path / "named-otherwise.json")) if isinstance(each, Advisory)]) == 3


def test_what_a_broken_archive_holds_before_it_breaks_is_told(tmp_path):
    record = b'{"id": "PYSEC-%d", "modified": "2024-01-01T00:00:00Z", "affected": []}' + b" " * 100_000
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in range(3):
            entry = tarfile.TarInfo(f"osv/{number}.json")
            entry.size = len(record % number)
            archive.addfile(entry, io.BytesIO(record % number))
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[: len(whole) // 2])
    seen = list(told(str(tmp_path / "a.tar")))
    assert [each.id for each in seen if isinstance(each, Advisory)] == ["PYSEC-0"]
    assert "cannot be read" in seen[-1].reason
