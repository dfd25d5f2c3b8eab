/* st-verdict.c: what a model is
 *
 * The first rule of the table that holds decides; of a language model, whose names fit
 * several, config.json beside the file may decide better. Everything is told from names
 * and shapes: no value is read.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-verdict-private.h"
#include "st/st-model-private.h"
#include "st/st-quant.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_PATTERNS_TOLD 40
#define MAX_CONFIG (4u << 20) /* bytes */

typedef struct
{
  StRuleSubject subject;
  const StRuleTable *table;
  const StRule *rule; /* (nullable) */
  const char *prefix;
  GPtrArray *keys, *missing, *superfluous;
  StVerdict *verdict;
  const char *name; /* (nullable) */
} Search;

/* ---- config.json ---- */

static char *
config_path (StModel *model)
{
  g_autofree char *folder = g_path_get_dirname (st_file_path (st_model_file (model, 0)));

  return g_build_filename (folder, "config.json", NULL);
}

/* Returns: (nullable) (transfer full): its "model_type" */
static char *
read_model_type (StModel *model)
{
  g_autofree char *path = config_path (model);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autofree char *text = NULL;
  gsize length;
  GStatBuf info;
  JsonNode *root, *member;

  if (g_stat (path, &info) != 0 || info.st_size > MAX_CONFIG
      || !g_file_get_contents (path, &text, &length, NULL)
      || !json_parser_load_from_data (parser, text, (gssize) length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  member = json_object_get_member (json_node_get_object (root), "model_type");
  return member != NULL && JSON_NODE_HOLDS_VALUE (member)
                 && json_node_get_value_type (member) == G_TYPE_STRING
             ? st_name_escape (json_node_get_string (member),
                               strlen (json_node_get_string (member)))
             : NULL;
}

static gboolean
rule_has_config (const StRule *rule, const char *type)
{
  return g_strv_contains ((const char *const *) rule->config, type);
}

/* Names that fit a rule that tells no model apart from others, or none. */
static gboolean
is_vague (const StRule *rule)
{
  return rule == NULL || rule->name == NULL;
}

static void
ask_config (Search *search)
{
  const StRule *rule = search->rule;
  g_autofree char *type = NULL;

  if (!is_vague (rule) && rule->config[0] == NULL)
    return;
  type = read_model_type (search->subject.model);
  if (type == NULL)
    return;
  search->verdict->config = g_steal_pointer (&type);
  if (rule != NULL && rule_has_config (rule, search->verdict->config))
    {
      if (rule->sure != NULL)
        search->name = rule->sure;
      return;
    }
  for (guint i = 0; i < search->table->rules->len; i++)
    {
      const StRule *other = g_ptr_array_index (search->table->rules, i);

      if (!rule_has_config (other, search->verdict->config))
        continue;
      /* A configuration that speaks of something else belongs to another file. */
      if (rule != NULL && strcmp (rule->kind, other->kind) != 0)
        continue;
      search->rule = other;
      search->name = other->sure != NULL ? other->sure : other->name;
      search->verdict->by_config = TRUE;
      return;
    }
}

/* ---- which ---- */

static void
find_rule (Search *search)
{
  for (guint i = 0; search->rule == NULL && i < search->table->rules->len; i++)
    {
      const StRule *rule = g_ptr_array_index (search->table->rules, i);

      if (st_rule_holds (&search->subject, rule, &search->prefix, search->keys))
        search->rule = rule;
    }
  search->name = search->rule != NULL ? search->rule->name : NULL;
}

static gboolean
is_told (const StRuleBase *base, const char *told)
{
  g_autofree char *lower = told != NULL ? g_ascii_strdown (told, -1) : NULL;

  for (guint i = 0; lower != NULL && base->told[i] != NULL; i++)
    if (g_str_has_prefix (lower, base->told[i]))
      return TRUE;
  return FALSE;
}

/* The base that the metadata name, else the one that the names show. */
static const StRuleBase *
find_base (const Search *search, const char *kind)
{
  StModel *model = search->subject.model;
  const char *told[] = { st_model_metadata_value (model, "modelspec.architecture"),
                         st_model_metadata_value (model, "ss_base_model_version") };

  for (guint k = 0; k < G_N_ELEMENTS (told); k++)
    for (guint i = 0; told[k] != NULL && i < search->table->bases->len; i++)
      if (is_told (g_ptr_array_index (search->table->bases, i), told[k]))
        return g_ptr_array_index (search->table->bases, i);
  for (guint i = 0; i < search->table->bases->len; i++)
    {
      const StRuleBase *base = g_ptr_array_index (search->table->bases, i);
      const StRuleItem *item = g_hash_table_lookup (base->items, kind);

      if (item != NULL && st_rule_item_find (&search->subject, item, "") != NULL)
        return base;
    }
  return NULL;
}

static void
take_base (Search *search)
{
  static const struct
  {
    const char *kind, *key;
  } kinds[] = { { "lora", "lora" },
                { "controlnet", "control" },
                { "t2i-adapter", "t2i-adapter" },
                { "ip-adapter", "ip-adapter" },
                { "embedding", "embedding" } };
  const StRuleBase *base = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].kind, search->rule->kind) == 0)
      base = find_base (search, kinds[i].key);
  if (base == NULL)
    return;
  search->verdict->base_name = base->name != NULL ? base->name : _ ("a language model");
  search->verdict->base_family = base->family;
}

