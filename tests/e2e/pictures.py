#!/usr/bin/python3
"""The Pictures page, driven as a person would. pictures.py CALOTYPE CALOTYPE_CLI MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from gi.repository import GLib

from driver import Window, journal, pictures, wait_for, write_journal
from files import png_pixels, png_texts

PROGRAM, CLI, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))


class Pictures(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local/state"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = None
        self.addCleanup(self.end)

    def end(self):
        if self.window is not None and self.window.process.poll() is None:
            self.window.kill()

    def start(self, *args, **more):
        self.window = Window(PROGRAM, *args, **more)
        return self.window

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def wait_pictures(self, n, seconds=120):
        wait_for(lambda: len(pictures()) >= n, f"{n} saved pictures", seconds)
        return pictures()

    def same_by_cli(self, picture, steps):
        """The picture that calotype-cli makes from what the saved one says of itself."""
        text = png_texts(picture)["parameters"]
        seed = text.rsplit("Seed: ", 1)[1].split(",")[0]
        out = self.path("cli.png")
        subprocess.run([CLI, "generate", "--model", MODEL, "--prompt", text.split("\n")[0], "--seed", seed,
                        "--steps", str(steps), "--output", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        return png_pixels(out)

    def test_first_launch_makes_a_picture(self):
        window = self.start()
        first, = self.wait_pictures(1)
        text = png_texts(first)["parameters"]
        self.assertIn("Steps: 20", text)
        self.assertIn("Size: 128x128", text)
        self.assertEqual(png_pixels(first), self.same_by_cli(first, 20))
        self.assertEqual(window.quit(), 0)
        # The second launch begins with the same picture and makes none.
        window = self.start()
        time.sleep(2)
        self.assertEqual(pictures(), [first])
        self.assertEqual(journal()["pictures"][0]["path"], first)

    def test_preview_stop_continue(self):
        write_journal(MODEL, steps=120, seed="11")
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        window.wait_enabled("stop")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        views = set()
        for _ in range(12):
            views.add(window.look(self.path("view.png")))
            time.sleep(0.1)
        self.assertGreater(len(views), 3, "the preview must change as the picture forms")
        window.act("stop")
        window.wait_enabled("continue")
        self.assertEqual(pictures(), [])
        self.assertNotIn("%", window.title())
        window.act("continue")
        picture, = self.wait_pictures(1)
        self.assertEqual(png_pixels(picture), self.same_by_cli(picture, 120))

    def test_continue_after_a_restart(self):
        write_journal(MODEL, steps=120, seed="12")
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        time.sleep(0.5)
        window.act("stop")
        window.wait_enabled("continue")
        self.assertEqual(window.quit(), 0)
        self.assertEqual(len(journal()["jobs"]), 1)
        window = self.start()
        window.wait_enabled("continue")
        window.act("continue")
        picture, = self.wait_pictures(1)
        self.assertEqual(png_pixels(picture), self.same_by_cli(picture, 120))

    def test_quitting_keeps_what_was_computed(self):
        write_journal(MODEL, steps=150, seed="13")
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        window.act("generate-next")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        time.sleep(0.5)
        self.assertEqual(window.quit(), 0)
        running, waiting = journal()["jobs"]
        self.assertIn("state", running)
        self.assertNotIn("state", waiting)
        window = self.start()
        window.wait_enabled("continue")
        self.assertEqual(pictures(), [])

    def test_queue_of_three(self):
        write_journal(MODEL, steps=8, seed="30")
        window = self.start()
        window.wait_enabled("generate")
        for _ in range(3):
            window.act("generate-next")
        three = self.wait_pictures(3)
        seeds = [png_texts(p)["parameters"].rsplit("Seed: ", 1)[1].split(",")[0] for p in three]
        self.assertEqual(seeds, ["31", "32", "33"])
        wait_for(lambda: journal()["jobs"] == [], "an empty queue in the journal")

    def test_batch_is_a_contact_sheet(self):
        write_journal(MODEL, steps=4, seed="5", batch=3)
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        three = self.wait_pictures(3)
        self.assertEqual(len({png_pixels(p) for p in three}), 3)

    def test_kill_loses_nothing(self):
        write_journal(MODEL, steps=150, seed="77", prompt="a white house in the snow")
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        window.act("generate-next")
        wait_for(lambda: len((journal() or {}).get("jobs", [])) == 2, "both jobs in the journal")
        window.kill()
        window = self.start()
        window.wait_enabled("continue")
        after = journal()
        self.assertEqual(after["params"]["prompt"], "a white house in the snow")
        self.assertEqual([job["params"]["seed"] for job in after["jobs"]], ["77", "78"])

    def test_broken_journal_is_set_aside(self):
        write_journal(MODEL)
        path = os.path.expanduser("~/.local/state/calotype/session.json")
        with open(path, "w") as file:
            file.write('{"version": 1, "params": [')
        window = self.start(env={"G_DEBUG": ""})
        window.wait_enabled("generate")
        self.assertTrue(os.path.exists(path + ".broken"))

    def test_without_a_mouse(self):
        write_journal(MODEL, steps=4, seed="9", prompt="")
        window = self.start()
        window.wait_enabled("generate")
        window.keys("F6")  # the prompt has the focus
        window.keys("ctrl+a")
        window.type("a blue house")
        wait_for(lambda: journal()["params"]["prompt"] == "a blue house", "the prompt in the journal", 10)
        window.keys("ctrl+Return")
        picture, = self.wait_pictures(1)
        self.assertEqual(png_texts(picture)["parameters"].split("\n")[0], "a blue house")
        window.keys("ctrl+l")
        self.assertFalse(window.state("lock-seed"))
        window.keys("alt+2")
        window.keys("alt+1")
        window.keys("ctrl+q")
        self.assertEqual(window.process.wait(timeout=30), 0)

    def test_no_device(self):
        window = self.start(env={"VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"})
        wait_for(lambda: window.actions().get("continue"), "the run to fail")
        self.assertEqual(pictures(), [])
        window.act("show-page", GLib.Variant("s", "tensors"))
        window.look(self.path("tensors.png"))
        self.assertEqual(window.quit(), 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
