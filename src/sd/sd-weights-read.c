/* sd-weights-read.c: the values of a weight as its network is given them: as they are in
 * the file, or scaled, of another type, with what LoRAs add
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-weights-private.h"
#include "base/base-half.h"
#include "base/base-parallel.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define CHUNK 65536 /* values converted at a time */

static gboolean
is_direct (StDtype dtype)
{
  return dtype == ST_DTYPE_F16 || dtype == ST_DTYPE_BF16 || dtype == ST_DTYPE_F32;
}

void
sd_weight_source_free (gpointer data)
{
  SdWeightSource *source = data;
  g_free (source->name);
  g_free (source->whole);
  g_free (source->scales);
  g_free (source);
}

/* The three types that the engine takes as they are; of others, 8 bits become F16, which
 * holds every value of theirs, and the rest F32. A scale may make 8 bits larger than F16
 * holds: then F32 too. */
NnType
sd_weight_source_type (StDtype dtype, const float *scales, gsize n)
{
  const float largest = 57344, room = 60000; /* of E5M2, the wider one; in F16 */
  gboolean eight = dtype == ST_DTYPE_F8_E4M3 || dtype == ST_DTYPE_F8_E5M2;
  for (gsize i = 0; i < n; i++)
    if (!(ABS (scales[i]) * (dtype == ST_DTYPE_F8_E4M3 ? 448 : largest) < room))
      return NN_F32;
  if (dtype == ST_DTYPE_F16 && n == 0)
    return NN_F16;
  if (dtype == ST_DTYPE_BF16 && n == 0)
    return NN_BF16;
  return eight ? NN_F16 : NN_F32;
}

/* Values [first, first + n), scaled */
static void
to_float (const SdWeightSource *source,
          const guint8 *packed,
          gsize first,
          gsize n,
          float *values)
{
  const StTensor *tensor = source->tensor->tensor;
  gsize each = source->n_scales > 1 ? tensor->count / source->n_scales : tensor->count;

  st_dtype_to_float (tensor->dtype, packed, first, n, values);
  for (gsize i = 0; source->scales != NULL && i < n; i++)
    values[i] *= source->scales[(first + i) / each];
}

static void
from_float (NnType type, const float *values, gsize first, gsize n, gpointer dst)
{
  if (type == NN_F32)
    memcpy ((float *) dst + first, values, n * sizeof (float));
  else
    for (gsize i = 0; i < n; i++)
      ((guint16 *) dst)[first + i] = type == NN_BF16 ? base_bf16_from_float (values[i])
                                                     : base_half_from_float (values[i]);
}

static void
convert (const SdWeightSource *source, const guint8 *packed, gpointer dst)
{
  const StTensor *tensor = source->tensor->tensor;
  g_autofree float *values = g_new (float, CHUNK);
  for (gsize first = 0; first < tensor->count; first += CHUNK)
    {
      gsize n = MIN (CHUNK, tensor->count - first);
      to_float (source, packed, first, n, values);
      from_float (source->type, values, first, n, dst);
    }
}

typedef struct
{
  const SdWeightSource *source;
  const guint8 *packed;
  float *values;
  gpointer dst;
} Conversion;

static void
chunk_to_float (guint64 index, gpointer data)
{
  const Conversion *c = data;
  gsize first = index * CHUNK;

  to_float (c->source, c->packed, first,
            MIN (CHUNK, c->source->tensor->tensor->count - first), c->values + first);
}

static void
chunk_from_float (guint64 index, gpointer data)
{
  const Conversion *c = data;
  gsize first = index * CHUNK;

  from_float (c->source->type, c->values + first, first,
              MIN (CHUNK, c->source->tensor->tensor->count - first), c->dst);
}

/* The weight with all that LoRAs add to it, in F32 and then in its own type. */
static gboolean
convert_changed (const SdWeightSource *source,
                 const guint8 *packed,
                 gpointer dst,
                 GError **error)
{
  gsize n = source->tensor->tensor->count, chunks = (n + CHUNK - 1) / CHUNK;
  guint most = chunks > 4 ? G_MAXUINT : 1;
  float *values
      = source->type == NN_F32 ? dst : nn_alloc (n, sizeof *values, source->name, error);
  Conversion conversion = { source, packed, values, dst };
  gboolean good = FALSE;

  if (values != NULL)
    {
      base_parallel (chunks, most, chunk_to_float, &conversion);
      good = sd_loras_apply (*source->loras, source->name, values, error);
    }
  if (good && values != dst)
    base_parallel (chunks, most, chunk_from_float, &conversion);
  if (values != dst)
    g_free (values);
  return good;
}

/* Whether any part of the weight is another now: then all of them are read with it. */
static gboolean
is_touched (const SdWeightSource *source)
{
  g_auto (GStrv) names = g_strsplit (source->whole, "+", -1);

  for (guint i = 0; names[i] != NULL; i++)
    if (sd_loras_touch (*source->loras, names[i]))
      return TRUE;
  return FALSE;
}

static gboolean
read_bytes (const SdWeightSource *source, gsize n, gpointer dst, GError **error)
{
  const StModelTensor *part = source->tensor;

  if (*source->loras != NULL)
    return sd_loras_read (*source->loras, source->name, part, is_touched (source), dst,
                          error);
  return st_file_read (part->file, part->tensor->begin, n, dst, error);
}

gboolean
sd_weight_source_read (gpointer data, void *dst, gsize n, GError **error)
{
  const SdWeightSource *source = data;
  const StModelTensor *part = source->tensor;
  const StTensor *tensor = part->tensor;
  gsize bytes = tensor->end - tensor->begin;
  gboolean changed = sd_loras_touch (*source->loras, source->name);

  if (is_direct (tensor->dtype) && source->scales == NULL && !changed)
    {
      g_return_val_if_fail (n == bytes, FALSE);
      return read_bytes (source, n, dst, error);
    }
  g_return_val_if_fail (n == tensor->count * (source->type == NN_F32 ? 4 : 2), FALSE);
  g_autofree guint8 *packed = g_try_malloc (bytes);
  if (packed == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   _ ("No memory for the %.0f bytes of “%s”"), (double) bytes,
                   part->name);
      return FALSE;
    }
  if (!read_bytes (source, bytes, packed, error))
    return FALSE;
  if (changed)
    return convert_changed (source, packed, dst, error);
  convert (source, packed, dst);
  return TRUE;
}
