/* sd-lora.c: which LoRAs are in force, and what that makes of each weight
 *
 * Nothing is added to the networks: a weight becomes another where its values are read
 * (sd-weights.c), so that every form of it, packed, transformed, of 8 bits or streamed,
 * follows, and a picture takes as long as without. Another set of LoRAs, or other
 * strengths, mean that the weights which they touch are made anew, those alone.
 *
 * What that needs is kept in host memory: the files' factors, and of the weights that are
 * touched the bytes as they are in the model's file, from the first time that they are
 * read for it until no LoRA is in force. So other strengths read nothing from a disk, and
 * without a LoRA the bits are those of the file. The price for SD 1.5: 0.5 GB where
 * attention and its linear layers are touched, 1.7 GB for every weight of the UNet; of XL
 * up to 5 GB. No more than a quarter of the memory that was free is taken: what does not
 * fit is read from the file again, which the system mostly has at hand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-lora-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SPARE_BYTES ((guint64) 512 << 20) /* of files that are not in force */

#define KEPT_SHARE 4 /* of free memory, for weights as they were */

/* One step in the making of a weight; compared as bytes. */
typedef struct
{
  SdLoraMatch match;
  double strength;
} Step;

struct _SdLoras
{
  SdFamily family;
  SdLoraTargets *targets;
  GPtrArray *files;   /* SdLoraFile, used last at the beginning */
  GPtrArray *current; /* SdLora */
  GHashTable *steps;  /* name of a weight → GArray of Step, in order */
  GMutex lock;        /* of what follows */
  GHashTable *kept;   /* name of a weight → GBytes: as it is in the file */
  guint64 kept_bytes, kept_limit;
};

static GHashTable *
steps_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                (GDestroyNotify) g_array_unref);
}

SdLoras *
sd_loras_new (SdNames *names, SdFamily family)
{
  SdLoras *loras = g_new0 (SdLoras, 1);

  loras->family = family;
  loras->targets = sd_lora_targets_new (names);
  loras->files = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_file_unref);
  loras->current = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  loras->steps = steps_new ();
  loras->kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) g_bytes_unref);
  g_mutex_init (&loras->lock);
  return loras;
}

void
sd_loras_free (SdLoras *loras)
{
  if (loras == NULL)
    return;
  g_mutex_clear (&loras->lock);
  g_hash_table_unref (loras->kept);
  g_hash_table_unref (loras->steps);
  g_ptr_array_unref (loras->current);
  g_ptr_array_unref (loras->files);
  sd_lora_targets_free (loras->targets);
  g_free (loras);
}

gboolean
sd_loras_any (const SdLoras *loras)
{
  return g_hash_table_size (loras->steps) > 0;
}

/* ---- files ---- */

static SdLoraFile *
find_file (SdLoras *loras, const char *path)
{
  for (guint i = 0; i < loras->files->len; i++)
    {
      SdLoraFile *file = loras->files->pdata[i];
      if (strcmp (file->path, path) == 0)
        return file;
    }
  return NULL;
}

/* (transfer none): moved to the beginning */
static SdLoraFile *
take_file (SdLoras *loras, const char *path, const BaseTask *task, GError **error)
{
  SdLoraFile *file = find_file (loras, path);
  guint at;

  if (file != NULL && !sd_lora_file_is_fresh (file))
    file = NULL; /* the old one may still be in force: it goes with the spare ones */
  if (file == NULL)
    file = sd_lora_file_new (path, TRUE, task, error);
  else if (g_ptr_array_find (loras->files, file, &at))
    g_ptr_array_steal_index (loras->files, at);
  if (file != NULL)
    g_ptr_array_insert (loras->files, 0, file);
  return file;
}

/* Those in force stay, of others the latest as far as there is room. */
static void
drop_files (SdLoras *loras, GHashTable *used)
{
  guint64 spare = 0;

  for (guint i = 0; i < loras->files->len;)
    {
      SdLoraFile *file = loras->files->pdata[i];
      gboolean stays = g_hash_table_contains (used, file);

      if (!stays)
        {
          spare += file->n_bytes;
          stays = spare <= SPARE_BYTES && sd_lora_file_is_fresh (file);
        }
      if (stays)
        i++;
      else
        g_ptr_array_remove_index (loras->files, i);
    }
}