/* ---- parts ---- */

static const StRuleText *
find_part (const StRuleTable *table, const char *name)
{
  for (guint i = 0; i < table->parts->len; i++)
    {
      const StRuleText *part = &g_array_index (table->parts, StRuleText, i);

      if (strncmp (name, part->text, part->length) == 0)
        return part;
    }
  return NULL;
}

static void
add_to_part (Search *search, const StRuleText *rule, const StTensor *tensor)
{
  GArray *parts = search->verdict->parts;
  StVerdictPart *part = NULL;
  gboolean transformer
      = search->rule != NULL && g_strcmp0 (search->rule->body, "transformer") == 0;

  for (guint i = 0; part == NULL && i < parts->len; i++)
    if (g_array_index (parts, StVerdictPart, i).prefix == rule->text)
      part = &g_array_index (parts, StVerdictPart, i);
  if (part == NULL)
    {
      StVerdictPart fresh = { .id = rule->id, .prefix = rule->text };
      fresh.title = st_words_part (rule->id, transformer);
      g_array_append_val (parts, fresh);
      part = &g_array_index (parts, StVerdictPart, parts->len - 1);
    }
  part->n_tensors++;
  part->bytes += tensor->end - tensor->begin;
}

static int
compare_parts (gconstpointer a, gconstpointer b, gpointer data)
{
  const StRuleTable *table = data;
  const StVerdictPart *parts[] = { a, b };
  int at[2] = { 0, 0 };

  for (guint k = 0; k < 2; k++)
    for (guint i = 0; i < table->parts->len; i++)
      if (g_array_index (table->parts, StRuleText, i).text == parts[k]->prefix)
        at[k] = (int) i;
  return at[0] - at[1];
}

/* The main part of a file that holds nothing else has no prefix. */
static void
add_bare_body (Search *search)
{
  StVerdict *verdict = search->verdict;
  StVerdictPart body = { .id = "body", .prefix = "" };

  if (search->rule == NULL || search->rule->body == NULL || search->prefix[0] != '\0'
      || st_verdict_count_parts (verdict, "body") > 0)
    return;
  body.n_tensors = verdict->n_tensors;
  body.bytes = verdict->bytes;
  for (guint i = 0; i < verdict->parts->len; i++)
    {
      const StVerdictPart *part = &g_array_index (verdict->parts, StVerdictPart, i);
      body.n_tensors -= MIN (part->n_tensors, body.n_tensors);
      body.bytes -= MIN (part->bytes, body.bytes);
    }
  body.title = st_words_part ("body", strcmp (search->rule->body, "transformer") == 0);
  g_array_prepend_val (verdict->parts, body);
}

static void
count_all (Search *search)
{
  StVerdict *verdict = search->verdict;
  StModel *model = search->subject.model;
  guint64 bytes[ST_N_DTYPES] = { 0 };
  const StRuleText *part = NULL;
  guint best = 0;

  verdict->n_tensors = st_model_n_tensors (model);
  for (guint i = 0; i < verdict->n_tensors; i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);

      verdict->bytes += t->tensor->end - t->tensor->begin;
      bytes[t->tensor->dtype] += t->tensor->end - t->tensor->begin;
      if (part == NULL || strncmp (t->name, part->text, part->length) != 0)
        part = find_part (search->table, t->name);
      if (part != NULL)
        add_to_part (search, part, t->tensor);
    }
  for (guint i = 1; i < ST_N_DTYPES; i++)
    if (bytes[i] > bytes[best])
      best = i;
  verdict->dtype = (StDtype) best;
  add_bare_body (search);
  g_array_sort_with_data (verdict->parts, compare_parts, (gpointer) search->table);
}

