/* nn-program-ref.c: runs a program by the reference operators
 *
 * Each tensor has memory of its own while it lives, not a place in an arena: what the
 * plan of the device may get wrong cannot go wrong in the same way here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

#include <math.h>

static float *
find (const NnTensor *x, gpointer user_data)
{
  return x->state != NULL ? x->state->host : g_hash_table_lookup (user_data, x);
}

static gboolean
make (GHashTable *memory, const NnTensor *x, GError **error)
{
  float *values;

  if (x->state != NULL)
    return TRUE;
  values = g_try_new0 (float, nn_tensor_elements (x));
  if (values == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   "%u × %u × %u × %u values do not fit", x->n, x->h, x->w, x->c);
      return FALSE;
    }
  g_hash_table_insert (memory, (gpointer) x, values);
  return TRUE;
}

static gboolean
has_fault (const float *values, const NnTensor *x)
{
  guint64 n = nn_tensor_elements (x);
  guint bad = 0;

  for (guint64 i = 0; i < n; i++)
    bad += !isfinite (values[i]);
  return bad > 0;
}

static void
note_time (NnProgram *program, const NnOp *op, gint64 start)
{
  GpuTiming timing = { .kernel = "reference",
                       .flops = op->flops,
                       .seconds = (g_get_monotonic_time () - start) * 1e-6 };

  g_strlcpy (timing.label, op->label, sizeof timing.label);
  g_array_append_val (program->timings, timing);
}

gboolean
nn_program_run_reference (NnProgram *program, const BaseTask *task, GError **error)
{
  g_autoptr (GHashTable) memory = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  if (program->profile && program->timings == NULL)
    program->timings = g_array_new (FALSE, TRUE, sizeof (GpuTiming));
  if (program->profile)
    g_array_set_size (program->timings, 0);
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];
      gint64 start = g_get_monotonic_time ();

      if (!base_task_check (task, error))
        return FALSE;
      if (!make (memory, op->y, error))
        {
          g_prefix_error (error, "%s: %s: ", program->name, op->label);
          return FALSE;
        }
      nn_ref_op (op, find, memory);
      if (program->seek_fault && has_fault (find (op->y, memory), op->y))
        {
          program->fault_label = op->label;
          return TRUE;
        }
      if (program->profile)
        note_time (program, op, start);
      for (guint k = 0; k < op->n_inputs; k++)
        if (op->inputs[k]->last_use == (int) i)
          g_hash_table_remove (memory, op->inputs[k]);
      base_task_progress (task, "compute", i + 1, program->ops->len);
    }
  return TRUE;
}
