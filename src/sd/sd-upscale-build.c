/* sd-upscale-build.c: networks that enlarge pictures as graphs, and their weights
 *
 * Wang et al. 2018 (ESRGAN) and 2021 (Real-ESRGAN). Dense blocks join up to five tensors;
 * a convolution of them is a sum of convolutions of two at a time, each by its columns of
 * the weight. Residuals' factor of 0.2 lies in the weights of what is added, but for that
 * of a whole block. Squares become channels, and channels squares, on the host.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-upscale-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SLOPE 0.2f    /* of the leaky ReLU */
#define RESIDUAL 0.2f /* what is added counts so much */

gboolean
sd_upscale_net_set_context (SdUpscaleNet *net, NnContext *context, GError **error)
{
  const float coefs[] = { RESIDUAL, 1 };

  g_hash_table_remove_all (net->weights);
  g_clear_pointer (&net->coefs, nn_state_free);
  net->context = context;
  net->coefs = nn_state_new (context, 1, 1, 1, 2, "residual", error);
  return net->coefs != NULL && nn_state_write (net->coefs, coefs, error);
}

/* ---- weights ---- */

/* Some columns of a tensor, times a factor; or one value, where there is no tensor. */
typedef struct
{
  StModel *model;
  const StModelTensor *part; /* (nullable) */
  guint first, in;           /* columns; 0: all */
  float factor;
} Source;

static void
source_free (gpointer data)
{
  Source *source = data;
  st_model_unref (source->model);
  g_free (source);
}

static gboolean
source_read (gpointer data, void *dst, gsize n, GError **error)
{
  const Source *source = data;
  float *to = dst;

  if (source->part == NULL)
    {
      for (gsize i = 0; i < n / sizeof *to; i++)
        to[i] = source->factor;
      return TRUE;
    }
  const StTensor *t = source->part->tensor;
  gsize bytes = t->end - t->begin;
  g_autofree guint8 *packed = nn_alloc (bytes, 1, source->part->name, error);
  g_autofree float *values
      = packed != NULL ? nn_alloc (t->count, sizeof *values, source->part->name, error)
                       : NULL;
  if (values == NULL
      || !st_file_read (source->part->file, t->begin, bytes, packed, error))
    return FALSE;
  st_dtype_to_float (t->dtype, packed, 0, t->count, values);
  gsize row = t->count / t->shape[0];
  gsize from = source->in == 0 ? 0 : 9 * (gsize) source->first;
  gsize length = source->in == 0 ? row : 9 * (gsize) source->in;
  g_return_val_if_fail (n == t->shape[0] * length * sizeof *to, FALSE);
  for (gsize o = 0; o < t->shape[0]; o++)
    for (gsize i = 0; i < length; i++)
      to[o * length + i] = values[o * row + from + i] * source->factor;
  return TRUE;
}

typedef struct
{
  SdUpscaleNet *net;
  NnGraph *graph;
  GError *fault; /* the first */
} Builder;

static NnWeight *
add_weight (Builder *b, const char *key, NnWeightKind kind, Source source, guint out)
{
  Source *own = g_memdup2 (&source, sizeof source);
  const NnWeightPart part = { source_read, own, source_free, NN_F32, out };

  own->model = st_model_ref (b->net->model);
  NnWeight *weight = nn_weight_new (b->net->context, key, kind, &part, 1,
                                    kind == NN_WEIGHT_VECTOR ? 1 : source.in);
  g_hash_table_insert (b->net->weights, g_strdup (key), weight);
  return weight;
}

/* NULL with the fault set where it is not as it must be. */
static const StModelTensor *
take (Builder *b, const char *name, const char *suffix, guint rank)
{
  const StModelTensor *part = sd_upscale_find (b->net, name, suffix);
  const StTensor *t = part != NULL ? part->tensor : NULL;

  if (b->fault != NULL)
    return NULL;
  if (part == NULL)
    g_set_error (&b->fault, SD_ERROR, SD_ERROR_MISSING_PART,
                 _ ("The upscaler has no “%s%s”: it is not whole, or of another kind"),
                 name, suffix);
  else if (t->rank != rank || !st_dtype_is_float (t->dtype) || t->dtype == ST_DTYPE_C64
           || t->count == 0 || t->shape[0] > SD_UPSCALE_MAX_CHANNELS
           || (rank == 4 && (t->shape[2] != 3 || t->shape[3] != 3)))
    g_set_error (&b->fault, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("“%s%s” of the upscaler has a shape or a type that cannot be used"),
                 name, suffix);
  return b->fault == NULL ? part : NULL;
}

static NnWeight *
vector (Builder *b, const char *name, const char *suffix, float factor)
{
  g_autofree char *key = g_strconcat (name, suffix, NULL);
  NnWeight *weight = g_hash_table_lookup (b->net->weights, key);
  const StModelTensor *part = weight == NULL ? take (b, name, suffix, 1) : NULL;

  if (part != NULL)
    weight = add_weight (b, key, NN_WEIGHT_VECTOR,
                         (Source){ .part = part, .factor = factor },
                         (guint) part->tensor->shape[0]);
  return weight;
}

