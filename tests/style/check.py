#!/usr/bin/python3
"""The rules of the house, read off the sources.

check.py SOURCE_ROOT BUILD_ROOT RULE…  where RULE is one of the functions named rule_*.
Prints each breach as file:line: what, and exits with 1 if there is any.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# What a room may include of ours, beside itself.
ROOMS = {
    "base": [],
    "st": ["base"],
    "stats": ["base", "st"],
    "gpu": ["base"],
    "nn": ["base", "gpu"],
    "sampler": ["base"],
    "image": ["base"],
    "sd": ["base", "st", "gpu", "nn", "sampler", "image"],
    "cli": ["base", "st", "stats", "gpu", "nn", "sampler", "image", "sd"],
    "app": ["base", "st", "stats", "gpu", "nn", "sampler", "image", "sd"],
}
# Who may include a foreign library's headers.
FOREIGN = {
    r"gtk/|gdk/|gsk/|adwaita": {"app"},
    r"vulkan/|volk": {"gpu", "nn"},
    r"png\.h": {"image"},
    r"json-glib/": {"st", "image", "sd", "cli", "app"},
}
BANNED = (r"\b(strcpy|strcat|sprintf|vsprintf|atoi|atof|strtok|gets|system|alloca|malloc|calloc"
          r"|realloc|setjmp_unsafe)\s*\(")
UNFINISHED = r"\b(TODO|FIXME|XXX|HACK|not implemented)\b"
MAX_LINES, MAX_FUNCTION = 1000, 60


class Report:
    def __init__(self, root):
        self.root, self.n = root, 0

    def __call__(self, path, line, text):
        self.n += 1
        print(f"{path.relative_to(self.root)}:{line}: {text}")


def sources(root, *suffixes, folders=("src", "tests", "tools")):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path


def texts(root):
    """Every file of ours that a person wrote: program text, scripts, descriptions."""
    for folder in ("src", "shaders", "tools", "tests", "data", "flatpak"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "golden" not in path.parts and "corpus" not in path.parts and \
                    "__pycache__" not in path.parts and \
                    path.suffix not in (".png", ".safetensors", ".bin", ".spv"):
                yield path


def code_lines(text):
    """The lines with comments and string literals blanked, so that words in them do not count."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', blank, text)
    return text.split("\n")


def rule_rooms(root, build, report):
    for path in sources(root, ".c", ".h", folders=("src",)):
        room = path.relative_to(root / "src").parts[0]
        if room not in ROOMS:
            report(path, 1, f"'{room}' is no room of src/README.md")
            continue
        for number, line in enumerate(path.read_text().split("\n"), 1):
            found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not found:
                continue
            name = found.group(2)
            first = name.split("/")[0]
            if first in ROOMS and first != room and first not in ROOMS[room]:
                report(path, number, f"room {room} must not include {name}")
            if first in ROOMS and first != room and name.endswith("-private.h"):
                report(path, number, f"{name} is private to room {first}")
            for pattern, allowed in FOREIGN.items():
                if re.match(pattern, name) and room not in allowed:
                    report(path, number, f"room {room} must not include <{name}>")


def rule_symbols(root, build, report):
    seen = 0
    for room in ROOMS:
        library = build / "src" / room / f"lib{room}.a"
        if not library.exists():
            continue
        seen += 1
        out = subprocess.run(["nm", "-g", "--defined-only", str(library)],
                             capture_output=True, text=True, check=True).stdout
        for line in out.split("\n"):
            parts = line.split()
            if len(parts) != 3 or parts[2].startswith(("_binary", "__")):
                continue
            if parts[2].startswith("vk") or parts[2].startswith("volk"):
                if room == "gpu":
                    continue
            if not re.match(rf"_?{room}_", parts[2]):
                report(root / "src" / room, 0, f"exported symbol {parts[2]} lacks the prefix {room}_")
    if seen == 0:
        report(root / "src", 0, "no room's library was found in the build")


def rule_sizes(root, build, report):
    for path in list(sources(root, ".c", ".h", ".py")) + list(sources(root, ".comp", ".glsl", folders=("shaders",))):
        lines = path.read_text().split("\n")
        if len(lines) > MAX_LINES:
            report(path, len(lines), f"{len(lines)} lines; at most {MAX_LINES}")
        if path.suffix != ".c":
            continue
        start, previous = None, ""
        for number, line in enumerate(code_lines(path.read_text()), 1):
            if line.startswith("{"):
                start = number if previous.rstrip().endswith(")") else None
            elif line.startswith("}") and start:
                if number - start - 1 > MAX_FUNCTION:
                    report(path, start, f"a function of {number - start - 1} lines; at most {MAX_FUNCTION}")
                start = None
            if line.strip():
                previous = line


def rule_banned(root, build, report):
    for path in sources(root, ".c", ".h"):
        room = path.relative_to(root).parts[1]
        for number, line in enumerate(code_lines(path.read_text()), 1):
            found = re.search(BANNED, line)
            if found:
                report(path, number, f"{found.group(1)} is banned")
            if path.parts[-3] == "src" and room != "cli" and \
                    re.search(r"\b(printf|puts|putchar|g_print)\s*\(", line):
                report(path, number, "only programs print")
    for path in texts(root):
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
            found = re.search(UNFINISHED, line) if path.name != "check.py" else None
            if found:
                report(path, number, f"unfinished: {found.group(1)}")


