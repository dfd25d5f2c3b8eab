/* sd-weights.c: weights by their name in the file, and the operators that take them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-weights-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _SdWeights
{
  NnContext *context;
  SdNames *names;
  GHashTable *table; /* name(s) → NnWeight, which belongs to the context */
  SdLoras *loras;    /* (nullable): what makes others of them; not owned */
};

SdWeights *
sd_weights_new (NnContext *context, SdNames *names)
{
  SdWeights *weights = g_new0 (SdWeights, 1);
  weights->context = nn_context_ref (context);
  weights->names = names;
  weights->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return weights;
}

void
sd_weights_free (SdWeights *weights)
{
  if (weights == NULL)
    return;
  g_hash_table_unref (weights->table);
  nn_context_unref (weights->context);
  g_free (weights);
}

void
sd_weights_set_context (SdWeights *weights, NnContext *context)
{
  g_hash_table_remove_all (weights->table);
  nn_context_ref (context);
  nn_context_unref (weights->context);
  weights->context = context;
}

void
sd_weights_set_loras (SdWeights *weights, SdLoras *loras)
{
  weights->loras = loras;
}

/* Whether one of the names of a weight, which may be several in a row, is in @changed. */
static gboolean
is_changed (const char *key, GHashTable *changed)
{
  g_auto (GStrv) names = g_strsplit (key, "+", -1);

  for (guint i = 0; names[i] != NULL; i++)
    if (g_hash_table_contains (changed, names[i]))
      return TRUE;
  return FALSE;
}

void
sd_weights_change (SdWeights *weights, GHashTable *changed)
{
  GHashTableIter iter;
  gpointer key, weight;

  g_hash_table_iter_init (&iter, weights->table);
  while (g_hash_table_iter_next (&iter, &key, &weight))
    if (is_changed (key, changed))
      nn_weight_change (weight);
}

void
sd_weights_remove (SdWeights *weights, const char *root)
{
  GHashTableIter iter;
  gpointer key, weight;

  g_hash_table_iter_init (&iter, weights->table);
  while (g_hash_table_iter_next (&iter, &key, &weight))
    if (g_str_has_prefix (key, root))
      {
        g_hash_table_iter_remove (&iter);
        nn_weight_remove (weight);
      }
}

static char *
join (const char *prefix, const char *name, const char *suffix)
{
  return g_strconcat (prefix, name != NULL ? "." : "", name != NULL ? name : "", suffix,
                      NULL);
}

const StTensor *
sd_weights_find (SdWeights *weights, const char *prefix, const char *name)
{
  g_autofree char *full = join (prefix, name, "");
  const StModelTensor *tensor = sd_names_find (weights->names, full);
  return tensor != NULL ? tensor->tensor : NULL;
}

gboolean
sd_weights_has (SdWeights *weights, const char *prefix, const char *name)
{
  return sd_weights_find (weights, prefix, name) != NULL;
}

/* ---- rows of tables ---- */

gboolean
sd_weights_read_row (
    SdWeights *weights, const char *name, guint64 row, float *dst, GError **error)
{
  const StModelTensor *table = sd_names_find (weights->names, name);
  g_return_val_if_fail (table != NULL && table->tensor->rank == 2, FALSE);
  const StTensor *tensor = table->tensor;
  gsize width = tensor->shape[1];
  gsize bits = width * st_dtype_bits (tensor->dtype);

  g_return_val_if_fail (row < tensor->shape[0] && bits % 8 == 0, FALSE);
  g_autofree guint8 *packed = g_malloc (bits / 8);
  if (!st_file_read (table->file, tensor->begin + row * (bits / 8), bits / 8, packed,
                     error))
    return FALSE;
  st_dtype_to_float (tensor->dtype, packed, 0, width, dst);
  return TRUE;
}

/* ---- weights ---- */