/* Columns [first, first + in) of a convolution. */
static NnWeight *
columns (Builder *b, const char *name, guint first, guint in, float factor)
{
  g_autofree char *key = g_strdup_printf ("%s.weight[%u:%u]", name, first, first + in);
  NnWeight *weight = g_hash_table_lookup (b->net->weights, key);
  const StModelTensor *part = weight == NULL ? take (b, name, ".weight", 4) : NULL;

  if (part == NULL)
    return weight;
  if (part->tensor->shape[1] < (guint64) first + in)
    {
      g_set_error (&b->fault, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("“%s%s” of the upscaler has a shape or a type that cannot be used"),
                   name, ".weight");
      return NULL;
    }
  return add_weight (b, key, NN_WEIGHT_CONV3,
                     (Source){ .part = part, .first = first, .in = in, .factor = factor },
                     (guint) part->tensor->shape[0]);
}

/* ---- building ---- */

static NnTensor *
leaky (Builder *b, NnTensor *x, const char *label)
{
  g_autofree char *key = g_strdup_printf ("leaky of %u", nn_tensor_c (x));
  NnWeight *slope = g_hash_table_lookup (b->net->weights, key);

  if (b->fault != NULL)
    return x;
  if (slope == NULL)
    slope = add_weight (b, key, NN_WEIGHT_VECTOR, (Source){ .factor = SLOPE },
                        nn_tensor_c (x));
  return nn_prelu (b->graph, x, slope, label);
}

/* @up: 1, or 2: enlarged before */
static NnTensor *
conv (Builder *b, NnTensor *x, const char *name, guint up, NnTensor *residual)
{
  NnConv3 p = { .x = x,
                .weight = columns (b, name, 0, nn_tensor_c (x), 1),
                .bias = vector (b, name, ".bias", 1),
                .residual = residual };

  if (up > 1)
    {
      p.up_h = up * nn_tensor_h (x);
      p.up_w = up * nn_tensor_w (x);
    }
  return b->fault != NULL ? x : nn_conv3 (b->graph, &p, name);
}

/* A convolution of @n tensors joined, by twos. */
static NnTensor *
conv_joined (Builder *b, NnTensor *const *xs, guint n, const char *name)
{
  gboolean last = n == SD_UPSCALE_DENSE;
  float factor = last ? RESIDUAL : 1;
  NnTensor *y = last ? xs[0] : NULL;
  guint first = 0;

  for (guint i = 0; i < n && b->fault == NULL; i += 2)
    {
      NnConv3 p = { .x = xs[i], .x2 = i + 1 < n ? xs[i + 1] : NULL, .residual = y };
      guint in = nn_tensor_c (p.x) + (p.x2 != NULL ? nn_tensor_c (p.x2) : 0);

      p.weight = columns (b, name, first, in, factor);
      p.bias = i == 0 ? vector (b, name, ".bias", factor) : NULL;
      if (b->fault == NULL)
        y = nn_conv3 (b->graph, &p, name);
      first += in;
    }
  if (b->fault != NULL)
    return xs[0];
  return last ? y : leaky (b, y, name);
}

static NnTensor *
build_dense (Builder *b, NnTensor *x, guint block, guint k)
{
  NnTensor *xs[SD_UPSCALE_DENSE + 1] = { x };

  for (guint j = 1; j <= SD_UPSCALE_DENSE; j++)
    {
      g_autofree char *name = sd_upscale_dense_name (b->net, block, k, j);
      xs[j] = conv_joined (b, xs, j, name);
    }
  return xs[SD_UPSCALE_DENSE];
}

static NnTensor *
build_role (Builder *b, NnTensor *x, SdUpscaleRole role, NnTensor *residual)
{
  g_autofree char *name = sd_upscale_role_name (b->net, role);
  NnTensor *y = conv (b, x, name, 1, residual);
  return role == SD_UPSCALE_ROLE_HR ? leaky (b, y, name) : y;
}

static NnTensor *
build_rrdb (Builder *b, NnTensor *x)
{
  NnTensor *coefs = nn_load (b->graph, b->net->coefs);
  NnTensor *head = build_role (b, x, SD_UPSCALE_ROLE_FIRST, NULL);

  x = head;
  for (guint block = 0; block < b->net->blocks && b->fault == NULL; block++)
    {
      NnTensor *y = x;
      for (guint k = 1; k <= 3; k++)
        y = build_dense (b, y, block, k);
      if (b->fault == NULL)
        x = nn_combine (b->graph, (NnTensor *[]){ y, x }, 2, coefs, "block");
    }
  x = build_role (b, x, SD_UPSCALE_ROLE_TRUNK, head);
  for (guint i = 0; i < b->net->ups; i++)
    {
      g_autofree char *name = sd_upscale_up_name (b->net, i);
      x = leaky (b, conv (b, x, name, 2, NULL), name);
    }
  x = build_role (b, x, SD_UPSCALE_ROLE_HR, NULL);
  return build_role (b, x, SD_UPSCALE_ROLE_LAST, NULL);
}

