/* sd-lora-file.c: the keys of a LoRA's file gathered to modules, and their factors
 *
 * Factors stay in memory in the file's type, all in one piece: another strength needs
 * them again. Whatever is wrong with a file is found here or in sd-lora-match.c, before a
 * weight is touched.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"
#include "sd/sd-lora-private.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define PIECE ((gsize) 8 << 20) /* bytes read between questions whether to stop */
#define CHUNK 65536             /* values looked at at a time */
#define HASH_DIGITS 12

static void
module_free (gpointer data)
{
  SdLoraModule *module = data;
  g_free (module->name);
  g_free (module);
}

/* ---- keys to modules ---- */

static void
count_unsupported (SdLoraFile *file, const char *kind)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (file->unsupported, kind));
  g_hash_table_insert (file->unsupported, (gpointer) kind, GUINT_TO_POINTER (n + 1));
}

/* Two spellings of one thing in one module: the first is taken. */
static void
add_key (SdLoraFile *file, GHashTable *by_name, const StModelTensor *tensor)
{
  SdLoraRole role = 0;
  gsize length = 0;
  const char *unsupported = NULL;
  gboolean known = strlen (tensor->name) == tensor->name_length
                   && sd_lora_name_parse (tensor->name, &role, &length, &unsupported);

  file->n_keys++;
  if (unsupported != NULL)
    count_unsupported (file, unsupported);
  else if (!known)
    g_ptr_array_add (file->unknown, (gpointer) tensor->name);
  if (!known)
    return;
  g_autofree char *name = g_strndup (tensor->name, length);
  SdLoraModule *module = g_hash_table_lookup (by_name, name);
  if (module == NULL)
    {
      module = g_new0 (SdLoraModule, 1);
      module->name = g_steal_pointer (&name);
      module->scale = 1;
      g_hash_table_insert (by_name, module->name, module);
      g_ptr_array_add (file->modules, module);
    }
  if (module->parts[role] != NULL)
    g_ptr_array_add (file->unknown, (gpointer) tensor->name);
  else
    {
      module->parts[role] = tensor;
      module->n_keys++;
    }
}

/* One factor of a Kronecker product: whole, or a product itself. */
static gboolean
has_factor (const SdLoraModule *module, SdLoraRole whole, SdLoraRole a, SdLoraRole b)
{
  return sd_lora_has (module, whole)
         || (sd_lora_has (module, a) && sd_lora_has (module, b));
}

static gboolean
find_kind (SdLoraModule *module)
{
  if (sd_lora_has (module, SD_LORA_DOWN) && sd_lora_has (module, SD_LORA_UP))
    module->kind = SD_LORA_PAIR;
  else if (sd_lora_has (module, SD_LORA_HADA_W1_A)
           && sd_lora_has (module, SD_LORA_HADA_W1_B)
           && sd_lora_has (module, SD_LORA_HADA_W2_A)
           && sd_lora_has (module, SD_LORA_HADA_W2_B))
    module->kind = SD_LORA_HADA;
  else if (has_factor (module, SD_LORA_KRON_W1, SD_LORA_KRON_W1_A, SD_LORA_KRON_W1_B)
           && has_factor (module, SD_LORA_KRON_W2, SD_LORA_KRON_W2_A, SD_LORA_KRON_W2_B))
    module->kind = SD_LORA_KRON;
  else if (sd_lora_has (module, SD_LORA_DIFF) || sd_lora_has (module, SD_LORA_DIFF_B))
    module->kind = SD_LORA_FULL;
  else if (sd_lora_has (module, SD_LORA_VECTOR) && sd_lora_has (module, SD_LORA_ON_INPUT))
    module->kind = SD_LORA_IA3;
  else
    return FALSE;
  return TRUE;
}

/* Half of a pair: the file was cut, or written wrongly. */
static gboolean
check_halves (const SdLoraFile *file, const SdLoraModule *module, GError **error)
{
  const StModelTensor *half = NULL;

  for (SdLoraRole role = 0; half == NULL && role < SD_LORA_DIFF; role++)
    if (role != SD_LORA_ALPHA && role != SD_LORA_DORA && role != SD_LORA_MAGNITUDE)
      half = module->parts[role];
  if (half == NULL)
    return TRUE;
  return sd_lora_refuse (
      file, error,
      _ ("“%s” is there without the other factors of its product: the file is "
         "not whole"),
      half->name);
}

static void
move_to_unknown (SdLoraFile *file, const SdLoraModule *module)
{
  for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
    if (module->parts[role] != NULL)
      g_ptr_array_add (file->unknown, (gpointer) module->parts[role]->name);
}

static gboolean
gather (SdLoraFile *file, GError **error)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < st_model_n_tensors (file->model); i++)
    add_key (file, by_name, st_model_tensor (file->model, i));
  for (guint i = 0; i < file->modules->len;)
    {
      SdLoraModule *module = file->modules->pdata[i];
      if (find_kind (module))
        i++;
      else if (!check_halves (file, module, error))
        return FALSE;
      else
        {
          move_to_unknown (file, module);
          g_ptr_array_remove_index (file->modules, i);
        }
    }
  if (file->modules->len > 0 || g_hash_table_size (file->unsupported) > 0)
    return TRUE;
  return sd_lora_refuse (
      file, error,
      _ ("this is no LoRA: none of its %u keys is a known one; the first is "
         "“%s”"),
      file->n_keys, file->n_keys > 0 ? st_model_tensor (file->model, 0)->name : "");
}

