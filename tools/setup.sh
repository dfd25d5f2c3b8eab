# Sourced by tools/run and tools/test: installs what is missing, configures, builds.
#
# Everything said here goes to standard error. One set-up runs at a time (a lock in the
# build folder). A second call with nothing to do costs a few milliseconds: a stamp holds
# the list of packages that were found and the version of this file.
#
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${CALOTYPE_BUILD:-$top/build}

# Debian's names. What a build needs, what a window needs, what the suites need besides.
build_packages="gcc libc6-dev meson ninja-build pkg-config gettext glslc libgtk-4-dev
  libadwaita-1-dev libjson-glib-dev libpng-dev libvulkan-dev libvulkan-volk-dev libvulkan1
  mesa-vulkan-drivers libglib2.0-bin libglib2.0-dev-bin shared-mime-info desktop-file-utils
  libgtk-4-bin adwaita-icon-theme fonts-dejavu-core python3"
test_packages="vulkan-validationlayers xvfb xauth xdotool dbus dbus-x11 at-spi2-core
  gir1.2-atspi-2.0 python3-gi clang clang-format appstream librsvg2-bin locales
  libclang-rt-14-dev libxml2-utils"

say () { printf '%s\n' "$*" >&2; }

missing_packages ()
{
  # Words of the list that dpkg does not know as installed.
  for package in $1; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      printf '%s ' "$package"
  done
}

elsewhere ()
{
  say "This system has no apt-get. Please install, by the names your system uses:"
  say "  a C compiler, meson (1.0 or newer), ninja, pkg-config, gettext, glslc (shaderc),"
  say "  GTK 4.8 or newer, libadwaita (optional), json-glib, libpng, Vulkan headers, loader"
  say "  and a driver (Mesa's lavapipe will do), volk (its header volk.h)."
}

as_root ()
{
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null && [ -t 0 ] && sudo -v >&2; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    return 1
  fi
}

install_packages ()
{
  if ! command -v apt-get >/dev/null; then
    # Elsewhere nothing is installed for the user; meson names what it does not find.
    command -v meson >/dev/null && command -v glslc >/dev/null || { elsewhere; exit 1; }
    return 0
  fi
  need=$(missing_packages "$1")
  [ -n "$need" ] || return 0
  say "Installing: $need"
  # A list of packages may be old or absent on a fresh machine: try, then refresh.
  if ! as_root true; then
    say "Calotype needs packages that are not installed. Please type:"
    say "  sudo apt-get install --no-install-recommends $need"
    exit 1
  fi
  as_root apt-get install -y --no-install-recommends $need >&2 2>&1 ||
    { as_root apt-get update >&2 2>&1 &&
      as_root apt-get install -y --no-install-recommends $need >&2 2>&1; } ||
    { say "Installing failed. What is missing: $need"; exit 1; }
}

take_lock ()
{
  mkdir -p "$build"
  exec 9>"$build/.lock"
  flock -n 9 || { say "Waiting for another set-up…"; flock 9; }
}

# set_up PACKAGES STAMP-NAME MESON-OPTIONS
set_up ()
{
  take_lock
  stamp=$build/.packages-$2
  wanted=$(cksum "$top/tools/setup.sh" | cut -d' ' -f1)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    install_packages "$1"
    printf '%s\n' "$wanted" >"$stamp"
  fi
  # Debian's own meson, so that a newer one in a user's PATH does not change the build.
  meson=meson
  [ -x /usr/bin/meson ] && meson=/usr/bin/meson
  if [ ! -f "$build/build.ninja" ]; then
    say "Configuring…"
    "$meson" setup "$build" "$top" $3 >"$build/.setup.log" 2>&1 9>&- ||
      { cat "$build/.setup.log" >&2; exit 1; }
  fi
  ninja=ninja
  [ -x /usr/bin/ninja ] && ninja=/usr/bin/ninja
  if ! "$ninja" -C "$build" -n 2>/dev/null | grep -q 'no work to do'; then
    say "Building…"
    "$ninja" -C "$build" >"$build/.build.log" 2>&1 9>&- ||
      { grep -E 'error|FAILED' -A4 "$build/.build.log" | tail -60 >&2; say "The whole log: $build/.build.log"; exit 1; }
  fi
}

# Warms the device's shader cache once for each build of the shaders.
warm_up ()
{
  mark=$build/.warmed
  if [ ! -f "$mark" ] || [ "$build/src/cli/calotype-cli" -nt "$mark" ]; then
    say "Compiling shaders for this device, once…"
    if "$build/src/cli/calotype-cli" warm >&2 9>&-; then
      : >"$mark"
    else
      say "No shader could be warmed; the window says why."
    fi
  fi
}