static char *
shape_text (const StTensor *tensor)
{
  GString *text = g_string_new ("[");
  for (guint i = 0; i < tensor->rank; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                            tensor->shape[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

static gboolean
shape_fits (const StTensor *tensor, NnWeightKind kind)
{
  for (guint i = 0; i < tensor->rank; i++)
    if (tensor->shape[i] == 0 || tensor->shape[i] > 1u << 20)
      return FALSE;
  switch (kind)
    {
    case NN_WEIGHT_VECTOR:
      return tensor->rank == 1;
    case NN_WEIGHT_CONV3:
      return tensor->rank == 4 && tensor->shape[2] == 3 && tensor->shape[3] == 3;
    case NN_WEIGHT_MATRIX:
      return tensor->rank == 2
             || (tensor->rank == 4 && tensor->shape[2] == 1 && tensor->shape[3] == 1);
    }
  return FALSE;
}

static const char *
shape_wanted (NnWeightKind kind)
{
  switch (kind)
    {
    case NN_WEIGHT_VECTOR:
      return "[n]";
    case NN_WEIGHT_CONV3:
      return "[out, in, 3, 3]";
    case NN_WEIGHT_MATRIX:
      return "[out, in] or [out, in, 1, 1]";
    }
  return "";
}

/* "X.scale_weight" beside "X.weight", of 8-bit files; others write "X.weight_scale". */
static gboolean
read_scales (SdWeights *weights, const char *name, SdWeightSource *source, GError **error)
{
  static const char *const suffixes[] = { ".scale_weight", ".weight_scale" };
  const StTensor *tensor = source->tensor->tensor;
  const StModelTensor *scale = NULL;
  if (!g_str_has_suffix (name, ".weight"))
    return TRUE;
  for (guint i = 0; scale == NULL && i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *own = g_strdup_printf (
          "%.*s%s", (int) (strlen (name) - strlen (".weight")), name, suffixes[i]);
      scale = sd_names_find (weights->names, own);
    }
  if (scale == NULL)
    return TRUE;
  gsize n = scale->tensor->count, bytes = scale->tensor->end - scale->tensor->begin;
  if ((n != 1 && (tensor->rank == 0 || n != tensor->shape[0]))
      || !st_dtype_is_float (scale->tensor->dtype)
      || scale->tensor->dtype == ST_DTYPE_C64)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The scale “%s” is not one number, nor one for each output"),
                   scale->name);
      return FALSE;
    }
  g_autofree guint8 *packed = g_malloc (bytes);
  if (!st_file_read (scale->file, scale->tensor->begin, bytes, packed, error))
    return FALSE;
  source->scales = g_new (float, n);
  source->n_scales = n;
  st_dtype_to_float (scale->tensor->dtype, packed, 0, n, source->scales);
  return TRUE;
}

static gboolean
part_init (SdWeights *weights,
           const char *name,
           const char *whole,
           NnWeightKind kind,
           NnWeightPart *part,
           guint *in,
           GError **error)
{
  const StModelTensor *tensor = sd_names_find (weights->names, name);
  if (tensor == NULL)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_MISSING_PART,
          _ ("The tensor “%s” is not in the file: a part of the model is missing"), name);
      return FALSE;
    }
  if (!shape_fits (tensor->tensor, kind) || !st_dtype_is_float (tensor->tensor->dtype))
    {
      g_autofree char *shape = shape_text (tensor->tensor);
      g_set_error (
          error, SD_ERROR, SD_ERROR_UNSUPPORTED,
          _ ("The tensor “%s” is %s %s; floating-point values of shape %s are needed"),
          name, st_dtype_name (tensor->tensor->dtype), shape, shape_wanted (kind));
      return FALSE;
    }
  SdWeightSource *source = g_new0 (SdWeightSource, 1);
  source->loras = &weights->loras;
  source->name = g_strdup (name);
  source->whole = g_strdup (whole);
  source->tensor = tensor;
  if (!read_scales (weights, name, source, error))
    {
      sd_weight_source_free (source);
      return FALSE;
    }
  source->type
      = sd_weight_source_type (tensor->tensor->dtype, source->scales, source->n_scales);
  part->read = sd_weight_source_read;
  part->source = source;
  part->destroy = sd_weight_source_free;
  part->type = source->type;
  part->out = tensor->tensor->shape[0];
  *in = kind == NN_WEIGHT_VECTOR ? 1 : tensor->tensor->shape[1];
  return TRUE;
}

static void
parts_clear (NnWeightPart *parts, guint n)
{
  for (guint i = 0; i < n; i++)
    parts[i].destroy (parts[i].source);
}

/* @names: NULL-terminated full names, stacked along their outputs. */
static NnWeight *
weight_get (SdWeights *weights,
            NnWeightKind kind,
            const char *const *names,
            GError **error)
{
  g_autofree char *key = g_strjoinv ("+", (char **) names);
  NnWeight *weight = g_hash_table_lookup (weights->table, key);
  if (weight != NULL)
    return weight;

  NnWeightPart parts[NN_MAX_PARTS] = { 0 };
  guint n = 0, in = 0;
  for (; names[n] != NULL; n++)
    {
      guint part_in;
      g_return_val_if_fail (n < NN_MAX_PARTS, NULL);
      if (!part_init (weights, names[n], key, kind, &parts[n], &part_in, error))
        {
          parts_clear (parts, n);
          return NULL;
        }
      if (n > 0 && part_in != in)
        {
          g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                       _ ("“%s” has %u inputs and “%s” has %u; they must be equal"),
                       names[0], in, names[n], part_in);
          parts_clear (parts, n + 1);
          return NULL;
        }
      in = part_in;
    }
  weight = nn_weight_new (weights->context, key, kind, parts, n, in);
  g_hash_table_insert (weights->table, g_steal_pointer (&key), weight);
  return weight;
}

/* ---- building ---- */

void
sd_builder_init (SdBuilder *builder,
                 SdWeights *weights,
                 const char *root,
                 const char *graph_name)
{
  builder->graph = nn_graph_new (weights->context, graph_name);
  builder->weights = weights;
  builder->root = root;
  builder->fault = NULL;
}

