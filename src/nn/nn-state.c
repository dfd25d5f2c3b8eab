/* nn-state.c: tensors that live between programs and that the host reads and writes
 *
 * Always fp32, whatever the activations are: times, sigmas and latents are not rounded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"

#include <math.h>
#include <string.h>

static gsize
padded_count (const NnState *state)
{
  return (gsize) state->n * state->h * state->w * nn_pad4 (state->c);
}

/**
 * nn_state_new:
 * @name: for messages, such as "latents"
 *
 * Zeros. Must outlive the programs that load or store it. Errors: memory.
 */
NnState *
nn_state_new (NnContext *context,
              guint n,
              guint h,
              guint w,
              guint c,
              const char *name,
              GError **error)
{
  g_autoptr (NnState) state = g_new0 (NnState, 1);
  guint64 pixels;
  guint64 count;
  g_autofree float *zeros = NULL;
  gsize bytes;

  state->context = nn_context_ref (context);
  state->name = g_strdup (name);
  state->n = n;
  state->h = h;
  state->w = w;
  state->c = c;
  if (n == 0 || h == 0 || w == 0 || c == 0
      || !g_uint64_checked_mul (&pixels, (guint64) n * h, w)
      || !g_uint64_checked_mul (&count, pixels, nn_pad4 (c)) || count > G_MAXSIZE / 8)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_SHAPE, "%s: %u × %u × %u × %u is not a size",
                   name, n, h, w, c);
      return NULL;
    }
  bytes = count * sizeof *zeros;
  state->bytes = bytes + GPU_BUFFER_PADDING;
  context->state_bytes += state->bytes;
  if (nn_context_planning (context))
    return g_steal_pointer (&state);
  zeros = nn_alloc (bytes, 1, name, error);
  if (zeros == NULL)
    return NULL;
  memset (zeros, 0, bytes);
  if (context->device == NULL)
    {
      state->host = g_steal_pointer (&zeros);
      return g_steal_pointer (&state);
    }
  state->buffer = gpu_buffer_new (context->device, bytes, GPU_BUFFER_DEVICE, name, error);
  if (state->buffer == NULL || !gpu_buffer_write (state->buffer, 0, zeros, bytes, error))
    return NULL;
  return g_steal_pointer (&state);
}

void
nn_state_free (NnState *state)
{
  if (state == NULL)
    return;
  state->context->state_bytes -= state->bytes;
  gpu_buffer_unref (state->buffer);
  g_free (state->host);
  g_free (state->name);
  nn_context_unref (state->context);
  g_free (state);
}

gsize
nn_state_count (const NnState *state)
{
  return (gsize) state->n * state->h * state->w * state->c;
}

static void
pad (const NnState *state, const float *src, float *dst)
{
  gsize rows = (gsize) state->n * state->h * state->w;
  guint pitch = nn_pad4 (state->c);

  for (gsize row = 0; row < rows; row++)
    memcpy (dst + row * pitch, src + row * state->c, state->c * sizeof *src);
}

static void
unpad (const NnState *state, const float *src, float *dst)
{
  gsize rows = (gsize) state->n * state->h * state->w;
  guint pitch = nn_pad4 (state->c);

  for (gsize row = 0; row < rows; row++)
    memcpy (dst + row * state->c, src + row * pitch, state->c * sizeof *src);
}

/** nn_state_write: @src: nn_state_count values, [n][h][w][c] */
gboolean
nn_state_write (NnState *state, const float *src, GError **error)
{
  gsize n = padded_count (state);
  g_autofree float *padded = NULL;

  if (state->host != NULL)
    {
      pad (state, src, state->host);
      return TRUE;
    }
  padded = nn_alloc (n, sizeof *padded, state->name, error);
  if (padded == NULL)
    return FALSE;
  memset (padded, 0, n * sizeof *padded);
  pad (state, src, padded);
  return gpu_buffer_write (state->buffer, 0, padded, n * sizeof *padded, error);
}

static gboolean
check_finite (const NnState *state, const float *values, GError **error)
{
  gsize n = nn_state_count (state);
  gsize bad = 0;

  for (gsize i = 0; i < n; i++)
    bad += !isfinite (values[i]);
  if (bad == 0)
    return TRUE;
  g_set_error (error, NN_ERROR, NN_ERROR_NOT_FINITE,
               "%s: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " values are not finite",
               state->name, bad, n);
  return FALSE;
}

/**
 * nn_state_read:
 * @dst: nn_state_count values, [n][h][w][c]
 *
 * Errors: NN_ERROR_NOT_FINITE when there is a NaN or an infinity; @dst is filled all the
 * same.
 */
gboolean
nn_state_read (NnState *state, float *dst, GError **error)
{
  gsize n = padded_count (state);
  g_autofree float *padded = NULL;

  if (state->host != NULL)
    {
      unpad (state, state->host, dst);
      return check_finite (state, dst, error);
    }
  padded = nn_alloc (n, sizeof *padded, state->name, error);
  if (padded == NULL
      || !gpu_buffer_read (state->buffer, 0, padded, n * sizeof *padded, error))
    return FALSE;
  unpad (state, padded, dst);
  return check_finite (state, dst, error);
}
