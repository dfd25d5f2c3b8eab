/* nn-emit.c: operators to dispatches: what all emitters share, and the small operators
 *
 * A workgroup is one subgroup and lanes are told apart by their place in it, so kernels
 * are compiled for one subgroup size. Where that cannot be fixed, or shuffles are
 * missing, the “plain” variants run, which exchange nothing between lanes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-check-private.h"
#include "nn/nn-emit-private.h"
#include "nn/nn-tune-private.h"

#define MAX_GROUPS 65535u
#define ROW_STEP 1024u
#define PLAIN_LANES 32u
#define ACT_PER_LANE 4u

gboolean
nn_emit_has_lanes (const NnEmit *emit)
{
  const GpuInfo *info = emit->info;

  return info->has_shuffle
         && (info->can_require_subgroup_size || info->subgroup_min == info->subgroup_max);
}

guint
nn_emit_lanes (const NnEmit *emit)
{
  return nn_emit_has_lanes (emit) ? emit->info->subgroup_size : PLAIN_LANES;
}

/* The same bindings as images; FALSE where one is fp16, of which
 * shaders/include/common.glsl has no image form. */
static gboolean
as_images (const NnDispatch *d, GpuBinding bindings[GPU_MAX_BINDINGS])
{
  for (guint i = 0; i < d->n_bindings; i++)
    {
      bindings[i] = d->bindings[i];
      if (bindings[i].kind == GPU_BIND_TEXEL_F16X4)
        return FALSE;
      if (bindings[i].kind == GPU_BIND_TEXEL_F32X4)
        bindings[i].kind = GPU_BIND_IMAGE_F32X4;
      if (bindings[i].kind == GPU_BIND_TEXEL_U32X4)
        bindings[i].kind = GPU_BIND_IMAGE_U32X4;
    }
  return TRUE;
}

gboolean
nn_emit_dispatch (const NnEmit *emit, const NnOp *op, const NnDispatch *d, GError **error)
{
  gboolean lanes = nn_emit_has_lanes (emit) && d->workgroup == 0;
  GpuBinding bindings[GPU_MAX_BINDINGS];
  gboolean images
      = lanes && emit->info->prefer_images && !d->sampled && as_images (d, bindings);
  g_autofree char *shader = g_strconcat (d->shader,
                                         d->workgroup > 0 ? ""
                                         : !lanes         ? "-plain"
                                         : images         ? "-images"
                                                          : "",
                                         NULL);
  GpuBindKind kinds[GPU_MAX_BINDINGS];
  guint32 spec[GPU_MAX_SPEC] = { d->workgroup > 0 ? d->workgroup : nn_emit_lanes (emit),
                                 emit->info->prefer_broadcast, d->half };
  g_autofree char *shape = NULL;
  GpuWork work;
  GpuKernel *kernel;

  for (guint i = 0; i < d->n_bindings; i++)
    kinds[i] = images ? bindings[i].kind : d->bindings[i].kind;
  for (guint i = 0; i < d->n_spec; i++)
    spec[3 + i] = d->spec[i];
  kernel = gpu_kernel_get (emit->device, shader, kinds, d->n_bindings, spec,
                           3 + d->n_spec, lanes ? spec[0] : d->subgroup, error);
  if (kernel == NULL)
    return FALSE;
  if (op != NULL)
    shape = nn_op_shape (op);
  work = (GpuWork){ .label = op != NULL ? op->label : d->shader,
                    .shape = shape,
                    .variant = d->variant,
                    .flops = d->flops,
                    .bytes = d->bytes };
  return gpu_recording_dispatch (emit->recording, kernel, images ? bindings : d->bindings,
                                 d->push, d->push_size, d->groups, &work, error);
}

static guint
texel_bytes (const GpuBinding *binding)
{
  return binding->kind == GPU_BIND_TEXEL_F16X4 ? 8 : 16;
}