/* ---- values ---- */

static gboolean
read_tensor (const StModelTensor *t,
             guint8 *dst,
             guint64 *done,
             guint64 total,
             const BaseTask *task,
             GError **error)
{
  guint64 n = t->tensor->end - t->tensor->begin;

  for (guint64 at = 0; at < n; at += PIECE)
    {
      gsize piece = MIN (PIECE, n - at);
      if (!base_task_check (task, error)
          || !st_file_read (t->file, t->tensor->begin + at, piece, dst + at, error))
        return FALSE;
      *done += piece;
      base_task_progress (task, "lora", *done, total);
    }
  return TRUE;
}

static gboolean
read_values (SdLoraFile *file, const BaseTask *task, GError **error)
{
  guint64 done = 0, at = 0;
  g_autoptr (GHashTable) places = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < st_model_n_tensors (file->model); i++)
    {
      const StTensor *t = st_model_tensor (file->model, i)->tensor;
      file->n_bytes += t->end - t->begin;
    }
  file->bytes = nn_alloc (MAX (file->n_bytes, 1), 1, file->title, error);
  if (file->bytes == NULL)
    return FALSE;
  for (guint i = 0; i < st_model_n_tensors (file->model); i++)
    {
      const StModelTensor *t = st_model_tensor (file->model, i);
      if (!read_tensor (t, file->bytes + at, &done, file->n_bytes, task, error))
        {
          g_prefix_error (error, "%s: ", file->title);
          return FALSE;
        }
      g_hash_table_insert (places, (gpointer) t, file->bytes + at);
      at += t->tensor->end - t->tensor->begin;
    }
  for (guint i = 0; i < file->modules->len; i++)
    {
      SdLoraModule *module = file->modules->pdata[i];
      for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
        if (module->parts[role] != NULL)
          module->data[role] = g_hash_table_lookup (places, module->parts[role]);
    }
  return TRUE;
}

static gboolean
check_finite (const SdLoraFile *file,
              const StModelTensor *part,
              const guint8 *data,
              GError **error)
{
  g_autofree float *values = g_new (float, CHUNK);

  for (gsize first = 0; first < part->tensor->count; first += CHUNK)
    {
      gsize n = MIN (CHUNK, part->tensor->count - first);
      st_dtype_to_float (part->tensor->dtype, data, first, n, values);
      for (gsize i = 0; i < n; i++)
        if (!isfinite (values[i]))
          return sd_lora_refuse (
              file, error,
              _ ("“%s” holds a value that is no number (%g at %u): the file is damaged"),
              part->name, values[i], (guint) (first + i));
    }
  return TRUE;
}

static gboolean
check_values (SdLoraFile *file, const BaseTask *task, GError **error)
{
  for (guint i = 0; i < file->modules->len; i++)
    {
      SdLoraModule *module = file->modules->pdata[i];
      if (!base_task_check (task, error))
        return FALSE;
      for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
        if (module->parts[role] != NULL
            && !check_finite (file, module->parts[role], module->data[role], error))
          return FALSE;
    }
  return TRUE;
}

static gboolean
check_types (const SdLoraFile *file, GError **error)
{
  for (guint i = 0; i < file->modules->len; i++)
    {
      const SdLoraModule *module = file->modules->pdata[i];
      for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
        {
          const StModelTensor *part = module->parts[role];
          gboolean free_type = role == SD_LORA_ALPHA || role == SD_LORA_ON_INPUT;
          if (part != NULL
              && (part->tensor->dtype == ST_DTYPE_C64
                  || (!free_type && !st_dtype_is_float (part->tensor->dtype))))
            return sd_lora_refuse (file, error,
                                   _ ("“%s” is %s; floating-point values are needed"),
                                   part->name, st_dtype_name (part->tensor->dtype));
        }
    }
  return TRUE;
}

/* ---- scale ---- */

/* PEFT says beside its file what it was trained with, diffusers in the metadata. */
typedef struct
{
  char *text;       /* (nullable): JSON */
  gboolean of_peft; /* names without a part in front */
} Config;

static Config
read_config (const SdLoraFile *file)
{
  const char *told = st_model_metadata_value (file->model, "lora_adapter_metadata");
  Config config = { .text = g_strdup (told) };
  g_autofree char *folder = g_file_test (file->path, G_FILE_TEST_IS_DIR)
                                ? g_strdup (file->path)
                                : g_path_get_dirname (file->path);
  g_autofree char *beside = g_build_filename (folder, "adapter_config.json", NULL);
  g_autofree char *name
      = g_path_get_basename (st_file_path (st_model_file (file->model, 0)));

  if (config.text == NULL && strcmp (name, "adapter_model.safetensors") == 0)
    config.of_peft = g_file_get_contents (beside, &config.text, NULL, NULL);
  return config;
}

