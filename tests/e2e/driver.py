"""Drives the real window: by its actions over D-Bus, by keys, and by looking at it.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import collections
import glob
import json
import os
import signal
import subprocess
import tempfile
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

APP_ID = "io.github.calotype.Calotype"
APP_PATH = "/" + APP_ID.replace(".", "/")


# Where a widget is in its window.
Place = collections.namedtuple("Place", "type id words tip x y width height sensitive focused")


def mouse(*command):
    subprocess.run(["xdotool", *(str(part) for part in command)], check=True)
    time.sleep(0.05)


class TimedOut(AssertionError):
    pass


def wait_for(condition, what, seconds=60):
    """Polls until condition() is true and gives what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimedOut(f"{what}: not within {seconds} s")


class Window:
    """The program, started with args; window 1 is the first."""

    def __init__(self, program, *args, env=None):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.process = subprocess.Popen([program, *args], env={**os.environ, **(env or {})})
        wait_for(self.has_name, "the program's name on the bus", 30)
        wait_for(lambda: self.actions(), "the first window", 30)

    def has_name(self):
        assert self.process.poll() is None, f"the program ended with {self.process.returncode}"
        answer = self.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                                    GLib.Variant("(s)", (APP_ID,)), None, 0, 2000, None)
        return answer.unpack()[0]

    def call(self, path, method, parameters, reply=None):
        assert self.process.poll() is None, f"the program ended with {self.process.returncode}"
        return self.bus.call_sync(APP_ID, path, "org.gtk.Actions", method, parameters, reply, 0, 20000, None)

    def actions(self, window=1):
        """{name: enabled}"""
        try:
            answer = self.call(f"{APP_PATH}/window/{window}", "DescribeAll", None).unpack()[0]
        except GLib.Error:
            return None
        return {name: row[0] for name, row in answer.items()}

    def state(self, name, window=1):
        answer = self.call(f"{APP_PATH}/window/{window}", "Describe", GLib.Variant("(s)", (name,)))
        return answer.unpack()[0][2][0]

    def act(self, name, parameter=None, window=1):
        values = [] if parameter is None else [parameter]
        self.call(f"{APP_PATH}/window/{window}", "Activate", GLib.Variant("(sava{sv})", (name, values, {})))

    def app_act(self, name, parameter=None):
        values = [] if parameter is None else [parameter]
        self.call(APP_PATH, "Activate", GLib.Variant("(sava{sv})", (name, values, {})))

    def wait_enabled(self, name, enabled=True, seconds=60):
        wait_for(lambda: self.actions().get(name) == enabled, f"action {name} {'en' if enabled else 'dis'}abled", seconds)

    def look(self, path, window=1):
        """A picture of the window, taken inside the program; nothing comes before its first frame."""
        if os.path.exists(path):
            os.unlink(path)

        def taken():
            self.act("screenshot", GLib.Variant("s", path), window)
            time.sleep(0.1)
            return os.path.exists(path) and os.path.getsize(path) > 100

        wait_for(taken, "a screenshot", 20)
        with open(path, "rb") as file:
            return file.read()

    def resize(self, width, height, window=1):
        """Asks until it is so, or the window cannot: without a window manager a size that is
        asked for while another is on its way is lost."""
        for turn in range(5):
            self.act("resize", GLib.Variant("(ii)", (width - turn % 2, height)), window)
            if turn % 2:
                self.act("resize", GLib.Variant("(ii)", (width, height)), window)
            time.sleep(0.4)
            if window > 1 or f"{width}x{height}" in self.search("getwindowgeometry"):
                return

    def search(self, *command):
        # By class: without a window manager windows have no process number to be found by.
        return subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "calotype", *command],
                              capture_output=True, text=True).stdout.strip()

    def title(self):
        return self.search("getwindowname")

    def keys(self, *keys):
        """Keys to the window, as if typed. There is no window manager: it is focused first."""
        subprocess.run(["xdotool", "windowfocus", self.search().split()[-1]], check=True)
        subprocess.run(["xdotool", "key", "--clearmodifiers", "--delay", "60", *keys], check=True)
        time.sleep(0.3)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--delay", "20", text], check=True)
        time.sleep(0.3)

    # ---- the mouse ----

    def places(self, window=1):
        """Everything that is shown: [Place]. Popovers too."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "places")
            self.act("write-places", GLib.Variant("s", path), window)
            wait_for(lambda: os.path.exists(path), "the places", 10)
            with open(path) as file:
                rows = [line.split("\t") for line in file.read().splitlines()]
        return [Place(*row[:4], *(int(n) for n in row[4:])) for row in rows]

    def find(self, text=None, seconds=10, window=1, **wanted):
        """The first shown widget with these properties; text: its words or tool tip."""
        def look():
            for place in self.places(window):
                if (text is None or text in (place.words, place.tip)) and all(
                        getattr(place, name) == value for name, value in wanted.items()):
                    return place
            return None
        return wait_for(look, f"a widget {text or ''} {wanted or ''}", seconds)

    def shows(self, text, window=1):
        """Whether some label has these words in it."""
        return any(text in place.words for place in self.places(window) if place.type == "GtkLabel")

    def wait_shows(self, text, seconds=10, window=1):
        wait_for(lambda: self.shows(text, window), f"the words “{text}”", seconds)

    def origin(self):
        window = self.search().split()[0]
        shell = subprocess.run(["xdotool", "getwindowgeometry", "--shell", window], capture_output=True, text=True)
        values = dict(line.split("=") for line in shell.stdout.split())
        return int(values["X"]), int(values["Y"])

    def point(self, place, at=(0.5, 0.5)):
        x, y = self.origin()
        return x + place.x + int(place.width * at[0]), y + place.y + int(place.height * at[1])

    def move(self, place, at=(0.5, 0.5)):
        x, y = self.point(place, at)
        mouse("mousemove", x, y)

    def click(self, place, button=1, at=(0.5, 0.5)):
        self.move(place, at)
        mouse("click", button)
        time.sleep(0.3)

    def wheel(self, place, clicks):
        """Down where positive."""
        self.move(place)
        mouse("click", "--repeat", abs(clicks), "--delay", 30, 5 if clicks > 0 else 4)
        time.sleep(0.3)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not self.name_is_owned(), "the name to go", 10)

    def name_is_owned(self):
        answer = self.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                                    GLib.Variant("(s)", (APP_ID,)), None, 0, 2000, None)
        return answer.unpack()[0]

    def quit(self):
        """By its own action; the program must end by itself, with status 0."""
        try:
            self.app_act("quit")
        except GLib.Error as error:
            if not error.matches(Gio.dbus_error_quark(), Gio.DBusError.NO_REPLY):
                raise
        status = self.process.wait(timeout=30)
        wait_for(lambda: not self.name_is_owned(), "the name to go", 10)
        return status


def pictures():
    """Saved pictures, oldest first."""
    found = glob.glob(os.path.expanduser("~/Pictures/Calotype/*/*.png"))
    return sorted(found, key=os.path.getmtime)


def journal_path():
    return os.path.expanduser("~/.local/state/calotype/session.json")


def journal():
    try:
        with open(journal_path()) as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def write_journal(model, **params):
    """A session as the program would have left it."""
    values = {"prompt": "a red sailboat on the sea at sunset", "negative": "", "width": 128, "height": 128,
              "steps": 20, "cfg": 4, "seed": "1", "batch": 1, "rng": "cpu", "sampler": "dpmpp_2m", "schedule": "karras"}
    values.update(params)
    os.makedirs(os.path.dirname(journal_path()), exist_ok=True)
    with open(journal_path(), "w") as file:
        json.dump({"version": 1, "model": model, "params": values, "seed_locked": True, "shown": None,
                   "prompts": [], "pictures": [], "jobs": []}, file)
