/* sd-lora-change.c: what a module of a LoRA makes of a weight
 *
 * W is [out][in·taps]; every kind gives a matrix Δ of that shape, row by row:
 *
 *     pair    up · down; with a core M of Tucker: down'[r][i][tap] = Σ
 * M[r][q][tap]·down[q][i] LoHa    (a1 · b1) ∘ (a2 · b2) LoKr    w1 ⊗ w2 IA3     W ∘ v, by
 * rows or by columns full    as it is
 *
 * and W becomes W + strength · scale · Δ. With DoRA (Liu et al. 2024) it becomes
 * W + strength · (m · V / ‖V‖ − W), V = W + scale · Δ, lengths being those of rows, or,
 * as LyCORIS trains by default, those of columns.
 *
 * Products are in F32, four rows and four ranks at a time: each sum of four products is
 * added in the order of ranks, whatever the machine. SD 1.5's attention at rank 32, 265 M
 * weights: about 2 CPU-seconds.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-lora-private.h"
#include "base/base-parallel.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define ROWS 4            /* at a time */
#define RANKS 4           /* likewise; ranks are filled up with zeros */
#define COLUMNS 512       /* of a strip that stays in the nearest cache */
#define WORTH_THREADS 4e6 /* multiplications */

/* a · b: [out][rank] · [rank][columns] */
typedef struct
{
  float *a, *b;
  gsize rank; /* a multiple of RANKS */
} Product;

typedef struct
{
  const SdLoraMatch *match;
  gsize out, columns, in, taps;
  double strength, scale;
  float *values;
  Product first, second; /* of a pair the first */
  float *w1, *w2;        /* LoKr's factors */
  float *full, *vector;  /* differences; IA3's */
  gsize w2_out, w1_in, w2_in;
  gboolean on_input;
  float *lengths; /* (nullable): DoRA's */
  gboolean by_column;
  float *column_scale; /* of DoRA by columns: length / ‖V‖ */
  float *before;       /* likewise: W */
} Change;

static void
product_clear (Product *product)
{
  g_clear_pointer (&product->a, g_free);
  g_clear_pointer (&product->b, g_free);
}

static void
change_clear (Change *change)
{
  product_clear (&change->first);
  product_clear (&change->second);
  g_free (change->w1);
  g_free (change->w2);
  g_free (change->full);
  g_free (change->vector);
  g_free (change->lengths);
  g_free (change->column_scale);
  g_free (change->before);
}

/* ---- factors ---- */

static float *
part_values (const Change *change, SdLoraRole role, GError **error)
{
  const SdLoraModule *module = change->match->module;
  const StTensor *t = module->parts[role]->tensor;
  float *values = nn_alloc (t->count, sizeof *values, module->name, error);

  if (values != NULL)
    st_dtype_to_float (t->dtype, module->data[role], 0, t->count, values);
  return values;
}

/* @n rows of @columns values become @padded, the rest zeros */
static float *
pad_rows (float *values, gsize n, gsize columns, gsize padded, GError **error)
{
  if (n == padded || values == NULL)
    return values;
  float *more = nn_alloc (padded * columns, sizeof *more, "LoRA", error);
  if (more != NULL)
    {
      memcpy (more, values, n * columns * sizeof *more);
      memset (more + n * columns, 0, (padded - n) * columns * sizeof *more);
    }
  g_free (values);
  return more;
}

static float *
pad_columns (float *values, gsize n, gsize columns, gsize padded, GError **error)
{
  if (columns == padded || values == NULL)
    return values;
  float *more = nn_alloc (n * padded, sizeof *more, "LoRA", error);
  for (gsize i = 0; more != NULL && i < n; i++)
    {
      memcpy (more + i * padded, values + i * columns, columns * sizeof *more);
      memset (more + i * padded + columns, 0, (padded - columns) * sizeof *more);
    }
  g_free (values);
  return more;
}

/* [in][out] → [out][in] */
static float *
transpose (float *values, gsize in, gsize out, GError **error)
{
  float *turned
      = values != NULL ? nn_alloc (in * out, sizeof *turned, "LoRA", error) : NULL;

  for (gsize i = 0; turned != NULL && i < in; i++)
    for (gsize o = 0; o < out; o++)
      turned[o * in + i] = values[i * out + o];
  g_free (values);
  return turned;
}

