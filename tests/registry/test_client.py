"""Registries: a real one, and one that lies."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.registry.conftest import Layout
from transom.model.errors import TransomError
from transom.model.images import parse_image
from transom.registry import blob_streams
from transom.registry import client as module
from transom.registry.blobs import MANIFESTS, SCHEMA_1, Descriptor, resolve
from transom.registry.client import DeniedError, RegistryClient
from transom.registry.credentials import Login


def fetched(reference: str, **options: Any) -> tuple[str, list[bytes]]:
    client = RegistryClient(parse_image(reference), **options)
    image = resolve(reference, client.manifest(), client)
    content = []
    for layer in image.layers:
        with client.open(layer.descriptor) as stream:
            content.append(gzip.decompress(stream.read()))
    client.close()
    return image.digest, content


def test_an_image_is_fetched_from_a_real_registry(layout: Layout, pushed: Callable[[str], str]) -> None:
    made = layout.image({"a": b"1" * 100_000}, {"b": b"2"})
    digest, layers = fetched(pushed("team/app:1.0"))
    assert digest == made["digest"]
    assert [hashlib.sha256(each).hexdigest() for each in layers]
    assert b"1" * 100 in layers[0]


def test_it_is_fetched_by_digest_too(layout: Layout, pushed: Callable[[str], str]) -> None:
    digest = layout.image({"a": b"1"})["digest"]
    reference = pushed("team/digest:1").partition("/")[0]
    assert fetched(f"{reference}/team/digest@{digest}")[0] == digest


def test_what_is_not_there_is_told(registry: str) -> None:
    with pytest.raises(TransomError, match="there is no"):
        fetched(f"{registry}/team/nothing:1")


def test_a_registry_that_knows_no_referrers_is_asked_for_the_tag(layout: Layout, pushed: Callable[[str], str]) -> None:
    layout.image({"a": b"1"})
    client = RegistryClient(parse_image(pushed("team/lonely:1")))
    assert client.referrers(client.manifest().digest) == []
    assert list(client.tags()) == ["1"]


def test_a_registry_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.0,))
    with pytest.raises(TransomError, match="cannot reach"):
        fetched("127.0.0.1:1/a/b:1")


# a registry that does as it is told

Answer = tuple[int, dict[str, str], bytes]


class Scripted:
    """Answers by path: a list of answers, of which the last is given again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.cut: dict[str, int] = {}
        self.port = 0

    def take(self, path: str, headers: dict[str, str]) -> Answer:
        self.asked.append((path, headers))
        answers = self.answers.get(path) or self.answers.get(path.partition("?")[0]) or [(404, {}, b"")]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = script.take(self.path, dict(self.headers))
            start = int(self.headers.get("Range", "bytes=0-").partition("=")[2].rstrip("-"))
            if start and status == 200:
                status, body = 206, body[start:]
            self.send_response(status)
            self.send_header("Connection", "close")  # so that no socket outlives its test
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            cut = script.cut.pop(self.path, len(body))
            with suppress(ConnectionError):  # whoever asks may have heard enough
                self.wfile.write(body[:cut])
            if cut < len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(blob_streams, "PAUSES_S", (0.0,))


def put(script: Scripted, content: bytes = b"x" * 5_000_000) -> tuple[Descriptor, str]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    path = f"/v2/a/b/blobs/{digest}"
    script.answers[path] = [(200, {}, content)]
    return Descriptor(digest, len(content), "x"), path


def reader(script: Scripted, **options: Any) -> RegistryClient:
    return RegistryClient(parse_image(f"127.0.0.1:{script.port}/a/b:1"), Login(), **options)


