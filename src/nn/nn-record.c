/* nn-record.c: a program's operators as one recording, with barriers where they are
 * needed
 *
 * Operators stand in an order in which each finds its inputs, but several in a row may be
 * independent. A barrier goes before an operator that reads what was written, or writes
 * what was read or written, since the last barrier. This is seen from the bytes, not from
 * the graph, so that two tensors that take turns in one place of the arena are told
 * apart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

#define FOLDED_READS 3 /* both sources and statistics of a norm */

typedef struct
{
  GpuBuffer *buffer;
  guint64 begin, end;
} Range;

typedef struct
{
  GArray *reads, *writes; /* Range: since the last barrier */
} Pending;

static Range
range_of (GpuBinding binding)
{
  return (Range){ binding.buffer, binding.offset, binding.offset + binding.size };
}

/* The second source of a concat, when @op has one: it may be bound as one range with the
 * first, with whatever lies between them. */
static const NnTensor *
second_source (const NnOp *op)
{
  switch (op->kind)
    {
    case NN_OP_LINEAR:
      return op->linear.x2;
    case NN_OP_CONV3:
      return op->conv3.x2;
    case NN_OP_GROUP_NORM:
      return op->group_norm.x2;
    default:
      return NULL;
    }
}

/* Weights of @op that were copied into the arena for it. */
static guint
find_streamed (const NnOp *op, Range *reads)
{
  guint n = 0;

  for (guint i = 0; i < op->n_weights; i++)
    {
      const NnWeight *weight = op->weights[i];

      if (weight->window != NULL)
        reads[n++] = (Range){ weight->window, weight->window_offset,
                              weight->window_offset + nn_weight_device_bytes (weight) };
    }
  return n;
}

/* Of a folded norm what it is made of. */
static guint
find_inputs (const NnEmit *emit, const NnOp *op, Range *reads)
{
  const NnTensor *second = second_source (op);
  guint n = 0;

  for (guint i = 0; i < op->n_inputs; i++)
    {
      const NnTensor *x = op->inputs[i];

      if (x->folded)
        {
          n += find_inputs (emit, x->producer, reads + n);
          reads[n++] = range_of (nn_emit_group_norm_stats (emit, x->producer));
          continue;
        }
      reads[n++] = range_of (nn_emit_read (emit, x));
      if (i > 0 && x == second && reads[0].buffer == reads[n - 1].buffer)
        {
          reads[0].begin = reads[n - 1].begin = MIN (reads[0].begin, reads[n - 1].begin);
          reads[0].end = reads[n - 1].end = MAX (reads[0].end, reads[n - 1].end);
        }
    }
  return n;
}

static guint
find_reads (const NnEmit *emit, const NnOp *op, Range *reads)
{
  guint n = find_inputs (emit, op, reads);

  return n + find_streamed (op, reads + n);
}

static gboolean
touches (GArray *ranges, const Range *range)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const Range *other = &g_array_index (ranges, Range, i);

      if (other->buffer == range->buffer && other->begin < range->end
          && range->begin < other->end)
        return TRUE;
    }
  return FALSE;
}

/* Notes what is touched next; TRUE when a barrier must come first. */
static gboolean
note_ranges (Pending *pending,
             const Range *reads,
             guint n_reads,
             const Range *writes,
             guint n_writes)
{
  gboolean barrier = FALSE;

  for (guint i = 0; i < n_reads; i++)
    barrier |= touches (pending->writes, &reads[i]);
  for (guint i = 0; i < n_writes; i++)
    barrier
        |= touches (pending->reads, &writes[i]) || touches (pending->writes, &writes[i]);
  if (barrier)
    {
      g_array_set_size (pending->reads, 0);
      g_array_set_size (pending->writes, 0);
    }
  if (n_reads > 0)
    g_array_append_vals (pending->reads, reads, n_reads);
  g_array_append_vals (pending->writes, writes, n_writes);
  return barrier;
}

