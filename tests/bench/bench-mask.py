#!/usr/bin/python3
"""Painting a mask on a large picture: what a frame costs.

    tests/display/with-display /usr/bin/python3 tests/bench/bench-mask.py BUILD/src/app/calotype MODEL [SIDE…]

The pointer moves 120 times a second along a spiral for three seconds, with a brush of a tenth of the picture. A frame
is drawn at most 60 times a second and holds all movements since the last. Latency is from a movement to the end of the
frame in which it is drawn, the wait for that frame (up to 17 ms) in it; processor time is all of the program's, through
all frames, so that it can be read on a machine with other work. Sixty frames a second want less than 16.7 ms.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import math
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
SIDES = [int(side) for side in sys.argv[3:]] or [512, 2048, 4096]
del sys.argv[3:]
from gi.repository import GLib  # noqa: E402
from driver import journal_path, write_journal  # noqa: E402
from speed import MODEL, Watched  # noqa: E402


def write_picture(path, side):
    """Colours that change everywhere, quickly written."""
    rows = b"".join(b"\0" + bytes((x * 7 + y * 3 + c * 80) >> 4 & 255 for x in range(side) for c in range(3))
                    for y in range(0, side, max(1, side // 16)))
    stride = side * 3 + 1
    picture = b"".join(rows[i * stride:(i + 1) * stride] * (side // (len(rows) // stride)) for i in range(len(rows) // stride))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                  + chunk(b"IDAT", zlib.compress(picture, 1)) + chunk(b"IEND", b""))


def prepare(side):
    """A session that begins from such a picture, with a mask to be painted."""
    shutil.rmtree(os.path.expanduser("~/.local/state"), ignore_errors=True)
    write_journal(MODEL)
    write_picture(os.path.join(os.path.dirname(journal_path()), "picture.png"), side)
    mask = os.path.join(os.path.dirname(journal_path()), "mask.png")
    write_picture(mask, side)
    with open(journal_path()) as file:
        session = json.load(file)
    session["params"]["source"] = {"image": "picture.png", "mask": "mask.png", "strength": 0.75}
    with open(journal_path(), "w") as file:
        json.dump(session, file)


def spiral(window, seconds):
    """One stroke, all of it in one command: starting one for each movement takes longer than a frame."""
    view = window.find(type="AppMaskView")
    x0, y0 = window.point(view)
    radius, n = min(view.width, view.height) * 0.4, int(120 * seconds)
    command = ["xdotool", "mousemove", str(x0), str(y0), "mousedown", "1"]
    for i in range(n):
        angle, r = i * 0.11, radius * i / n
        command += ["mousemove", str(int(x0 + r * math.cos(angle))), str(int(y0 + r * math.sin(angle))), "sleep", "0.0083"]
    subprocess.run([*command, "mouseup", "1"], check=True)


def measure(window, what):
    first, cpu = len(window.marks("stroke")), window.cpu()
    spiral(window, 3)
    time.sleep(0.2)
    cpu = window.cpu() - cpu
    marks = window.marks("stroke")[first:]
    frames = sorted({drawn for _, drawn in marks})
    drawn, last = [], None
    for frame in frames:  # marks of one frame are written within a millisecond of each other
        if last is None or frame - last > 1:
            drawn.append(frame)
        last = frame
    gaps = sorted(b - a for a, b in zip(drawn, drawn[1:]))
    latency = sorted(b - a for a, b in marks)
    print(f"{what:<26} {len(marks):4} movements in {len(drawn):3} frames, {1000 * cpu / len(drawn):5.1f} ms of processor time a frame; "
          f"between frames {statistics.median(gaps):5.1f} ms, 95 % {gaps[int(len(gaps) * 0.95)]:5.1f}; "
          f"latency {statistics.median(latency):5.1f} ms, 95 % {latency[int(len(latency) * 0.95)]:5.1f}", flush=True)


def main():
    print(f"date     {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime())}\nmachine  {platform.machine()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\ndrawing  GTK's cairo renderer on Xvfb, window of 1600 × 1000")
    for side in SIDES:
        prepare(side)
        with tempfile.TemporaryDirectory() as folder:
            window = Watched(folder)
            window.resize(1600, 1000)
            window.wait_enabled("edit-mask", seconds=60)
            window.act("edit-mask")
            window.wait_enabled("mask-done")
            time.sleep(2)  # until the picture's levels are there
            measure(window, f"{side} × {side}, fitted")
            window.act("zoom-original")
            time.sleep(0.5)
            measure(window, f"{side} × {side}, 100 %")
            window.kill()


main()