def rule_headers(root, build, report):
    for path in sources(root, ".c", ".h"):
        text = path.read_text()
        if not text.startswith(f"/* {path.name}"):
            report(path, 1, "the first line must name the file")
        if path.suffix == ".h" and "#pragma once" not in text:
            report(path, 1, "no #pragma once")
        first = re.search(r"^\s*#\s*include\s+(.*)", text, flags=re.M)
        if path.suffix == ".c" and first and first.group(1) != '"config.h"':
            report(path, text.count("\n", 0, first.start(1)) + 1, 'the first include must be "config.h"')
    for path in texts(root):
        if (path.suffix in (".c", ".h", ".py", ".sh", ".comp", ".glsl", ".ui", ".css") or "." not in path.name) and \
                "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text()[:3000] and \
                path.name != "clip-LICENSE":
            report(path, 1, "no SPDX line")


def rule_format(root, build, report):
    # Version 14 is the law; newer ones were found to agree with it.
    program = shutil.which("clang-format-14") or "clang-format"
    paths = list(sources(root, ".c", ".h"))
    parts = [[str(p) for p in paths[i::2]] for i in range(2)]
    runs = [subprocess.Popen([program, "--dry-run"] + part, stderr=subprocess.PIPE, text=True, cwd=root)
            for part in parts]
    told = set()
    for run in runs:
        for path, line in re.findall(r"^(.+?):(\d+):\d+: warning: code should be clang-formatted",
                                     run.communicate()[1], flags=re.M):
            if path not in told:
                report(pathlib.Path(path), int(line), "clang-format would change this file")
                told.add(path)
        if run.returncode != 0:
            report(root / ".clang-format", 1, f"{program} ended with {run.returncode}")


def rule_ui(root, build, report):
    """Well-formed, known to the program, named for screen readers, right in right-to-left."""
    resources = (root / "src/app/resources.gresource.xml").read_text()
    for path in sources(root, ".ui", folders=("src",)):
        try:
            tree = xml.etree.ElementTree.parse(path)
        except xml.etree.ElementTree.ParseError as fault:
            report(path, fault.position[0], f"not XML: {fault}")
            continue
        if f"<file>{path.name}</file>" not in resources:
            report(path, 1, "is not in resources.gresource.xml")
        for node in tree.iter("object"):
            names = {p.get("name") for p in node.findall("property")}
            what = f"{node.get('class')} '{node.get('id', '')}'"
            named = {p.get("name") for p in node.findall("accessibility/property")} | \
                    {r.get("name") for r in node.findall("accessibility/relation")}
            if node.get("class", "").endswith("Button") and "icon-name" in names and \
                    "label" not in names and not named & {"label", "labelled-by"}:
                report(path, 1, f"{what} has an icon only, and no accessible label")
            for name in names & {"margin-left", "margin-right"}:
                report(path, 1, f"{what}: {name} does not follow the direction of text")
        for node in tree.iter("property"):
            if node.get("name") in ("label", "tooltip-text", "placeholder-text", "title") and \
                    node.text != "Calotype" and re.search(r"[^\W\d_]{2}", node.text or "") and node.get("translatable") != "yes":
                report(path, 1, f"'{node.text}' is not translatable")


def rule_mime(root, build, report):
    """The type's description, given to the program that every desktop gives it to."""
    path = next((root / "data").glob("*.mime.xml"))
    with tempfile.TemporaryDirectory() as folder:
        mime = pathlib.Path(folder) / "mime"
        packages = mime / "packages"
        packages.mkdir(parents=True)
        shutil.copy(path, packages / path.name.replace(".mime.xml", ".xml"))
        out = subprocess.run(["update-mime-database", str(mime)], capture_output=True, text=True,
                             env={**os.environ, "XDG_DATA_HOME": folder})
        for line in out.stderr.splitlines():
            report(path, 1, line)
        globs = mime / "globs"
        if out.returncode != 0 or "application/vnd.safetensors:*.safetensors" not in globs.read_text():
            report(path, 1, f"update-mime-database ended with {out.returncode} and made no such type")


def rule_potfiles(root, build, report):
    listed = {l.strip() for l in (root / "po/POTFILES.in").read_text().split("\n")
              if l.strip() and not l.startswith("#")}
    marked = set()
    for path in sources(root, ".c", ".ui", folders=("src",)):
        text = path.read_text()
        if path.suffix == ".ui" and 'translatable="yes"' in text or \
                path.suffix == ".c" and re.search(r"\b(_|N_|C_|ngettext|g_dngettext)\s*\(\s*\"", text):
            marked.add(str(path.relative_to(root)))
    for path in (root / "data").glob("*.in"):
        if path.name.endswith((".desktop.in.in", ".metainfo.xml.in")):
            marked.add(str(path.relative_to(root)))
    for name in sorted(marked - listed):
        report(root / name, 1, "has translatable text but is not in po/POTFILES.in")
    for name in sorted(listed):
        if not (root / name).exists():
            report(root / "po/POTFILES.in", 1, f"{name} does not exist")


def rule_words(root, build, report):
    """What is committed speaks of the program alone."""
    try:
        out = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=True).stdout
        paths = [root / name for name in out.splitlines()]
    except (FileNotFoundError, subprocess.CalledProcessError):
        # A tree without git: everything but what was built and what is hidden.
        paths = [p for p in root.rglob("*")
                 if not p.relative_to(root).parts[0].startswith(("build", ".")) and "__pycache__" not in p.parts]
    for path in paths:
        if path.suffix in (".png", ".safetensors", ".bin", ".spv") or not path.is_file() or path.name == "check.py":
            continue
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
            if re.search(r"/work/|/opt/tv|/root/|\bpypi\.org|deb\.debian\.org|helper-\d", line):
                report(path, number, "names a place of one machine")


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    report = Report(root)
    for rule in sys.argv[3:]:
        globals()[f"rule_{rule}"](root, build, report)
    return 1 if report.n else 0


if __name__ == "__main__":
    sys.exit(main())