/* core [n][q][taps] with b [q][in]: [n][in][taps] */
static float *
through_core (const Change *change, SdLoraRole core, SdLoraRole b, GError **error)
{
  const SdLoraModule *module = change->match->module;
  gsize n = sd_lora_side (module->parts[core], 0),
        q = sd_lora_side (module->parts[core], 1);
  gsize taps
      = sd_lora_side (module->parts[core], 2) * sd_lora_side (module->parts[core], 3);
  gsize in = sd_lora_columns (module->parts[b]);
  g_autofree float *t = part_values (change, core, error);
  g_autofree float *down = t != NULL ? part_values (change, b, error) : NULL;
  float *made
      = down != NULL ? nn_alloc (n * in * taps, sizeof *made, "LoRA", error) : NULL;

  for (gsize i = 0; made != NULL && i < n; i++)
    {
      float *row = made + i * in * taps;
      memset (row, 0, in * taps * sizeof *row);
      for (gsize j = 0; j < q; j++)
        for (gsize c = 0; c < in; c++)
          for (gsize k = 0; k < taps; k++)
            row[c * taps + k] += t[(i * q + j) * taps + k] * down[j * in + c];
    }
  return made;
}

/* @core: SD_LORA_N_ROLES: none; @turned: a is [rank][out] */
static gboolean
load_product (Change *change,
              Product *product,
              SdLoraRole a,
              SdLoraRole b,
              SdLoraRole core,
              gboolean turned,
              GError **error)
{
  const SdLoraModule *module = change->match->module;
  const StModelTensor *part = module->parts[a];
  gboolean cored = core != SD_LORA_N_ROLES && module->parts[core] != NULL;
  gsize rank = turned && cored ? sd_lora_side (part, 0) : sd_lora_columns (part);
  gsize out = part->tensor->count / rank;

  product->rank = (rank + RANKS - 1) / RANKS * RANKS;
  product->a = part_values (change, a, error);
  if (turned && cored)
    product->a = transpose (product->a, rank, out, error);
  product->a = pad_columns (product->a, out, rank, product->rank, error);
  if (product->a == NULL)
    return FALSE;
  product->b
      = cored ? through_core (change, core, b, error) : part_values (change, b, error);
  product->b = pad_rows (product->b, rank, change->columns, product->rank, error);
  return product->b != NULL;
}

/* A whole factor of a Kronecker product: [rows][columns]. */
static float *
load_factor (Change *change,
             SdLoraRole whole,
             SdLoraRole a,
             SdLoraRole b,
             SdLoraRole core,
             GError **error)
{
  const SdLoraModule *module = change->match->module;

  if (module->parts[whole] != NULL)
    return part_values (change, whole, error);
  gboolean cored = core != SD_LORA_N_ROLES && module->parts[core] != NULL;
  gsize rank = sd_lora_side (module->parts[cored ? a : b], 0);
  gsize rows
      = cored ? sd_lora_columns (module->parts[a]) : sd_lora_side (module->parts[a], 0);
  gsize columns = sd_lora_columns (module->parts[b]);
  if (cored)
    columns
        *= sd_lora_side (module->parts[core], 2) * sd_lora_side (module->parts[core], 3);
  g_autofree float *left = part_values (change, a, error);
  if (cored)
    left = transpose (left, rank, rows, error);
  g_autofree float *right = left == NULL ? NULL
                            : cored      ? through_core (change, core, b, error)
                                         : part_values (change, b, error);
  float *made
      = right != NULL ? nn_alloc (rows * columns, sizeof *made, "LoRA", error) : NULL;
  for (gsize i = 0; made != NULL && i < rows; i++)
    {
      memset (made + i * columns, 0, columns * sizeof *made);
      for (gsize r = 0; r < rank; r++)
        for (gsize c = 0; c < columns; c++)
          made[i * columns + c] += left[i * rank + r] * right[r * columns + c];
    }
  return made;
}

static gboolean
load_kron (Change *change, GError **error)
{
  const SdLoraModule *module = change->match->module;
  gsize w1_out, w1_in;

  change->w1 = load_factor (change, SD_LORA_KRON_W1, SD_LORA_KRON_W1_A, SD_LORA_KRON_W1_B,
                            SD_LORA_N_ROLES, error);
  if (change->w1 == NULL)
    return FALSE;
  change->w2 = load_factor (change, SD_LORA_KRON_W2, SD_LORA_KRON_W2_A, SD_LORA_KRON_W2_B,
                            SD_LORA_KRON_T2, error);
  sd_lora_kron_sides (module, &w1_out, &w1_in);
  change->w1_in = w1_in;
  change->w2_out = change->out / w1_out;
  change->w2_in = change->in / w1_in;
  return change->w2 != NULL;
}

static gboolean
load_lengths (Change *change, GError **error)
{
  const SdLoraModule *module = change->match->module;
  SdLoraRole role = sd_lora_has (module, SD_LORA_DORA) ? SD_LORA_DORA : SD_LORA_MAGNITUDE;

  if (!sd_lora_has (module, role))
    return TRUE;
  change->lengths = part_values (change, role, error);
  change->by_column = sd_lora_by_column (change->match);
  return change->lengths != NULL;
}

