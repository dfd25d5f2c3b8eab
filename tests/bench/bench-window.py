#!/usr/bin/python3
"""What the window needs: time to the first picture, and with very large files.

    tests/display/with-display /usr/bin/python3 tests/bench/bench-window.py BUILD/src/app/calotype MODEL [RUNS]

Times are from the start of the process to the end of the frame in which the thing is drawn, or from the request to
that; memory is what the process has resident. A stretch is processor time of the main thread between two looks for
events: the program's own, and with GTK's measuring and drawing.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
RUNS = int(sys.argv.pop(3)) if len(sys.argv) > 3 else 5
from gi.repository import GLib  # noqa: E402
from speed import Watched, write_many, write_sparse  # noqa: E402


def line(what, values, unit):
    print(f"{what:<44} {statistics.median(values):8.0f} {unit}   {min(values):.0f} … {max(values):.0f}", flush=True)


def forget():
    for folder in ("~/Pictures", "~/.local/state"):
        shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)


def first_picture(folder):
    found = {"open": [], "preview": [], "picture": []}
    cpu = []
    for run in range(RUNS + 1):
        forget()
        window = Watched(folder)
        window.wait_mark("picture", seconds=120)
        times = {name: window.marks(name)[0][1] for name in found}
        if run == 0:
            time.sleep(2)  # the driver writes its cache behind our back
            print(f"first start with this cache: preview after {times['preview']:.0f} ms, picture {times['picture']:.0f} ms")
        else:
            cpu.append(window.cpu() * 1000)
            for name, values in found.items():
                values.append(times[name])
        window.kill()
        os.unlink(window.log)
    line("start → first frame", found["open"], "ms")
    line("start → first preview drawn", found["preview"], "ms")
    line("start → picture drawn", found["picture"], "ms")
    line("  processor time until then", cpu, "ms")


def longest(window, since):
    own = max((cpu for cpu, _ in window.stretches(since)), default=0)
    every = max((float(c) for c in re.findall(r"^stretch \S+ (\S+)", window.text()[since:], re.M)), default=0)
    return f"longest stretch: {own:.0f} ms of its own, {every:.0f} ms with GTK's"


def opened(window, path):
    """ms from the request to the tree"""
    n = len(window.marks("open"))
    window.act("use-model", GLib.Variant("s", path))
    window.wait_mark("model", len(window.marks("model")) + 1)
    return window.marks("model")[-1][1] - window.marks("open")[n][0]


def large_files(folder):
    many, large, small = (os.path.join(folder, f"{name}.safetensors") for name in ("many", "large", "small"))
    write_many(many)
    write_sparse(large)
    write_sparse(small, 4096 * 1000)
    window = Watched(folder, small)
    window.wait_mark("model")
    time.sleep(1)
    before = window.memory()
    line("20 GB, 1000 tensors: open → tree drawn", [opened(window, large) for _ in range(RUNS)], "ms")
    window.act("use-model", GLib.Variant("s", small))
    time.sleep(2)
    opened(window, large)
    print(f"  memory {window.memory() - before:.0f} MB more than with a file of 4 MB")
    window.kill()
    os.unlink(window.log)
    os.unlink(large)
    window = Watched(folder, many)
    window.wait_mark("model")
    print(f"500,000 tensors: start → tree drawn {window.marks('model')[0][1]:.0f} ms, memory {window.memory():.0f} MB")
    time.sleep(8)
    print(f"  memory with all statistics {window.memory():.0f} MB")
    since, found = len(window.text()), []
    for i, words in enumerate(("e", "ex", "exp", "expert", "experts.1", "experts.19", "experts.199", "dtype:f16 norm")):
        begin = time.monotonic() * 1000 - window.begin
        window.act("search", GLib.Variant("s", words))
        found.append([at - begin for at in window.wait_mark("search", i + 1)])
        time.sleep(1.5)
    line("  a key of the search → hits known", [told for told, _ in found], "ms")
    line("  a key of the search → hits drawn", [drawn for _, drawn in found], "ms")
    print("  " + longest(window, since))
    window.act("search", GLib.Variant("s", ""))
    time.sleep(2)
    since = len(window.text())
    window.act("expand-all")
    time.sleep(3)
    print("  unfolding all: " + longest(window, since))
    print(f"  memory then {window.memory():.0f} MB")
    line("  open again → tree drawn", [opened(window, many) for _ in range(RUNS)], "ms")
    window.kill()


def main():
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    print(f"date     {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime())}")
    print(f"machine  {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    gtk = subprocess.run(["pkg-config", "--modversion", "gtk4"], capture_output=True, text=True).stdout.strip()
    print(f"drawing  GTK {gtk}, cairo on Xvfb; median of {RUNS}, and the range")
    with tempfile.TemporaryDirectory() as folder:
        first_picture(folder)
        large_files(folder)


main()
