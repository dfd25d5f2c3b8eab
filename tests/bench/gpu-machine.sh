#!/bin/bash
# gpu-machine.sh: the gpu suite and the benchmarks on a machine with a GPU and nothing else
#
# SPDX-License-Identifier: GPL-3.0-or-later
#
#     gpu-machine.sh pack BUILD FOLDER     here: programs and their libraries, 20 MiB; and
#                                          30 MiB of data, unless FOLDER is build-gpu or the
#                                          like in the source tree, and the tree travels too
#     FOLDER/gpu-machine.sh run [OUT]      there: everything, the telling things first
#
# The other machine needs a driver and a C library no older than this one's; no package is
# installed there. Results are OUT/tests.txt, OUT/bench.txt, OUT/summary.txt (FOLDER/out
# without OUT). `run` keeps to SECONDS_LEFT (540) seconds: what did not get its turn is
# named. Status 1 when a test failed.
set -u

PROGRAMS='tests/gpu/test-gpu tests/gpu/test-nn-ops tests/gpu/test-nn-variants tests/gpu/test-nn-program
  tests/gpu/test-nn-memory tests/gpu/test-sd-cache tests/unit/sd/test-sd-golden tests/bench/bench-nn-ops
  tests/bench/bench-sd tests/make-checkpoint src/cli/calotype-cli'

