#!/usr/bin/python3
"""The picture, its time line and the history, with mouse and keyboard. stage.py CALOTYPE MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from gi.repository import GLib

from driver import Window, journal, journal_path, pictures, wait_for, write_journal
from files import png_rows, png_texts

PROGRAM, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
MIDDLE = (585, 350)


def trash():
    return os.path.expanduser("~/.local/share/Trash/files")


class Stage(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = None
        self.addCleanup(lambda: self.window and self.window.process.poll() is None and self.window.kill())

    def start(self, **params):
        write_journal(MODEL, **params)
        self.reopen()
        self.window.wait_enabled("generate")
        return self.window

    def reopen(self):
        self.window = Window(PROGRAM)
        self.window.resize(1000, 700)
        return self.window

    def make(self, n=1):
        """n pictures, the newest one looked at and focused."""
        for _ in range(n):
            before = len(pictures())
            self.window.act("generate-next")
            wait_for(lambda: len(pictures()) > before, "a saved picture", 120)
        self.window.wait_enabled("stop", False)
        self.click(*MIDDLE)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def mouse(self, *command):
        subprocess.run(["xdotool", *(str(part) for part in command)], check=True)
        time.sleep(0.15)

    def click(self, x, y, button=1):
        self.mouse("mousemove", x, y, "click", button)

    def texts(self):
        path = self.path("texts")
        self.window.act("write-texts", GLib.Variant("s", path))
        wait_for(lambda: os.path.exists(path), "the texts")
        with open(path) as file:
            return file.read()

    def sees(self, text, seconds=20):
        wait_for(lambda: text in self.texts(), f"“{text}”", seconds)

    def canvas(self):
        """A picture of the picture's place, settled: no fade is under way."""
        path = self.path("canvas.png")
        time.sleep(0.3)
        if os.path.exists(path):
            os.unlink(path)

        def taken():
            self.window.act("screenshot-of", GLib.Variant("(ss)", ("AppCanvas", path)))
            return os.path.exists(path)

        wait_for(taken, "the canvas", 20)
        return path

    def view(self):
        """What the picture's place shows, to be compared."""
        with open(self.canvas(), "rb") as file:
            return file.read()

    def still(self):
        """The view once it no longer sharpens: the first step is decoded last."""
        seen, since = self.view(), time.monotonic()
        while time.monotonic() < since + 3:
            view = self.view()
            if view != seen:
                seen, since = view, time.monotonic()
        return seen

    def rows(self):
        return png_rows(self.canvas())

    def mapped(self, kind):
        path = self.path("widget.png")
        if os.path.exists(path):
            os.unlink(path)
        self.window.act("screenshot-of", GLib.Variant("(ss)", (kind, path)))
        self.texts()  # a round trip later
        return os.path.exists(path)

    def test_keys_go_along_the_steps(self):
        window = self.start(steps=4, seed="1")
        self.make()
        end = self.view()
        window.keys("Home")
        first = self.still()
        self.assertNotEqual(first, end)
        window.keys("Right")
        second = self.view()
        self.assertNotEqual(second, first)
        window.keys("Left")
        self.assertEqual(self.view(), first)
        window.keys("End")
        self.assertEqual(self.view(), end)
        # The same with the mouse, and with the time line focused.
        self.click(330, 660)
        self.assertEqual(self.view(), first)
        window.keys("Right")
        self.assertEqual(self.view(), second)
        window.keys("End")
        self.assertEqual(self.view(), end)

    def test_time_line_shows_thumbnails(self):
        window = self.start(steps=12, seed="1")
        self.make()
        self.assertNotIn("Step 1\n", self.texts())
        self.mouse("mousemove", 328, 660)
        self.mouse("mousemove", 330, 660)
        self.sees("Step 1\n")
        self.mouse("mousemove", *MIDDLE)
        wait_for(lambda: "Step 1\n" not in self.texts(), "the thumbnail to go")
        self.assertEqual(window.quit(), 0)

    def test_looking_elsewhere_during_a_run(self):
        window = self.start(steps=10, seed="1")
        self.make()
        done = self.view()
        # As if typed: the next one takes long enough to look around.
        self.assertEqual(window.quit(), 0)
        self.keep_pictures_and(steps=150)
        window = self.reopen()
        window.wait_enabled("generate")
        wait_for(lambda: self.view() == done, "the picture of the session before")
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        wait_for(lambda: self.view() != done, "the live preview")
        self.click(*MIDDLE)
        window.keys("Next")
        self.assertEqual(self.view(), done)
        self.assertTrue(window.actions()["stop"], "what runs can be stopped from anywhere")
        self.sees("live")
        wait_for(lambda: len(pictures()) == 2, "the second picture", 120)
        window.wait_enabled("stop", False)
        self.assertEqual(self.view(), done, "finishing must not steal the view")
        self.sees("●")
        self.click(*MIDDLE)
        window.keys("End")
        self.assertNotEqual(self.view(), done)
        self.assertNotIn("●", self.texts())

    def keep_pictures_and(self, **params):
        """The journal as it is, with other settings."""
        state = journal()
        state["params"].update(params)
        with open(journal_path(), "w") as file:
            json.dump(state, file)

    def test_the_old_picture_stays(self):
        window = self.start(steps=4, seed="1")
        self.make()
        window.act("generate-next")
        for _ in range(10):
            self.assertNotIn("The Picture Is Being Made", self.texts())
        wait_for(lambda: len(pictures()) == 2, "the second picture")

    def test_comparing(self):
        window = self.start(steps=6, seed="1")
        self.make(2)
        newer = self.view()
        window.keys("c")
        self.sees("◆")
        self.sees("Pinned: hold Space")
        pinned, (_, _, _, before) = self.view(), self.rows()
        window.keys("Next")
        self.sees("Seed \u2066−1\u2069")
        older, (_, _, _, after) = self.view(), self.rows()
        self.assertNotEqual(older, pinned)
        self.mouse("keydown", "space")
        self.assertEqual(self.view(), pinned, "the pinned one stands at the same place")
        self.mouse("keyup", "space")
        self.assertEqual(self.view(), older)
        window.keys("b")
        _, height, n, both = self.rows()
        for y in range(0, height, 40):
            self.assertNear(both[y][:200 * n], before[y][:200 * n])
            self.assertNear(both[y][350 * n:], after[y][350 * n:])
        window.keys("b")
        self.assertEqual(self.view(), older)
        # At another zoom too, and it survives a restart.
        window.keys("plus")
        zoomed = self.view()
        self.mouse("keydown", "space")
        self.assertNotEqual(self.view(), zoomed)
        self.mouse("keyup", "space")
        self.assertEqual(self.view(), zoomed)
        self.assertEqual(window.quit(), 0)
        window = self.reopen()
        window.wait_enabled("split-picture")
        self.sees("Seed \u2066−1\u2069")
        self.click(*MIDDLE)
        window.keys("Prior", "c")
        window.wait_enabled("split-picture", False)
        self.assertNotIn("◆", self.texts())
        self.assertNotEqual(newer, older)

    def test_zoom(self):
        window = self.start(steps=4, seed="1")
        self.make()
        window.keys("ctrl+0")
        fitted = self.view()
        window.keys("ctrl+1")
        # One pixel of the picture is one of the screen: its bits can be found there.
        _, _, n, lines = self.rows()
        _, _, m, picture = png_rows(pictures()[0])
        row = bytes(channel for x in range(128) for channel in picture[0][x * m:x * m + 3])
        found = [(y, x) for y, line in enumerate(lines)
                 for x in [bytes(c for p in range(len(line) // n) for c in line[p * n:p * n + 3]).find(row)] if x >= 0]
        self.assertEqual(len(found), 1)
        top, left = found[0][0], found[0][1] // 3
        for y in range(0, 128, 16):
            shown = lines[top + y][left * n:(left + 128) * n]
            self.assertEqual([tuple(shown[x * n:x * n + 3]) for x in range(128)],
                             [tuple(picture[y][x * m:x * m + 3]) for x in range(128)])
        # From 400 % on pixels are squares: each is four wide.
        window.keys("plus", "plus", "plus", "plus")
        _, _, n, lines = self.rows()
        row = [tuple(lines[280][x * n:x * n + 3]) for x in range(100, 400)]
        changes = [x for x in range(1, 300) if row[x] != row[x - 1]]
        self.assertTrue(changes and all((b - a) % 4 == 0 for a, b in zip(changes, changes[1:])), changes)
        window.keys("ctrl+0")
        self.assertEqual(self.view(), fitted)
        # The wheel zooms at the pointer: what is under it stays under it.
        self.mouse("mousemove", 500, 250)
        before = self.under_pointer(500, 250)
        for turns, button in ((4, 4), (4, 5)):
            for _ in range(turns):
                self.mouse("click", button)
            self.assertNear(self.under_pointer(500, 250), before)

    def assertNear(self, got, want):
        """A filtered picture that is clipped or moved by less than a pixel is rounded elsewhere."""
        self.assertEqual(len(got), len(want))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(got, want)), 3)

    def under_pointer(self, x, y):
        self.window.look(self.path("window.png"))
        _, _, n, lines = png_rows(self.path("window.png"))
        return tuple(lines[y][x * n:x * n + 3])

    def test_trash_and_undo(self):
        window = self.start(steps=4, seed="1")
        self.make(3)
        first, second, third = pictures()
        window.keys("Next")
        before = self.view()
        window.keys("Delete")
        self.sees("Moved to the trash")
        wait_for(lambda: len(journal()["pictures"]) == 2, "the picture to leave the history")
        self.assertNotEqual(self.view(), before, "the next one is looked at")
        window.click(window.find("Undo", type="GtkLabel"))
        wait_for(lambda: [p["path"] for p in journal()["pictures"]] == [third, second, first], "the old order")
        self.assertEqual(self.view(), before)
        self.assertTrue(os.path.exists(second))
        self.click(*MIDDLE)
        window.keys("Delete")
        self.assertEqual(window.quit(), 0)
        self.assertEqual(pictures(), [first, third])
        self.assertEqual(len(os.listdir(trash())), 1)

    def test_dragging_out(self):
        """Dropped on the window itself, which offers what the file tells."""
        self.start(steps=4, seed="1")
        self.make()
        for x, y in (MIDDLE, (930, 100)):
            with self.subTest(place=(x, y)):
                self.drag(x, y, 150, 400)
                self.sees("This picture tells how it was made.")
                self.window.kill()
                if x == MIDDLE[0]:
                    self.reopen()
                    self.window.wait_enabled("save-copy")

    def drag(self, x, y, to_x, to_y):
        self.mouse("mousemove", x, y, "mousedown", 1)
        for i in range(1, 9):
            self.mouse("mousemove", x + (to_x - x) * i // 8, y + (to_y - y) * i // 8)
        self.mouse("mouseup", 1)

    def test_panes(self):
        window = self.start(steps=4, seed="1")
        self.make()
        self.assertTrue(self.mapped("AppHistory"))
        window.keys("F9")
        self.assertFalse(self.mapped("AppHistory"))
        window.keys("F9")
        self.assertTrue(self.mapped("AppHistory"))
        window.keys("F11")
        time.sleep(0.5)
        self.assertNotIn("Generate", self.texts())
        self.assertNotIn("4 / 4", self.texts())
        window.keys("Escape")
        self.sees("Generate")
        window.keys("F11")
        window.keys("F11")
        self.sees("4 / 4")
        # F6 goes round: prompt, settings, picture (whose keys then work), history.
        window.resize(1000, 700)
        window.keys("alt+1", "F6")
        end = self.view()
        for _ in range(6):
            window.keys("F6", "Home")
            if self.view() != end:
                break
        else:
            self.fail("F6 must reach the picture")

    def test_stopped_after_a_restart(self):
        window = self.start(steps=150, seed="5")
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        time.sleep(0.5)
        window.keys("Escape")
        window.wait_enabled("continue")
        stopped = next(line for line in self.texts().split("\n") if line.startswith("Stopped at"))
        self.assertNotIn("\u20660 of", stopped)
        # While nothing runs the step is decoded, if it was not while stepping.
        time.sleep(2)
        seen = self.view()
        self.assertEqual(window.quit(), 0)
        window = self.reopen()
        window.wait_enabled("continue")
        self.sees(stopped)
        wait_for(lambda: self.view() == seen, "the last preview, decoded again")
        window.act("keep-preview")
        wait_for(lambda: len(pictures()) == 1, "the kept preview")
        window.wait_enabled("continue", False)
        self.assertIn('"steps_done":' + stopped.split("\u2066")[1].split(" ")[0],
                      png_texts(pictures()[0])["calotype"].replace(" ", ""))
        wait_for(lambda: journal()["jobs"] == [], "no job left")

    def test_discard(self):
        window = self.start(steps=150, seed="5")
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        window.act("stop")
        window.wait_enabled("continue")
        window.act("discard")
        self.sees("No Picture Yet")
        window.wait_enabled("continue", False)
        wait_for(lambda: journal()["jobs"] == [], "no job left")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