/* ---- missing and superfluous ---- */

/* "model-00002-of-00005.safetensors" alone is not the whole. */
static gboolean
is_shard (StModel *model)
{
  g_autofree char *base = g_path_get_basename (st_model_path (model));

  return st_model_n_files (model) == 1
         && g_regex_match_simple ("-\\d{5}-of-\\d{5}\\.", base, 0, 0);
}

static void
check_with (Search *search)
{
  const StVerdict *verdict = search->verdict;

  for (guint i = 0; search->rule->with[i] != NULL; i++)
    {
      const char *part = search->rule->with[i];
      const guint there
          = st_verdict_count_parts (verdict, part[0] == 't' ? "text" : "vae");
      const char *star = strchr (part, '*');
      const guint wanted
          = star != NULL ? (guint) g_ascii_strtoull (star + 1, NULL, 10) : 1;

      if (there >= wanted || st_verdict_count_parts (verdict, "text-other") > 0)
        continue;
      g_ptr_array_add (search->missing,
                       g_strdup (part[0] == 'v' ? _ ("the VAE is not inside")
                                 : there > 0
                                     ? _ ("one of the text encoders is not inside")
                                 : wanted > 1 ? _ ("the text encoders are not inside")
                                              : _ ("the text encoder is not inside")));
    }
}

static void
check_missing (Search *search)
{
  const StRule *rule = search->rule;

  if (rule == NULL || search->verdict->by_config)
    return;
  if (is_shard (search->subject.model))
    {
      g_ptr_array_add (search->missing,
                       g_strdup (_ ("this file is one of several; open the index "
                                    "(.safetensors.index.json) to see the whole")));
      return;
    }
  for (guint i = 0; i < rule->n_needs; i++)
    if (st_rule_item_find (&search->subject, &rule->needs[i], search->prefix) == NULL)
      g_ptr_array_add (search->missing,
                       g_strdup_printf (_ ("“%s%s” is missing"), search->prefix,
                                        rule->needs[i].names[0].text));
  for (guint i = 0; rule->blocks[i] != NULL; i++)
    st_blocks_check (&search->subject, search->prefix, rule->blocks[i], search->missing);
  check_with (search);
}

static const char *
find_leftover (const Search *search, const char *pattern)
{
  for (guint i = 0; i < search->table->leftovers->len; i++)
    {
      const StRuleText *rule = &g_array_index (search->table->leftovers, StRuleText, i);

      if (st_pattern_match (rule->text, pattern))
        return rule->id;
    }
  return NULL;
}

/* Of a checkpoint in one file everything belongs to a part. */
static gboolean
is_stranger (const Search *search, const StPatternEntry *entry)
{
  return search->rule != NULL && search->rule->body != NULL && search->prefix[0] != '\0'
         && find_part (search->table, entry->first->name) == NULL;
}

static void
check_superfluous (Search *search)
{
  static const char *const ids[]
      = { "ema", "schedule", "positions", "training", "unknown" };
  guint n[G_N_ELEMENTS (ids)] = { 0 };
  guint64 bytes[G_N_ELEMENTS (ids)] = { 0 };

  for (guint i = 0; i < st_patterns_size (search->subject.patterns); i++)
    {
      const StPatternEntry *entry = st_patterns_get (search->subject.patterns, i);
      const char *id = find_leftover (search, entry->text);

      if (id == NULL && is_stranger (search, entry))
        id = "unknown";
      for (guint k = 0; id != NULL && k < G_N_ELEMENTS (ids); k++)
        if (strcmp (id, ids[k]) == 0)
          {
            n[k] += entry->count;
            bytes[k] += entry->bytes;
          }
    }
  for (guint k = 0; k < G_N_ELEMENTS (ids); k++)
    if (n[k] > 0)
      g_ptr_array_add (search->superfluous, st_words_leftover (ids[k], n[k], bytes[k]));
}

/* ---- patterns ---- */