static gboolean
load (Change *change, gboolean bias, GError **error)
{
  const SdLoraModule *module = change->match->module;

  if (bias)
    {
      change->full = part_values (change, SD_LORA_DIFF_B, error);
      return change->full != NULL;
    }
  if (!load_lengths (change, error))
    return FALSE;
  switch (module->kind)
    {
    case SD_LORA_PAIR:
      return load_product (change, &change->first, SD_LORA_UP, SD_LORA_DOWN, SD_LORA_MID,
                           FALSE, error);
    case SD_LORA_HADA:
      return load_product (change, &change->first, SD_LORA_HADA_W1_A, SD_LORA_HADA_W1_B,
                           SD_LORA_HADA_T1, TRUE, error)
             && load_product (change, &change->second, SD_LORA_HADA_W2_A,
                              SD_LORA_HADA_W2_B, SD_LORA_HADA_T2, TRUE, error);
    case SD_LORA_KRON:
      return load_kron (change, error);
    case SD_LORA_FULL:
      change->full = part_values (change, SD_LORA_DIFF, error);
      return change->full != NULL;
    case SD_LORA_IA3:
      {
        float on;
        const StTensor *t = module->parts[SD_LORA_ON_INPUT]->tensor;
        st_dtype_to_float (t->dtype, module->data[SD_LORA_ON_INPUT], 0, 1, &on);
        change->on_input = on != 0;
        change->vector = part_values (change, SD_LORA_VECTOR, error);
        return change->vector != NULL;
      }
    }
  return FALSE;
}

/* ---- rows ---- */

/* One strip: rows[0 … 3] += factor · a · b, ranks in order. */
BASE_VECTOR static void
add_strip (float *const rows[ROWS],
           const float *const a[ROWS],
           const float *b,
           gsize rank,
           gsize pitch,
           gsize n,
           float factor)
{
  float *restrict r0 = rows[0], *restrict r1 = rows[1], *restrict r2 = rows[2],
                  *restrict r3 = rows[3];

  for (gsize k = 0; k < rank; k += RANKS)
    {
      const float *restrict b0 = b + k * pitch, *restrict b1 = b0 + pitch;
      const float *restrict b2 = b1 + pitch, *restrict b3 = b2 + pitch;
      float f[ROWS][RANKS];

      for (guint i = 0; i < ROWS; i++)
        for (guint j = 0; j < RANKS; j++)
          f[i][j] = factor * a[i][k + j];
      for (gsize c = 0; c < n; c++)
        {
          r0[c] += (f[0][0] * b0[c] + f[0][1] * b1[c])
                   + (f[0][2] * b2[c] + f[0][3] * b3[c]);
          r1[c] += (f[1][0] * b0[c] + f[1][1] * b1[c])
                   + (f[1][2] * b2[c] + f[1][3] * b3[c]);
          r2[c] += (f[2][0] * b0[c] + f[2][1] * b1[c])
                   + (f[2][2] * b2[c] + f[2][3] * b3[c]);
          r3[c] += (f[3][0] * b0[c] + f[3][1] * b1[c])
                   + (f[3][2] * b2[c] + f[3][3] * b3[c]);
        }
    }
}

/* Rows [first, first + n), n ≤ 4, one @pitch behind the other; a missing row is worked
 * out into @spare. */
static void
add_product (const Product *product,
             gsize columns,
             gsize first,
             gsize n,
             float *values,
             float factor,
             float *spare)
{
  for (gsize c = 0; c < columns; c += COLUMNS)
    {
      float *rows[ROWS];
      const float *a[ROWS];

      for (gsize i = 0; i < ROWS; i++)
        {
          rows[i] = i < n ? values + i * columns + c : spare + i * COLUMNS;
          a[i] = product->a + (first + MIN (i, n - 1)) * product->rank;
        }
      add_strip (rows, a, product->b + c, product->rank, columns,
                 MIN (COLUMNS, columns - c), factor);
    }
}

static void
add_hada (const Change *change, gsize first, gsize n, float *values, float factor)
{
  gsize all = n * change->columns;
  g_autofree float *one = g_new0 (float, all), *other = g_new0 (float, all);
  float spare[ROWS * COLUMNS] = { 0 };

  add_product (&change->first, change->columns, first, n, one, 1, spare);
  add_product (&change->second, change->columns, first, n, other, 1, spare);
  for (gsize i = 0; i < all; i++)
    values[i] += factor * (one[i] * other[i]);
}

static void
add_kron (const Change *change, gsize row, float *values, float factor)
{
  gsize columns = change->w2_in * change->taps;
  const float *w1 = change->w1 + row / change->w2_out * change->w1_in;
  const float *w2 = change->w2 + row % change->w2_out * columns;

  for (gsize i = 0; i < change->w1_in; i++)
    for (gsize c = 0; c < columns; c++)
      values[i * columns + c] += factor * (w1[i] * w2[c]);
}

