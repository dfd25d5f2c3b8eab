/* nn-program.c: graph → plan → recording → runs
 *
 * A new program has its place in the arena; its weights are read and its dispatches
 * recorded at the first run, and recorded again when the arena has moved.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-plan-private.h"
#include "nn/nn-program-private.h"

/* A state that is written must not be read afterwards as what it held before. */
static gboolean
check_states (GPtrArray *ops, const char *name, GError **error)
{
  for (guint i = 0; i < ops->len; i++)
    {
      const NnOp *writer = ops->pdata[i];

      for (guint j = i + 1; writer->y->state != NULL && j < ops->len; j++)
        {
          const NnOp *reader = ops->pdata[j];

          for (guint k = 0; k < reader->n_inputs; k++)
            if (reader->inputs[k] != writer->y
                && reader->inputs[k]->state == writer->y->state)
              {
                g_set_error (error, NN_ERROR, NN_ERROR_SHAPE,
                             "%s: %s reads the state %s, which %s has overwritten", name,
                             reader->label, writer->y->state->name, writer->label);
                return FALSE;
              }
        }
    }
  return TRUE;
}

static void
find_lives (GPtrArray *tensors, GPtrArray *ops)
{
  for (guint i = 0; i < tensors->len; i++)
    ((NnTensor *) tensors->pdata[i])->last_use = -1;
  for (guint i = 0; i < ops->len; i++)
    {
      const NnOp *op = ops->pdata[i];

      op->y->last_use = (int) i; /* what nobody reads lives while it is written */
      for (guint k = 0; k < op->n_inputs; k++)
        op->inputs[k]->last_use = (int) i;
    }
}

static gboolean
in_arena (const NnTensor *x)
{
  return x->state == NULL && x->producer != NULL;
}

static gboolean
check_span (const NnProgram *program,
            const NnEmit *emit,
            const NnSpan *span,
            const char *label,
            GError **error)
{
  if (span->bytes <= emit->arena_page)
    return TRUE;
  g_set_error (
      error, NN_ERROR, NN_ERROR_MEMORY,
      "%s: %s needs %" G_GUINT64_FORMAT " MiB in one piece; %s allows %" G_GUINT64_FORMAT,
      program->name, label, span->bytes >> 20, emit->info->name, emit->arena_page >> 20);
  return FALSE;
}

static guint
index_of (const NnProgram *program, const NnOp *op)
{
  guint i;

  return g_ptr_array_find (program->ops, op, &i) ? i : 0;
}

/* Output and scratch of operator @i. What it makes in another's place makes that live
 * longer; @root: whose span an output lies in. */
static void
fill_spans (NnProgram *program, const NnEmit *emit, guint i, NnSpan *spans, guint *root)
{
  NnOp *op = program->ops->pdata[i];
  const NnTensor *place = nn_bands_place_of (program, i);
  gboolean made_for_others = op->y->lazy && op->kind != NN_OP_GROUP_NORM;
  gboolean kept = op->y->lazy || op->y->folded; /* a norm's statistics, for its readers */

  root[i] = i;
  if (place != NULL)
    {
      root[i] = root[index_of (program, place->producer)];
      spans[2 * root[i]].last = MAX (spans[2 * root[i]].last, (guint) op->y->last_use);
    }
  else if (in_arena (op->y) && !op->y->lazy && !op->y->folded)
    spans[2 * i] = (NnSpan){ nn_tensor_elements (op->y)
                                 * nn_type_bytes (nn_emit_type (emit, op->y)),
                             i, (guint) op->y->last_use, 0 };
  if (!made_for_others)
    spans[2 * i + 1]
        = (NnSpan){ op->scratch_bytes, i, kept ? (guint) op->y->last_use : i, 0 };
}

/* Behind two spans for each operator one for each streamed weight, and for each lazy
 * operator's reader one for the window and one for scratch. */
static void
fill_more_spans (NnProgram *program, NnSpan *spans)
{
  guint n_streamed = program->streamed != NULL ? program->streamed->len : 0;

  for (guint i = 0; i < n_streamed; i++)
    {
      const NnStreamed *s = &g_array_index (program->streamed, NnStreamed, i);
      *spans++ = (NnSpan){ s->bytes, s->from, s->op, 0 };
    }
  for (guint i = 0; i < program->bands->len; i++)
    {
      const NnBandUse *use = &g_array_index (program->bands, NnBandUse, i);
      gboolean norm = use->op->kind == NN_OP_GROUP_NORM;

      *spans++ = (NnSpan){ use->bytes, use->sink, use->sink, 0 };
      *spans++ = (NnSpan){ norm ? 0 : use->op->scratch_bytes, use->sink, use->sink, 0 };
    }
}

static void
take_offsets (NnProgram *program, const NnSpan *spans, const guint *root)
{
  guint n = program->ops->len;
  guint n_streamed = program->streamed != NULL ? program->streamed->len : 0;

  for (guint i = 0; i < n; i++)
    {
      NnOp *op = program->ops->pdata[i];

      op->y->offset = spans[2 * root[i]].offset;
      op->scratch_offset = spans[2 * i + 1].offset;
    }
  spans += 2 * n;
  for (guint i = 0; i < n_streamed; i++)
    g_array_index (program->streamed, NnStreamed, i).offset = (*spans++).offset;
  for (guint i = 0; i < program->bands->len; i++)
    {
      NnBandUse *use = &g_array_index (program->bands, NnBandUse, i);

      use->offset = (*spans++).offset;
      use->scratch_offset = (*spans++).offset;
    }
}