NnSources
nn_emit_sources (const NnEmit *emit, const NnTensor *x, const NnTensor *x2)
{
  NnSources s = { .bindings = { nn_emit_read (emit, x), nn_emit_read (emit, x) } };
  GpuBinding *a = &s.bindings[0], *b = &s.bindings[1];
  guint64 begin, end;

  /* Kernels count rows from the picture's first, which may lie before the window: 32-bit
   * sums come round. */
  if (x->lazy)
    s.base[0] = -(guint32) ((guint64) x->window_first * x->w * nn_pad4 (x->c) / 4);
  if (x2 == NULL)
    return s;
  *b = nn_emit_read (emit, x2);
  begin = MIN (a->offset, b->offset);
  end = MAX (a->offset + a->size, b->offset + b->size);
  s.split = a->buffer != b->buffer || a->kind != b->kind
            || (end - begin) / texel_bytes (a) > emit->info->max_texel_elements;
  if (s.split)
    return s;
  s.base[0] = (a->offset - begin) / texel_bytes (a);
  s.base[1] = (b->offset - begin) / texel_bytes (b);
  a->offset = begin;
  a->size = end - begin;
  *b = *a;
  return s;
}

static NnPart
make_part (const NnEmit *emit, const NnTensor *y, NnPart part, guint64 rows)
{
  part.first = part.image0 * rows + part.row0;
  part.output = nn_emit_write (emit, y, part.first, (guint64) part.images * part.rows);
  return part;
}

/* Rows of @y, of @rows, that one dispatch may take without keeping the device too long.
 */
static guint64
rows_of_a_dispatch (const NnEmit *emit, const NnTensor *y, guint64 rows)
{
  double row_flops = y->producer->flops / rows;
  double most = emit->info->max_dispatch_flops / MAX (row_flops, 1);

  return most < rows ? (guint64) most : rows;
}

GArray *
nn_emit_parts (const NnEmit *emit,
               const NnTensor *y,
               guint images,
               guint64 rows,
               guint64 rows_per_group)
{
  GArray *parts = g_array_new (FALSE, FALSE, sizeof (NnPart));
  guint64 row_bytes = nn_pad4 (y->c) * (nn_emit_type (emit, y) == NN_F16 ? 2 : 4);
  guint64 limit = MIN (emit->info->max_storage_range / row_bytes,
                       rows_of_a_dispatch (emit, y, images * rows));
  NnPart part = { 0 };
  guint64 begin = (guint64) emit->row_begin * y->w, end = (guint64) emit->row_end * y->w;

  if (end == 0)
    end = rows;
  if (begin == 0 && end == rows && images * rows <= limit
      && rows <= MAX_GROUPS * rows_per_group)
    {
      part.images = images;
      part.rows = rows;
      part = make_part (emit, y, part, rows);
      g_array_append_val (parts, part);
      return parts;
    }
  limit = MIN (limit, MAX_GROUPS * rows_per_group);
  limit = MAX (limit / ROW_STEP, 1) * ROW_STEP;
  for (guint64 image = 0; image < images; image++)
    for (guint64 row = begin; row < end; row += limit)
      {
        part = (NnPart){ .image0 = image, .images = 1, .row0 = row };
        part.rows = MIN (limit, end - row);
        part = make_part (emit, y, part, rows);
        g_array_append_val (parts, part);
      }
  return parts;
}

/* ---- element by element ---- */

