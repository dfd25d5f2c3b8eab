#!/usr/bin/python3
"""Pictures made from pictures: masks painted with the mouse, frames dragged, descent. canvas.py CALOTYPE MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

import gi
from gi.repository import GLib

from driver import Window, journal, journal_path, mouse, pictures, wait_for, write_journal
from files import png_chunks, png_rows, png_texts

PROGRAM, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))


def write_png(path, width, height, pixel, channels=3):
    """pixel(x, y) → channels values"""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0))
                  + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def grey_rows(path):
    """Rows of a mask."""
    _, _, n, rows = png_rows(path)
    assert n == 1, "a mask is a grey picture"
    return [bytes(row) for row in rows]


def color_rows(path):
    """Rows of pixels, which are tuples."""
    _, _, n, rows = png_rows(path)
    return [[tuple(row[i:i + 3]) for i in range(0, len(row), n)] for row in rows]


class Canvas(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = self.seen = None
        self.addCleanup(lambda: self.window and self.window.process.poll() is None and self.window.kill())

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def reopen(self):
        self.window = Window(PROGRAM)
        self.window.resize(1000, 700)
        self.window.wait_enabled("generate")
        return self.window

    def start(self, **params):
        write_journal(MODEL, steps=6, **params)
        return self.reopen()

    def make(self):
        """One more picture; its path."""
        before = pictures()
        self.window.act("generate")
        wait_for(lambda: len(pictures()) > len(before), "a saved picture", 120)
        self.window.wait_enabled("stop", False)
        return (set(pictures()) - set(before)).pop()

    def edit(self):
        self.seen = None
        self.window.act("edit-picture")
        self.window.wait_enabled("mask-done")
        self.mask()  # nothing yet
        return self.window.find(type="AppMaskView")

    def stroke(self, place, *points):
        """One stroke of the mouse through points of the picture, which fills the place's height: 0 … 1 each."""
        side, left = min(place.width, place.height), (place.width - min(place.width, place.height)) / 2
        at = lambda x, y: ((left + x * side) / place.width, (y * side + (place.height - side) / 2) / place.height)
        self.window.move(place, at(*points[0]))
        mouse("mousedown", 1)
        for point in points:
            self.window.move(place, at(*point))
        time.sleep(0.1)
        mouse("mouseup", 1)
        time.sleep(0.2)

    def params(self):
        return (journal() or {}).get("params", {})

    def wait_source(self, **wanted):
        wait_for(lambda: all(self.params().get("source", {}).get(k) == v for k, v in wanted.items()),
                 f"{wanted} of the source in the journal", 20)
        return self.params()["source"]

    def mask(self, changed=True):
        """Rows of the mask as the journal keeps it: each change has a file of its own."""
        name = lambda: self.params().get("source", {}).get("mask")
        if changed:
            wait_for(lambda: name() and name() != self.seen, "another mask in the journal", 20)
        else:
            time.sleep(2.5)  # a stroke is in the settings after a quarter, they are on the disk after a second
        self.seen = name()
        return grey_rows(os.path.join(os.path.dirname(journal_path()), self.seen))

    # ---- masks ----

    def test_brush_eraser_undo(self):
        window = self.start()
        self.make()
        view = self.edit()
        self.assertFalse(window.actions()["generate"], "nothing is masked yet")
        window.wait_shows("Paint over what is to be made anew.")
        self.stroke(view, (0.25, 0.5), (0.75, 0.5))
        window.wait_enabled("generate")
        rows = self.mask()
        self.assertEqual((len(rows), len(rows[0])), (128, 128))
        self.assertEqual(rows[64][64], 255)
        self.assertEqual(rows[64][4], 0)
        self.assertEqual(rows[30][64], 0)
        window.keys("e")
        self.assertEqual(window.state("mask-tool"), "eraser")
        self.stroke(view, (0.5, 0.3), (0.5, 0.7))
        erased = self.mask()
        self.assertEqual(erased[64][64], 0)
        self.assertEqual(erased[64][40], 255)
        window.keys("ctrl+z")
        self.assertEqual(self.mask(), rows)
        window.keys("ctrl+z")
        self.assertFalse(any(map(any, self.mask())))
        self.assertFalse(window.actions()["mask-undo"])
        window.keys("shift+ctrl+z", "shift+ctrl+z")
        self.assertEqual(self.mask(), erased)

    def test_lasso_rectangle_invert(self):
        window = self.start()
        self.make()
        view = self.edit()
        window.keys("r")
        self.stroke(view, (0.25, 0.25), (0.3, 0.4), (0.5, 0.5))
        rows = self.mask()
        count = sum(value > 127 for row in rows for value in row)
        self.assertTrue(30 ** 2 <= count <= 35 ** 2, count)
        self.assertEqual({value for row in rows for value in row}, {0, 255}, "a rectangle of whole pixels")
        window.keys("l")
        self.stroke(view, (0.6, 0.6), (0.9, 0.6), (0.9, 0.9), (0.6, 0.9), (0.6, 0.65))
        both = self.mask()
        self.assertEqual(both[96][96], 255)
        self.assertEqual(both[48][48], 255)
        self.assertEqual(both[96][48], 0)
        window.keys("ctrl+i")
        inverted = self.mask()
        self.assertEqual(inverted, [bytes(255 - value for value in row) for row in both])
        window.keys("ctrl+z")
        self.assertEqual(self.mask(), both)

    def test_zoom_and_pan_while_painting(self):
        window = self.start()
        self.make()
        view = self.edit()
        window.wheel(view, -8)  # four times as large, about the middle
        self.stroke(view, (0.5, 0.5))
        near = self.mask()
        self.assertEqual(near[64][64], 255)
        # The same place of the screen is another of the picture after panning with the middle button.
        window.move(view, (0.5, 0.5))
        mouse("mousedown", 2)
        window.move(view, (0.4, 0.5))
        window.move(view, (0.3, 0.5))
        mouse("mouseup", 2)
        time.sleep(0.3)
        self.stroke(view, (0.5, 0.5))
        far = self.mask()
        right = max(x for x in range(128) if far[64][x])
        self.assertGreater(right, max(x for x in range(128) if near[64][x]) + 4)
        # With the space bar too, and no stroke is painted then.
        subprocess.run(["xdotool", "keydown", "space"], check=True)
        self.stroke(view, (0.5, 0.2), (0.5, 0.6))
        subprocess.run(["xdotool", "keyup", "space"], check=True)
        self.assertEqual(self.mask(changed=False), far)

    def test_keys_of_the_brush(self):
        window = self.start()
        self.make()
        self.edit()
        window.wait_shows("13")
        window.keys("bracketright")
        window.wait_shows("15")
        window.keys("bracketleft", "bracketleft")
        window.wait_shows("11")
        for key, tool in (("l", "lasso"), ("r", "rectangle"), ("e", "eraser"), ("x", "brush"), ("x", "eraser"), ("b", "brush")):
            window.keys(key)
            self.assertEqual(window.state("mask-tool"), tool)
        window.keys("Escape")
        window.wait_enabled("mask-done", False)
        self.assertTrue(window.actions()["edit-mask"], "the mask is kept")

    def test_a_run_does_not_take_the_mask_away(self):
        window = self.start()
        self.make()
        view = self.edit()
        self.stroke(view, (0.5, 0.5))
        self.mask()
        before = pictures()
        window.act("generate")
        window.wait_enabled("edit-mask")
        window.act("edit-mask")
        window.wait_enabled("mask-done")
        wait_for(lambda: len(pictures()) > len(before), "the picture beside it", 120)
        time.sleep(0.5)
        self.assertTrue(window.actions()["mask-done"])
        self.assertIsNotNone(window.find(type="AppMaskView"))
        window.keys("Escape")
        window.wait_enabled("mask-done", False)
        window.wait_enabled("vary-picture")  # a picture is seen again

    def test_grow_and_clear(self):
        window = self.start()
        self.make()
        view = self.edit()
        self.stroke(view, (0.5, 0.5))
        small = sum(value > 127 for row in self.mask() for value in row)
        window.act("mask-grow")
        grown = sum(value > 127 for row in self.mask() for value in row)
        self.assertGreater(grown, small * 3)
        window.act("mask-blur")
        self.assertGreater(sum(0 < value < 255 for row in self.mask() for value in row), 300)
        window.act("mask-clear")
        self.assertFalse(any(map(any, self.mask())))

    # ---- pictures from pictures ----

    def test_masked_part_is_made_anew(self):
        window = self.start()
        first = self.make()
        view = self.edit()
        self.stroke(view, (0.3, 0.5), (0.5, 0.5))
        mask = self.mask()
        second = self.make()
        window.wait_enabled("mask-done", False)  # the picture is seen as it forms
        old, new = color_rows(first), color_rows(second)
        for y in range(128):
            for x in range(128):
                if mask[y][x] == 0:
                    self.assertEqual(old[y][x], new[y][x], f"pixel {x}, {y} was not masked")
        self.assertTrue(any(old[y][x] != new[y][x] for y in range(128) for x in range(128)))
        told = json.loads(png_texts(second)["calotype"])
        self.assertEqual(told["parent"], os.path.basename(first))
        self.assertNotIn("/", told["parent"])

    def test_vary_and_descent_after_restart(self):
        window = self.start()
        first = self.make()
        window.click(window.find("Vary"))
        window.wait_shows("Varied from")
        self.wait_source(strength=0.75, mask=None)
        window.act("lock-seed")
        second = self.make()
        self.assertEqual(json.loads(png_texts(second)["calotype"])["parent"], os.path.basename(first))
        wait_for(lambda: journal()["shown"] == second, "the new picture", 20)
        window.click(window.find("from"))
        wait_for(lambda: journal()["shown"] == first, "what it was made from", 20)
        window.find("1 from it")
        self.assertEqual(window.quit(), 0)
        lost = os.path.join(os.path.dirname(journal_path()), "session.json-source-77.png")
        shutil.copyfile(first, lost)  # as a crash would leave it
        window = self.reopen()
        window.wait_shows("Varied from")
        wait_for(lambda: not os.path.exists(lost), "what nobody knows to go", 20)
        def chosen():
            # On a screen without a window manager a click into a list that has just come, or gone, may be missed.
            rows = [p for p in window.places() if os.path.basename(second) in (p.words, p.tip)]
            window.click(rows[0] if rows else window.find("1 from it"))
            time.sleep(1.5)  # the journal is written a second later
            return journal()["shown"] == second

        wait_for(chosen, "what was made from it", 40)
        window.find("from")
        # What the settings begin from is still there, and is used.
        third = self.make()
        self.assertEqual(json.loads(png_texts(third)["calotype"])["parent"], os.path.basename(first))
        # Away with it: nothing of it stays on the disk.
        window.act("remove-source")
        wait_for(lambda: "source" not in self.params(), "settings without a picture", 20)
        wait_for(lambda: not [n for n in os.listdir(os.path.dirname(journal_path())) if "source" in n], "an empty folder", 20)
        # … and undoing brings it back.
        window.act("undo-settings")
        self.wait_source(strength=0.75)

    def test_stopped_in_the_middle_and_reopened(self):
        window = self.start()
        first = self.make()
        self.edit()
        window.keys("r")
        self.stroke(window.find(type="AppMaskView"), (0.3, 0.3), (0.7, 0.7))
        self.mask()
        whole = self.make()
        pixels = color_rows(whole)
        os.unlink(whole)
        # The same once more, stopped, closed and continued.
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "a step", 60)
        window.act("stop")
        window.wait_enabled("continue")
        self.assertEqual(window.quit(), 0)
        window = self.reopen()
        window.wait_enabled("continue")
        before = pictures()
        window.act("continue")
        wait_for(lambda: len(pictures()) > len(before), "the continued picture", 120)
        continued, = set(pictures()) - set(before)
        self.assertEqual(color_rows(continued), pixels)
        self.assertEqual(json.loads(png_texts(continued)["calotype"])["parent"], os.path.basename(first))

    def test_frame_is_dragged(self):
        window = self.start()
        first = self.make()
        window.act("extend-picture")
        window.wait_enabled("mask-done")
        self.wait_source(extend=[32, 0, 32, 0])
        window.wait_shows("128 × 128 → 192 × 128")
        view = window.find(type="AppExtendView")
        handle = None
        path = self.path("view.png")
        window.act("screenshot-of", GLib.Variant("(ss)", ("AppExtendView", path)))
        wait_for(lambda: os.path.exists(path), "the frame", 20)
        # The topmost white pixel of the middle column is the handle of the upper side.
        rows = color_rows(path)
        column = len(rows[0]) // 2
        handle = next(y for y, row in enumerate(rows) if row[column] == (255, 255, 255))
        window.move(view, (0.5, (handle + 1) / view.height))
        mouse("mousedown", 1)
        for step in range(1, 7):
            window.move(view, (0.5, (handle + 1 - 15 * step) / view.height))
        mouse("mouseup", 1)
        source = wait_for(lambda: self.params()["source"]["extend"][1] > 0 and self.params()["source"], "a higher frame", 20)
        up = source["extend"][1]
        self.assertEqual(up % 8, 0)
        self.assertEqual(self.params()["height"], 128 + up)
        window.act("undo-settings")
        self.wait_source(extend=[32, 0, 32, 0])
        second = self.make()
        old, new = color_rows(first), color_rows(second)
        self.assertEqual((len(new[0]), len(new)), (192, 128))
        self.assertEqual([row[96] for row in new], [row[64] for row in old], "the middle is the old picture")
        self.assertNotEqual([row[4] for row in new], [row[32] for row in new])

    def test_instructions_want_their_model(self):
        window = self.start()
        self.make()
        window.act("instruct-picture")
        window.wait_shows("Changing by instruction needs an InstructPix2Pix model")
        window.find("Choose a Model")
        self.assertNotIn("source", self.params())

    # ---- pictures from outside ----

    def test_transparency_becomes_a_mask(self):
        window = self.start()
        path = self.path("hole.png")
        write_png(path, 128, 96, lambda x, y: (x * 2, y * 2, 90, 0 if 40 <= x < 80 and 30 <= y < 60 else 255), 4)
        window.act("begin-from", GLib.Variant("s", path))
        window.wait_shows("Edited in")
        rows = self.mask()
        self.assertEqual((len(rows[0]), len(rows)), (128, 96))
        self.assertEqual((rows[45][60], rows[45][39], rows[29][60]), (255, 0, 0))

    def test_jpeg_and_what_is_none(self):
        window = self.start()
        gi.require_version("GdkPixbuf", "2.0")
        from gi.repository import GdkPixbuf
        pixbuf = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 160, 96)
        pixbuf.fill(0x3060a0ff)
        pixbuf.savev(self.path("photo.jpg"), "jpeg", [], [])
        window.act("begin-from", GLib.Variant("s", self.path("photo.jpg")))
        window.wait_shows("Varied from")
        window.wait_shows("photo.jpg")
        wait_for(lambda: self.params().get("width") == 160 and self.params().get("height") == 96, "the picture's size", 20)
        kept = self.wait_source(mask=None)
        with open(self.path("no.webp"), "wb") as file:
            file.write(b"this is no picture at all")
        window.act("begin-from", GLib.Variant("s", self.path("no.webp")))
        window.find("Dismiss")
        self.assertEqual(self.params()["source"], kept)

    def test_gigantic_picture_is_refused(self):
        path = self.path("huge.png")

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        packer = zlib.compressobj(1)
        data = b"".join(packer.compress(bytes(30000 + 1)) for _ in range(30000)) + packer.flush()
        with open(path, "wb") as out:
            out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0))
                      + chunk(b"IDAT", data) + chunk(b"IEND", b""))
        window = self.start()
        window.act("begin-from", GLib.Variant("s", path))
        window.wait_shows("“huge.png” has 30000 × 30000 pixels.")
        self.assertNotIn("source", self.params())


if __name__ == "__main__":
    unittest.main()
