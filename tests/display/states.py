#!/usr/bin/python3
"""Every state of the Pictures page, drawn. states.py CALOTYPE MODEL FOLDER

Each picture is left in FOLDER to be looked at; what a machine can judge is judged here:
that it is drawn at all, that the picture's place is large enough, that nothing moves from
step to step.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import shutil
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from gi.repository import GLib  # noqa: E402

from driver import Window, mouse, pictures, wait_for, write_journal  # noqa: E402
from files import png_chunks, png_pixels, png_rows, write_tensors  # noqa: E402

PROGRAM, MODEL, FOLDER = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
SIZES = ((360, 640), (1000, 700), (1600, 1000))


class States(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local/state"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        os.makedirs(FOLDER, exist_ok=True)
        self.window = None
        self.addCleanup(lambda: self.window and self.window.process.poll() is None and self.window.kill())

    def start(self, *args, env=None, **journal):
        if journal:
            write_journal(MODEL, **journal)
        self.window = Window(PROGRAM, *args, env=env)
        return self.window

    def look(self, name, sizes=((1000, 700),)):
        seen = []
        for width, height in sizes:
            self.window.resize(width, height)
            path = os.path.join(FOLDER, f"pictures-{name}-{width}x{height}.png")
            self.window.look(path)
            head = next(body for kind, body in png_chunks(path) if kind == "IHDR")
            got = struct.unpack(">II", head[:8])
            self.assertGreaterEqual(got, (width, height))
            self.assertLess(got[0], width + 60, f"{name}: the window could not become {width} wide")
            self.assertGreater(len(set(png_pixels(path))), 16, "blank")
            seen.append(path)
        return seen

    def made(self, **journal):
        window = self.start(**{"steps": 6, "seed": "4", **journal})
        window.wait_enabled("generate")
        window.act("generate")
        wait_for(lambda: len(pictures()) == journal.get("batch", 1), "saved pictures")
        window.wait_enabled("stop", False)
        return window

    def test_finished_at_every_size(self):
        self.made()
        for size, share in zip(SIZES, (0, 0.45, 0.60)):
            self.look("finished", [size])
            canvas = self.window.find(type="AppCanvas")
            self.assertGreaterEqual(canvas.width * canvas.height / (size[0] * size[1]), share, size)

    def test_nothing_moves_between_steps(self):
        window = self.start(steps=150, seed="5")
        window.wait_enabled("generate")
        window.resize(1000, 700)
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        shots = []
        for i in range(3):
            path = os.path.join(FOLDER, f"pictures-step-{i}.png")
            window.look(path)
            shots.append(png_rows(path))
            time.sleep(0.4)
        width, height, n, first = shots[0]
        for _, _, _, other in shots[1:]:
            # The settings at the start and the bar at the top: no pixel differs.
            for y in range(60, height):
                self.assertEqual(first[y][:290 * n], other[y][:290 * n], f"row {y} of the settings moved")
        window.act("stop")
        window.wait_enabled("continue")
        self.look("stopped", SIZES)

    def test_queue(self):
        window = self.start(steps=150, seed="6")
        window.wait_enabled("generate")
        for _ in range(3):
            window.act("generate-next")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        self.look("queue", SIZES[:2])

    def test_narrow_parts(self):
        window = self.made()
        for part, name in enumerate(("picture", "settings", "history")):
            window.resize(360, 640)
            window.act("pictures-part", GLib.Variant("u", part))
            time.sleep(0.4)
            self.look("narrow-" + name, SIZES[:1])

    def test_contact_sheet(self):
        self.made(batch=5)
        self.look("sheet", SIZES)

    def test_no_device(self):
        window = self.start(env={"VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"})
        wait_for(lambda: window.actions().get("continue"), "the run to fail")
        self.look("no-device", SIZES)

    def test_compiling_the_first_time(self):
        with tempfile.TemporaryDirectory() as cache:
            window = self.start(env={"XDG_CACHE_HOME": cache}, steps=6, seed="4")
            window.wait_enabled("generate")
            window.act("generate")
            window.wait_enabled("stop")
            time.sleep(2)
            self.look("compiling")
            window.kill()

    def test_failed(self):
        with open(os.path.expanduser("~/Pictures"), "w"):
            pass  # a file where the folder of pictures should be
        self.addCleanup(os.unlink, os.path.expanduser("~/Pictures"))
        window = self.start(steps=6, seed="4")
        window.wait_enabled("generate")
        window.act("generate")
        window.wait_enabled("continue")
        self.look("failed", SIZES[:2])

    def test_model_without_parts(self):
        path = os.path.join(FOLDER, "unet-only.safetensors")
        write_tensors(path, {"model.diffusion_model.input_blocks.0.0.weight": ("F16", [4, 4, 3, 3], bytes(288))})
        self.start(path)
        time.sleep(1)
        self.look("missing-part")

    def test_comparing(self):
        window = self.made()
        window.act("pin-picture")
        window.act("generate-next")
        time.sleep(3)
        window.act("split-picture")
        self.look("comparing")

    def test_mask_and_frame(self):
        window = self.made()
        window.act("edit-picture")
        window.wait_enabled("mask-done")
        view = window.find(type="AppMaskView")
        window.move(view, (0.3, 0.4))
        mouse("mousedown", 1)
        for i in range(9):
            window.move(view, (0.3 + 0.05 * i, 0.4 + 0.1 * (i % 3)))
        mouse("mouseup", 1)
        self.look("mask", SIZES)
        window.act("mask-done")
        window.act("extend-picture")
        window.wait_enabled("mask-done")
        self.look("frame", SIZES)

    def test_looks(self):
        for name, env in (("dark", {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}),
                          ("contrast", {"ADW_DEBUG_HIGH_CONTRAST": "1"}),
                          ("hebrew", {"LANGUAGE": "he"}), ("swedish", {"LANGUAGE": "sv"}),
                          ("large-text", {})):
            with self.subTest(name):
                window = self.start(env=env, steps=6, seed="4")
                window.wait_enabled("generate")
                window.act("generate")
                wait_for(lambda: window.actions().get("save-copy"), "a saved picture")
                if name == "large-text":
                    window.act("text-scale", GLib.Variant("d", 2))
                self.look(name, SIZES[1:] if name == "large-text" else SIZES)
                window.kill()


if __name__ == "__main__":
    unittest.main(warnings="ignore")
