/* nn-residency.c: who gives way when a program's weights and arena do not fit
 *
 * Networks take turns: before a program runs, weights that only others use are freed,
 * those first that have not been used for longest. They are read again when they are
 * wanted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

static guint64
stored_bytes (guint64 bytes)
{
  return bytes + GPU_BUFFER_PADDING;
}

guint64
nn_program_resident_bytes (const NnProgram *program)
{
  guint64 bytes = 0;

  for (guint i = 0; i < program->weights->len; i++)
    if (nn_stream_find (program, program->weights->pdata[i]) == NULL)
      bytes += stored_bytes (nn_weight_device_bytes (program->weights->pdata[i]));
  return bytes;
}

guint64
nn_program_streamed_bytes (const NnProgram *program)
{
  return program->streamed_bytes;
}

/* What @program needs and does not have yet. */
static guint64
missing_bytes (const NnProgram *program)
{
  const NnContext *context = program->context;
  guint64 bytes = 0;

  for (guint i = 0; i < program->weights->len; i++)
    {
      const NnWeight *weight = program->weights->pdata[i];

      if (weight->buffer == NULL && nn_stream_find (program, weight) == NULL)
        bytes += stored_bytes (nn_weight_device_bytes (weight));
    }
  if (program->arena_bytes > context->arena_bytes)
    bytes += program->arena_bytes; /* the old one goes first, but is counted as used */
  return bytes;
}

/* The weight that others have not used for longest. */
static NnWeight *
oldest_of_others (const NnProgram *program)
{
  const NnContext *context = program->context;
  NnWeight *oldest = NULL;

  for (guint i = 0; i < context->weights->len; i++)
    {
      NnWeight *weight = context->weights->pdata[i];

      if ((weight->buffer != NULL || weight->winograd != NULL)
          && weight->last_run != context->runs
          && (oldest == NULL || weight->last_run < oldest->last_run))
        oldest = weight;
    }
  return oldest;
}

void
nn_weight_evict (NnWeight *weight)
{
  g_clear_pointer (&weight->buffer, gpu_buffer_unref);
  g_clear_pointer (&weight->winograd, gpu_buffer_unref);
}

void
nn_weight_change (NnWeight *weight)
{
  NnContext *context = weight->context;

  for (guint i = 0; i < context->programs->len; i++)
    {
      NnProgram *program = context->programs->pdata[i];

      if (program->recording != NULL && g_ptr_array_find (program->weights, weight, NULL))
        nn_program_drop (program);
    }
  nn_weight_evict (weight);
  g_clear_pointer (&weight->store, gpu_buffer_unref);
  g_clear_pointer (&weight->host, g_free);
}

void
nn_program_make_room (NnProgram *program)
{
  NnContext *context = program->context;
  guint64 missing = missing_bytes (program);
  NnWeight *weight;

  if (missing == 0 || gpu_device_memory_available (context->device) >= missing)
    return;
  if (context->arena_bytes != program->arena_bytes)
    {
      nn_context_release (context);
      missing = missing_bytes (program);
    }
  if (gpu_device_memory_available (context->device) >= missing)
    return;
  for (guint i = 0; i < context->programs->len; i++)
    nn_program_drop (context->programs->pdata[i]); /* recordings hold what they name */
  while (gpu_device_memory_available (context->device) < missing
         && (weight = oldest_of_others (program)) != NULL)
    nn_weight_evict (weight);
}
