/* cli-inspect.c: the inspect command: header, metadata, verdict
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "cli/cli-private.h"
#include <string.h>

#include "sd/sd.h"
#include "st/st-tags.h"
#include "st/st-verdict.h"

#define MAX_TAGS 20
#define MAX_VALUE 200 /* bytes */

static void
json_strings (BaseJson *json, const char *key, const char *const *strings)
{
  base_json_key (json, key);
  base_json_begin_array (json);
  for (guint i = 0; strings != NULL && strings[i] != NULL; i++)
    base_json_string (json, strings[i]);
  base_json_end_array (json);
}

static void
json_tensor (BaseJson *json, const StTensor *tensor, const StModelTensor *of_model)
{
  base_json_begin_object (json);
  base_json_key (json, "name");
  if (of_model != NULL)
    base_json_string_n (json, of_model->name, of_model->name_length);
  else
    base_json_string_n (json, tensor->name, tensor->name_length);
  st_tensor_write_json (tensor, TRUE, json);
  if (of_model != NULL)
    {
      base_json_key (json, "in");
      base_json_string (json, st_file_path (of_model->file));
    }
  base_json_end_object (json);
}

static void
json_metadata (BaseJson *json, StFile *file)
{
  base_json_key (json, "metadata");
  base_json_begin_object (json);
  for (guint i = 0; i < st_file_n_metadata (file); i++)
    {
      const StMetadata *entry = st_file_metadata (file, i);

      base_json_key_n (json, entry->key, entry->key_length);
      base_json_string_n (json, entry->value, entry->value_length);
    }
  base_json_end_object (json);
}

static void
json_refusal (BaseJson *json, const char *path, const GError *error)
{
  base_json_begin_object (json);
  base_json_key (json, "file");
  base_json_string (json, path);
  base_json_key (json, "valid");
  base_json_bool (json, FALSE);
  base_json_key (json, "error");
  base_json_begin_object (json);
  base_json_key (json, "kind");
  base_json_string (json, error->domain == ST_ERROR ? st_error_kind_name (error->code)
                                                    : "IoError");
  base_json_key (json, "message");
  base_json_string (json, error->message);
  base_json_end_object (json);
  base_json_end_object (json);
}

/* ---- hashes ---- */

/* Waits; NULL where it was cancelled or the file changed. Nothing is kept: the window's
 * cache is the window's. */
static StHash *
wait_for_hashes (StFile *file, const BaseTask *task)
{
  StHash *hash = st_hash_new_all (file, NULL, FALSE);
  guint64 done, total;

  while (!st_hash_ended (hash) && base_task_check (task, NULL))
    {
      st_hash_progress (hash, &done, &total);
      base_task_progress (task, "hashes", done, total);
      g_usleep (5000);
    }
  if (st_hash_peek_all (hash) != NULL)
    return hash;
  st_hash_free (hash);
  return NULL;
}

static const char *
agreement_text (StHashAgreement told)
{
  return told == ST_HASH_AGREES ? "agrees" : "differs";
}

static const char *const told_keys[] = { "modelspec.hash_sha256", "sshs_model_hash" };

static void
print_hashes (StFile *file, const BaseTask *task)
{
  StHash *hash = wait_for_hashes (file, task);
  const StHashes *found = hash != NULL ? st_hash_peek_all (hash) : NULL;

  if (found == NULL)
    return;
  cli_print ("  AutoV1: %s\n  AutoV2: %.10s\n  AutoV3: %.12s\n  SHA-256: %s\n"
             "  SHA-256 of the tensors: %s\n",
             found->auto_v1[0] != '\0' ? found->auto_v1 : "none", found->whole,
             found->data, found->whole, found->data);
  for (guint i = 0; i < G_N_ELEMENTS (told_keys); i++)
    {
      StHashAgreement told = st_hashes_check (found, file, told_keys[i]);
      if (told != ST_HASH_NOT_TOLD)
        cli_print ("  %s: %s\n", told_keys[i], agreement_text (told));
    }
  st_hash_free (hash);
}

static void
json_hash (BaseJson *json, const char *key, const char *text, int length)
{
  g_autofree char *part = g_strndup (text, (gsize) length);

  base_json_key (json, key);
  base_json_string (json, part[0] != '\0' ? part : NULL);
}

/* Into the object that is open: "hashes", one object for each file. */
static void
json_hashes (BaseJson *json, StModel *model, const BaseTask *task)
{
  base_json_key (json, "hashes");
  base_json_begin_array (json);
  for (guint i = 0; i < st_model_n_files (model); i++)
    {
      StFile *file = st_model_file (model, i);
      StHash *hash = wait_for_hashes (file, task);
      const StHashes *found = hash != NULL ? st_hash_peek_all (hash) : NULL;

      base_json_begin_object (json);
      base_json_key (json, "file");
      base_json_string (json, st_file_path (file));
      if (found != NULL)
        {
          json_hash (json, "auto_v1", found->auto_v1, 8);
          json_hash (json, "auto_v2", found->whole, 10);
          json_hash (json, "auto_v3", found->data, 12);
          json_hash (json, "sha256", found->whole, 64);
          json_hash (json, "data_sha256", found->data, 64);
          for (guint k = 0; k < G_N_ELEMENTS (told_keys); k++)
            if (st_hashes_check (found, file, told_keys[k]) != ST_HASH_NOT_TOLD)
              json_hash (json, told_keys[k],
                         agreement_text (st_hashes_check (found, file, told_keys[k])), 8);
        }
      base_json_end_object (json);
      st_hash_free (hash);
    }
  base_json_end_array (json);
}

