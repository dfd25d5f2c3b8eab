/* nn-weight.c: weights as given: their parts, types and places
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"

/* On the device a weight keeps its file's type; only F32 becomes F16 where activations
 * are F16, and parts of several types become F32. Vectors are F32 always. Small matrices
 * are never quantized: the first and last convolutions, which see few channels. */
static NnType
stored_type (NnContext *context,
             NnWeightKind kind,
             const NnWeightPart *parts,
             guint n_parts,
             guint in)
{
  NnType type = parts[0].type;

  for (guint i = 1; i < n_parts; i++)
    if (parts[i].type != type)
      type = NN_F32;
  if (kind == NN_WEIGHT_VECTOR)
    return NN_F32;
  if (context->quantized && in >= NN_Q8_ROWS && parts[0].out >= NN_Q8_ROWS)
    return NN_Q8;
  return type == NN_F32 ? context->activations : type;
}

NnWeight *
nn_weight_new (NnContext *context,
               const char *name,
               NnWeightKind kind,
               const NnWeightPart *parts,
               guint n_parts,
               guint in)
{
  NnWeight *weight = g_new0 (NnWeight, 1);

  g_assert (n_parts >= 1 && n_parts <= NN_MAX_PARTS);
  weight->context = context;
  weight->name = g_strdup (name);
  weight->kind = kind;
  weight->n_parts = n_parts;
  weight->in = in;
  for (guint i = 0; i < n_parts; i++)
    {
      weight->parts[i] = parts[i];
      weight->out += parts[i].out;
    }
  weight->stored = stored_type (context, kind, parts, n_parts, in);
  g_ptr_array_add (context->weights, weight);
  return weight;
}

void
nn_weight_free (NnWeight *weight)
{
  for (guint i = 0; i < weight->n_parts; i++)
    if (weight->parts[i].destroy != NULL)
      weight->parts[i].destroy (weight->parts[i].source);
  gpu_buffer_unref (weight->buffer);
  gpu_buffer_unref (weight->winograd);
  gpu_buffer_unref (weight->store);
  g_free (weight->host);
  g_free (weight->name);
  g_free (weight);
}

void
nn_weight_remove (NnWeight *weight)
{
  g_ptr_array_remove (weight->context->weights, weight);
}

guint
nn_weight_out (const NnWeight *weight)
{
  return weight->out;
}

guint
nn_weight_in (const NnWeight *weight)
{
  return weight->in;
}

guint64
nn_weight_part_count (const NnWeight *weight, guint part)
{
  return (guint64) weight->parts[part].out * weight->in
         * (weight->kind == NN_WEIGHT_CONV3 ? 9 : 1);
}

guint64
nn_weight_file_bytes (const NnWeight *weight)
{
  guint64 bytes = 0;

  for (guint i = 0; i < weight->n_parts; i++)
    bytes += nn_weight_part_count (weight, i) * nn_type_bytes (weight->parts[i].type);
  return bytes;
}

gboolean
nn_context_load_weights (NnContext *context, const BaseTask *task, GError **error)
{
  return nn_weights_load (context, context->weights, task, error);
}

void
nn_context_evict (NnContext *context)
{
  for (guint i = 0; i < context->programs->len; i++)
    nn_program_drop (context->programs->pdata[i]);
  for (guint i = 0; i < context->weights->len; i++)
    nn_weight_evict (context->weights->pdata[i]);
}

void
nn_context_clear_weights (NnContext *context)
{
  g_ptr_array_set_size (context->weights, 0);
}

guint64
nn_context_weight_bytes (NnContext *context)
{
  guint64 bytes = 0;

  for (guint i = 0; i < context->weights->len; i++)
    bytes += nn_weight_device_bytes (context->weights->pdata[i]);
  return bytes;
}
