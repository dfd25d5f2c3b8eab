/* gpu-fault.c: see gpu-fault.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

static struct
{
  int calls; /* atomic */
  guint at, times;
} faults[GPU_N_FAULTS];

void
gpu_fault_set (GpuFault fault, guint at, guint times)
{
  g_atomic_int_set (&faults[fault].calls, 0);
  faults[fault].at = at;
  faults[fault].times = times;
}

guint
gpu_fault_calls (GpuFault fault)
{
  return (guint) g_atomic_int_get (&faults[fault].calls);
}

gboolean
gpu_fault_due (GpuFault fault)
{
  guint call = (guint) g_atomic_int_add (&faults[fault].calls, 1);

  return call - faults[fault].at < faults[fault].times;
}