/* ---- the answers ---- */

/* What it is. */
static void
json_verdict (BaseJson *json, StModel *model)
{
  g_autoptr (StVerdict) verdict = st_verdict_new (model);

  base_json_key (json, "verdict");
  base_json_begin_object (json);
  st_verdict_write_json (verdict, json);
  base_json_end_object (json);
}

/* A single file: exactly what stands in it, names as they are. */
static void
json_file (BaseJson *json, const char *path, StModel *model, const BaseTask *hashes)
{
  StFile *file = st_model_file (model, 0);

  base_json_begin_object (json);
  base_json_key (json, "file");
  base_json_string (json, path);
  base_json_key (json, "valid");
  base_json_bool (json, TRUE);
  base_json_key (json, "header_bytes");
  base_json_uint (json, st_file_header_bytes (file));
  base_json_key (json, "data_bytes");
  base_json_uint (json, st_file_data_bytes (file));
  json_verdict (json, model);
  json_metadata (json, file);
  base_json_key (json, "tensors");
  base_json_begin_array (json);
  for (guint i = 0; i < st_file_n_tensors (file); i++)
    json_tensor (json, st_file_tensor (file, i), NULL);
  base_json_end_array (json);
  json_strings (json, "warnings", st_file_warnings (file));
  if (hashes != NULL)
    json_hashes (json, model, hashes);
  base_json_end_object (json);
}

/* A folder or a shard index: its files and the tensors of all of them. */
static void
json_model (BaseJson *json, const char *path, StModel *model, const BaseTask *hashes)
{
  guint64 header = 0, bytes = 0;

  base_json_begin_object (json);
  base_json_key (json, "file");
  base_json_string (json, path);
  base_json_key (json, "valid");
  base_json_bool (json, TRUE);
  base_json_key (json, "files");
  base_json_begin_array (json);
  for (guint i = 0; i < st_model_n_files (model); i++)
    {
      base_json_string (json, st_file_path (st_model_file (model, i)));
      header += st_file_header_bytes (st_model_file (model, i));
      bytes += st_file_data_bytes (st_model_file (model, i));
    }
  base_json_end_array (json);
  json_verdict (json, model);
  /* Parts of one model tell the same of themselves: the first one's. */
  json_metadata (json, st_model_file (model, 0));
  base_json_key (json, "header_bytes");
  base_json_uint (json, header);
  base_json_key (json, "data_bytes");
  base_json_uint (json, bytes);
  base_json_key (json, "tensors");
  base_json_begin_array (json);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    json_tensor (json, st_model_tensor (model, i)->tensor, st_model_tensor (model, i));
  base_json_end_array (json);
  json_strings (json, "warnings", st_model_warnings (model));
  if (hashes != NULL)
    json_hashes (json, model, hashes);
  base_json_end_object (json);
}

static void
print_strings (const char *title, char **strings)
{
  for (guint i = 0; strings[i] != NULL; i++)
    {
      g_autofree char *shown = cli_printable (strings[i], strlen (strings[i]));
      cli_print ("  %s: %s\n", title, shown);
    }
}

static void
print_parts (const StVerdict *verdict)
{
  for (guint i = 0; i < verdict->parts->len; i++)
    {
      const StVerdictPart *part = &g_array_index (verdict->parts, StVerdictPart, i);
      g_autofree char *size = g_format_size (part->bytes);

      cli_print ("  part: %s (%s*): %u tensors, %s\n", part->title, part->prefix,
                 part->n_tensors, size);
    }
}

static void
print_patterns (const StVerdict *verdict)
{
  for (guint i = 0; i < verdict->patterns->len; i++)
    {
      const StVerdictPattern *p = &g_array_index (verdict->patterns, StVerdictPattern, i);

      cli_print ("  pattern: %s × %u\n", p->text, p->n_tensors);
    }
  if (verdict->n_patterns > verdict->patterns->len)
    cli_print ("  and %u patterns more\n", verdict->n_patterns - verdict->patterns->len);
}

/* The tags that a LoRA was trained with, the most frequent first. */
static void
print_tags (const char *text)
{
  g_autoptr (GArray) tags = text != NULL ? st_tags_read (text, strlen (text)) : NULL;

  for (guint i = 0; tags != NULL && i < MIN (tags->len, MAX_TAGS); i++)
    {
      const StTag *tag = &g_array_index (tags, StTag, i);
      cli_print ("  tag: %s × %" G_GUINT64_FORMAT "\n", tag->tag, tag->count);
    }
  if (tags != NULL && tags->len > MAX_TAGS)
    cli_print ("  and %u tags more\n", tags->len - MAX_TAGS);
}