def test_a_blob_that_breaks_off_goes_on_where_it_broke(scripted: Scripted) -> None:
    descriptor, path = put(scripted)
    scripted.cut[path] = 1_000_000
    with reader(scripted).open(descriptor) as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == descriptor.digest.partition(":")[2]
    resumed = int(scripted.asked[-1][1]["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < resumed <= 1_000_000


def test_too_many_requests_are_waited_for(scripted: Scripted) -> None:
    descriptor, path = put(scripted)
    scripted.answers[path][:0] = [(429, {"Retry-After": "0"}, b""), (503, {}, b"")]
    with reader(scripted).open(descriptor) as stream:
        assert len(stream.read()) == descriptor.size


@pytest.mark.parametrize(
    ("status", "said"), [(401, "log in"), (403, "log in"), (429, "less often"), (500, "try again")]
)
def test_refusals_say_what_to_do(scripted: Scripted, status: int, said: str) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(status, {}, b"")]
    with pytest.raises(TransomError) as caught:
        reader(scripted).manifest()
    assert said in str(caught.value)


def test_a_token_is_asked_for_once_and_told_to_nobody_else(scripted: Scripted) -> None:
    challenge = f'Bearer realm="http://127.0.0.1:{scripted.port}/token",service="s",scope="repository:a/b:pull"'
    descriptor, path = put(scripted)
    scripted.answers[path] = [
        (401, {"WWW-Authenticate": challenge}, b""),
        (307, {"Location": f"http://localhost:{scripted.port}/elsewhere"}, b""),
    ]
    scripted.answers["/token"] = [(200, {}, json.dumps({"token": "secret"}).encode())]
    scripted.answers["/elsewhere"] = [(200, {}, b"x" * descriptor.size)]
    with RegistryClient(parse_image(f"127.0.0.1:{scripted.port}/a/b:1"), Login("ann", "pw")).open(descriptor) as stream:
        stream.read()
    seen = {path.partition("?")[0]: headers.get("Authorization") for path, headers in scripted.asked}
    assert seen["/token"] == Login("ann", "pw").basic
    assert seen[path] == "Bearer secret"
    assert seen["/elsewhere"] is None


def test_redirects_into_this_network_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    within = {"registry.example": False, "10.0.0.7": True}
    monkeypatch.setattr(module, "is_within", lambda host: within[host])
    client = RegistryClient(parse_image("registry.example/a/b:1"), Login())
    with pytest.raises(TransomError, match="an address of this network"):
        client._check_redirect("registry.example", "https://10.0.0.7/x")
    with pytest.raises(TransomError, match="only https"):
        client._check_redirect("registry.example", "file:///etc/passwd")


@pytest.mark.parametrize("where", ["/elsewhere", "/token"])
def test_a_name_that_is_answered_otherwise_the_second_time_leads_nowhere(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(module, "is_within", lambda _: False)  # as the first answer had it
    monkeypatch.setattr(module, "PAUSES_S", ())
    there = f"http://localhost:{scripted.port}{where}"
    answer = (
        (307, {"Location": there}, b"")
        if where == "/elsewhere"
        else (401, {"WWW-Authenticate": f'Bearer realm="{there}"'}, b"")
    )
    scripted.answers["/v2/a/b/manifests/1"] = [answer]
    with pytest.raises(TransomError, match="is an address of this network"):
        reader(scripted, insecure=True).manifest()
    assert [path.partition("?")[0] for path, _ in scripted.asked] == ["/v2/a/b/manifests/1"]


def test_redirects_without_end_are_told(scripted: Scripted) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(302, {"Location": "/v2/a/b/manifests/1"}, b"")]
    with pytest.raises(TransomError, match="without end"):
        reader(scripted).manifest()


def test_a_manifest_that_is_not_its_digest_is_refused(scripted: Scripted) -> None:
    digest = "sha256:" + "0" * 64
    scripted.answers[f"/v2/a/b/manifests/{digest}"] = [(200, {}, b"{}")]
    client = RegistryClient(parse_image(f"127.0.0.1:{scripted.port}/a/b@{digest}"), Login())
    with pytest.raises(TransomError, match="not what it should be"):
        client.manifest()


def test_a_mirror_is_asked_first_and_the_registry_where_it_has_nothing(scripted: Scripted) -> None:
    descriptor, _ = put(scripted)
    with reader(scripted, mirrors=("127.0.0.1:1",)).open(descriptor) as stream:
        assert len(stream.read()) == descriptor.size


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "md5:" + "0" * 32, "", "sha256:" + "0" * 63])
def test_what_is_no_digest_is_asked_of_nobody(scripted: Scripted, digest: str) -> None:
    with pytest.raises(TransomError):
        reader(scripted).open(Descriptor(digest))
    assert scripted.asked == []


