#!/bin/sh
# run-stats.sh: speed of exact statistics beside NumPy's, in the same run
#
# run-stats.sh BUILD_FOLDER [MEGABYTES]: writes tests/bench/results/stats-DATE.txt and shows
# it. NumPy's figures are of one array in memory, on one core, for the same answers as far
# as it has them: min, max, mean, std, counts of NaN, Inf and zeros, seven quantiles.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

here=$(dirname "$0")
build=$1
size=${2:-512}
out=$here/results/stats-$(date +%F).txt
mkdir -p "$here/results"
{
  echo "Exact statistics, GB/s of file from the page cache; best of twelve"
  echo "date     $(date -u +%FT%TZ)"
  echo "machine  $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg), Linux $(uname -r)"
  echo "command  tests/bench/run-stats.sh BUILD_FOLDER $size"
  echo
  echo "bench-stats $size: seconds, all cores; then for each second of a core"
  "$build/tests/bench/bench-stats" "$size"
  echo
  python3 - "$size" <<'PYTHON' || echo "NumPy is not installed"
import sys, time
import numpy as np

print(f"NumPy {np.__version__}, one core:")
n = int(sys.argv[1]) * 960000
weights = np.random.default_rng(1).normal(0, 0.02, 1 << 20)
kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "U8": np.uint8, "I32": np.int32, "I64": np.int64}
for name, dtype in kinds.items():
    scale = 1 if np.dtype(dtype).kind == "f" else 1e3 if dtype is np.uint8 else 1e6
    x = np.resize((weights * scale).astype(np.int64 if scale > 1 else dtype).astype(dtype), n // np.dtype(dtype).itemsize)
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        if np.dtype(dtype).kind == "f":
            np.isnan(x).sum(), np.isinf(x).sum()
        x.min(), x.max(), x.mean(dtype=np.float64), x.std(dtype=np.float64), (x == 0).sum()
        np.quantile(x, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99], method="lower")
        best = min(best, time.process_time() - start)
    print(f"{name:12} {best:8.3f} s {x.nbytes / 1e9 / best:7.2f} GB/s a core")
PYTHON
} | tee "$out"
