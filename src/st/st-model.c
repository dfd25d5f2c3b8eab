/* st-model.c: one or several files as one list of tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-model-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _StModel
{
  gatomicrefcount refs;
  char *path;
  char *folder; /* (nullable): where the model's other files lie */
  gboolean is_named;
  GPtrArray *files;
  StArena *arena; /* names with a part in front */
  StModelTensor *tensors;
  guint n_tensors;
  StNames *names; /* NULL for a single file, which has its own */
  char **warnings;
  gpointer attached;
  GDestroyNotify destroy_attached;
};

/* Only where there are several files; one file has its own table. */
static const char *
model_name (gconstpointer items, guint index, gsize *length)
{
  const StModelTensor *tensor = (const StModelTensor *) items + index;

  *length = tensor->name_length;
  return tensor->name;
}

/* A name that two files have is the first one's: the index or folder is at fault, and the
 * caller warns. */
static guint
add_tensors (StModel *model, StFile *file, const char *prefix)
{
  const gsize prefix_length = strlen (prefix);
  guint n_twice = 0;

  for (guint i = 0; i < st_file_n_tensors (file); i++)
    {
      StModelTensor *tensor = &model->tensors[model->n_tensors];
      guint32 hash;

      tensor->tensor = st_file_tensor (file, i);
      tensor->file = file;
      tensor->name = tensor->tensor->name;
      tensor->name_length = tensor->tensor->name_length;
      if (prefix_length > 0)
        {
          char *name
              = st_arena_alloc (model->arena, prefix_length + tensor->name_length + 1);

          memcpy (name, prefix, prefix_length);
          memcpy (name + prefix_length, tensor->name, tensor->name_length + 1);
          tensor->name = name;
          tensor->name_length += (guint32) prefix_length;
        }
      if (model->names != NULL)
        {
          if (st_names_find (model->names, model->tensors, tensor->name,
                             tensor->name_length, &hash)
              < 0)
            st_names_add (model->names, hash, model->n_tensors);
          else
            n_twice++;
        }
      model->n_tensors++;
    }
  return n_twice;
}

static void
add_file_warnings (StModel *model, GStrvBuilder *warnings, StFile *file)
{
  g_autofree char *base = g_path_get_basename (st_file_path (file));

  for (const char *const *w = st_file_warnings (file); *w != NULL; w++)
    if (model->files->len == 1)
      g_strv_builder_add (warnings, *w);
    else
      {
        g_autofree char *line = g_strdup_printf ("“%s”: %s", base, *w);

        g_strv_builder_add (warnings, line);
      }
}

static const StPart *
part_of (const StParts *parts, guint index)
{
  return g_ptr_array_index (parts->parts, index);
}

/* Opens all of @parts; the first that fails is the model's fault. */
static gboolean
open_parts (StModel *model,
            StParts *parts,
            gboolean damaged,
            const BaseTask *task,
            GError **error)
{
  guint n_tensors = 0;

  for (guint i = 0; i < parts->parts->len; i++)
    {
      const StPart *part = part_of (parts, i);
      StFile *file = damaged && parts->parts->len == 1
                         ? st_file_open_damaged (part->path, task, error)
                         : st_file_open (part->path, task, error);

      if (file == NULL)
        {
          if (parts->parts->len > 1)
            {
              g_autofree char *base = g_path_get_basename (part->path);

              g_prefix_error (error, "“%s”: ", base);
            }
          return FALSE;
        }
      g_ptr_array_add (model->files, file);
      n_tensors += st_file_n_tensors (file);
    }
  model->tensors = g_new (StModelTensor, n_tensors);
  if (parts->parts->len > 1 || part_of (parts, 0)->prefix[0] != 0)
    model->names = st_names_new (model_name);
  for (guint i = 0; i < parts->parts->len; i++)
    {
      const StPart *part = part_of (parts, i);
      StFile *file = g_ptr_array_index (model->files, i);
      const guint n_twice = add_tensors (model, file, part->prefix);

      add_file_warnings (model, parts->warnings, file);
      if (n_twice > 0)
        {
          g_autofree char *base = g_path_get_basename (part->path);
          g_autofree char *line = g_strdup_printf (
              _ ("“%s”: %u tensors that an earlier file has too"), base, n_twice);

          g_strv_builder_add (parts->warnings, line);
        }
    }
  return TRUE;
}

