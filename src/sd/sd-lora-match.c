/* sd-lora-match.c: the modules of a LoRA put to the weights of a model
 *
 * A module that means no weight here is left out and reported; one whose weight has
 * another shape means that the whole file is for another model, and it is refused before
 * anything is changed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"
#include "sd/sd-lora-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define LISTED 64 /* keys that a report names at most */

void
sd_lora_report_free (SdLoraReport *report)
{
  if (report == NULL)
    return;
  g_free (report->title);
  g_strfreev (report->unmatched);
  g_free (report->unsupported);
  g_free (report);
}

/* ---- shapes ---- */

void
sd_lora_kron_sides (const SdLoraModule *module, gsize *out, gsize *in)
{
  const StModelTensor *const *p = module->parts;

  if (p[SD_LORA_KRON_W1] != NULL)
    {
      *out = sd_lora_side (p[SD_LORA_KRON_W1], 0);
      *in = sd_lora_columns (p[SD_LORA_KRON_W1]);
      return;
    }
  *out = sd_lora_side (p[SD_LORA_KRON_W1_A], 0);
  *in = sd_lora_columns (p[SD_LORA_KRON_W1_B]);
}

/* Rows and columns of the second factor. */
static void
kron_second (const SdLoraModule *module, gsize *out, gsize *columns)
{
  const StModelTensor *const *p = module->parts;
  const StModelTensor *core = p[SD_LORA_KRON_T2];

  if (p[SD_LORA_KRON_W2] != NULL)
    {
      *out = sd_lora_side (p[SD_LORA_KRON_W2], 0);
      *columns = sd_lora_columns (p[SD_LORA_KRON_W2]);
      return;
    }
  *out = core != NULL ? sd_lora_columns (p[SD_LORA_KRON_W2_A])
                      : sd_lora_side (p[SD_LORA_KRON_W2_A], 0);
  *columns = sd_lora_columns (p[SD_LORA_KRON_W2_B]);
  if (core != NULL)
    *columns *= sd_lora_side (core, 2) * sd_lora_side (core, 3);
}

static void
hada_shape (const SdLoraModule *module,
            SdLoraRole a,
            SdLoraRole b,
            SdLoraRole core,
            gsize *out,
            gsize *columns)
{
  const StModelTensor *const *p = module->parts;

  *out = p[core] != NULL ? sd_lora_columns (p[a]) : sd_lora_side (p[a], 0);
  *columns = sd_lora_columns (p[b]);
  if (p[core] != NULL)
    *columns *= sd_lora_side (p[core], 2) * sd_lora_side (p[core], 3);
}

/* What the module is for: [out][columns]; FALSE where its own parts disagree. */
static gboolean
module_shape (const SdLoraModule *module, gsize *out, gsize *columns)
{
  const StModelTensor *const *p = module->parts;
  const StModelTensor *mid = p[SD_LORA_MID];
  gsize more[2];

  switch (module->kind)
    {
    case SD_LORA_PAIR:
      *out = sd_lora_side (p[SD_LORA_UP], 0);
      *columns = sd_lora_columns (p[SD_LORA_DOWN]);
      if (mid != NULL)
        *columns *= sd_lora_side (mid, 2) * sd_lora_side (mid, 3);
      return TRUE;
    case SD_LORA_HADA:
      hada_shape (module, SD_LORA_HADA_W1_A, SD_LORA_HADA_W1_B, SD_LORA_HADA_T1, out,
                  columns);
      hada_shape (module, SD_LORA_HADA_W2_A, SD_LORA_HADA_W2_B, SD_LORA_HADA_T2, &more[0],
                  &more[1]);
      return more[0] == *out && more[1] == *columns;
    case SD_LORA_KRON:
      sd_lora_kron_sides (module, out, columns);
      kron_second (module, &more[0], &more[1]);
      *out *= more[0];
      *columns *= more[1];
      return TRUE;
    case SD_LORA_FULL:
    case SD_LORA_IA3:
      break;
    }
  const StModelTensor *part
      = p[SD_LORA_DIFF] != NULL ? p[SD_LORA_DIFF] : p[SD_LORA_DIFF_B];
  *out = part != NULL ? sd_lora_side (part, 0) : 0;
  *columns = part != NULL ? sd_lora_columns (part) : 0;
  return TRUE;
}

