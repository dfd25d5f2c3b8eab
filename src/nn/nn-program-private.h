/* nn-program-private.h: a graph made ready to run
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-context-private.h"

struct _NnProgram
{
  NnContext *context;
  char *name;
  GPtrArray *tensors, *ops; /* shared with the graph */
  GPtrArray *weights;       /* NnWeight: those used, each once; not owned */
  guint64 arena_bytes;
  double flops;
  gboolean profile;
  GpuRecording *recording; /* NULL: to be made by the next run */
  GArray *timings;         /* GpuTiming: of the reference */
};

/** nn_program_record: makes the recording; weights and arena are in place. On GPUs new
 * kernels are compiled here, which may take seconds: @task is asked in between. */
gboolean nn_program_record (NnProgram *program, const BaseTask *task, GError **error);
/** nn_program_run_reference: every operator in plain C, each tensor in memory of its own
 */
gboolean
nn_program_run_reference (NnProgram *program, const BaseTask *task, GError **error);
