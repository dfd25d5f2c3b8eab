/* nn-program-private.h: a graph made ready to run
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-context-private.h"

/* A weight that is copied from host memory into the arena at every run. */
typedef struct
{
  NnWeight *weight;
  guint op, from; /* the operator that uses it; the one before which it is fetched */
  guint64 bytes;
  guint64 offset; /* in the arena */
} NnStreamed;

/* A lazy operator that is computed for a reader: its window, and its scratch meanwhile.
 */
typedef struct
{
  NnOp *op;
  guint sink;
  guint64 bytes, offset;
  guint64 scratch_offset;
} NnBandUse;

struct _NnProgram
{
  NnContext *context;
  char *name;
  GPtrArray *tensors, *ops; /* shared with the graph */
  GPtrArray *weights;       /* NnWeight: those used, each once; not owned */
  GArray *streamed;         /* NnStreamed, in the order of use; NULL: none */
  GArray *bands;            /* NnBandUse; NULL: of the reference */
  guint64 streamed_bytes, copies_bytes;
  guint64 arena_bytes;
  double flops;
  gboolean profile;
  gboolean seek_fault;     /* the reference stops at the first fault */
  const char *fault_label; /* that it found, of the operator */
  GpuRecording *recording; /* NULL: to be made by the next run */
  GArray *timings;         /* GpuTiming: of the reference */
};

/* How bands are recorded: @record notes what one operator touches, and emits it. */
typedef struct
{
  NnProgram *program;
  const NnEmit *emit;
  gboolean (*record) (gpointer data, const NnEmit *emit, NnOp *op, GError **error);
  gpointer data;
} NnBandJob;

/** nn_fold_choose: which norms are applied by their readers; operators are planned, lives
 * are known and made longer */
void nn_fold_choose (NnProgram *program, const NnEmit *emit);
/** nn_bands_choose: which tensors are lazy; lives are known, and are made longer */
void nn_bands_choose (NnProgram *program);
/** nn_bands_place_of: (nullable): the residual in whose place the operator may write */
const NnTensor *nn_bands_place_of (const NnProgram *program, guint index);
/** nn_bands_record: an operator, in bands if need be, with what it reads of lazy ones */
gboolean nn_bands_record (const NnBandJob *job, guint index, GError **error);
/** nn_stream_choose: which weights are not resident, by the context's share for those
 * that are */
void nn_stream_choose (NnProgram *program);
/** nn_stream_find: (nullable) */
const NnStreamed *nn_stream_find (const NnProgram *program, const NnWeight *weight);
/** nn_stream_bind: while @bound emitters find streamed weights in the arena */
void nn_stream_bind (const NnProgram *program, const NnEmit *emit, gboolean bound);
/** nn_program_record: makes the recording; weights and arena are in place. On GPUs new
 * kernels are compiled here, which may take seconds: @task is asked in between. */
gboolean nn_program_record (NnProgram *program, const BaseTask *task, GError **error);
/** nn_program_record_part: (nullable): operators [first, first + n) alone */
GpuRecording *
nn_program_record_part (NnProgram *program, guint first, guint n, GError **error);
/** nn_program_run_reference: every operator in plain C, each tensor in memory of its own
 */
gboolean
nn_program_run_reference (NnProgram *program, const BaseTask *task, GError **error);