static gboolean
length_fits (const StModelTensor *part, gsize one, gsize other)
{
  return part == NULL || part->tensor->count == one || part->tensor->count == other;
}

gboolean
sd_lora_by_column (const SdLoraMatch *match)
{
  const StModelTensor *part = match->module->parts[SD_LORA_DORA];

  if (part == NULL || part->tensor->count != match->target->in)
    return FALSE;
  return part->tensor->count != match->target->out
         || (part->tensor->rank > 1 && part->tensor->shape[0] == 1);
}

/* With headers only it may be meant for either side. */
static gboolean
vector_fits (const SdLoraMatch *match)
{
  const SdLoraModule *module = match->module;
  const SdLoraTarget *target = match->target;
  const guint8 *data = module->data[SD_LORA_ON_INPUT];
  float on;

  if (data == NULL)
    return length_fits (module->parts[SD_LORA_VECTOR], target->out, target->in);
  st_dtype_to_float (module->parts[SD_LORA_ON_INPUT]->tensor->dtype, data, 0, 1, &on);
  gsize n = on != 0 ? target->in : target->out;
  return length_fits (module->parts[SD_LORA_VECTOR], n, n);
}

static gboolean
fits (const SdLoraMatch *match, gsize *out, gsize *columns)
{
  const SdLoraModule *module = match->module;
  const SdLoraTarget *target = match->target;
  const StModelTensor *const *p = module->parts;
  gsize rows, cols;

  if (!module_shape (module, out, columns)
      || !length_fits (p[SD_LORA_DORA], target->out, target->in)
      || !length_fits (p[SD_LORA_MAGNITUDE], target->out, target->out)
      || !length_fits (p[SD_LORA_DIFF_B], target->out, target->out))
    return FALSE;
  if (module->kind == SD_LORA_IA3)
    return !target->vector && vector_fits (match);
  if (module->kind == SD_LORA_FULL && p[SD_LORA_DIFF] == NULL)
    return TRUE;
  if (module->kind == SD_LORA_KRON)
    {
      gsize second[2];
      sd_lora_kron_sides (module, &rows, &cols);
      kron_second (module, &second[0], &second[1]);
      if (second[1] % target->taps != 0)
        return FALSE;
    }
  return *out == target->out && *columns == target->in * target->taps
         && (module->kind == SD_LORA_FULL || !target->vector);
}

static gboolean
refuse_shape (const SdLoraFile *file,
              const SdLoraMatch *match,
              gsize out,
              gsize columns,
              GError **error)
{
  const SdLoraTarget *target = match->target;

  return sd_lora_refuse (file, error,
                         _ ("“%s” is for a weight of %u×%u values, and “%s” of this "
                            "model has %u×%u: the LoRA is for another model"),
                         match->module->name, (guint) out, (guint) columns,
                         target->weight, (guint) target->out,
                         (guint) (target->in * target->taps));
}

/* ---- all modules ---- */

static void
add_keys (const SdLoraModule *module, GPtrArray *keys)
{
  for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
    if (module->parts[role] != NULL)
      g_ptr_array_add (keys, (gpointer) module->parts[role]->name);
}

static char *
unsupported_text (const SdLoraFile *file, guint *n)
{
  GString *text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer kind, count;

  *n = 0;
  g_hash_table_iter_init (&iter, file->unsupported);
  while (g_hash_table_iter_next (&iter, &kind, &count))
    {
      g_string_append_printf (text, "%s%s: %u", text->len > 0 ? ", " : "",
                              (const char *) kind, GPOINTER_TO_UINT (count));
      *n += GPOINTER_TO_UINT (count);
    }
  return g_string_free (text, text->len == 0);
}