/* Long values are cut: --json has the whole. */
static void
print_metadata (StFile *file)
{
  for (guint i = 0; i < st_file_n_metadata (file); i++)
    {
      const StMetadata *entry = st_file_metadata (file, i);
      const gboolean cut = entry->value_length > MAX_VALUE;
      const char *end
          = cut ? g_utf8_find_prev_char (entry->value, entry->value + MAX_VALUE)
                : entry->value + entry->value_length;
      g_autofree char *key = cli_printable (entry->key, entry->key_length);
      g_autofree char *value = cli_printable (entry->value, (gsize) (end - entry->value));

      cli_print ("  metadata: %s: %s%s\n", key, value, cut ? "…" : "");
    }
  print_tags (st_file_metadata_value (file, "ss_tag_frequency"));
}

static void
print_model (const char *path, StModel *model, const BaseTask *hashes)
{
  g_autoptr (SdInfo) info = sd_info_new (model);
  const StVerdict *verdict = info->verdict;
  g_autofree char *size = g_format_size (verdict->bytes);
  g_autofree char *line = sd_info_line (info);

  cli_print ("%s\n  %s, %s, %u tensors\n", path, line, size, verdict->n_tensors);
  cli_print ("  %" G_GUINT64_FORMAT " parameters\n", verdict->parameters);
  if (verdict->n_companions > 0)
    cli_print ("  %u tensors only serve others: scales, zero points and the like\n",
               verdict->n_companions);
  if (verdict->by_config)
    cli_print ("  decided by config.json: model_type “%s”\n", verdict->config);
  else if (verdict->keys[0] != NULL)
    print_strings ("decided by", verdict->keys);
  else if (info->deciding_key != NULL)
    cli_print ("  decided by: %s\n", info->deciding_key);
  if (verdict->hub_repository != NULL)
    cli_print ("  from Hugging Face’s cache: %s, revision %s\n", verdict->hub_repository,
               verdict->hub_revision);
  print_strings ("missing", verdict->missing);
  print_strings ("not needed", verdict->superfluous);
  print_parts (verdict);
  if (info->why_not != NULL)
    cli_print ("  %s\n", info->why_not);
  if (verdict->id == NULL)
    print_patterns (verdict);
  print_metadata (st_model_file (model, 0));
  for (guint i = 0; hashes != NULL && i < st_model_n_files (model); i++)
    print_hashes (st_model_file (model, i), hashes);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *entry = st_model_tensor (model, i);
      g_autofree char *name = cli_printable (entry->name, entry->name_length);
      g_autofree char *shape = cli_shape_text (entry->tensor);

      cli_print ("  %-12s %-22s %s\n", st_dtype_name (entry->tensor->dtype), shape, name);
    }
  const char *const *warnings = st_model_warnings (model);
  for (guint i = 0; warnings != NULL && warnings[i] != NULL; i++)
    cli_print ("  warning: %s\n", warnings[i]);
}

static gboolean
inspect_one (const char *path, gboolean as_json, gboolean hashes, const BaseTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (BaseJson) json = cli_json_new ();
  gboolean single
      = !g_file_test (path, G_FILE_TEST_IS_DIR) && !g_str_has_suffix (path, ".json");
  g_autoptr (StModel) model = st_model_open (path, task, &error);

  /* What was not looked at to the end is neither valid nor refused. */
  if (as_json && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (model != NULL && single)
        json_file (json, path, model, hashes ? task : NULL);
      else if (model != NULL)
        json_model (json, path, model, hashes ? task : NULL);
      else
        json_refusal (json, path, error);
      cli_json_end (json);
    }
  else if (model != NULL)
    print_model (path, model, hashes ? task : NULL);
  else
    {
      g_prefix_error (&error, "%s: ", path);
      cli_fail (error);
    }
  return model != NULL;
}

int
cli_inspect (int argc, char **argv)
{
  gboolean as_json = FALSE, hashes = FALSE;
  int status = CLI_OK;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One line of JSON for each file", NULL },
    { "hashes", 0, 0, G_OPTION_ARG_NONE, &hashes,
      "The hashes by which other programs know a model; reads the whole file", NULL },
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, "FILE…",
                  "Tells what is in safetensors files, shard indexes (.index.json) and "
                  "diffusers folders.\nThe exit status is 1 if any is refused; all are "
                  "answered all the same.",
                  &status))
    return status;
  if (argc < 2)
    {
      g_printerr ("calotype-cli: inspect needs a file\n");
      return CLI_USAGE;
    }
  BaseTask task = { .cancellable = cli_cancellable () };
  status = CLI_OK;
  for (int i = 1; i < argc && !g_cancellable_is_cancelled (task.cancellable); i++)
    if (!inspect_one (argv[i], as_json, hashes, &task))
      status = CLI_FAILED;
  return g_cancellable_is_cancelled (task.cancellable) ? CLI_FAILED : status;
}
