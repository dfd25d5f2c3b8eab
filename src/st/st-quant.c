/* st-quant.c: weights that are stored in pieces: packed values with scales beside them
 *
 * The rules are the group [companions] of data/recognition.ini. How many values a packed
 * tensor stands for is told by its companions' shapes:
 *
 *   GPTQ, AWQ: scales [groups, out], qzeros [groups, out · bits / 32] of 32 bits each, so
 *     bits = 32 · qzeros' last side / scales' last side
 *   bitsandbytes (…weight.absmax), NVFP4 (weight_scale_2), MXFP4 (…_blocks): two in a
 * byte compressed-tensors: weight_shape's count tells nothing without its values; eight
 * in 32 bits, two in a byte
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-quant.h"
#include "st/st-recognise-private.h"

#include <string.h>

/* The tensor whose name is @tensor's with @length bytes at the end replaced by @suffix.
 */
static const StModelTensor *
find_beside (StModel *model,
             const StModelTensor *tensor,
             gsize length,
             const char *suffix)
{
  g_autofree char *front = g_strndup (tensor->name, tensor->name_length - length);
  g_autofree char *name = g_strconcat (front, suffix, NULL);

  return st_model_find (model, name);
}

static gboolean
ends_with (const StModelTensor *tensor, const char *suffix, gsize length)
{
  return tensor->name_length > length
         && memcmp (tensor->name + tensor->name_length - length, suffix, length) == 0;
}

const StModelTensor *
st_quant_weight_of (StModel *model, const StModelTensor *tensor)
{
  const GArray *rules = st_rule_table_get ()->companions;

  for (guint i = 0; i < rules->len; i++)
    {
      const StRuleText *rule = &g_array_index (rules, StRuleText, i);
      g_auto (GStrv) ends = NULL;

      if (!ends_with (tensor, rule->text, rule->length))
        continue;
      ends = g_strsplit (rule->id, ";", -1);
      for (guint k = 0; ends[k] != NULL; k++)
        {
          const StModelTensor *weight
              = find_beside (model, tensor, rule->length, g_strstrip (ends[k]));
          if (weight != NULL && weight != tensor)
            return weight;
        }
    }
  return NULL;
}

static guint64
last_side (const StModelTensor *tensor)
{
  return tensor->tensor->rank > 0 ? tensor->tensor->shape[tensor->tensor->rank - 1] : 1;
}

/* Returns: how many values 32 bits of a GPTQ or AWQ weight hold; 1 where it is not told
 */
static guint64
values_in_word (StModel *model, const StModelTensor *tensor)
{
  const gsize length = strlen ("qweight");
  const StModelTensor *scales = find_beside (model, tensor, length, "scales");
  const StModelTensor *zeros = find_beside (model, tensor, length, "qzeros");

  if (scales == NULL || zeros == NULL || last_side (zeros) == 0
      || last_side (scales) < last_side (zeros)
      || last_side (scales) / last_side (zeros) > 32)
    return 1;
  return last_side (scales) / last_side (zeros);
}

static gboolean
is_two_in_a_byte (StModel *model, const StModelTensor *tensor)
{
  const gsize weight = strlen (".weight"), blocks = strlen ("_blocks");

  if (ends_with (tensor, "_blocks", blocks))
    return find_beside (model, tensor, blocks, "_scales") != NULL;
  return ends_with (tensor, ".weight_packed", strlen (".weight_packed"))
         || (ends_with (tensor, ".weight", weight)
             && (find_beside (model, tensor, 0, ".absmax") != NULL
                 || find_beside (model, tensor, weight, ".weight_scale_2") != NULL));
}

guint64
st_quant_values (StModel *model, const StModelTensor *tensor)
{
  const StTensor *t = tensor->tensor;
  guint64 times = 1;

  if (st_quant_weight_of (model, tensor) != NULL)
    return 0;
  if (t->dtype == ST_DTYPE_I32 && ends_with (tensor, "qweight", strlen ("qweight")))
    times = values_in_word (model, tensor);
  else if (t->dtype == ST_DTYPE_I32
           && ends_with (tensor, ".weight_packed", strlen (".weight_packed")))
    times = 8;
  else if ((t->dtype == ST_DTYPE_U8 || t->dtype == ST_DTYPE_I8)
           && is_two_in_a_byte (model, tensor))
    times = 2;
  return t->count <= G_MAXUINT64 / times ? t->count * times : t->count;
}

guint64
st_quant_parameters (StModel *model, guint *n_companions)
{
  guint64 sum = 0;

  *n_companions = 0;
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *tensor = st_model_tensor (model, i);
      const guint64 values = st_quant_values (model, tensor);

      if (values == 0 && tensor->tensor->count > 0)
        ++*n_companions;
      sum = values <= G_MAXUINT64 - sum ? sum + values : G_MAXUINT64;
    }
  return sum;
}
