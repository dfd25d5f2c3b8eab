/* gpu-fault.h: calls of the driver that fail on purpose, for tests
 *
 * Nothing fails unless a test asked for it; a call costs one comparison.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

typedef enum
{
  GPU_FAULT_ALLOCATE, /* device memory: VK_ERROR_OUT_OF_DEVICE_MEMORY */
  GPU_FAULT_SUBMIT,   /* VK_ERROR_DEVICE_LOST */
  GPU_FAULT_WAIT,     /* VK_ERROR_DEVICE_LOST */
  GPU_FAULT_NUMBERS,  /* a kernel that is tried out computes wrongly */
  GPU_N_FAULTS
} GpuFault;

/**
 * gpu_fault_set:
 * @at: which of the calls from now on is the first to fail, from 0
 * @times: how many in a row; 0: none
 *
 * The count of calls begins anew. Thread: any, but not while others call the driver.
 */
void gpu_fault_set (GpuFault fault, guint at, guint times);
/** gpu_fault_calls: since gpu_fault_set, or since the beginning */
guint gpu_fault_calls (GpuFault fault);
/** gpu_fault_due: counts a call; TRUE when it is to fail */
gboolean gpu_fault_due (GpuFault fault);
