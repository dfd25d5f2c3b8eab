/* app-session-journal.c: a session on disk

One JSON file, and beside it the states of stopped jobs (latents: tens of kilobytes, which
JSON would blow up) and the pictures that settings begin from (app-session-source.c). Each
is written whole to a temporary name and renamed, so a kill at any moment leaves the old
or the new. Numbers of 64 bits are strings: JSON readers have doubles.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include <glib/gstdio.h>

static void
picture_free (gpointer data)
{
  AppJournalPicture *picture = data;

  g_free (picture->path);
  g_free (picture->parent);
  g_free (picture);
}

static void
job_free (gpointer data)
{
  AppJournalJob *job = data;

  g_free (job->model_path);
  sd_params_free (job->params);
  g_clear_pointer (&job->state, g_bytes_unref);
  g_free (job);
}

AppJournal *
app_journal_new (void)
{
  AppJournal *journal = g_new0 (AppJournal, 1);

  journal->prompts = g_ptr_array_new_with_free_func (g_free);
  journal->pictures = g_ptr_array_new_with_free_func (picture_free);
  journal->jobs = g_ptr_array_new_with_free_func (job_free);
  return journal;
}

void
app_journal_free (AppJournal *journal)
{
  if (journal == NULL)
    return;
  g_free (journal->model_path);
  sd_params_free (journal->params);
  g_ptr_array_unref (journal->prompts);
  g_ptr_array_unref (journal->pictures);
  g_ptr_array_unref (journal->jobs);
  g_free (journal->shown);
  g_clear_pointer (&journal->source, json_object_unref);
  g_free (journal);
}

void
app_journal_add_picture (AppJournal *journal,
                         const char *path,
                         const char *parent,
                         gboolean pinned)
{
  AppJournalPicture *picture = g_new (AppJournalPicture, 1);

  picture->path = g_strdup (path);
  picture->parent = g_strdup (parent);
  picture->pinned = pinned;
  g_ptr_array_add (journal->pictures, picture);
}

void
app_journal_add_job (AppJournal *journal,
                     const char *model_path,
                     const SdParams *params,
                     GBytes *state)
{
  AppJournalJob *job = g_new (AppJournalJob, 1);

  job->model_path = g_strdup (model_path);
  job->params = sd_params_copy (params);
  job->state = state != NULL ? g_bytes_ref (state) : NULL;
  g_ptr_array_add (journal->jobs, job);
}

/* ---- writing ---- */

static void
write_string (BaseJson *json, const char *key, const char *value)
{
  base_json_key (json, key);
  base_json_string (json, value);
}

static void
write_int (BaseJson *json, const char *key, gint64 value)
{
  base_json_key (json, key);
  base_json_int (json, value);
}

static gboolean
write_params (BaseJson *json, const SdParams *params, AppKeep *keep, GError **error)
{
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, params->seed);

  base_json_key (json, "params");
  base_json_begin_object (json);
  write_string (json, "prompt", params->prompt);
  write_string (json, "negative", params->negative);
  write_int (json, "width", params->width);
  write_int (json, "height", params->height);
  write_int (json, "steps", params->steps);
  base_json_key (json, "cfg");
  base_json_double (json, params->cfg);
  write_string (json, "seed", seed);
  write_int (json, "batch", params->batch);
  write_string (json, "rng", params->rng == BASE_RANDOM_NV ? "nv" : "cpu");
  write_string (json, "grammar", sd_grammar_name (params->grammar));
  write_string (json, "emphasis", sd_emphasis_name (params->emphasis));
  write_int (json, "clip-skip", params->clip_skip);
  write_string (json, "sampler", sampler_kind_name (params->sampler));
  write_string (json, "schedule", sampler_schedule_name (params->schedule));
  if (params->source != NULL && !app_keep_write (keep, json, params->source, error))
    return FALSE;
  base_json_end_object (json);
  return TRUE;
}

static char *
state_path (const char *path, guint index)
{
  return g_strdup_printf ("%s-%u.state", path, index);
}

