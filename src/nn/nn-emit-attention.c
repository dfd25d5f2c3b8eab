/* nn-emit-attention.c: attention: which form, which parts
 *
 * Direct: narrow heads by rows, wide heads over the lanes; one wide head on a CPU device
 * as two products (nn-emit-attention-products.c). Staged: workgroups of many subgroups
 * share queries, keys and values; matrix: the same on matrix units
 * (shaders/attention-*.comp).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"
#include <math.h>

/* As NN_NARROW_CPU: on GPUs sums over lanes are cheap and registers dear. */
#define NARROW_GPU 64
#define LANES_KEYS 4
/* Up to so many queries a lane takes one, from so many on as many as its registers have
 * room for, between them two: they share what is fetched and handed round, but each takes
 * time to compile. */
#define SHORT 256
#define LONG 1024
/* The long form reads sampled buffers on every device: a third faster than images on
 * lavapipe, which is worth the second that its driver's cache may lose of it. */

/* attention-staged.comp: a workgroup's largest size, its keys at once, and the
 * invocations that share a query */
#define STAGED_LANES 128u
#define STAGED_KEYS 32u
#define STAGED_SHARE 8u

/* attention-units.comp: subgroups down and across, of heads up to WIDE and beyond; keys
 * and channels at once */
#define UNITS_WIDE 160u
#define UNITS_DOWN 4u
#define UNITS_ACROSS 4u
#define UNITS_KEYS 32u
#define UNITS_CHANNELS 96u
#define UNITS_CHANNELS_WIDE 64u
#define UNITS_PADDING 8u

typedef struct
{
  const char *shader;
  guint workgroup; /* of NnDispatch */
  guint subgroup;  /* of NnDispatch */
  guint spec[9];   /* of the shader, after the head's size */
  guint n_spec;
  guint group_rows; /* of a workgroup */
  gboolean storage; /* reads storage buffers */
  gboolean sampled; /* of NnDispatch */
} Form;

static Form
direct_form (const NnEmit *emit, const NnAttention *p)
{
  guint lanes = nn_emit_lanes (emit), d4 = p->head_dim / 4;
  gboolean cpu = emit->info->kind == GPU_KIND_CPU;
  guint narrow = cpu ? NN_NARROW_CPU : NARROW_GPU;
  guint rows, t_q = p->q->h * p->q->w;
  gboolean is_long = cpu && t_q >= LONG;

  if (p->head_dim <= narrow)
    {
      rows = is_long && p->head_dim <= 64              ? 4
             : is_long && p->head_dim <= 96            ? 2
             : cpu && t_q > SHORT && p->head_dim <= 64 ? 2
                                                       : 1;
      return (Form){ .shader = "attention-rows",
                     .spec = { rows, LANES_KEYS },
                     .n_spec = 2,
                     .group_rows = rows * lanes,
                     .sampled = is_long };
    }
  rows = nn_div_up (d4, lanes) > 8 ? 2 : 4;
  return (Form){ "attention-lanes", 0, 0, { rows, LANES_KEYS }, 2, rows };
}

static guint
types_of (const NnEmit *emit, const NnAttention *p)
{
  return (nn_emit_type (emit, p->q) == NN_F16 ? NN_TYPES_Q_HALF : 0)
         | (nn_emit_type (emit, p->k) == NN_F16 ? NN_TYPES_K_HALF : 0)
         | (nn_emit_type (emit, p->v) == NN_F16 ? NN_TYPES_V_HALF : 0);
}

/* An invocation keeps its queries' outputs in registers: the wider the head, the fewer
 * queries. */
static Form
staged_form (const NnEmit *emit, const NnAttention *p, guint lanes)
{
  guint rows = p->head_dim <= 80 ? 4 : p->head_dim <= 160 ? 2 : 1;

  return (Form){ "attention-staged",          lanes, 0, { types_of (emit, p), rows }, 2,
                 lanes / STAGED_SHARE * rows, TRUE };
}

static guint
staged_shared (const Form *form, guint d4)
{
  guint keys = STAGED_KEYS * (STAGED_SHARE + 1);
  guint row = d4 + 1 + STAGED_KEYS / 4 + 1 + 2;

  return (form->group_rows * row + keys) * 16;
}

/* workgroup 0: it does not fit the device */
static Form
fitting_staged_form (const NnEmit *emit, const NnAttention *p)
{
  guint lanes = MIN (STAGED_LANES, emit->info->max_workgroup);
  Form form = { 0 };

  for (; lanes >= STAGED_SHARE; lanes /= 2)
    {
      form = staged_form (emit, p, lanes);
      if (staged_shared (&form, p->head_dim / 4) <= emit->info->max_shared_bytes)
        return form;
    }
  return (Form){ 0 };
}

static guint
round_up (guint n, guint step)
{
  return nn_div_up (n, step) * step;
}

/* Channels at once: steps of about the same length. */
static guint
units_channels (const GpuInfo *info, guint head_dim, guint across)
{
  guint step = MAX (info->matrix_k, across * info->matrix_n);
  guint most = head_dim > UNITS_WIDE ? UNITS_CHANNELS_WIDE : UNITS_CHANNELS;
  guint steps = nn_div_up (head_dim, MAX (most, step));

  return round_up (nn_div_up (head_dim, steps), step);
}

