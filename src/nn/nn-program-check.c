/* nn-program-check.c: where values that are no numbers first come up
 *
 * Tensors share places in the arena, so when a program has run most of them are gone. It
 * is run once more, one operator at a time, and each output is read back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

#include <math.h>

static gboolean
has_fault (NnType type, const void *values, guint64 n)
{
  const float *floats = values;
  const guint16 *halves = values;
  guint bad = 0;

  for (guint64 i = 0; i < n; i++)
    bad += type == NN_F32 ? !isfinite (floats[i]) : (halves[i] & 0x7c00) == 0x7c00;
  return bad > 0;
}

static gboolean
run_one (NnProgram *program, guint index, gboolean *found)
{
  const NnOp *op = program->ops->pdata[index];
  const NnTensor *y = op->y;
  g_autoptr (GpuRecording) recording = nn_program_record_part (program, index, 1, NULL);
  NnEmit emit = nn_context_emit (program->context, NULL);
  GpuBinding at = nn_emit_write (&emit, y, 0, (guint64) y->n * y->h * y->w);
  g_autofree void *values = nn_alloc (at.size, 1, op->label, NULL);

  if (y->lazy || y->folded)
    return TRUE; /* its values are seen in its readers */
  if (recording == NULL || values == NULL || !gpu_recording_run (recording, NULL, NULL)
      || !gpu_buffer_read (at.buffer, at.offset, values, at.size, NULL))
    return FALSE;
  *found = has_fault (nn_emit_type (&emit, y), values, nn_tensor_elements (y));
  return TRUE;
}

/**
 * nn_program_first_fault:
 *
 * Returns: (transfer full) (nullable): the label of the first operator that gives a NaN
 * or an infinity; the states that it reads must hold what they held when the program ran
 */
char *
nn_program_first_fault (NnProgram *program)
{
  gboolean found = FALSE;
  guint i = 0;

  if (program->context->device == NULL)
    {
      program->seek_fault = TRUE;
      nn_program_run_reference (program, NULL, NULL);
      program->seek_fault = FALSE;
      return g_strdup (program->fault_label);
    }
  if (program->recording == NULL)
    return NULL;
  while (i < program->ops->len && run_one (program, i, &found) && !found)
    i++;
  return found ? g_strdup (((NnOp *) program->ops->pdata[i])->label) : NULL;
}