const char *
sd_loras_hash (SdLoras *loras, const char *path)
{
  SdLoraFile *file = path != NULL ? find_file (loras, path) : NULL;

  return file != NULL ? sd_lora_file_hash (file) : NULL;
}

/* ---- what is in force ---- */

static gboolean
same_lora (const SdLora *a, const SdLora *b)
{
  return g_strcmp0 (a->path, b->path) == 0 && a->model == b->model && a->text == b->text;
}

static gboolean
same_set (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!same_lora (a->pdata[i], b->pdata[i]))
      return FALSE;
  return TRUE;
}

/* Those that were found; the same file named twice counts twice, as it does elsewhere. */
static GPtrArray *
copy_wanted (GPtrArray *wanted, GPtrArray *warnings)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);

  for (guint i = 0; wanted != NULL && i < wanted->len; i++)
    {
      const SdLora *lora = wanted->pdata[i];
      if (lora->path != NULL)
        {
          SdLora *copy = g_memdup2 (lora, sizeof *lora);
          copy->name = g_strdup (lora->name);
          copy->path = g_strdup (lora->path);
          g_ptr_array_add (list, copy);
        }
      else if (warnings != NULL)
        g_ptr_array_add (warnings,
                         g_strdup_printf (_ ("The LoRA “%s” was not found; the picture "
                                             "is made without it"),
                                          lora->name));
    }
  return list;
}

static void
add_step (GHashTable *steps, const char *name, const Step *step)
{
  GArray *list = g_hash_table_lookup (steps, name);

  if (list == NULL)
    {
      list = g_array_new (FALSE, TRUE, sizeof (Step));
      g_hash_table_insert (steps, g_strdup (name), list);
    }
  g_array_append_vals (list, step, 1);
}

static void
add_steps (GHashTable *steps, const GArray *matches, const SdLora *lora)
{
  for (guint i = 0; i < matches->len; i++)
    {
      const SdLoraMatch *match = &g_array_index (matches, SdLoraMatch, i);
      Step step = { .match = *match,
                    .strength = match->target->text ? lora->text : lora->model };

      if (step.strength == 0)
        continue;
      if (sd_lora_touches (match, FALSE))
        add_step (steps, match->target->weight, &step);
      if (sd_lora_touches (match, TRUE))
        add_step (steps, match->target->bias, &step);
    }
}

static void
warn_of (const SdLoraReport *report, GPtrArray *warnings)
{
  if (warnings == NULL)
    return;
  if (report->n_unmatched > 0)
    g_ptr_array_add (
        warnings,
        g_strdup_printf (
            _ ("LoRA “%s”: %u of %u keys match nothing in this model: first “%s”"),
            report->title, report->n_unmatched, report->n_keys, report->unmatched[0]));
  if (report->n_unsupported > 0)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_ ("LoRA “%s”: %u of %u keys are of kinds that "
                                         "cannot be applied (%s)"),
                                      report->title, report->n_unsupported,
                                      report->n_keys, report->unsupported));
  if (report->n_wide > 0)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_ ("LoRA “%s”: the rank of %u modules is larger "
                                         "than their weights; it works, and is more than "
                                         "is of use"),
                                      report->title, report->n_wide));
}

static gboolean
check_strength (const SdLora *lora, GError **error)
{
  const double most = 1000;

  if (ABS (lora->model) <= most && ABS (lora->text) <= most) /* not so of a NaN */
    return TRUE;
  g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
               _ ("The strength of the LoRA “%s” is %g, %g: it must be from −%g to %g"),
               lora->name, lora->model, lora->text, most, most);
  return FALSE;
}

static gboolean
make_steps (SdLoras *loras,
            GPtrArray *wanted,
            GHashTable *steps,
            GHashTable *used,
            GPtrArray *warnings,
            const BaseTask *task,
            GError **error)
{
  for (guint i = 0; i < wanted->len; i++)
    {
      const SdLora *lora = wanted->pdata[i];
      g_autoptr (SdLoraReport) report = NULL;
      g_autoptr (GArray) matches = NULL;

      if (!check_strength (lora, error))
        return FALSE;
      SdLoraFile *file = take_file (loras, lora->path, task, error);
      if (file == NULL
          || !sd_lora_match (file, loras->targets, loras->family, &matches, &report,
                             error))
        return FALSE;
      if (g_hash_table_add (used, file))
        warn_of (report, warnings);
      add_steps (steps, matches, lora);
    }
  return TRUE;
}