/* Adds @factor · Δ to rows [first, first + n), n ≤ 4. */
static void
add_rows (const Change *change, gsize first, gsize n, float *values, double by)
{
  gsize columns = change->columns;
  float factor = (float) by, spare[ROWS * COLUMNS] = { 0 };

  if (change->w1 != NULL)
    for (gsize i = 0; i < n; i++)
      add_kron (change, first + i, values + i * columns, factor);
  else if (change->second.a != NULL)
    add_hada (change, first, n, values, factor);
  else if (change->first.a != NULL)
    add_product (&change->first, columns, first, n, values, factor, spare);
  else if (change->vector != NULL)
    for (gsize i = 0; i < n * columns; i++)
      values[i] += factor * values[i]
                   * change->vector[change->on_input ? i % columns / change->taps
                                                     : first + i / columns];
  else
    for (gsize i = 0; i < n * columns; i++)
      values[i] += factor * change->full[first * columns + i];
}

/* W + strength · (W' − W), where W' is there; W' itself at strength 1 */
static float
towards (float before, float after, double strength)
{
  return strength == 1 ? after : before + (float) strength * (after - before);
}

static void
change_block (guint64 index, gpointer data)
{
  const Change *change = data;
  gsize first = index * ROWS, n = MIN (ROWS, change->out - first);
  gsize columns = change->columns;
  float *values = change->values + first * columns;

  if (change->lengths == NULL || change->by_column)
    {
      add_rows (change, first, n, values,
                change->by_column ? change->scale : change->strength * change->scale);
      return;
    }
  g_autofree float *before = g_memdup2 (values, n * columns * sizeof *values);
  add_rows (change, first, n, values, change->scale);
  for (gsize i = 0; i < n; i++)
    {
      float *row = values + i * columns;
      double sum = 0;
      for (gsize c = 0; c < columns; c++)
        sum += (double) row[c] * row[c];
      float by = sum > 0 ? (float) (change->lengths[first + i] / sqrt (sum)) : 0;
      for (gsize c = 0; c < columns; c++)
        row[c] = towards (before[i * columns + c], row[c] * by, change->strength);
    }
}

/* ---- columns ---- */

/* Input @index in all rows. */
static void
measure_column (guint64 index, gpointer data)
{
  Change *change = data;
  double sum = 0;

  for (gsize o = 0; o < change->out; o++)
    for (gsize k = 0; k < change->taps; k++)
      {
        double v = change->values[o * change->columns + index * change->taps + k];
        sum += v * v;
      }
  change->column_scale[index]
      = sum > 0 ? (float) (change->lengths[index] / sqrt (sum)) : 0;
}

static void
scale_row (guint64 index, gpointer data)
{
  const Change *change = data;
  float *row = change->values + index * change->columns;
  const float *before = change->before + index * change->columns;

  for (gsize c = 0; c < change->columns; c++)
    row[c] = towards (before[c], row[c] * change->column_scale[c / change->taps],
                      change->strength);
}

gboolean
sd_lora_change (const SdLoraMatch *match,
                double strength,
                gboolean bias,
                float *values,
                GError **error)
{
  const SdLoraTarget *target = match->target;
  Change change = {
    .match = match,
    .out = target->out,
    .in = bias ? 1 : target->in,
    .taps = bias ? 1 : target->taps,
    .strength = strength,
    .scale = bias ? 1 : match->module->scale,
    .values = values,
  };
  change.columns = change.in * change.taps;
  gsize all = change.out * change.columns;
  gboolean good = load (&change, bias, error);

  if (good && change.by_column)
    {
      change.column_scale = nn_alloc (change.in, sizeof (float), "LoRA", error);
      change.before = nn_alloc (all, sizeof (float), match->module->name, error);
      good = change.column_scale != NULL && change.before != NULL;
      if (good)
        memcpy (change.before, values, all * sizeof (float));
    }
  if (good)
    {
      double work = (double) all * MAX (change.first.rank, 1);
      guint most = work < WORTH_THREADS ? 1 : G_MAXUINT;
      base_parallel ((change.out + ROWS - 1) / ROWS, most, change_block, &change);
      if (change.by_column)
        {
          base_parallel (change.in, most, measure_column, &change);
          base_parallel (change.out, most, scale_row, &change);
        }
    }
  change_clear (&change);
  return good;
}

gboolean
sd_lora_touches (const SdLoraMatch *match, gboolean bias)
{
  const SdLoraModule *module = match->module;

  if (bias)
    return match->target->bias != NULL && sd_lora_has (module, SD_LORA_DIFF_B);
  return module->kind != SD_LORA_FULL || sd_lora_has (module, SD_LORA_DIFF);
}