pack()
{
  local build=$1 folder=$2 source program library
  source=$(cd "$(dirname "$0")/../.." && pwd)
  mkdir -p "$folder/bin" "$folder/lib" || exit 1
  for program in $PROGRAMS; do
    strip -o "$folder/bin/$(basename "$program")" "$build/$program" || exit 1
  done
  # All but the C library and its loader, which belong to the machine; the Vulkan loader
  # besides, which is opened by name.
  for library in $(ldd "$folder"/bin/* | awk '$2 == "=>" { print $3 }' | sort -u) \
    "$(ldconfig -p | awk '/libvulkan\.so\.1 .*x86-64/ { print $NF; exit }')"; do
    case $(basename "$library") in
      libc.so.*|libm.so.*|libpthread.so.*|libdl.so.*|ld-linux*) ;;
      *) cp -L "$library" "$folder/lib/" ;;
    esac
  done
  case $(realpath "$folder") in
    "$source"/*) ;; # the data are where they are
    *) mkdir -p "$folder/tests" && cp -r "$source/data" "$folder/" && cp -r "$source/tests/golden" "$folder/tests/" || exit 1 ;;
  esac
  cp "$0" "$folder/gpu-machine.sh"
  du -sm "$folder"
}

HERE=$(cd "$(dirname "$0")" && pwd)
END=$((SECONDS + ${SECONDS_LEFT:-540}))

# LOG NAME SECONDS COMMAND…: within what is left
step()
{
  local log=$1 name=$2 limit=$3 left=$((END - SECONDS)) begin=$SECONDS status
  shift 3
  if [ $left -lt 5 ]; then
    echo "not run   $name" >>"$OUT/summary.txt"
    return
  fi
  echo "==== $name" >>"$OUT/$log"
  timeout $((limit < left ? limit : left)) "$@" >>"$OUT/$log" 2>&1
  status=$?
  case $status in
    0) echo "ok        $name, $((SECONDS - begin)) s" ;;
    77) echo "skipped   $name: this device has no such kernels" ;;
    124) echo "too long  $name, $((SECONDS - begin)) s" ;;
    *) echo "FAILED    $name, status $status" ;;
  esac >>"$OUT/summary.txt"
}

run()
{
  local bin=$HERE/bin tree=$HERE family driver model=$HERE/formula.safetensors
  [ -d "$tree/data" ] || tree=$(dirname "$HERE")
  OUT=${1:-$HERE/out}
  mkdir -p "$OUT" && rm -f "$OUT"/{tests,bench,summary}.txt
  export LD_LIBRARY_PATH=$HERE/lib G_TEST_SRCDIR=$tree/tests G_TEST_BUILDDIR=$HERE CALOTYPE_DATADIR=$tree/data
  export HOME=$HERE/home XDG_CACHE_HOME=$HERE/home/cache LC_ALL=C.UTF-8
  mkdir -p "$XDG_CACHE_HOME"
  if ! "$bin/calotype-cli" devices >"$OUT/summary.txt" 2>&1; then # a driver where no loader looks
    driver=$(find /usr /etc /opt -name 'nvidia_icd*.json' -print -quit 2>/dev/null)
    [ -n "$driver" ] && export VK_DRIVER_FILES=$driver VK_ICD_FILENAMES=$driver
    "$bin/calotype-cli" devices >"$OUT/summary.txt" 2>&1 || { cat "$OUT/summary.txt"; exit 1; }
  fi
  (command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,clocks.max.sm --format=csv,noheader) >>"$OUT/summary.txt" 2>&1

  # Is each kernel right?
  for family in matrix staged; do
    step tests.txt "variants of $family" 120 env CALOTYPE_KERNELS=$family "$bin/test-nn-variants"
  done
  for family in matrix staged direct auto; do
    step tests.txt "operators, $family" 120 env CALOTYPE_KERNELS=$family "$bin/test-nn-ops" -p /nn/ops/linear -p /nn/ops/conv -p /nn/ops/attention -p /nn/ops/norms -p /nn/ops/chain
  done
  for family in auto direct; do
    step tests.txt "golden values of the sample in fp16, $family" 60 env CALOTYPE_KERNELS=$family "$bin/test-sd-golden" sd-sample "" -1 fp16
    step tests.txt "golden values of the sample in fp32, $family" 60 env CALOTYPE_KERNELS=$family "$bin/test-sd-golden" sd-sample "" -1
  done

  # How fast? Large shapes have weights from a formula.
  step bench.txt 'weights of Stable Diffusion 1.5 shapes' 90 "$bin/make-checkpoint" "$model"
  for family in auto matrix staged direct; do
    step bench.txt "passes of 512 and 1024, $family" 90 env CALOTYPE_KERNELS=$family "$bin/bench-sd" passes "$model" -1 512 1024
  done
  for family in matrix staged; do
    step bench.txt "profile of 512, $family" 60 env CALOTYPE_KERNELS=$family "$bin/bench-sd" profile "$model" -1 512
    step bench.txt "operators in fp16, $family" 60 env CALOTYPE_KERNELS=$family "$bin/bench-nn-ops" --half --profile
  done
  step bench.txt 'floors and choices' 90 "$bin/calotype-cli" bench --profile --model "$model"
  step bench.txt 'from the start to a picture' 60 "$bin/bench-sd" start "" -1
  for family in matrix staged direct; do
    step bench.txt "a picture by $family" 60 "$bin/calotype-cli" generate --quiet --kernels $family --seed 1 --output "$OUT/$family.png"
  done

  # The rest of the suite
  step tests.txt 'golden values of Stable Diffusion 1.5 shapes in fp32' 120 "$bin/test-sd-golden" sd-formula "$model" -1
  step tests.txt 'golden values of Stable Diffusion 1.5 shapes in fp16' 120 "$bin/test-sd-golden" sd-formula "$model" -1 fp16
  for driver in test-gpu test-nn-program test-nn-memory test-sd-cache; do
    step tests.txt $driver 90 "$bin/$driver"
  done
  cat "$OUT/summary.txt"
  ! grep -q '^FAILED\|^too long' "$OUT/summary.txt"
}

case ${1:-} in
  pack) [ $# -eq 3 ] || { echo "usage: $0 pack BUILD FOLDER" >&2; exit 2; }; pack "$2" "$3" ;;
  run) run "${2:-}" ;;
  *) echo "usage: $0 pack BUILD FOLDER | run [OUT]" >&2; exit 2 ;;
esac