static guint
units_shared (const GpuInfo *info, guint head_dim, guint down, guint across, guint keys)
{
  guint channels = units_channels (info, head_dim, across);
  guint rows = down * info->matrix_m;
  guint q = rows * (round_up (head_dim, channels) + UNITS_PADDING);
  guint kv = keys * (channels + UNITS_PADDING), weights = rows * (keys + UNITS_PADDING);

  return 2 * (q + kv + weights) + 4 * rows * (keys + 4)
         + 4 * across * down * info->matrix_subgroup;
}

/* workgroup 0: it does not fit the device */
static Form
units_form (const NnEmit *emit, const NnAttention *p)
{
  const GpuInfo *info = emit->info;
  guint across = p->head_dim > UNITS_WIDE ? UNITS_ACROSS : 1, down = UNITS_DOWN;
  guint share, keys;

  if (info->matrix_m == 0 || nn_emit_type (emit, p->q) != NN_F16
      || across * info->matrix_subgroup % info->matrix_m != 0)
    return (Form){ 0 };
  share = across * info->matrix_subgroup / info->matrix_m; /* lanes to a query */
  keys = round_up (MAX (UNITS_KEYS, 4 * share),
                   MAX (info->matrix_k, across * info->matrix_n));
  keys = round_up (keys, 4 * share);
  while (down > 0
         && (down * across * info->matrix_subgroup > info->max_workgroup
             || units_shared (info, p->head_dim, down, across, keys)
                    > info->max_shared_bytes))
    down /= 2;
  return (Form){ "attention-units",
                 down * across * info->matrix_subgroup,
                 info->matrix_subgroup,
                 { types_of (emit, p), info->matrix_m, info->matrix_n, info->matrix_k,
                   down, across, info->matrix_subgroup, keys,
                   units_channels (info, p->head_dim, across) },
                 9,
                 down * info->matrix_m,
                 TRUE };
}

static Form
form_of (const NnEmit *emit, const NnAttention *p, NnFamily family)
{
  return family == NN_FAMILY_MATRIX   ? units_form (emit, p)
         : family == NN_FAMILY_STAGED ? fitting_staged_form (emit, p)
                                      : direct_form (emit, p);
}

gboolean
nn_attention_fits (const NnEmit *emit, const NnAttention *p, NnFamily family)
{
  return form_of (emit, p, family).workgroup > 0;
}

static void
bind (const NnEmit *emit, const NnAttention *p, const Form *form, NnDispatch *d)
{
  d->shader = form->shader;
  d->workgroup = form->workgroup;
  d->subgroup = form->subgroup;
  d->sampled = form->sampled;
  d->bindings[0] = nn_emit_read (emit, p->q);
  d->bindings[1] = nn_emit_read (emit, p->k);
  d->bindings[2] = nn_emit_read (emit, p->v);
  d->n_bindings = 4;
  for (guint i = 0; i < 3 && form->storage; i++)
    d->bindings[i].kind = GPU_BIND_STORAGE;
  d->spec[d->n_spec++] = p->head_dim / 4;
  for (guint i = 0; i < form->n_spec; i++)
    d->spec[d->n_spec++] = form->spec[i];
}

gboolean
nn_emit_attention (const NnEmit *emit, const NnOp *op, GError **error)
{
  const NnAttention *p = &op->attention;

  if (op->scratch_bytes > 0)
    return nn_emit_attention_products (emit, op, error);
  Form form = form_of (emit, p, op->variant.family);
  NnDispatch d = { .half = nn_emit_type (emit, op->y) == NN_F16 };
  guint32 t_q = p->q->h * p->q->w;
  NnAttentionParams push = { .t_q = t_q,
                             .t_k = p->k->h * p->k->w,
                             .k_valid = p->k_valid,
                             .causal = p->causal,
                             .q_pitch = nn_pad4 (p->q->c) / 4,
                             .k_pitch = nn_pad4 (p->k->c) / 4,
                             .v_pitch = nn_pad4 (p->v->c) / 4,
                             .y_pitch = nn_pad4 (op->y->c) / 4,
                             .q_base = p->q_offset / 4,
                             .k_base = p->k_offset / 4,
                             .v_base = p->v_offset / 4,
                             .scale = (float) (M_LOG2E / sqrt ((double) p->head_dim)) };
  g_autofree char *variant = g_strdup_printf ("%u rows", form.group_rows);
  g_autoptr (GArray) parts = nn_emit_parts (emit, op->y, op->y->n, t_q, form.group_rows);

  bind (emit, p, &form, &d);
  d.variant = variant;
  d.push = &push;
  d.push_size = sizeof push;
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);

      d.bindings[3] = part->output;
      push.image0 = part->image0;
      push.row0 = part->row0;
      push.first = part->first;
      d.groups[0] = nn_div_up (part->rows, form.group_rows);
      d.groups[1] = p->heads;
      d.groups[2] = part->images;
      d.flops = op->flops * part->images * part->rows / ((double) op->y->n * t_q);
      d.bytes = (nn_emit_bytes (emit, op->y) * 2 * part->rows / t_q
                 + 2.0 * nn_emit_bytes (emit, op->y) / t_q * push.k_valid)
                * part->images / op->y->n;
      if (!nn_emit_dispatch (emit, op, &d, error))
        return FALSE;
    }
  return TRUE;
}