static StModel *
open_model (const char *path, gboolean damaged, const BaseTask *task, GError **error)
{
  g_autoptr (StModel) model = g_new0 (StModel, 1);
  StParts parts;
  gboolean ok;

  g_atomic_ref_count_init (&model->refs);
  model->path = g_strdup (path);
  model->files = g_ptr_array_new_with_free_func ((GDestroyNotify) st_file_unref);
  model->arena = st_arena_new ();
  st_parts_init (&parts);
  ok = st_parts_find (&parts, path, task, error)
       && open_parts (model, &parts, damaged, task, error);
  if (ok)
    {
      for (guint i = 0; i < parts.indexes->len; i++)
        {
          const StPartIndex *part = &g_array_index (parts.indexes, StPartIndex, i);

          st_index_check (part->index,
                          (StFile *const *) model->files->pdata + part->first,
                          parts.warnings);
          st_index_check_folder (part->index, parts.warnings);
        }
      model->warnings = g_strv_builder_end (parts.warnings);
      model->folder = g_steal_pointer (&parts.folder);
      model->is_named = parts.is_named;
    }
  st_parts_clear (&parts);
  return ok ? g_steal_pointer (&model) : NULL;
}

StModel *
st_model_open (const char *path, const BaseTask *task, GError **error)
{
  return open_model (path, FALSE, task, error);
}

StModel *
st_model_open_damaged (const char *path, const BaseTask *task, GError **error)
{
  return open_model (path, TRUE, task, error);
}

const GError *
st_model_fault (StModel *model)
{
  return model->files->len == 1 ? st_file_fault (st_model_file (model, 0)) : NULL;
}

StModel *
st_model_ref (StModel *model)
{
  g_atomic_ref_count_inc (&model->refs);
  return model;
}

void
st_model_unref (StModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->refs))
    return;
  if (model->destroy_attached != NULL)
    model->destroy_attached (model->attached);
  g_ptr_array_unref (model->files);
  st_arena_free (model->arena);
  st_names_free (model->names);
  g_free (model->tensors);
  g_strfreev (model->warnings);
  g_free (model->folder);
  g_free (model->path);
  g_free (model);
}

void
st_model_attach (StModel *model, gpointer data, GDestroyNotify destroy)
{
  if (model->destroy_attached != NULL)
    model->destroy_attached (model->attached);
  model->attached = data;
  model->destroy_attached = data != NULL ? destroy : NULL;
}

gpointer
st_model_attached (StModel *model)
{
  return model->attached;
}

const char *
st_model_path (StModel *model)
{
  return model->path;
}

char *
st_model_title (StModel *model)
{
  static const char *const suffixes[] = { ".safetensors.index.json", ".safetensors" };
  const char *title = st_model_metadata_value (model, "modelspec.title");
  char *base;

  if (title != NULL && title[0] != 0)
    return st_name_escape (title, strlen (title));
  base = g_filename_display_basename (model->is_named ? model->folder : model->path);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (base, suffixes[i]) && strlen (base) > strlen (suffixes[i]))
      {
        base[strlen (base) - strlen (suffixes[i])] = 0;
        break;
      }
  return base;
}

gboolean
st_model_is_folder (StModel *model)
{
  return model->is_named;
}

guint
st_model_n_files (StModel *model)
{
  return model->files->len;
}

StFile *
st_model_file (StModel *model, guint index)
{
  g_return_val_if_fail (index < model->files->len, NULL);
  return g_ptr_array_index (model->files, index);
}

guint
st_model_n_tensors (StModel *model)
{
  return model->n_tensors;
}

const StModelTensor *
st_model_tensor (StModel *model, guint index)
{
  g_return_val_if_fail (index < model->n_tensors, NULL);
  return &model->tensors[index];
}

const StModelTensor *
st_model_find (StModel *model, const char *name)
{
  gssize index;

  if (model->names == NULL)
    {
      StFile *file = st_model_file (model, 0);
      const StTensor *tensor = st_file_find (file, name, -1);

      return tensor == NULL ? NULL : &model->tensors[tensor - st_file_tensor (file, 0)];
    }
  index = st_names_find (model->names, model->tensors, name, strlen (name), NULL);
  return index < 0 ? NULL : &model->tensors[index];
}

const char *
st_model_metadata_value (StModel *model, const char *key)
{
  for (guint i = 0; i < model->files->len; i++)
    {
      const char *value = st_file_metadata_value (st_model_file (model, i), key);

      if (value != NULL)
        return value;
    }
  return NULL;
}

char *
st_model_read_json (StModel *model, const char *relative, gsize *length)
{
  g_autofree char *path = NULL;
  char *text = NULL;

  if (model->folder == NULL)
    return NULL;
  path = g_build_filename (model->folder, relative, NULL);
  return g_file_get_contents (path, &text, length, NULL) ? text : NULL;
}

const char *const *
st_model_warnings (StModel *model)
{
  return (const char *const *) model->warnings;
}
