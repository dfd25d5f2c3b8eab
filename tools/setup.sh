# Sourced by tools/run and tools/test: installs what is missing, configures, builds.
#
# Everything said here goes to standard error. One set-up runs at a time (a lock in the
# build folder, descriptor 9). A call with nothing to do costs a fraction of a second: a
# stamp in the build folder says which list of packages was found installed.
#
# CALOTYPE_BUILD names another build folder.
#
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
build=${CALOTYPE_BUILD:-$top/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac

# The system's own python, meson, ninja and pkg-config before any that a user's PATH puts in
# front of them: those know nothing of the system's libraries.
PATH=/usr/bin:/bin:${PATH:-}:/usr/sbin:/sbin
if [ -z "${HOME:-}" ]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  HOME=${HOME:-/}
fi
export PATH HOME

# Debian's names; of A|B the first that the system knows. What a build and a window need, and
# what the suites need besides.
build_packages="gcc libc6-dev meson ninja-build pkg-config gettext glslc libgtk-4-dev
  libadwaita-1-dev libjson-glib-dev libpng-dev libvulkan-dev libvulkan-volk-dev libvulkan1
  mesa-vulkan-drivers libglib2.0-bin libglib2.0-dev-bin shared-mime-info desktop-file-utils
  libgtk-4-bin adwaita-icon-theme fonts-dejavu-core python3"
test_packages="vulkan-validationlayers xvfb xauth xdotool dbus dbus-x11 at-spi2-core
  gir1.2-atspi-2.0 gir1.2-gtk-4.0 python3-gi clang-format-14|clang-format appstream
  librsvg2-bin locales binutils"

say () { printf '%s\n' "$*" >&2; }

# Words of the list that are not installed, each A|B settled.
missing_packages ()
{
  local installed word choice
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(tr '|' ' ' <<<"$1") 2>/dev/null |
    sed -n 's/ installed$//p')
  for word in $1; do
    for choice in ${word//|/ }; do
      grep -qxF "$choice" <<<"$installed" && continue 2
    done
    for choice in ${word//|/ }; do
      [ "$choice" = "$word" ] || [ -z "$(apt-cache show "$choice" 2>/dev/null)" ] || break
    done
    printf '%s ' "$choice"
  done
}

elsewhere ()
{
  say "This system has no apt-get, and $1 is missing. Please install, by the names your system uses:"
  say "  a C compiler, meson (1.0 or newer), ninja, pkg-config, gettext, glslc (of shaderc), python3,"
  say "  and for building: GLib 2.74, GTK 4.8, json-glib 1.6, libpng, Vulkan 1.2 headers, volk (its"
  say "  header volk.h); libadwaita if wanted; and a Vulkan driver (Mesa's lavapipe will do). As far as known:"
  say "  Fedora: sudo dnf install gcc meson pkgconf gettext glslc gtk4-devel libadwaita-devel json-glib-devel \\"
  say "            libpng-devel vulkan-headers vulkan-loader vulkan-volk-devel mesa-vulkan-drivers"
  say "  Arch:   sudo pacman -S --needed base-devel meson gettext shaderc gtk4 libadwaita json-glib libpng \\"
  say "            vulkan-headers vulkan-icd-loader volk vulkan-swrast"
}

# as_root COMMAND…: status 1 where there is no way to be root.
as_root ()
{
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v >&2; }; }; then
    sudo "$@"
  else
    return 1
  fi
}

apt_get () { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y "$@" >&2; }

install_packages ()
{
  local need tool
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    # Nothing is installed for the user here; libraries that are missing are named by meson.
    for tool in cc meson ninja pkg-config msgfmt glslc python3; do
      command -v $tool >/dev/null || { elsewhere $tool; exit 1; }
    done
    return 0
  fi
  need=$(missing_packages "$1")
  [ -n "$need" ] || return 0
  if ! as_root true; then
    local line="apt-get update && apt-get install --no-install-recommends ${need% }"
    say "Calotype needs packages that are not installed. Please type this, then run again:"
    if command -v sudo >/dev/null; then
      say "  sudo ${line/&& /&& sudo }"
    else
      say "  su -c '$line'"
    fi
    exit 1
  fi
  say "Installing: $need"
  # The list of packages may be old or, on a fresh machine, absent: try, refresh, try again.
  apt_get install --no-install-recommends $need ||
    { apt_get update && need=$(missing_packages "$1") && apt_get install --no-install-recommends $need; } ||
    { say "Installing failed. What is missing: $need"; exit 1; }
}

take_lock ()
{
  if ! mkdir -p "$build" 2>/dev/null || ! [ -w "$build" ]; then
    say "The build folder $build cannot be written to."
    say "Remove it, or name another: CALOTYPE_BUILD=FOLDER $0"
    exit 1
  fi
  exec 9>>"$build/.lock"
  flock -n 9 || { say "Waiting for another set-up to end…"; flock 9; }
}

# configure FOLDER OPTION…: meson, whose many lines are shown only if it fails.
configure ()
{
  local folder=$1
  shift
  say "Configuring…"
  if ! meson setup "$folder" "$top" "$@" >"$build/.setup.log" 2>&1 </dev/null 9>&-; then
    cat "$build/.setup.log" >&2
    rm -f "$build"/.packages-*
    exit 1
  fi
}

# compile FOLDER TARGET: ninja, with its line of progress on a terminal.
compile ()
{
  if ninja -C "$1" -n "$2" 2>/dev/null 9>&- | grep -q 'no work to do'; then
    return 0
  fi
  say "Building…"
  if [ -t 2 ]; then
    ninja -C "$1" "$2" >&2 </dev/null 9>&- && return 0
  else
    ninja -C "$1" "$2" >"$build/.build.log" 2>&1 </dev/null 9>&- && return 0
    grep -E -A8 'FAILED|error:|ERROR' "$build/.build.log" | tail -n 80 >&2
    say "The whole of it: $build/.build.log"
  fi
  rm -f "$build"/.packages-*
  say "Building failed."
  exit 1
}

# set_up STAMP-NAME PACKAGES TARGET MESON-OPTION…
set_up ()
{
  local name=$1 packages=$2 target=$3 stamp wanted fresh=
  shift 3
  take_lock
  stamp=$build/.packages-$name
  wanted=$(cksum <<<"$packages")
  if ! [ -f "$stamp" ] || [ "$(<"$stamp")" != "$wanted" ]; then
    install_packages "$packages"
    fresh=yes
  fi
  if ! [ -f "$build/build.ninja" ]; then
    configure "$build" "$@"
  elif [ -n "$fresh" ]; then
    # What was not found before may be there now.
    configure "$build" --reconfigure "$@"
  fi
  compile "$build" "$target"
  [ -z "$fresh" ] || printf '%s\n' "$wanted" >"$stamp"
}

# Compiles the kernels for this machine's device, once for each build and user: the driver
# keeps them in the user's cache.
warm_up ()
{
  local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/calotype
  local mark=$cache/warmed program=$build/src/cli/calotype-cli
  if ! [ -f "$mark" ] || [ "$program" -nt "$mark" ]; then
    say "Compiling kernels for this device, once…"
    if "$program" warm >&2 </dev/null 9>&-; then
      mkdir -p "$cache" && : >"$mark"
    else
      say "The kernels could not be compiled; the program says why where it needs them."
    fi
  fi
}