static int
compare_patterns (gconstpointer a, gconstpointer b)
{
  const StPatternEntry *x = *(StPatternEntry *const *) a,
                       *y = *(StPatternEntry *const *) b;

  if (x->count != y->count)
    return x->count < y->count ? 1 : -1;
  return strcmp (x->text, y->text);
}

static void
tell_patterns (Search *search)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  for (guint i = 0; i < st_patterns_size (search->subject.patterns); i++)
    g_ptr_array_add (all, (gpointer) st_patterns_get (search->subject.patterns, i));
  g_ptr_array_sort (all, compare_patterns);
  search->verdict->n_patterns = all->len;
  for (guint i = 0; i < MIN (all->len, MAX_PATTERNS_TOLD); i++)
    {
      const StPatternEntry *entry = g_ptr_array_index (all, i);
      StVerdictPattern told = { .n_tensors = entry->count, .bytes = entry->bytes };

      told.text = st_name_escape (entry->text, entry->length);
      g_array_append_val (search->verdict->patterns, told);
    }
}

/* ---- the whole ---- */

static void
clear_pattern (gpointer data)
{
  g_free (((StVerdictPattern *) data)->text);
}

static char **
take_strings (GPtrArray *array)
{
  g_ptr_array_add (array, NULL);
  return (char **) g_ptr_array_free (array, FALSE);
}

static void
fill_from_rule (Search *search)
{
  StVerdict *verdict = search->verdict;
  const StRule *rule = search->rule;

  verdict->kind = verdict->n_tensors == 0 ? "empty" : "unknown";
  if (rule == NULL)
    {
      if (verdict->config != NULL && verdict->n_tensors > 0)
        {
          verdict->kind = "named";
          verdict->by_config = TRUE;
          search->name = verdict->config;
        }
      return;
    }
  verdict->id = rule->id;
  verdict->kind = rule->kind;
  verdict->variant = rule->variant;
  verdict->family = rule->family;
  verdict->form = rule->form;
  take_base (search);
  if (rule->body != NULL)
    verdict->body_prefix = g_strdup (search->prefix);
  if (strcmp (rule->kind, "lora") == 0)
    verdict->details = st_words_lora (verdict, search->subject.model);
}

StVerdict *
st_verdict_new (StModel *model)
{
  StVerdict *verdict = g_new0 (StVerdict, 1);
  Search search = { .subject = { model, st_patterns_new (model) },
                    .table = st_rule_table_get (),
                    .prefix = "",
                    .keys = g_ptr_array_new (),
                    .missing = g_ptr_array_new (),
                    .superfluous = g_ptr_array_new (),
                    .verdict = verdict };

  verdict->parts = g_array_new (FALSE, FALSE, sizeof (StVerdictPart));
  verdict->patterns = g_array_new (FALSE, FALSE, sizeof (StVerdictPattern));
  g_array_set_clear_func (verdict->patterns, clear_pattern);
  st_hub_find_origin (st_file_path (st_model_file (model, 0)), &verdict->hub_repository,
                      &verdict->hub_revision);
  find_rule (&search);
  ask_config (&search);
  count_all (&search);
  verdict->parameters = st_quant_parameters (model, &verdict->n_companions);
  fill_from_rule (&search);
  verdict->name = search.name;
  verdict->title = st_words_title (verdict, search.name);
  check_missing (&search);
  check_superfluous (&search);
  tell_patterns (&search);
  for (guint i = 0; i < search.keys->len; i++)
    search.keys->pdata[i] = g_strdup (search.keys->pdata[i]);
  verdict->keys = take_strings (search.keys);
  verdict->missing = take_strings (search.missing);
  verdict->superfluous = take_strings (search.superfluous);
  st_patterns_free (search.subject.patterns);
  return verdict;
}

void
st_verdict_free (StVerdict *verdict)
{
  if (verdict == NULL)
    return;
  g_free (verdict->config);
  g_free (verdict->hub_repository);
  g_free (verdict->hub_revision);
  g_free (verdict->title);
  g_free (verdict->details);
  g_free (verdict->body_prefix);
  g_strfreev (verdict->keys);
  g_strfreev (verdict->missing);
  g_strfreev (verdict->superfluous);
  g_array_unref (verdict->parts);
  g_array_unref (verdict->patterns);
  g_free (verdict);
}
