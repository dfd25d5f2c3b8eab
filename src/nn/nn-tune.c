/* nn-tune.c: variants chosen by measuring them
 *
 * The model in nn-variant.c guesses which of the kernels that could compute an operator
 * is the fastest; here they are run. Each shape of a program is computed by every variant
 * that is trusted (nn-check.c), with weights from nothing, and the fastest is remembered
 * for this device, this driver and this version of ours, in a text file of one line a
 * shape. Nothing is measured by itself: a first picture never waits for it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-tune-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include "nn/nn-check-private.h"
#include "nn/nn-emit-private.h"
#include "nn/nn-program-private.h"

#define REPEATS 3
#define LABEL "tuned"

/* ---- what is known: one table for the process, keys begin with the device ---- */

static GMutex lock;
static GHashTable *known; /* key → "family tile parts" */
static GHashTable *read_files;

static char *
dup_path (const GpuInfo *info)
{
  g_autofree char *name = g_strdup_printf ("tune-%s-%08x-%s", info->uuid,
                                           info->driver_version, BASE_VERSION);

  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

static char *
make_key (const NnEmit *emit, const NnOp *op)
{
  g_autofree char *shape = nn_op_shape (op);
  guint stored = op->n_weights > 0 ? op->weights[0]->stored : 0;

  return g_strdup_printf ("%s-%u %u %u %u %u %s", emit->info->uuid, emit->info->index,
                          op->kind, emit->activations, stored, emit->family, shape);
}

/* Lines of "family tile parts key". Anything else is passed over: who cannot read a line
 * measures again. */
static void
read_file (const char *path)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], "\t", -1);

      if (g_strv_length (words) == 2)
        g_hash_table_insert (known, g_strdup (words[1]), g_strdup (words[0]));
    }
}

/* Under the lock. */
static void
need_known (const GpuInfo *info)
{
  g_autofree char *path = dup_path (info);

  if (known == NULL)
    {
      known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      read_files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    }
  if (g_hash_table_contains (read_files, path))
    return;
  read_file (path);
  g_hash_table_add (read_files, g_steal_pointer (&path));
}

static void
save (const GpuInfo *info)
{
  g_autofree char *path = dup_path (info);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *prefix = g_strdup_printf ("%s-", info->uuid);
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer key, value;

  g_mutex_lock (&lock);
  g_hash_table_iter_init (&iter, known);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, prefix))
      g_string_append_printf (text, "%s\t%s\n", (char *) value, (char *) key);
  g_mutex_unlock (&lock);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents (path, text->str, (gssize) text->len, NULL);
}

static char *
variant_text (const NnVariant *variant)
{
  return g_strdup_printf ("%u %u %u", variant->family, variant->tile, variant->parts);
}

int
nn_tune_look_up (const NnEmit *emit, const NnOp *op, const NnVariant *list, guint n)
{
  g_autofree char *key = make_key (emit, op);
  g_autofree char *wanted = NULL;

  g_mutex_lock (&lock);
  need_known (emit->info);
  wanted = g_strdup (g_hash_table_lookup (known, key));
  g_mutex_unlock (&lock);
  for (guint i = 0; wanted != NULL && i < n; i++)
    {
      g_autofree char *text = variant_text (&list[i]);

      if (strcmp (text, wanted) == 0)
        return (int) i;
    }
  return -1;
}

/* ---- one operator like another, with nothing in it ---- */

static gboolean
read_small (gpointer source, void *dst, gsize n, GError **error)
{
  guint16 *codes = dst;

  for (gsize i = 0; i < n / 2; i++)
    codes[i] = 0x2000 + i * 7919 % 1024; /* fp16: 2^-7 … 2^-6; as bf16 and fp32 smaller */
  return TRUE;
}

typedef struct
{
  NnContext *context;
  NnGraph *graph;
  GPtrArray *states;
  GError **error;
} Copy;

static NnWeight *
copy_weight (const Copy *copy, const NnWeight *like)
{
  NnWeightPart part = { .read = read_small, .type = like->stored, .out = like->out };

  return nn_weight_new (copy->context, LABEL, like->kind, &part, 1, like->in);
}

/* In the type that @like has in its own program. */
static NnTensor *
copy_tensor (Copy *copy, const NnTensor *like)
{
  NnState *state;

  if (like == NULL)
    return NULL;
  state = nn_state_new (copy->context, like->n, like->h, like->w, like->c, LABEL,
                        copy->error);
  if (state == NULL)
    return NULL;
  g_ptr_array_add (copy->states, state);
  if (like->state != NULL)
    return nn_load (copy->graph, state);
  return nn_act (copy->graph, nn_load (copy->graph, state), NN_ACT_NONE, "input");
}