def test_a_mirror_is_asked_below_its_path_for_the_registry_that_is_meant(scripted: Scripted) -> None:
    descriptor, path = put(scripted)
    digest = descriptor.digest
    scripted.answers[f"/v2/proxy/hub/a/b/blobs/{digest}"] = scripted.answers.pop(path)
    client = RegistryClient(
        parse_image("127.0.0.1:1/a/b:1"), Login(), mirrors=(f"127.0.0.1:{scripted.port}/proxy/hub/",)
    )
    with client.open(descriptor) as stream:
        assert len(stream.read()) == descriptor.size
    assert scripted.asked[0][0] == f"/v2/proxy/hub/a/b/blobs/{digest}?ns=127.0.0.1%3A1"


def test_a_mirror_is_not_told_who_asks_the_registry(scripted: Scripted) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="http://127.0.0.1:{scripted.port}/token"'}
    scripted.answers["/v2/a/b/manifests/1"] = [(401, challenge, b"")]
    scripted.answers["/token"] = [(401, {}, b"")]
    client = RegistryClient(parse_image("127.0.0.1:1/a/b:1"), Login("ann", "pw"), (f"127.0.0.1:{scripted.port}",))
    with pytest.raises(TransomError):
        client.manifest()
    assert [headers.get("Authorization") for _, headers in scripted.asked] == [None] * len(scripted.asked)


def test_a_mirror_that_is_not_there_is_asked_once(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    client = reader(scripted, mirrors=("127.0.0.1:1",))
    for content in (b"a", b"b"):
        client.open(put(scripted, content)[0]).close()
    assert not waits
    assert len(client._places) == 1


def test_a_token_is_asked_for_again_where_too_many_ask(scripted: Scripted) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="http://127.0.0.1:{scripted.port}/token"'}
    scripted.answers["/v2/a/b/manifests/1"] = [(401, challenge, b""), (200, {}, b"{}")]
    scripted.answers["/token"] = [(429, {}, b""), (503, {}, b""), (200, {}, b'{"access_token": "t"}')]
    assert reader(scripted).manifest().size == 2
    assert scripted.asked[-1][1]["Authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [((401, {}, b""), DeniedError), ((500, {}, b""), TransomError), ((200, {}, b"no json"), TransomError)],
)
def test_a_token_that_is_not_given_is_told(scripted: Scripted, answer: Answer, kind: type[Exception]) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="http://127.0.0.1:{scripted.port}/token"'}
    scripted.answers["/v2/a/b/manifests/1"] = [(401, challenge, b"")]
    scripted.answers["/token"] = [answer]
    with pytest.raises(kind, match="no login"):
        reader(scripted).manifest()


@pytest.mark.parametrize(
    ("told", "pause_s"),
    [("7", 7.0), ("99999", 60.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None), ("", None), ("9" * 30, None)],
)
def test_the_pause_that_a_registry_asks_for_is_kept_within_reason(told: str, pause_s: float | None) -> None:
    assert module._asked_pause_s(told) == pause_s


def test_a_manifest_is_asked_for_once(scripted: Scripted) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {"Content-Type": MANIFESTS[0]}, b"{}")]
    client = reader(scripted)
    with client.open(client.manifest()) as stream:
        assert stream.read() == b"{}"
    assert len(scripted.asked) == 1
    assert scripted.asked[0][1]["User-Agent"].startswith("transom/")


def test_a_blob_that_always_breaks_off_is_told(scripted: Scripted) -> None:
    descriptor, path = put(scripted)
    scripted.answers[path] = [(200, {"Content-Length": str(descriptor.size)}, b"x" * 10)]
    with reader(scripted).open(descriptor) as stream, pytest.raises(OSError, match="broke off"):
        stream.read()


def test_a_blob_that_is_shorter_than_it_should_be_is_asked_for_once(scripted: Scripted) -> None:
    descriptor, path = put(scripted)
    scripted.answers[path] = [(200, {}, b"x" * 10)]
    with reader(scripted).open(descriptor) as stream, pytest.raises(OSError, match="ends after 10 of"):
        stream.read()
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("kind", ["text/html", "application/json", ""])
def test_a_manifest_is_read_whatever_it_is_called(scripted: Scripted, kind: str) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {"Content-Type": kind}, b"<html>log in</html>")]
    client = reader(scripted)
    with pytest.raises(TransomError, match="cannot read the manifest"):
        resolve("a/b:1", client.manifest(), client)