static NnTensor *
build_compact (Builder *b, NnTensor *x)
{
  for (guint i = 0; i <= b->net->blocks && b->fault == NULL; i += 2)
    {
      g_autofree char *name = g_strdup_printf ("body.%u", i);
      g_autofree char *act = g_strdup_printf ("body.%u", i + 1);
      NnWeight *slope = i < b->net->blocks ? vector (b, act, ".weight", 1) : NULL;

      x = conv (b, x, name, 1, NULL);
      if (slope != NULL && b->fault == NULL)
        x = nn_prelu (b->graph, x, slope, act);
    }
  return x;
}

static gboolean
make_states (SdUpscaleNet *net, SdUpscaleProgram *program, GError **error)
{
  guint u = net->unshuffle, up = net->spelling == SD_UPSCALE_COMPACT ? 1 : net->scale;
  guint c = net->spelling == SD_UPSCALE_COMPACT ? 3 * net->scale * net->scale : 3;

  program->in = nn_state_new (net->context, 1, program->h / u, program->w / u, 3 * u * u,
                              "picture", error);
  if (program->in != NULL)
    program->out = nn_state_new (net->context, 1, up * program->h, up * program->w, c,
                                 "larger picture", error);
  return program->out != NULL;
}

SdUpscaleProgram *
sd_upscale_program_new (SdUpscaleNet *net, guint h, guint w, GError **error)
{
  g_autoptr (SdUpscaleProgram) program = g_new0 (SdUpscaleProgram, 1);
  Builder b = { .net = net };

  program->h = h;
  program->w = w;
  if (!make_states (net, program, error))
    return NULL;
  g_autoptr (NnGraph) graph = nn_graph_new (net->context, "upscale");
  b.graph = graph;
  NnTensor *x = nn_load (graph, program->in);
  x = net->spelling == SD_UPSCALE_COMPACT ? build_compact (&b, x) : build_rrdb (&b, x);
  if (b.fault != NULL)
    {
      g_propagate_error (error, b.fault);
      return NULL;
    }
  nn_store (graph, x, program->out);
  program->program = nn_program_new (graph, FALSE, error);
  return program->program != NULL ? g_steal_pointer (&program) : NULL;
}

void
sd_upscale_program_free (SdUpscaleProgram *program)
{
  if (program == NULL)
    return;
  nn_program_free (program->program);
  nn_state_free (program->in);
  nn_state_free (program->out);
  g_free (program);
}

/* ---- running ---- */

/* Squares of pixels to channels, colour by colour, in each by rows. */
static void
unshuffle (const SdUpscaleProgram *program, guint u, const float *rgb, float *values)
{
  for (gsize y = 0; y < program->h; y++)
    for (gsize x = 0; x < program->w; x++)
      for (gsize c = 0; c < 3; c++)
        values[(y / u * (program->w / u) + x / u) * 3 * u * u + c * u * u + y % u * u
               + x % u]
            = rgb[(y * program->w + x) * 3 + c];
}

/* The other way round; the picture is added to each of its pixels' squares. */
static void
shuffle (const SdUpscaleProgram *program,
         guint s,
         const float *rgb,
         const float *values,
         float *out)
{
  for (gsize y = 0; y < (gsize) s * program->h; y++)
    for (gsize x = 0; x < (gsize) s * program->w; x++)
      for (gsize c = 0; c < 3; c++)
        {
          gsize pixel = y / s * program->w + x / s;
          out[(y * s * program->w + x) * 3 + c]
              = rgb[pixel * 3 + c]
                + values[pixel * 3 * s * s + c * s * s + y % s * s + x % s];
        }
}

gboolean
sd_upscale_program_run (SdUpscaleNet *net,
                        SdUpscaleProgram *program,
                        const float *rgb,
                        float *out,
                        const BaseTask *task,
                        GError **error)
{
  const char *what = _ ("A piece of the picture");
  g_autofree float *in = nn_alloc (nn_state_count (program->in), sizeof *in, what, error);
  g_autofree float *values
      = in != NULL ? nn_alloc (nn_state_count (program->out), sizeof *in, what, error)
                   : NULL;

  if (values == NULL)
    return FALSE;
  unshuffle (program, net->unshuffle, rgb, in);
  if (!nn_state_write (program->in, in, error)
      || !nn_program_run (program->program, task, error)
      || !nn_state_read (program->out, values, error))
    return FALSE;
  if (net->spelling == SD_UPSCALE_COMPACT)
    shuffle (program, net->scale, rgb, values, out);
  else
    memcpy (out, values, nn_state_count (program->out) * sizeof *out);
  return TRUE;
}