/* NULL: no memory for what it reads */
static NnTensor *
copy_op (Copy *copy, const NnOp *op)
{
  NnLinear linear = op->linear;
  NnConv3 conv = op->conv3;
  NnAttention attention = op->attention;
  guint n_states = op->n_inputs;

  if (op->kind == NN_OP_LINEAR)
    {
      linear.x = copy_tensor (copy, linear.x);
      linear.x2 = copy_tensor (copy, linear.x2);
      linear.residual = copy_tensor (copy, linear.residual);
      linear.weight = copy_weight (copy, linear.weight);
      linear.bias = linear.bias != NULL ? copy_weight (copy, linear.bias) : NULL;
      return copy->states->len == n_states ? nn_linear (copy->graph, &linear, LABEL)
                                           : NULL;
    }
  if (op->kind == NN_OP_CONV3)
    {
      conv.x = copy_tensor (copy, conv.x);
      conv.x2 = copy_tensor (copy, conv.x2);
      conv.residual = copy_tensor (copy, conv.residual);
      conv.channel_add = copy_tensor (copy, conv.channel_add);
      conv.weight = copy_weight (copy, conv.weight);
      conv.bias = conv.bias != NULL ? copy_weight (copy, conv.bias) : NULL;
      return copy->states->len == n_states ? nn_conv3 (copy->graph, &conv, LABEL) : NULL;
    }
  attention.q = copy_tensor (copy, attention.q);
  attention.k = op->attention.k == op->attention.q ? attention.q
                                                   : copy_tensor (copy, attention.k);
  attention.v = op->attention.v == op->attention.k ? attention.k
                                                   : copy_tensor (copy, attention.v);
  return attention.q != NULL && attention.k != NULL && attention.v != NULL
             ? nn_attention (copy->graph, &attention, LABEL)
             : NULL;
}

/* ---- measuring ---- */

typedef struct
{
  NnOpKind kind;
  NnVariant variant;
} Forced;

static NnVariant
choose_forced (const NnOp *op, const NnVariant *list, guint n, gpointer user_data)
{
  const Forced *forced = user_data;

  return op->kind == forced->kind ? forced->variant : list[n - 1];
}

/* Seconds of the dispatches that are the operator's; the best of some runs. */
static double
time_program (NnProgram *program, const BaseTask *task, GError **error)
{
  double best = G_MAXDOUBLE;

  for (guint i = 0; i <= REPEATS; i++)
    {
      g_autoptr (GArray) timings = NULL;
      double seconds = 0;

      if (!nn_program_run (program, task, error))
        return -1;
      timings = nn_program_timings (program);
      for (guint k = 0; k < timings->len; k++)
        if (strcmp (g_array_index (timings, GpuTiming, k).label, LABEL) == 0)
          seconds += g_array_index (timings, GpuTiming, k).seconds;
      if (i > 0)
        best = MIN (best, seconds);
    }
  return best;
}

/* Seconds; negative when it could not be measured. */
static double
time_variant (const NnEmit *emit,
              const NnOp *op,
              const NnVariant *variant,
              const BaseTask *task,
              GError **error)
{
  BaseTask quiet = { .cancellable = task != NULL ? task->cancellable : NULL };
  g_autoptr (NnContext) context = nn_context_new (emit->device, emit->activations);
  g_autoptr (NnGraph) graph = nn_graph_new (context, LABEL);
  g_autoptr (GPtrArray) states
      = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free);
  g_autoptr (NnProgram) program = NULL;
  Copy copy = { context, graph, states, error };
  Forced forced = { op->kind, *variant };
  NnTensor *y;
  double seconds;

  nn_context_set_family (context, variant->family);
  context->choose = choose_forced;
  context->choose_data = &forced;
  y = copy_op (&copy, op);
  if (y == NULL)
    return -1;
  program = nn_program_new (graph, TRUE, error);
  seconds = program != NULL ? time_program (program, &quiet, error) : -1;
  g_clear_pointer (&program, nn_program_free);
  return seconds;
}

/* FALSE: cancelled. What cannot be measured, for lack of memory, stays a guess. */
static gboolean
tune_op (const NnEmit *emit, const NnOp *op, const BaseTask *task, GError **error)
{
  NnVariant list[NN_MAX_VARIANTS];
  guint n = nn_variants (emit, op, list), best = 0;
  double best_seconds = G_MAXDOUBLE;

  for (guint i = 0; i < n; i++)
    {
      double seconds;

      if (!base_task_check (task, error))
        return FALSE;
      if (!nn_check_trusts (emit, op, &list[i]))
        continue;
      seconds = time_variant (emit, op, &list[i], task, NULL);
      if (seconds < 0 || seconds >= best_seconds)
        continue;
      best_seconds = seconds;
      best = i;
    }
  if (best_seconds < G_MAXDOUBLE)
    {
      g_mutex_lock (&lock);
      g_hash_table_insert (known, make_key (emit, op), variant_text (&list[best]));
      g_mutex_unlock (&lock);
    }
  return base_task_check (task, error);
}

gboolean
nn_program_tune (NnProgram *program, guint *n_tuned, const BaseTask *task, GError **error)
{
  NnEmit emit;
  gboolean good = TRUE;

  *n_tuned = 0;
  if (program->context->device == NULL)
    return TRUE;
  emit = nn_context_emit (program->context, NULL);
  for (guint i = 0; good && i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];
      NnVariant list[NN_MAX_VARIANTS];
      guint n = nn_variants (&emit, op, list);

      base_task_progress (task, "tune", i, program->ops->len);
      if (n == 1 || nn_tune_look_up (&emit, op, list, n) >= 0)
        continue;
      good = tune_op (&emit, op, task, error);
      *n_tuned += good;
    }
  if (*n_tuned > 0)
    save (emit.info);
  return good;
}