static gboolean
emit_elements (const NnEmit *emit,
               const NnOp *op,
               NnDispatch *d,
               guint per_lane,
               guint32 n_xs,
               GError **error)
{
  guint64 rows = (guint64) op->y->n * op->y->h * op->y->w;
  guint32 columns = nn_pad4 (op->y->c) / 4;
  guint per_group = nn_emit_lanes (emit) * per_lane;
  g_autoptr (GArray) parts
      = nn_emit_parts (emit, op->y, 1, rows, MAX (per_group / columns, 1));

  d->half = nn_emit_type (emit, op->y) == NN_F16;
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);
      NnElementsParams push = { .count = part->rows * columns,
                                .start = part->row0 * columns,
                                .n_xs = n_xs };

      d->bindings[d->n_bindings - 1] = part->output;
      d->push = &push;
      d->push_size = sizeof push;
      d->groups[0] = nn_div_up (push.count, per_group);
      d->groups[1] = d->groups[2] = 1;
      d->flops = op->flops * part->rows / rows;
      d->bytes = nn_op_bytes (emit, op) * part->rows / rows;
      if (!nn_emit_dispatch (emit, op, d, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
emit_act (const NnEmit *emit, const NnOp *op, GError **error)
{
  NnDispatch d
      = { .shader = "act", .n_bindings = 2, .spec = { op->act.act }, .n_spec = 1 };

  d.bindings[0] = nn_emit_read (emit, op->act.x);
  return emit_elements (emit, op, &d, ACT_PER_LANE, 1, error);
}

static gboolean
emit_prelu (const NnEmit *emit, const NnOp *op, GError **error)
{
  NnDispatch d = { .shader = "prelu", .n_bindings = 3 };

  d.bindings[0] = nn_emit_read (emit, op->prelu.x);
  d.bindings[1] = nn_emit_weight (emit, op->prelu.slope);
  return emit_elements (emit, op, &d, ACT_PER_LANE, nn_pad4 (op->y->c) / 4, error);
}

static gboolean
emit_combine (const NnEmit *emit, const NnOp *op, GError **error)
{
  const NnCombine *p = &op->combine;
  NnDispatch d = { .shader = "combine", .n_bindings = 6 };

  for (guint i = 0; i < 4; i++)
    d.bindings[i] = nn_emit_read (emit, p->xs[i < p->n_xs ? i : 0]);
  d.bindings[4] = nn_emit_read (emit, p->coefs);
  return emit_elements (emit, op, &d, 1, p->n_xs, error);
}

static gboolean
emit_time_embed (const NnEmit *emit, const NnOp *op, GError **error)
{
  NnDispatch d = { .shader = "time-embed", .n_bindings = 2 };

  d.bindings[0] = nn_emit_read (emit, op->time_embed.t);
  return emit_elements (emit, op, &d, 1, op->time_embed.dim, error);
}

/* ---- the way to all ---- */

static guint64
scratch_of (const NnEmit *emit, const NnOp *op)
{
  if (op->kind == NN_OP_GROUP_NORM)
    return nn_emit_group_norm_scratch (emit, op);
  if (op->kind == NN_OP_ATTENTION && op->variant.family == NN_FAMILY_DIRECT)
    return nn_attention_products_scratch (emit, op);
  if (op->kind != NN_OP_LINEAR && op->kind != NN_OP_CONV3)
    return 0;
  if (op->variant.family != NN_FAMILY_DIRECT)
    return nn_tiled_scratch (op);
  return op->kind == NN_OP_CONV3 ? nn_winograd_scratch (emit, op) : 0;
}

/* The one that was measured to be the fastest; else, or where it is not trusted, the
 * first that is. The last one, which is direct, is. A family that was asked for is taken
 * at its word. */
static NnVariant
best_variant (const NnEmit *emit, const NnOp *op, const NnVariant *list, guint n)
{
  gboolean asked = emit->family != NN_FAMILY_AUTO;
  int measured = nn_tune_look_up (emit, op, list, n);
  guint i = 0;

  if (measured >= 0 && (asked || nn_check_trusts (emit, op, &list[measured])))
    return list[measured];
  while (!asked && i + 1 < n && !nn_check_trusts (emit, op, &list[i]))
    i++;
  return list[i];
}

void
nn_emit_plan (const NnEmit *emit, NnOp *op)
{
  NnVariant list[NN_MAX_VARIANTS];
  guint n = nn_variants (emit, op, list);

  if (n == 1)
    op->variant = list[0];
  else if (emit->choose != NULL)
    op->variant = emit->choose (op, list, n, emit->choose_data);
  else
    op->variant = best_variant (emit, op, list, n);
  op->scratch_bytes = scratch_of (emit, op);
}

gboolean
nn_emit_op (const NnEmit *emit, const NnOp *op, GError **error)
{
  switch (op->kind)
    {
    case NN_OP_LINEAR:
    case NN_OP_CONV3:
      return nn_emit_matrix (emit, op, error);
    case NN_OP_GROUP_NORM:
      return nn_emit_group_norm (emit, op, error);
    case NN_OP_LAYER_NORM:
      return nn_emit_layer_norm (emit, op, error);
    case NN_OP_ATTENTION:
      return nn_emit_attention (emit, op, error);
    case NN_OP_TIME_EMBED:
      return emit_time_embed (emit, op, error);
    case NN_OP_ACT:
      return emit_act (emit, op, error);
    case NN_OP_COMBINE:
      return emit_combine (emit, op, error);
    case NN_OP_PRELU:
      return emit_prelu (emit, op, error);
    default:
      g_assert_not_reached ();
    }
}