NnProgram *
sd_builder_finish (SdBuilder *builder, gboolean profile, GError **error)
{
  NnProgram *program = NULL;
  if (builder->fault != NULL)
    g_propagate_error (error, g_steal_pointer (&builder->fault));
  else
    program = nn_program_new (builder->graph, profile, error);
  g_clear_pointer (&builder->graph, nn_graph_free);
  return program;
}

/* The weight @root@prefix.@name@suffix of the builder, or NULL with the fault set. */
static NnWeight *
builder_weight (SdBuilder *builder,
                NnWeightKind kind,
                const char *prefix,
                const char *name,
                const char *suffix)
{
  if (builder->fault != NULL)
    return NULL;
  g_autofree char *tail = join (prefix, name, suffix);
  g_autofree char *full = g_strconcat (builder->root, tail, NULL);
  const char *names[] = { full, NULL };
  return weight_get (builder->weights, kind, names, &builder->fault);
}

static NnWeight *
builder_bias (SdBuilder *builder, const char *prefix, const char *name)
{
  g_autofree char *tail = join (prefix, name, ".bias");
  g_autofree char *full = g_strconcat (builder->root, tail, NULL);
  if (!sd_weights_has (builder->weights, full, NULL))
    return NULL;
  return builder_weight (builder, NN_WEIGHT_VECTOR, prefix, name, ".bias");
}

NnTensor *
sd_build_linear (SdBuilder *builder, NnLinear p, const char *prefix, const char *name)
{
  g_autofree char *label = join (prefix, name, "");
  p.weight = builder_weight (builder, NN_WEIGHT_MATRIX, prefix, name, ".weight");
  p.bias = builder_bias (builder, prefix, name);
  return builder->fault != NULL ? p.x : nn_linear (builder->graph, &p, label);
}

/* One weight of several names: @suffix is ".weight" or ".bias". */
static NnWeight *
builder_stack (SdBuilder *builder,
               NnWeightKind kind,
               const char *prefix,
               const char *const *names,
               const char *suffix)
{
  g_autoptr (GPtrArray) full = g_ptr_array_new_with_free_func (g_free);
  if (builder->fault != NULL)
    return NULL;
  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (full,
                     g_strconcat (builder->root, prefix, ".", names[i], suffix, NULL));
  gboolean optional = kind == NN_WEIGHT_VECTOR;
  if (optional && !sd_weights_has (builder->weights, full->pdata[0], NULL))
    return NULL;
  g_ptr_array_add (full, NULL);
  return weight_get (builder->weights, kind, (const char *const *) full->pdata,
                     &builder->fault);
}

NnTensor *
sd_build_stacked (SdBuilder *builder,
                  NnTensor *x,
                  const char *prefix,
                  const char *const *names)
{
  g_autofree char *joined = g_strjoinv ("+", (char **) names);
  g_autofree char *label = join (prefix, joined, "");
  NnLinear p = {
    .x = x,
    .weight = builder_stack (builder, NN_WEIGHT_MATRIX, prefix, names, ".weight"),
    .bias = builder_stack (builder, NN_WEIGHT_VECTOR, prefix, names, ".bias"),
  };
  return builder->fault != NULL ? x : nn_linear (builder->graph, &p, label);
}

NnTensor *
sd_build_conv3 (SdBuilder *builder, NnConv3 p, const char *prefix, const char *name)
{
  g_autofree char *label = join (prefix, name, "");
  p.weight = builder_weight (builder, NN_WEIGHT_CONV3, prefix, name, ".weight");
  p.bias = builder_bias (builder, prefix, name);
  return builder->fault != NULL ? p.x : nn_conv3 (builder->graph, &p, label);
}

NnTensor *
sd_build_group_norm (SdBuilder *builder,
                     NnTensor *x,
                     NnTensor *x2,
                     float eps,
                     gboolean silu,
                     const char *prefix,
                     const char *name)
{
  g_autofree char *label = join (prefix, name, "");
  NnGroupNorm p = {
    .x = x,
    .x2 = x2,
    .gamma = builder_weight (builder, NN_WEIGHT_VECTOR, prefix, name, ".weight"),
    .beta = builder_weight (builder, NN_WEIGHT_VECTOR, prefix, name, ".bias"),
    .groups = 32, /* in every network of this family, whatever its width */
    .eps = eps,
    .silu = silu,
  };
  return builder->fault != NULL ? x : nn_group_norm (builder->graph, &p, label);
}

NnTensor *
sd_build_layer_norm (SdBuilder *builder,
                     NnTensor *x,
                     const char *prefix,
                     const char *name)
{
  g_autofree char *label = join (prefix, name, "");
  NnWeight *gamma = builder_weight (builder, NN_WEIGHT_VECTOR, prefix, name, ".weight");
  NnWeight *beta = builder_weight (builder, NN_WEIGHT_VECTOR, prefix, name, ".bias");
  if (builder->fault != NULL)
    return x;
  return nn_layer_norm (builder->graph, x, gamma, beta, 1e-5f, label);
}
