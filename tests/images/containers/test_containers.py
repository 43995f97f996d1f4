"""Containers that run are found as people name them, and read as they are mounted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.images.test_source import OPTIONS
from tests.registry.runtimes import Containerd, containerd, system  # noqa: F401 - a fixture
from transom.images.containers import finding, inspecting
from transom.images.containers.finding import TASKS, Container, find_container
from transom.images.containers.mounts import Root
from transom.images.opening import ImageOptions
from transom.inventory import Inventory
from transom.model.errors import TransomError
from transom.model.findings import Finding, Skipped
from transom.scan import scan

SPEC = {
    "annotations": {
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.container-name": "web",
        "io.kubernetes.cri.image-name": "example.com/web:1",
    }
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look nowhere on this machine but where a test says."""
    monkeypatch.setattr(finding, "ROOTS", ())
    monkeypatch.setattr(finding, "RUNTIMES", (f"{tmp_path}/runc",))
    monkeypatch.setattr(finding, "DOCKER", f"{tmp_path}/docker")
    monkeypatch.setattr(finding, "STORES", (f"{tmp_path}/storage",))


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this process for that of whatever container."""
    monkeypatch.setattr(finding, "is_of", lambda pid, _: pid == os.getpid())


ours_too = pytest.mark.usefixtures("ours")


def task(tmp_path: Path, name: str, pid: int, spec: object) -> str:
    folder = tmp_path / "state" / TASKS / "k8s.io" / name
    folder.mkdir(parents=True)
    (folder / "init.pid").write_text(str(pid))
    (folder / "config.json").write_text(spec if isinstance(spec, str) else json.dumps(spec))
    return str(tmp_path / "state")


@ours_too
@pytest.mark.parametrize("wanted", ["a1b2c3d4", "a1b2", "web", "web-0/web", "shop/web-0/web", "pid:{own}"])
def test_a_container_is_found_by_each_of_its_names(tmp_path: Path, wanted: str) -> None:
    state = task(tmp_path, "a1b2c3d4", os.getpid(), SPEC)
    found = find_container(wanted.format(own=os.getpid()), "", state)
    assert (found.id, found.pid, found.image, found.shown) == (
        "a1b2c3d4",
        os.getpid(),
        "example.com/web:1",
        "shop/web-0/web",
    )


@ours_too
def test_of_two_of_one_name_the_one_that_runs_is_meant(tmp_path: Path) -> None:
    task(tmp_path, "a1b2c3d4", 999999999, SPEC)
    state = task(tmp_path, "ffffffff", os.getpid(), SPEC)
    assert find_container("web", "", state).id == "ffffffff"


@ours_too
def test_two_that_run_are_told(tmp_path: Path) -> None:
    for name in ("a1b2c3d4", "ffffffff"):
        state = task(tmp_path, name, os.getpid(), SPEC)
    with pytest.raises(TransomError, match="several containers"):
        find_container("web", "", state)


@pytest.mark.parametrize("spec", ["", "[]", "{", '{"annotations": 3}', '{"annotations": {"nerdctl/name": 3}}'])
def test_a_spec_that_is_broken_leaves_the_id(tmp_path: Path, spec: str) -> None:
    state = task(tmp_path, "a1b2c3d4", os.getpid(), spec)
    assert find_container("a1b2", "", state).names == ()


@pytest.mark.parametrize(
    ("groups", "holds"),
    [("0::/kubepods/pod1/cri-containerd-a1b2.scope\n", True), ("0::/user.slice\n1:cpu:/\n", False), ("0::/\n", True)],
)
def test_a_process_is_of_a_container_by_its_control_groups(
    monkeypatch: pytest.MonkeyPatch, groups: str, holds: bool
) -> None:
    monkeypatch.setattr(finding.Path, "read_text", lambda _: groups)
    assert finding.is_of(7, "a1b2") == holds


@ours_too
def test_one_of_runc_alone_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "runc" / "mine"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(
        json.dumps({"init_process_pid": os.getpid(), "config": {"labels": ["bundle=/x"]}})
    )
    assert find_container("mine", "", str(tmp_path)).pid == os.getpid()


@ours_too
def test_one_of_docker_is_known_by_its_name(tmp_path: Path) -> None:
    state = task(tmp_path, "a1b2c3d4", os.getpid(), {})
    folder = tmp_path / "docker" / "a1b2c3d4"
    folder.mkdir(parents=True)
    (folder / "config.v2.json").write_text(json.dumps({"Name": "/shop", "Config": {"Image": "web:1"}}))
    assert find_container("shop", "", state) == Container("a1b2c3d4", os.getpid(), ("shop",), "web:1", "k8s.io")


@pytest.mark.parametrize("wanted", ["k8s_web_web-0_shop_u_0", "web", "shop/web-0/web"])
def test_one_of_cri_o_is_known_by_its_pod(tmp_path: Path, wanted: str) -> None:
    for file, content in (
        ("images/images.json", []),
        ("layers/layers.json", []),
        ("containers/containers.json", [{"id": "f00f00", "names": ["k8s_web_web-0_shop_u_0"]}]),
    ):
        path = tmp_path / "storage" / f"overlay-{file}"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    assert find_container(wanted, "", str(tmp_path)).id == "f00f00"


@pytest.mark.parametrize("wanted", ["nobody", "pid:999999999", "pid:x", "pid:", "../x", ""])
def test_one_that_is_not_there_is_told(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(TransomError, match="there is no"):
        find_container(wanted, "", str(tmp_path))


@pytest.fixture(scope="module")
def running(containerd: Containerd) -> Iterator[Containerd]:  # noqa: F811
    containerd.load("docker.io/library/web:1", system())
    containerd.run("docker.io/library/web:1", "web")
    yield containerd


def scanned(made: Containerd, target: str) -> tuple[set[str], list[str], Inventory]:
    options = ImageOptions(cached=False, containerd=str(made.root), containerd_state=str(made.state))
    inventory = Inventory()
    results = list(scan([target], replace(OPTIONS, images=options), inventory))
    rules = {each.rule for each in results if isinstance(each, Finding)}
    return rules, [each.reason for each in results if isinstance(each, Skipped)], inventory


def test_a_container_that_was_let_alone_has_no_changes(running: Containerd) -> None:
    rules, skipped, inventory = scanned(running, "container:web")
    assert not {each for each in rules if each.startswith("container-")}
    (found,) = inventory.of_kind("transom.dev", "Image")
    assert found.object["drift"] == {"files": 0, "programs": [], "starts": [], "packages": []}
    assert found.object["packages"]["count"] >= 1
    assert found.object["layers"][0]["diffID"].startswith("sha256:")
    assert not skipped


@pytest.mark.parametrize("form", ["container:broken", "container:pid:{}"])
def test_what_a_container_changed_is_found(running: Containerd, form: str) -> None:
    if "broken" not in running.running:
        running.run("docker.io/library/web:1", "broken")
        running.within("broken", "cp /bin/busybox /tmp/x && chmod 4755 /tmp/x && echo y >> /etc/passwd && rm /etc/gone")
        package = "Package: nmap\\nStatus: install ok installed\\nVersion: 7\\nArchitecture: amd64\\n\\n"
        running.within(
            "broken", f"printf '{package}' >> /var/lib/dpkg/status; rm -r /usr/share/old; mkdir /usr/share/old"
        )
    pid = (running.state / TASKS / "k8s.io" / "broken" / "init.pid").read_text()
    rules, skipped, inventory = scanned(running, form.format(pid))
    assert {"container-program-changed", "container-start-changed", "container-package-changed"} <= rules
    (found,) = inventory.of_kind("transom.dev", "Image")
    drift = found.object["drift"]
    assert drift["programs"] == [{"path": "tmp/x", "how": "added", "rights": True}]
    assert drift["starts"] == [{"path": "etc/passwd", "how": "changed", "rights": False}]
    assert [each["name"] for each in drift["packages"] if each["kind"] == "deb"] == ["nmap"]
    assert not skipped


def test_a_container_that_does_not_run_is_read_from_its_layers(running: Containerd) -> None:
    running.ctr("containers", "create", "docker.io/library/web:1", "idle")
    _, skipped, inventory = scanned(running, "container:idle")
    (found,) = inventory.of_kind("transom.dev", "Image")
    assert (found.object["container"]["pid"], found.object["drift"]["files"]) == (0, 0)
    assert not skipped
    running.ctr("containers", "rm", "idle")


@pytest.fixture
def elsewhere_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the layers be mounted from folders that are not to be seen."""
    root = Root("overlay", ("/nowhere/1",), "/nowhere/2")
    monkeypatch.setattr(inspecting, "root_of_process", lambda _: root)


@pytest.mark.usefixtures("elsewhere_mounted")
def test_one_whose_layers_are_mounted_from_elsewhere_is_read_where_they_are(running: Containerd) -> None:
    _, skipped, inventory = scanned(running, "container:web")
    (found,) = inventory.of_kind("transom.dev", "Image")
    assert found.object["drift"]["files"] == 0
    assert not skipped


@pytest.mark.usefixtures("elsewhere_mounted")
def test_one_whose_layers_are_not_to_be_seen_is_read_through_its_process(
    running: Containerd, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = inspecting.find_container

    def unknown(*words: str) -> Container:
        return replace(known(*words), layers=())

    monkeypatch.setattr(inspecting, "find_container", unknown)
    _, skipped, inventory = scanned(running, "container:web")
    (found,) = inventory.of_kind("transom.dev", "Image")
    assert found.object["packages"]["kinds"]["deb"] == 1
    assert ["what it changed is not known" in each for each in skipped] == [True]