static SdLoraReport *
make_report (const SdLoraFile *file, GPtrArray *unmatched, guint n_wide, SdFamily family)
{
  SdLoraReport *report = g_new0 (SdLoraReport, 1);

  report->title = g_strdup (file->title);
  report->made_for = file->made_for;
  report->n_keys = file->n_keys;
  report->n_unmatched = unmatched->len;
  report->unmatched = g_new0 (char *, MIN (unmatched->len, LISTED) + 1);
  for (guint i = 0; i < MIN (unmatched->len, LISTED); i++)
    report->unmatched[i]
        = st_name_escape (unmatched->pdata[i], strlen (unmatched->pdata[i]));
  report->unsupported = unsupported_text (file, &report->n_unsupported);
  report->n_matched = file->n_keys - unmatched->len - report->n_unsupported;
  report->n_wide = n_wide;
  return report;
}

/* For which family, where that is not this one. */
static gboolean
refuse_family (const SdLoraFile *file, SdFamily family, GError **error)
{
  const char *own = sd_family_name (family);

  return sd_lora_refuse (file, error,
                         _ ("this LoRA is for %s; the model is %s. Choose a model that "
                            "it is for, or another LoRA"),
                         file->made_for,
                         own != NULL ? own : _ ("a relative of Stable Diffusion"));
}

static gboolean
is_for_another (const SdLoraFile *file, SdFamily family)
{
  return file->made_for != NULL
         && g_strcmp0 (file->made_for, sd_family_name (family)) != 0;
}

static gboolean
refuse_nothing (const SdLoraFile *file, const SdLoraReport *report, GError **error)
{
  if (report->n_unsupported > 0)
    return sd_lora_refuse (file, error,
                           _ ("its %u keys are of kinds that cannot be applied (%s)"),
                           report->n_keys, report->unsupported);
  return sd_lora_refuse (file, error,
                         _ ("none of its %u keys matches a weight of this model; the "
                            "first is “%s”"),
                         report->n_keys,
                         report->unmatched[0] != NULL ? report->unmatched[0] : "");
}

gboolean
sd_lora_match (SdLoraFile *file,
               SdLoraTargets *targets,
               SdFamily family,
               GArray **matches,
               SdLoraReport **report,
               GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, TRUE, sizeof (SdLoraMatch));
  g_autoptr (GPtrArray) unmatched = g_ptr_array_copy (file->unknown, NULL, NULL);
  guint n_wide = 0;

  for (guint i = 0; i < file->modules->len; i++)
    {
      const SdLoraModule *module = file->modules->pdata[i];
      SdLoraMatch match = { module, sd_lora_targets_find (targets, module->name,
                                                          strlen (module->name)) };
      gsize out, columns;

      if (match.target == NULL
          || (!sd_lora_touches (&match, FALSE) && !sd_lora_touches (&match, TRUE)))
        {
          add_keys (module, unmatched);
          continue;
        }
      if (!fits (&match, &out, &columns))
        return is_for_another (file, family)
                   ? refuse_family (file, family, error)
                   : refuse_shape (file, &match, out, columns, error);
      n_wide += module->rank > MIN (match.target->out, columns) ? 1 : 0;
      g_array_append_val (list, match);
    }
  g_autoptr (SdLoraReport) made = make_report (file, unmatched, n_wide, family);
  if (list->len == 0)
    return is_for_another (file, family) ? refuse_family (file, family, error)
                                         : refuse_nothing (file, made, error);
  *matches = g_steal_pointer (&list);
  if (report != NULL)
    *report = g_steal_pointer (&made);
  return TRUE;
}

SdLoraReport *
sd_lora_report_new (StModel *model,
                    const char *path,
                    const BaseTask *task,
                    GError **error)
{
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdNames) names = sd_names_open (model, info->family, error);
  g_autoptr (SdLoraFile) file
      = names != NULL ? sd_lora_file_new (path, FALSE, task, error) : NULL;
  g_autoptr (GArray) matches = NULL;
  SdLoraReport *report = NULL;

  if (file == NULL)
    return NULL;
  g_autoptr (SdLoraTargets) targets = sd_lora_targets_new (names);
  return sd_lora_match (file, targets, info->family, &matches, &report, error) ? report
                                                                               : NULL;
}
