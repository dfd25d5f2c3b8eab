#!/usr/bin/python3
"""The installed program, as a desktop sees it: install.py BUILD_FOLDER PREFIX MESON

Installs the build into ~/.local (the home folder is a test's own), refreshes the databases
there as an installation does, and opens a file as a double-click does: its type is found, the
type's program is found, it is started, and a window shows the file. Only the commands in the
desktop file and the bus's service are changed, for the build was made for another prefix.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import driver
import files
from gi.repository import Gio, GLib

BUILD, PREFIX, MESON = sys.argv[1:4]
APP_ID = driver.APP_ID
TYPE = "application/vnd.safetensors"


def run(*command, **more):
    out = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert out.returncode == 0, f"{command}: {out.stdout}{out.stderr}"
    return out.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert os.environ["CALOTYPE_TEST"], "a test's home folder is wanted"
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        run(MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", str(cls.folder))
        cls.prefix = pathlib.Path.home() / ".local"
        shutil.copytree(cls.folder / PREFIX.lstrip("/"), cls.prefix, dirs_exist_ok=True)
        cls.share = cls.prefix / "share"
        for name in (f"applications/{APP_ID}.desktop", f"dbus-1/services/{APP_ID}.service"):
            path = cls.share / name
            text = path.read_text()
            assert f"Exec={PREFIX}/bin/calotype" in text, text
            path.write_text(text.replace(f"Exec={PREFIX}/", f"Exec={cls.prefix}/"))
        os.environ.pop("GSETTINGS_SCHEMA_DIR", None)
        run("glib-compile-schemas", "--strict", str(cls.share / "glib-2.0/schemas"))
        run("update-desktop-database", str(cls.share / "applications"))
        run("update-mime-database", str(cls.share / "mime"))
        run("gtk4-update-icon-cache", "-qtf", str(cls.share / "icons/hicolor"))
        cls.model = cls.folder / "two words.safetensors"
        files.write_tensors(cls.model, {"layer.weight": ("F32", [2, 2], bytes(16))})

    def content_type(self, path):
        out = run("gio", "info", "-a", "standard::content-type", str(path))
        return out.split("standard::content-type:")[1].split()[0]

    def test_type_by_name_and_by_content(self):
        bare = self.folder / "no-ending"
        shutil.copy(self.model, bare)
        empty = self.folder / "empty.safetensors"
        empty.write_bytes(b"")
        other = self.folder / "other"
        other.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
        self.assertEqual(self.content_type(self.model), TYPE)
        self.assertEqual(self.content_type(bare), TYPE)
        self.assertEqual(self.content_type(other), "image/png")

    def test_the_type_has_its_program(self):
        self.assertIn(f"{APP_ID}.desktop", run("gio", "mime", TYPE))
        self.assertIn(f"{APP_ID}.desktop", run("gio", "mime", "application/x-safetensors"))

    def test_what_is_installed(self):
        for name in ("bin/calotype", "bin/calotype-cli", "share/calotype/models/calotype-sample.safetensors",
                     f"share/metainfo/{APP_ID}.metainfo.xml", f"share/icons/hicolor/scalable/apps/{APP_ID}.svg",
                     f"share/icons/hicolor/symbolic/apps/{APP_ID}-symbolic.svg", "share/mime/" + TYPE + ".xml"):
            self.assertTrue((self.prefix / name).is_file(), name)
        keys = run("gsettings", "--schemadir", str(self.share / "glib-2.0/schemas"), "list-keys", APP_ID)
        self.assertIn("window-size", keys)
        languages = {p.parent.parent.name for p in self.share.glob("locale/*/LC_MESSAGES/calotype.mo")}
        self.assertEqual(languages, {"az", "fi", "he", "lv", "sv"})
        self.assertIn("calotype-cli", run(str(self.prefix / "bin/calotype-cli"), "--version"))

    def ask_bus(self, method, reply):
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        return bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", method,
                             GLib.Variant("(s)", (driver.APP_ID,)), GLib.VariantType(reply), 0, 5000, None).unpack()[0]

    def quit(self):
        Gio.bus_get_sync(Gio.BusType.SESSION).call_sync(
            APP_ID, driver.APP_PATH, "org.gtk.Actions", "Activate",
            GLib.Variant("(sava{sv})", ("quit", [], {})), None, 0, 10000, None)
        driver.wait_for(lambda: not self.ask_bus("NameHasOwner", "(b)"), "the program's end", 30)

    def opens_the_file(self, *command, env=None):
        # Not run (): whoever is started keeps the standard output.
        subprocess.run([*command, str(self.model)], stdout=subprocess.DEVNULL, check=True, timeout=30, env=env)
        driver.wait_for(lambda: self.ask_bus("NameHasOwner", "(b)"), "the program's name on the bus", 30)
        process = self.ask_bus("GetConnectionUnixProcessID", "(u)")
        self.assertEqual(os.readlink(f"/proc/{process}/exe"), str(self.prefix / "bin/calotype"))

        def title():
            out = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "calotype", "getwindowname"],
                                 capture_output=True, text=True)
            return self.model.stem in out.stdout

        driver.wait_for(title, "a window with the file's name", 30)
        # A driver that fails does so with the first frames.
        time.sleep(1)
        self.assertTrue(self.ask_bus("NameHasOwner", "(b)"), "the program is gone")
        self.quit()

    def test_a_double_click(self):
        """The desktop file's command, drawn as the program itself chooses, and by OpenGL."""
        env = {name: value for name, value in os.environ.items() if name != "GSK_RENDERER"}
        for more in {}, {"GSK_RENDERER": "gl"}:
            self.opens_the_file("gio", "launch", str(self.share / f"applications/{APP_ID}.desktop"), env={**env, **more})

    def test_a_double_click_by_the_bus(self):
        """The bus's service, as file managers use it for a program that is DBusActivatable."""
        self.opens_the_file("gapplication", "launch", APP_ID)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
