/* nn-stream.c: programs whose weights do not all stay on the device
 *
 * A weight that is not resident lies in host memory, in the device's layout, and is
 * copied into the arena while the device computes with the weight two before it. Its
 * place there is planned like an activation's: it lives from the operator during which it
 * is copied to the one that uses it. The numbers are those of resident weights, bit for
 * bit.
 *
 * Which: spread evenly over the program, so that copying never lags behind for long;
 * vectors and whatever is used more than once stay.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

#define AHEAD 2
#define LEAST_BYTES ((guint64) 16 << 10) /* smaller ones are not worth a copy */

/* Weights of the program in the order of their use, those that may go. */
static GArray *
candidates (const NnProgram *program, guint64 *all)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (NnStreamed));
  g_autoptr (GHashTable) uses = g_hash_table_new (NULL, NULL);

  *all = 0;
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];

      for (guint k = 0; k < op->n_weights; k++)
        {
          NnWeight *weight = op->weights[k];
          gboolean later = op->y->lazy; /* it is used by others, more than once */
          guint n = GPOINTER_TO_UINT (g_hash_table_lookup (uses, weight));
          NnStreamed streamed
              = { .weight = weight, .op = i, .bytes = nn_weight_device_bytes (weight) };

          g_hash_table_insert (uses, weight, GUINT_TO_POINTER (n + 1));
          *all += n == 0 ? streamed.bytes : 0;
          if (n == 0 && !later && weight->kind != NN_WEIGHT_VECTOR
              && streamed.bytes >= LEAST_BYTES)
            g_array_append_val (list, streamed);
        }
    }
  for (guint i = list->len; i-- > 0;)
    if (GPOINTER_TO_UINT (
            g_hash_table_lookup (uses, g_array_index (list, NnStreamed, i).weight))
        > 1)
      g_array_remove_index (list, i);
  return list;
}

/* Of @list about the share @ratio of its bytes. */
static GArray *
thin_out (const GArray *list, double ratio, guint64 *bytes)
{
  GArray *chosen = g_array_new (FALSE, TRUE, sizeof (NnStreamed));
  double due = 0;

  *bytes = 0;
  for (guint i = 0; i < list->len; i++)
    {
      const NnStreamed *s = &g_array_index (list, NnStreamed, i);

      due += ratio * s->bytes;
      if (due < s->bytes * 0.5 && ratio < 1)
        continue;
      due -= s->bytes;
      *bytes += s->bytes;
      g_array_append_val (chosen, *s);
    }
  return chosen;
}

void
nn_stream_choose (NnProgram *program)
{
  guint64 resident = program->context->resident;
  guint64 all, bytes, possible = 0;
  g_autoptr (GArray) list = candidates (program, &all);
  GArray *chosen = NULL;

  if (all <= resident)
    return;
  for (guint i = 0; i < list->len; i++)
    possible += g_array_index (list, NnStreamed, i).bytes;
  for (double ratio = MIN (1.0, (double) (all - resident) / MAX (possible, 1));;
       ratio = MIN (1.0, ratio + 0.02))
    {
      g_clear_pointer (&chosen, g_array_unref);
      chosen = thin_out (list, ratio, &bytes);
      if (bytes >= all - resident || ratio >= 1)
        break;
    }
  for (guint i = 0; i < chosen->len; i++)
    g_array_index (chosen, NnStreamed, i).from
        = i < AHEAD ? 0 : g_array_index (chosen, NnStreamed, i - AHEAD).op;
  program->streamed = chosen;
  program->streamed_bytes = bytes;
}

const NnStreamed *
nn_stream_find (const NnProgram *program, const NnWeight *weight)
{
  for (guint i = 0; program->streamed != NULL && i < program->streamed->len; i++)
    if (g_array_index (program->streamed, NnStreamed, i).weight == weight)
      return &g_array_index (program->streamed, NnStreamed, i);
  return NULL;
}

void
nn_stream_bind (const NnProgram *program, const NnEmit *emit, gboolean bound)
{
  for (guint i = 0; program->streamed != NULL && i < program->streamed->len; i++)
    {
      const NnStreamed *s = &g_array_index (program->streamed, NnStreamed, i);

      s->weight->window = bound ? emit->arena->pdata[s->offset / emit->arena_page] : NULL;
      s->weight->window_offset = s->offset % emit->arena_page;
    }
}