static gboolean
note (Pending *pending, const NnEmit *emit, const NnOp *op)
{
  const NnTensor *y = op->y;
  Range writes[2];
  Range reads[NN_MAX_INPUTS + FOLDED_READS + NN_MAX_WEIGHTS];
  guint n_reads = find_reads (emit, op, reads);
  guint n_writes = 0;

  if (y->lazy)
    writes[n_writes++] = range_of (nn_emit_read (emit, y));
  else if (!y->folded)
    writes[n_writes++]
        = range_of (nn_emit_write (emit, y, 0, (guint64) y->n * y->h * y->w));
  if (op->scratch_bytes > 0)
    writes[n_writes++] = range_of (nn_emit_scratch (emit, op));
  return note_ranges (pending, reads, n_reads, writes, n_writes);
}

/* The copies of streamed weights that begin before operator @index. */
static gboolean
record_copies (
    NnProgram *program, const NnEmit *emit, Pending *pending, guint index, GError **error)
{
  for (guint i = 0; program->streamed != NULL && i < program->streamed->len; i++)
    {
      const NnStreamed *s = &g_array_index (program->streamed, NnStreamed, i);
      const NnWeight *weight = s->weight;
      Range to
          = { weight->window, weight->window_offset, weight->window_offset + s->bytes };

      if (s->from != index)
        continue;
      if (note_ranges (pending, NULL, 0, &to, 1))
        gpu_recording_barrier (emit->recording);
      if (!gpu_recording_copy (emit->recording, weight->store, 0, weight->window,
                               weight->window_offset, s->bytes, weight->name, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
record_op (gpointer data, const NnEmit *emit, NnOp *op, GError **error)
{
  if (note (data, emit, op))
    gpu_recording_barrier (emit->recording);
  return nn_emit_op (emit, op, error);
}

static gboolean
record_ops (NnProgram *program,
            const NnEmit *emit,
            guint first,
            guint n,
            Pending *pending,
            const BaseTask *task,
            GError **error)
{
  const NnBandJob job = { program, emit, record_op, pending };

  for (guint i = first; i < first + n; i++)
    {
      if (!base_task_check (task, error)
          || !record_copies (program, emit, pending, i, error))
        return FALSE;
      if (!nn_bands_record (&job, i, error))
        {
          g_prefix_error (error, "%s: ", program->name);
          return FALSE;
        }
    }
  return gpu_recording_compile (emit->recording, task, error)
         && gpu_recording_finish (emit->recording,
                                  program->profile && n == program->ops->len, error);
}

static GpuRecording *
record (NnProgram *program, guint first, guint n, const BaseTask *task, GError **error)
{
  g_autoptr (GpuRecording) recording = gpu_recording_new (program->context->device);
  NnEmit emit = nn_context_emit (program->context, recording);
  Pending pending = { g_array_new (FALSE, FALSE, sizeof (Range)),
                      g_array_new (FALSE, FALSE, sizeof (Range)) };
  gboolean good;

  nn_stream_bind (program, &emit, TRUE);
  good = record_ops (program, &emit, first, n, &pending, task, error);
  nn_stream_bind (program, &emit, FALSE);

  g_array_unref (pending.reads);
  g_array_unref (pending.writes);
  return good ? g_steal_pointer (&recording) : NULL;
}

gboolean
nn_program_record (NnProgram *program, const BaseTask *task, GError **error)
{
  program->recording = record (program, 0, program->ops->len, task, error);
  return program->recording != NULL;
}

GpuRecording *
nn_program_record_part (NnProgram *program, guint first, guint n, GError **error)
{
  return record (program, first, n, NULL, error);
}

void
nn_program_rehearse (NnProgram *program)
{
  NnContext *context = program->context;
  g_autoptr (GpuRecording) recording = NULL;

  if (context->device == NULL
      || !nn_context_reserve (context, program->arena_bytes, NULL))
    return;
  recording = gpu_recording_new_rehearsal (context->device);
  NnEmit emit = nn_context_emit (context, recording);
  for (guint i = 0; i < program->ops->len; i++)
    nn_emit_op (&emit, program->ops->pdata[i], NULL);
}