static gboolean
write_jobs (BaseJson *json,
            const AppJournal *journal,
            const char *path,
            AppKeep *keep,
            GError **error)
{
  base_json_key (json, "jobs");
  base_json_begin_array (json);
  for (guint i = 0; i < journal->jobs->len; i++)
    {
      AppJournalJob *job = journal->jobs->pdata[i];

      base_json_begin_object (json);
      write_string (json, "model", job->model_path);
      if (!write_params (json, job->params, keep, error))
        return FALSE;
      if (job->state != NULL)
        {
          g_autofree char *file = state_path (path, i);
          g_autofree char *name = g_path_get_basename (file);
          gsize n;
          const char *bytes = g_bytes_get_data (job->state, &n);

          if (!g_file_set_contents_full (file, bytes, (gssize) n,
                                         G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
            return FALSE;
          write_string (json, "state", name);
        }
      base_json_end_object (json);
    }
  base_json_end_array (json);
  return TRUE;
}

gboolean
app_journal_write (const AppJournal *journal,
                   const char *path,
                   AppKeep *keep,
                   GError **error)
{
  g_autoptr (BaseJson) json = base_json_new (TRUE);
  g_autofree char *folder = g_path_get_dirname (path);
  gsize n;

  g_mkdir_with_parents (folder, 0700);
  app_keep_begin (keep);
  base_json_begin_object (json);
  write_int (json, "version", 1);
  write_string (json, "model", journal->model_path);
  if (journal->params != NULL && !write_params (json, journal->params, keep, error))
    return FALSE;
  base_json_key (json, "seed_locked");
  base_json_bool (json, journal->seed_locked);
  write_string (json, "shown", journal->shown);
  base_json_key (json, "prompts");
  base_json_begin_array (json);
  for (guint i = 0; i < journal->prompts->len; i++)
    base_json_string (json, journal->prompts->pdata[i]);
  base_json_end_array (json);
  base_json_key (json, "pictures");
  base_json_begin_array (json);
  for (guint i = 0; i < journal->pictures->len; i++)
    {
      AppJournalPicture *picture = journal->pictures->pdata[i];

      base_json_begin_object (json);
      write_string (json, "path", picture->path);
      if (picture->parent != NULL)
        write_string (json, "parent", picture->parent);
      base_json_key (json, "pinned");
      base_json_bool (json, picture->pinned);
      base_json_end_object (json);
    }
  base_json_end_array (json);
  if (!write_jobs (json, journal, path, keep, error))
    return FALSE;
  base_json_end_object (json);
  g_autofree char *text = base_json_steal (json, &n);
  if (!g_file_set_contents_full (path, text, (gssize) n, G_FILE_SET_CONTENTS_CONSISTENT,
                                 0600, error))
    return FALSE;
  app_keep_end (keep);
  return TRUE;
}

/* ---- reading: a member of a wrong type counts as absent ---- */

static const char *
read_string (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static double
read_number (JsonObject *object, const char *key, double fallback)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return fallback;
  GType type = json_node_get_value_type (node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node)
                                                       : fallback;
}

static gboolean
read_bool (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

static JsonObject *
read_object (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node)
                                                       : NULL;
}

static guint
read_guint (JsonObject *object, const char *key)
{
  return (guint) CLAMP (read_number (object, key, 0), 0, G_MAXINT);
}

static SdParams *
read_params (JsonObject *object)
{
  g_autoptr (SdParams) params = NULL;
  const char *seed, *sampler, *schedule;

  if (object == NULL)
    return NULL;
  params = g_new0 (SdParams, 1);
  params->prompt = g_strdup (read_string (object, "prompt"));
  params->negative = g_strdup (read_string (object, "negative"));
  params->width = read_guint (object, "width");
  params->height = read_guint (object, "height");
  params->steps = read_guint (object, "steps");
  params->cfg = read_number (object, "cfg", 7);
  params->batch = read_guint (object, "batch");
  params->rng = g_strcmp0 (read_string (object, "rng"), "nv") == 0 ? BASE_RANDOM_NV
                                                                   : BASE_RANDOM_CPU;
  sd_grammar_parse (read_string (object, "grammar"), &params->grammar);
  sd_emphasis_parse (read_string (object, "emphasis"), &params->emphasis);
  params->clip_skip = read_guint (object, "clip-skip");
  if (params->prompt == NULL)
    params->prompt = g_strdup ("");
  if (params->negative == NULL)
    params->negative = g_strdup ("");
  seed = read_string (object, "seed");
  if (seed != NULL)
    g_ascii_string_to_unsigned (seed, 10, 0, G_MAXUINT64, &params->seed, NULL);
  sampler = read_string (object, "sampler");
  schedule = read_string (object, "schedule");
  if (sampler == NULL || schedule == NULL
      || !sampler_parse (sampler, &params->sampler, &params->schedule, NULL)
      || !sampler_schedule_parse (schedule, &params->schedule, NULL)
      || !sd_params_check (params, NULL))
    return NULL;
  return g_steal_pointer (&params);
}

/* What the members of lists are read with. */
typedef struct
{
  AppJournal *journal;
  const char *path;
  AppKeep *keep; /* (nullable) */
} Reading;

typedef void (*EachFunc) (Reading *reading, JsonNode *node);

static void
each (JsonObject *object, const char *key, EachFunc function, Reading *reading)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return;
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    function (reading, json_array_get_element (array, i));
}

static void
read_prompt (Reading *reading, JsonNode *node)
{
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    g_ptr_array_add (reading->journal->prompts, g_strdup (json_node_get_string (node)));
}

static void
read_picture (Reading *reading, JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object != NULL ? read_string (object, "path") : NULL;

  /* A picture that was moved or deleted outside is no fault: it is simply not there. */
  if (name != NULL && g_file_test (name, G_FILE_TEST_IS_REGULAR))
    app_journal_add_picture (reading->journal, name, read_string (object, "parent"),
                             read_bool (object, "pinned"));
}

/* (nullable): what the "params" of @object begin from */
static JsonObject *
source_of (JsonObject *object)
{
  JsonObject *params = read_object (object, "params");

  return params != NULL ? read_object (params, "source") : NULL;
}

static void
read_job (Reading *reading, JsonNode *node)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  JsonObject *object = json_node_get_object (node);
  g_autoptr (SdParams) params = read_params (read_object (object, "params"));
  const char *model = read_string (object, "model"),
             *name = read_string (object, "state");
  g_autoptr (GBytes) state = NULL;
  if (name != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (reading->path);
      g_autofree char *base = g_path_get_basename (name);
      g_autofree char *file = g_build_filename (folder, base, NULL);
      g_autofree char *contents = NULL;
      gsize n;

      if (g_file_get_contents (file, &contents, &n, NULL))
        state = g_bytes_new_take (g_steal_pointer (&contents), n);
    }
  JsonObject *source = params != NULL ? source_of (object) : NULL;
  if (source != NULL && reading->keep != NULL)
    params->source = app_keep_read (reading->keep, source);
  /* Without its picture it would be another one. */
  if (model != NULL && params != NULL && (source == NULL || params->source != NULL))
    app_journal_add_job (reading->journal, model, params, state);
}

AppJournal *
app_journal_read (const char *path, AppKeep *keep, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (AppJournal) journal = app_journal_new ();
  g_autofree char *text = NULL;
  gsize n;

  if (!g_file_get_contents (path, &text, &n, error)
      || !json_parser_load_from_data (parser, text, (gssize) n, error))
    return NULL;
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: not a session", path);
      return NULL;
    }
  JsonObject *object = json_node_get_object (root);
  journal->model_path = g_strdup (read_string (object, "model"));
  journal->params = read_params (read_object (object, "params"));
  journal->seed_locked = read_bool (object, "seed_locked");
  journal->shown = g_strdup (read_string (object, "shown"));
  if (journal->params != NULL && source_of (object) != NULL)
    journal->source = json_object_ref (source_of (object));
  Reading reading = { journal, path, keep };
  each (object, "prompts", read_prompt, &reading);
  each (object, "pictures", read_picture, &reading);
  each (object, "jobs", read_job, &reading);
  return g_steal_pointer (&journal);
}
