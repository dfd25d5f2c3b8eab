#!/usr/bin/python3
"""The Flatpak manifest: readable, complete, every source pinned by a checksum.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import pathlib
import re
import sys

APP_ID = "io.github.calotype.Calotype"


def main():
    root = pathlib.Path(sys.argv[1])
    manifest = json.loads((root / f"flatpak/{APP_ID}.json").read_text())
    faults = []
    for key in ("id", "runtime", "runtime-version", "sdk", "command", "finish-args", "modules"):
        if key not in manifest:
            faults.append(f"key '{key}' is missing")
    if manifest.get("id") != APP_ID or manifest.get("command") != "calotype":
        faults.append("id or command is wrong")
    if not manifest.get("modules") or manifest["modules"][-1].get("name") != "calotype":
        faults.append("the last module must be calotype")
    if any(a.startswith(("--share=network", "--filesystem=host", "--filesystem=home")) for a in manifest["finish-args"]):
        faults.append("finish-args open more than the program needs")
    for module in manifest["modules"]:
        for source in module.get("sources", []):
            if source["type"] == "archive" and not re.fullmatch(r"[0-9a-f]{64}", source.get("sha256", "")):
                faults.append(f"module {module['name']}: an archive without sha256")
            if source["type"] == "git" and not re.fullmatch(r"[0-9a-f]{40}", source.get("commit", "")):
                faults.append(f"module {module['name']}: a repository without commit")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