def test_a_config_that_is_not_what_the_manifest_says_is_told(scripted: Scripted) -> None:
    config, path = put(scripted, b"{}" * 100)
    scripted.answers[path] = [(200, {}, b"{}")]
    told = {"digest": config.digest, "size": config.size, "mediaType": "x"}
    content = json.dumps({"schemaVersion": 2, "config": told, "layers": []}).encode()
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {"Content-Type": MANIFESTS[0]}, content)]
    client = reader(scripted)
    with pytest.raises(TransomError, match="ends after 2 of 200 bytes"):
        resolve("a/b:1", client.manifest(), client)


def test_an_answer_that_comes_drop_by_drop_is_given_up(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {}, b"{}")]
    monkeypatch.setattr(module, "LONGEST_ANSWER_S", -1.0)
    with pytest.raises(TransomError, match="does not end"):
        reader(scripted).manifest()


def test_a_blob_that_comes_drop_by_drop_is_given_up(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor, _ = put(scripted)
    monkeypatch.setattr(blob_streams, "FIRST_S", 0.0)
    monkeypatch.setattr(blob_streams, "SLOWEST_BYTES_S", 1e15)
    with reader(scripted).open(descriptor) as stream, pytest.raises(OSError, match="slower"):
        stream.read()


def test_a_manifest_that_is_too_large_is_refused(scripted: Scripted) -> None:
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {}, bytes(module.MAX_MANIFEST_BYTES + 1))]
    with pytest.raises(TransomError, match="too large"):
        reader(scripted).manifest()


def test_a_blob_that_is_longer_than_it_should_be_ends(scripted: Scripted) -> None:
    descriptor, _ = put(scripted)
    shorter = Descriptor(descriptor.digest, 1_000_000)
    with reader(scripted).open(shorter) as stream, pytest.raises(OSError, match="longer than"):
        stream.read()


def test_an_image_of_schema_1_is_told(scripted: Scripted) -> None:
    content = json.dumps({"schemaVersion": 1, "fsLayers": [{"blobSum": "sha256:a"}], "history": []}).encode()
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {"Content-Type": SCHEMA_1[1]}, content)]
    client = reader(scripted)
    with pytest.raises(TransomError, match="schema 1"):
        resolve("a/b:1", client.manifest(), client)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_referrers_are_asked_of_their_tag_where_the_registry_knows_no_such_question(
    scripted: Scripted, status: int
) -> None:
    digest = f"sha256:{'a' * 64}"
    scripted.answers[f"/v2/a/b/referrers/{digest}"] = [(status, {}, b"")]
    found = {"manifests": [{"digest": "sha256:b", "artifactType": "x"}]}
    scripted.answers[f"/v2/a/b/manifests/sha256-{'a' * 64}"] = [(200, {}, json.dumps(found).encode())]
    assert [each.artifact_type for each in reader(scripted).referrers(digest)] == ["x"]


def test_referrers_are_read_page_by_page_and_not_for_ever(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = f"sha256:{'a' * 64}"
    path = f"/v2/a/b/referrers/{digest}"
    page = json.dumps({"manifests": [{"digest": "sha256:b"}]}).encode()
    scripted.answers[path] = [(200, {"Link": f'<{path}?last=b>; rel="next"'}, page), (200, {}, page)]
    assert len(reader(scripted).referrers(digest)) == 2
    scripted.answers[path] = [(200, {"Link": f'<{path}?last=b>; rel="next"'}, page)]
    monkeypatch.setattr(module, "MAX_PAGES", 3)
    with pytest.raises(TransomError, match="more than 3 pages"):
        reader(scripted).referrers(digest)


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b'{"tags": 3}', b"[" * 100_000])
def test_answers_that_are_none_are_told(scripted: Scripted, content: bytes) -> None:
    scripted.answers["/v2/a/b/tags/list"] = [(200, {}, content)]
    with pytest.raises(TransomError):
        list(reader(scripted).tags())
    scripted.answers["/v2/a/b/manifests/1"] = [(200, {"Content-Type": MANIFESTS[0]}, content)]
    client = reader(scripted)
    with pytest.raises(TransomError):
        resolve("a/b:1", client.manifest(), client)