static gboolean
plan (NnProgram *program, GError **error)
{
  NnEmit emit = nn_context_emit (program->context, NULL);
  guint n = program->ops->len, n_spans;
  g_autofree NnSpan *spans = NULL;
  g_autofree guint *root = g_new0 (guint, n);

  if (program->context->bands > 0) /* only these kernels know of windows */
    emit.family = NN_FAMILY_DIRECT;
  for (guint i = 0; i < n; i++)
    {
      NnOp *op = program->ops->pdata[i];

      nn_emit_plan (&emit, op);
      if (op->scratch_bytes > 0)
        program->copies_bytes += nn_emit_copies (&emit, op);
    }
  nn_fold_choose (program, &emit);
  nn_bands_choose (program);
  nn_stream_choose (program);
  n_spans = 2 * n + (program->streamed != NULL ? program->streamed->len : 0)
            + 2 * program->bands->len;
  spans = g_new0 (NnSpan, n_spans);
  for (guint i = 0; i < n; i++)
    fill_spans (program, &emit, i, spans, root);
  fill_more_spans (program, spans + 2 * n);
  for (guint i = 0; i < n_spans; i++)
    if (!check_span (program, &emit, &spans[i],
                     ((NnOp *) program->ops->pdata[spans[i].last])->label, error))
      return FALSE;
  program->arena_bytes = nn_plan_place (spans, n_spans, emit.arena_page);
  take_offsets (program, spans, root);
  return TRUE;
}

static void
gather_weights (NnProgram *program)
{
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];

      program->flops += op->flops;
      for (guint k = 0; k < op->n_weights; k++)
        if (!g_ptr_array_find (program->weights, op->weights[k], NULL))
          g_ptr_array_add (program->weights, op->weights[k]);
    }
}

/**
 * nn_program_new:
 * @profile: measure every dispatch at each run
 *
 * Errors: the first shape of @graph that did not fit; what is too large for one piece of
 * the arena, which itself is taken at the first run. States and weights that @graph names
 * must live as long as the program.
 */
NnProgram *
nn_program_new (NnGraph *graph, gboolean profile, GError **error)
{
  g_autoptr (NnProgram) program = NULL;

  if (graph->fault != NULL)
    {
      g_propagate_error (error, g_error_copy (graph->fault));
      return NULL;
    }
  if (!check_states (graph->ops, graph->name, error))
    return NULL;
  program = g_new0 (NnProgram, 1);
  program->context = nn_context_ref (graph->context);
  program->name = g_strdup (graph->name);
  program->tensors = g_ptr_array_ref (graph->tensors);
  program->ops = g_ptr_array_ref (graph->ops);
  program->weights = g_ptr_array_new ();
  program->profile = profile;
  gather_weights (program);
  find_lives (program->tensors, program->ops);
  g_ptr_array_add (program->context->programs, program);
  if (program->context->info == NULL)
    return g_steal_pointer (&program);
  if (!plan (program, error))
    return NULL;
  return g_steal_pointer (&program);
}

/** nn_program_free: with the last program of a context goes the arena */
void
nn_program_free (NnProgram *program)
{
  NnContext *context;

  if (program == NULL)
    return;
  context = program->context;
  gpu_recording_free (program->recording);
  g_ptr_array_remove_fast (context->programs, program);
  if (context->programs->len == 0)
    {
      g_ptr_array_set_size (context->arena, 0);
      context->arena_bytes = 0;
    }
  g_clear_pointer (&program->timings, g_array_unref);
  g_clear_pointer (&program->streamed, g_array_unref);
  g_clear_pointer (&program->bands, g_array_unref);
  g_ptr_array_unref (program->weights);
  g_ptr_array_unref (program->tensors);
  g_ptr_array_unref (program->ops);
  g_free (program->name);
  g_free (program);
  nn_context_unref (context);
}

void
nn_program_drop (NnProgram *program)
{
  g_clear_pointer (&program->recording, gpu_recording_free);
}

/**
 * nn_program_run:
 *
 * Blocks. The first run reads the weights that are not there yet (stage "weights", in
 * bytes); each then tells stage "compute", in dispatches. Errors: those of reading
 * weights and of the device, G_IO_ERROR_CANCELLED.
 */
gboolean
nn_program_run (NnProgram *program, const BaseTask *task, GError **error)
{
  NnContext *context = program->context;

  g_return_val_if_fail (!nn_context_planning (context), FALSE);
  context->runs++;
  for (guint i = 0; i < program->weights->len; i++)
    {
      NnWeight *weight = program->weights->pdata[i];

      weight->last_run = context->runs;
      weight->streamed = nn_stream_find (program, weight) != NULL;
    }
  if (context->device != NULL)
    nn_program_make_room (program);
  if (!nn_weights_load (context, program->weights, task, error))
    return FALSE;
  if (context->device == NULL)
    return nn_program_run_reference (program, task, error);
  if (!nn_context_reserve (context, program->arena_bytes, error))
    return FALSE;
  if (program->recording == NULL)
    {
      if (!nn_program_record (program, task, error))
        return FALSE;
      if (!gpu_device_is_compiling (context->device)) /* else at the next program */
        gpu_device_save_cache (context->device);
    }
  return gpu_recording_run (program->recording, task, error);
}

guint64
nn_program_arena_bytes (const NnProgram *program)
{
  return program->arena_bytes;
}

guint64
nn_program_copies_bytes (const NnProgram *program)
{
  return program->copies_bytes;
}

double
nn_program_flops (const NnProgram *program)
{
  return program->flops;
}

/** nn_program_timings: (transfer full): of the latest run; empty before a run, without
 * times unless @profile was asked for */
GArray *
nn_program_timings (NnProgram *program)
{
  if (program->timings != NULL)
    return g_array_copy (program->timings);
  if (program->recording != NULL)
    return gpu_recording_timings (program->recording);
  return g_array_new (FALSE, TRUE, sizeof (GpuTiming));
}
