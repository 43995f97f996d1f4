"""Renew the catalogues: gather texts from the sources, put them into each .po, compile each .mo."""

from __future__ import annotations

import sys

from tests.language.catalogue import LANGUAGES_FOLDER, compiled, read, renewed, written


def main() -> int:
    """Renew every catalogue; exit 1 where a text has no translation."""
    missing = 0
    for file in sorted(LANGUAGES_FOLDER.glob("*/LC_MESSAGES/transom.po")):
        made = renewed(read(file))
        file.write_bytes(written(made))
        file.with_suffix(".mo").write_bytes(compiled(made))
        without = [message for message in made if message.id and not message.string]
        missing += len(without)
        print(f"{file}: {len(made)} texts, {len(without)} without a translation")
        for message in without:
            print(f"  {message.id!r}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