static gboolean
same_steps (const GArray *a, const GArray *b)
{
  return a != NULL && b != NULL && a->len == b->len
         && memcmp (a->data, b->data, a->len * sizeof (Step)) == 0;
}

static void
add_differences (GHashTable *one, GHashTable *other, GHashTable *changed)
{
  GHashTableIter iter;
  gpointer name, steps;

  g_hash_table_iter_init (&iter, one);
  while (g_hash_table_iter_next (&iter, &name, &steps))
    if (!same_steps (steps, g_hash_table_lookup (other, name)))
      g_hash_table_add (changed, g_strdup (name));
}

gboolean
sd_loras_use (SdLoras *loras,
              GPtrArray *wanted,
              GHashTable **changed,
              GPtrArray *warnings,
              const BaseTask *task,
              GError **error)
{
  g_autoptr (GPtrArray) list = copy_wanted (wanted, warnings);
  g_autoptr (GHashTable) steps = steps_new (), used = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) names
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  *changed = NULL;
  if (list->len == 0 && !sd_loras_any (loras) && loras->current->len == 0)
    return TRUE;
  if (!make_steps (loras, list, steps, used, warnings, task, error))
    return FALSE;
  add_differences (loras->steps, steps, names);
  add_differences (steps, loras->steps, names);
  if (loras->current->len == 0)
    loras->kept_limit = gpu_memory_free_of_machine () / KEPT_SHARE;
  g_clear_pointer (&loras->steps, g_hash_table_unref);
  loras->steps = g_steal_pointer (&steps);
  g_clear_pointer (&loras->current, g_ptr_array_unref);
  loras->current = g_steal_pointer (&list);
  drop_files (loras, used);
  if (g_hash_table_size (names) > 0)
    *changed = g_steal_pointer (&names);
  return TRUE;
}

gboolean
sd_loras_are (const SdLoras *loras, GPtrArray *wanted)
{
  g_autoptr (GPtrArray) list = copy_wanted (wanted, NULL);

  return same_set (list, loras->current);
}

void
sd_loras_forget (SdLoras *loras)
{
  if (loras->current->len > 0)
    return;
  g_mutex_lock (&loras->lock);
  g_hash_table_remove_all (loras->kept);
  loras->kept_bytes = 0;
  g_mutex_unlock (&loras->lock);
}

/* ---- for those who read weights ---- */

gboolean
sd_loras_touch (const SdLoras *loras, const char *name)
{
  return loras != NULL && g_hash_table_contains (loras->steps, name);
}

gboolean
sd_loras_apply (SdLoras *loras, const char *name, float *values, GError **error)
{
  const GArray *list = g_hash_table_lookup (loras->steps, name);

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const Step *step = &g_array_index (list, Step, i);
      const SdLoraTarget *target = step->match.target;
      gboolean bias = strcmp (name, target->weight) != 0;
      gsize columns = bias ? 1 : target->in * target->taps;

      if (!sd_lora_change (&step->match, step->strength, bias,
                           values + target->first * columns, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sd_loras_read (SdLoras *loras,
               const char *name,
               const StModelTensor *tensor,
               gboolean keep,
               void *dst,
               GError **error)
{
  gsize n = tensor->tensor->end - tensor->tensor->begin;
  g_autoptr (GBytes) kept = NULL;
  gboolean room;

  g_mutex_lock (&loras->lock);
  kept = g_hash_table_lookup (loras->kept, name);
  if (kept != NULL)
    g_bytes_ref (kept);
  g_mutex_unlock (&loras->lock);
  if (kept != NULL)
    {
      memcpy (dst, g_bytes_get_data (kept, NULL), n);
      return TRUE;
    }
  if (!st_file_read (tensor->file, tensor->tensor->begin, n, dst, error))
    return FALSE;
  g_mutex_lock (&loras->lock);
  room = keep && loras->kept_bytes + n <= loras->kept_limit;
  if (room)
    {
      gpointer copy = g_try_malloc (n);
      if (copy != NULL)
        {
          memcpy (copy, dst, n);
          g_hash_table_replace (loras->kept, g_strdup (name), g_bytes_new_take (copy, n));
          loras->kept_bytes += n;
        }
    }
  g_mutex_unlock (&loras->lock);
  return TRUE;
}