static double
told_number (const Config *config, const SdLoraModule *module, const char *name)
{
  static const char *const parts[] = { "text_encoder_2.", "text_encoder.", "unet." };
  const char *part = "unet.";

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_has_prefix (module->name, parts[i]))
      {
        part = parts[i];
        break;
      }
  g_autofree char *full = g_strconcat (config->of_peft ? "" : part, name, NULL);
  return strcmp (name, "use_rslora") == 0 ? (sd_json_true (config->text, full) ? 1 : 0)
                                          : sd_json_number (config->text, full);
}

/* alpha / rank; of rank-stabilized ones alpha / √rank (Kalajdzievski 2023); 1 where
 * nothing is said. A Kronecker product of two whole factors has no rank, and no scale. */
static void
find_scale (SdLoraModule *module, const Config *config)
{
  const StModelTensor *part = module->parts[SD_LORA_ALPHA];
  double alpha = NAN, root = 0;

  if (module->rank == 0)
    return;
  if (part != NULL)
    {
      float value;
      st_dtype_to_float (part->tensor->dtype, module->data[SD_LORA_ALPHA], 0, 1, &value);
      alpha = value;
    }
  else if (config->text != NULL)
    {
      alpha = told_number (config, module, "lora_alpha");
      root = told_number (config, module, "use_rslora");
    }
  if (isfinite (alpha))
    module->scale
        = alpha / (root != 0 ? sqrt ((double) module->rank) : (double) module->rank);
}

static void
find_scales (SdLoraFile *file)
{
  Config config = read_config (file);

  for (guint i = 0; i < file->modules->len; i++)
    find_scale (file->modules->pdata[i], &config);
  g_free (config.text);
}

/* ---- opening ---- */

static void
note_identity (SdLoraFile *file)
{
  GStatBuf now;

  if (g_stat (file->path, &now) != 0)
    return;
  file->device = now.st_dev;
  file->inode = now.st_ino;
  file->size = (guint64) now.st_size;
  file->changed = now.st_mtim.tv_sec * G_USEC_PER_SEC + now.st_mtim.tv_nsec / 1000;
}

gboolean
sd_lora_file_is_fresh (const SdLoraFile *file)
{
  SdLoraFile now = { .path = file->path };

  note_identity (&now);
  return (now.inode == 0 && now.size == 0)
         || (now.device == file->device && now.inode == file->inode
             && now.size == file->size && now.changed == file->changed);
}

SdLoraFile *
sd_lora_file_new (const char *path, gboolean values, const BaseTask *task, GError **error)
{
  g_autoptr (SdLoraFile) file = g_new0 (SdLoraFile, 1);

  g_atomic_ref_count_init (&file->references);
  file->path = g_strdup (path);
  file->title = g_path_get_basename (path);
  file->modules = g_ptr_array_new_with_free_func (module_free);
  file->unknown = g_ptr_array_new ();
  file->unsupported = g_hash_table_new (g_str_hash, g_str_equal);
  note_identity (file);
  file->model = st_model_open (path, task, error);
  if (file->model == NULL)
    {
      if (error != NULL && strstr ((*error)->message, path) == NULL)
        g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  file->made_for = sd_lora_target (file->model);
  if (!gather (file, error) || !check_types (file, error)
      || !sd_lora_check_shapes (file, error))
    return NULL;
  if (!values)
    return g_steal_pointer (&file);
  if (!read_values (file, task, error) || !check_values (file, task, error))
    return NULL;
  find_scales (file);
  return g_steal_pointer (&file);
}

SdLoraFile *
sd_lora_file_ref (SdLoraFile *file)
{
  g_atomic_ref_count_inc (&file->references);
  return file;
}

void
sd_lora_file_unref (SdLoraFile *file)
{
  if (file == NULL || !g_atomic_ref_count_dec (&file->references))
    return;
  g_ptr_array_unref (file->modules);
  g_ptr_array_unref (file->unknown);
  g_hash_table_unref (file->unsupported);
  g_clear_pointer (&file->model, st_model_unref);
  g_free (file->bytes);
  g_free (file->hash);
  g_free (file->title);
  g_free (file->path);
  g_free (file);
}

/* A1111's: what kohya's trainer wrote into the metadata, else SHA-256 over all that is
 * behind the header. */
const char *
sd_lora_file_hash (SdLoraFile *file)
{
  const char *told = st_model_metadata_value (file->model, "sshs_model_hash");

  if (file->hash == NULL && told != NULL && g_utf8_strlen (told, -1) >= HASH_DIGITS)
    file->hash = g_strndup (told, HASH_DIGITS);
  if (file->hash == NULL && file->bytes != NULL)
    {
      g_autofree char *all
          = g_compute_checksum_for_data (G_CHECKSUM_SHA256, file->bytes, file->n_bytes);
      file->hash = g_strndup (all, HASH_DIGITS);
    }
  return file->hash;
}
