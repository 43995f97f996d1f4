"""transom db: built, looked at, carried and compared from the command line."""

from __future__ import annotations

import json

import pytest

from transom.cli import main


@pytest.fixture
def feed(tmp_path):
    """Return what writes a feed of one package fixed in a version."""

    def write(fixed, modified="2024-01-01T00:00:00Z"):
        ranges = [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
        affected = [{"package": {"ecosystem": "npm", "name": "left"}, "ranges": ranges}]
        path = tmp_path / f"{fixed}.json"
        path.write_text(json.dumps({"id": "GHSA-1", "modified": modified, "affected": affected}))
        return str(path)

    return write


def test_an_index_is_built_and_its_sources_are_told(feed, tmp_path, capsys):
    path = str(tmp_path / "x.db")
    assert main(["db", "build", feed("1.0.0"), "-o", path]) == 0
    assert "1 records, 1 ranges of 1 packages" in capsys.readouterr().out
    assert main(["db", "status", "--db", path, "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["feeds"][0]["feed"] == "ghsa"
    assert told["packages"] == {"npm": 1}


def test_a_feed_that_is_a_web_page_is_an_error_without_a_traceback(tmp_path, capsys):
    (tmp_path / "x.json").write_text("<html>Sign in</html>")
    assert main(["db", "build", str(tmp_path / "x.json"), "-o", str(tmp_path / "x.db")]) == 3
    assert "a web page, not a feed" in capsys.readouterr().err
    assert not (tmp_path / "x.db").exists()


def test_one_bad_feed_of_two_makes_the_build_incomplete(feed, tmp_path):
    (tmp_path / "x.json").write_text("<html>Sign in</html>")
    assert main(["db", "build", feed("1.0.0"), str(tmp_path / "x.json"), "-o", str(tmp_path / "x.db")]) == 3
    assert (tmp_path / "x.db").exists()


def test_a_build_from_older_feeds_is_refused(feed, tmp_path, capsys):
    path = str(tmp_path / "x.db")
    main(["db", "build", feed("2.0.0", "2024-06-01T00:00:00Z"), "-o", path])
    older = ["db", "build", feed("1.0.0"), "-o", path]
    assert main(older) == 3
    assert "gone back in time" in capsys.readouterr().err
    assert main([*older, "--older"]) == 0


def test_an_index_is_carried_and_compared(feed, tmp_path, capsys):
    one, other = str(tmp_path / "one.db"), str(tmp_path / "other.db")
    main(["db", "build", feed("1.0.0"), "-o", one])
    main(["db", "export", str(tmp_path / "mirror"), "--db", one])
    assert main(["db", "import", str(tmp_path / "mirror"), "--db", other]) == 0
    assert main(["db", "diff", one, other]) == 0
    capsys.readouterr()
    main(["db", "build", feed("2.0.0", "2024-06-01T00:00:00Z"), "-o", other])
    capsys.readouterr()
    assert main(["db", "diff", one, other, "-o", "json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["what"], told["record"], told["packages"]) == ("changed", "GHSA-1", ["npm/left"])


def test_the_same_feeds_make_the_same_bytes_at_the_same_time(feed, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    path = feed("1.0.0")
    for name in ("one.db", "other.db"):
        assert main(["db", "build", path, "--afresh", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "one.db").read_bytes() == (tmp_path / "other.db").read_bytes()


def test_status_tells_the_age_of_each_feed_and_can_end_with_3_for_it(feed, tmp_path, capsys):
    path = str(tmp_path / "x.db")
    main(["db", "build", feed("1.0.0"), "-o", path])
    assert main(["db", "status", "--db", path]) == 0
    assert "Too old: ghsa was last changed" in capsys.readouterr().out
    assert main(["db", "status", "--db", path, "--max-age", "36500"]) == 0
    assert main(["db", "status", "--db", path, "--max-age", "30"]) == 3
    capsys.readouterr()
    main(["db", "status", "--db", path, "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["feeds"][0]["age_days"] == 0
    assert told["too_old"]


def test_an_index_alone_is_imported_but_never_as_signed(feed, tmp_path, capsys):
    one, other = str(tmp_path / "one.db"), str(tmp_path / "other.db")
    main(["db", "build", feed("1.0.0"), "-o", one])
    assert main(["db", "import", one, "--db", other, "--public-key", "x.pem"]) == 2
    assert "is not signed" in capsys.readouterr().err
    assert main(["db", "import", one, "--db", other]) == 0
    main(["db", "export", str(tmp_path / "mirror"), "--db", one])
    assert main(["db", "import", str(tmp_path / "mirror" / "transom.db.json"), "--db", other]) == 0
    assert "already" in capsys.readouterr().out
