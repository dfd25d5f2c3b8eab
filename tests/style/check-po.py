#!/usr/bin/python3
"""Every language of LINGUAS has a catalogue that msgfmt accepts; Hebrew and Swedish lack nothing.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import pathlib
import re
import subprocess
import sys
import tempfile

COMPLETE = {"he", "sv"}


def main():
    root = pathlib.Path(sys.argv[1])
    languages = (root / "po/LINGUAS").read_text().split()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        pot = pathlib.Path(folder) / "calotype.pot"
        files = [l for l in (root / "po/POTFILES.in").read_text().split("\n") if l and l[0] != "#"]
        subprocess.run(["xgettext", "--from-code=UTF-8", "--keyword=_", "--keyword=N_",
                        "--keyword=C_:1c,2", "--keyword=NC_:1c,2", "--keyword=ngettext:1,2",
                        "--keyword=g_dngettext:2,3", "-o", str(pot)] + files, cwd=root, check=True)
        for language in languages:
            po = root / f"po/{language}.po"
            if not po.exists():
                faults.append(f"po/{language}.po is missing")
                continue
            out = subprocess.run(["msgfmt", "-c", "-o", "/dev/null", str(po)], capture_output=True, text=True)
            if out.returncode:
                faults.append(f"po/{language}.po: {out.stderr.strip()}")
            if language in COMPLETE:
                merged = pathlib.Path(folder) / f"{language}.po"
                subprocess.run(["msgmerge", "-q", "--no-fuzzy-matching", "-o", str(merged), str(po), str(pot)], check=True)
                stats = subprocess.run(["msgfmt", "--statistics", "-o", "/dev/null", str(merged)],
                                       capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stderr
                if re.search(r"untranslated|fuzzy", stats):
                    faults.append(f"po/{language}.po: {stats.strip()}")
    print("\n".join(faults))
    return 1 if faults or not languages else 0


if __name__ == "__main__":
    sys.exit(main())
