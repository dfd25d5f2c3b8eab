/* st-recognise-table.c: data/recognition.ini, read once
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-recognise-private.h"

#include <string.h>

#define BASE "base "

typedef struct
{
  GKeyFile *file;
  const char *group;
  GError **error; /* the first fault is kept */
  gboolean failed;
} Reader;

static void
fail (Reader *reader, const char *what, const char *text)
{
  if (!reader->failed)
    g_set_error (reader->error, ST_ERROR, ST_ERROR_INDEX, "[%s]: %s: “%s”", reader->group,
                 what, text);
  reader->failed = TRUE;
}

static char *
get_string (Reader *reader, const char *key)
{
  return g_key_file_get_string (reader->file, reader->group, key, NULL);
}

/* An empty list where there is none; never NULL. */
static char **
get_list (Reader *reader, const char *key)
{
  char **list = g_key_file_get_string_list (reader->file, reader->group, key, NULL, NULL);

  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    g_strstrip (list[i]);
  return list != NULL ? list : g_new0 (char *, 1);
}

/* "name[1,*,3]" */
static void
read_name (Reader *reader, const char *text, StRuleName *name)
{
  const char *bracket = strchr (text, '[');
  const gsize length = bracket != NULL ? (gsize) (bracket - text) : strlen (text);
  g_auto (GStrv) sides = NULL;

  *name = (StRuleName){ .any_shape = bracket == NULL };
  name->text = g_strndup (text, length);
  name->glob = strchr (name->text, '*') != NULL || strchr (name->text, '#') != NULL;
  if (name->glob)
    {
      char *pattern = st_pattern_of (name->text, length);
      g_free (name->text);
      name->text = pattern;
    }
  if (length == 0)
    fail (reader, "an empty name", text);
  if (bracket == NULL)
    return;
  if (!g_str_has_suffix (text, "]"))
    fail (reader, "a shape without an end", text);
  sides = g_strsplit (bracket + 1, ",", -1);
  if (g_strv_length (sides) > G_N_ELEMENTS (name->sides))
    fail (reader, "too many sides", text);
  for (guint i = 0; sides[i] != NULL && i < G_N_ELEMENTS (name->sides); i++)
    {
      char *end;

      name->sides[i] = -1;
      if (sides[i][0] != '*')
        {
          name->sides[i] = g_ascii_strtoll (sides[i], &end, 10);
          if (end == sides[i] || (*end != '\0' && *end != ']'))
            fail (reader, "a side that is no number", text);
        }
      name->rank++;
    }
}

static void
read_item (Reader *reader, const char *text, StRuleItem *item)
{
  g_auto (GStrv) names = g_strsplit (text, "|", -1);

  item->n_names = g_strv_length (names);
  item->names = g_new0 (StRuleName, item->n_names);
  for (guint i = 0; i < item->n_names; i++)
    read_name (reader, g_strstrip (names[i]), &item->names[i]);
}

static StRuleItem *
get_items (Reader *reader, const char *key, guint *n)
{
  g_auto (GStrv) list = get_list (reader, key);
  StRuleItem *items;

  *n = g_strv_length (list);
  items = g_new0 (StRuleItem, *n);
  for (guint i = 0; i < *n; i++)
    read_item (reader, list[i], &items[i]);
  return items;
}

static void
item_clear (StRuleItem *item)
{
  for (guint i = 0; i < item->n_names; i++)
    g_free (item->names[i].text);
  g_free (item->names);
}

static void
items_free (StRuleItem *items, guint n)
{
  for (guint i = 0; i < n; i++)
    item_clear (&items[i]);
  g_free (items);
}

static void
item_free (gpointer data)
{
  item_clear (data);
  g_free (data);
}

static void
rule_free (gpointer data)
{
  StRule *rule = data;

  items_free (rule->has, rule->n_has);
  items_free (rule->not, rule->n_not);
  items_free (rule->needs, rule->n_needs);
  g_strfreev (rule->prefixes);
  g_strfreev (rule->blocks);
  g_strfreev (rule->with);
  g_strfreev (rule->config);
  g_free (rule->id);
  g_free (rule->name);
  g_free (rule->sure);
  g_free (rule->kind);
  g_free (rule->variant);
  g_free (rule->family);
  g_free (rule->form);
  g_free (rule->body);
  g_free (rule);
}

static void
base_free (gpointer data)
{
  StRuleBase *base = data;

  g_free (base->id);
  g_free (base->name);
  g_free (base->family);
  g_free (base->kind);
  g_strfreev (base->told);
  g_hash_table_unref (base->items);
  g_free (base);
}

/* The prefixes of the set that "at" names; "-" is none. */
static char **
get_prefixes (Reader *reader)
{
  g_autofree char *at = get_string (reader, "at");
  Reader sets = { reader->file, "prefixes", reader->error, FALSE };
  char **list;

  if (at == NULL)
    {
      list = g_new0 (char *, 2);
      list[0] = g_strdup ("");
      return list;
    }
  list = get_list (&sets, at);
  if (list[0] == NULL)
    fail (reader, "an unknown set of prefixes", at);
  for (guint i = 0; list[i] != NULL; i++)
    if (strcmp (list[i], "-") == 0)
      list[i][0] = '\0';
  return list;
}

static StRule *
read_rule (Reader *reader)
{
  StRule *rule = g_new0 (StRule, 1);

  rule->id = g_strdup (reader->group);
  rule->name = get_string (reader, "name");
  rule->sure = get_string (reader, "sure");
  rule->kind = get_string (reader, "kind");
  rule->variant = get_string (reader, "variant");
  rule->family = get_string (reader, "family");
  rule->form = get_string (reader, "form");
  rule->body = get_string (reader, "body");
  rule->prefixes = get_prefixes (reader);
  rule->has = get_items (reader, "has", &rule->n_has);
  rule->not = get_items (reader, "not", &rule->n_not);
  rule->needs = get_items (reader, "needs", &rule->n_needs);
  rule->blocks = get_list (reader, "blocks");
  rule->with = get_list (reader, "with");
  rule->config = get_list (reader, "config");
  rule->max_tensors = (guint) MAX (
      g_key_file_get_integer (reader->file, reader->group, "tensors", NULL), 0);
  if (rule->kind == NULL)
    fail (reader, "there is no", "kind");
  if (rule->n_has == 0)
    fail (reader, "there is no", "has");
  return rule;
}

static StRuleBase *
read_base (Reader *reader)
{
  static const char *const kinds[]
      = { "lora", "control", "t2i-adapter", "ip-adapter", "embedding" };
  StRuleBase *base = g_new0 (StRuleBase, 1);

  base->id = g_strdup (reader->group + strlen (BASE));
  base->name = get_string (reader, "name");
  base->family = get_string (reader, "family");
  base->kind = get_string (reader, "kind");
  base->told = get_list (reader, "told");
  base->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, item_free);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *text = get_string (reader, kinds[i]);
      StRuleItem *item;

      if (text == NULL)
        continue;
      item = g_new0 (StRuleItem, 1);
      read_item (reader, text, item);
      g_hash_table_insert (base->items, (gpointer) kinds[i], item);
    }
  return base;
}

static void
text_clear (gpointer data)
{
  g_free (((StRuleText *) data)->text);
  g_free (((StRuleText *) data)->id);
}

/* "text = id" of a whole group. */
static GArray *
read_texts (GKeyFile *file, const char *group)
{
  GArray *texts = g_array_new (FALSE, FALSE, sizeof (StRuleText));
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, NULL);

  g_array_set_clear_func (texts, text_clear);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      StRuleText text = { .text = g_strdup (keys[i]), .length = strlen (keys[i]) };
      text.id = g_key_file_get_string (file, group, keys[i], NULL);
      g_array_append_val (texts, text);
    }
  return texts;
}

static gboolean
is_rule (const char *group)
{
  return strcmp (group, "prefixes") != 0 && strcmp (group, "parts") != 0
         && strcmp (group, "leftovers") != 0 && strcmp (group, "companions") != 0;
}

StRuleTable *
st_rule_table_new (const char *text, gsize length, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;
  StRuleTable *table;
  gboolean ok = TRUE;

  if (!g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, error))
    return NULL;
  table = g_new0 (StRuleTable, 1);
  table->rules = g_ptr_array_new_with_free_func (rule_free);
  table->bases = g_ptr_array_new_with_free_func (base_free);
  table->parts = read_texts (file, "parts");
  table->leftovers = read_texts (file, "leftovers");
  table->companions = read_texts (file, "companions");
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; ok && groups[i] != NULL; i++)
    {
      Reader reader = { file, groups[i], error, FALSE };

      if (g_str_has_prefix (groups[i], BASE))
        g_ptr_array_add (table->bases, read_base (&reader));
      else if (is_rule (groups[i]))
        g_ptr_array_add (table->rules, read_rule (&reader));
      ok = !reader.failed;
    }
  if (!ok)
    g_clear_pointer (&table, st_rule_table_free);
  return table;
}

void
st_rule_table_free (StRuleTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->rules);
  g_ptr_array_unref (table->bases);
  g_array_unref (table->parts);
  g_array_unref (table->leftovers);
  g_array_unref (table->companions);
  g_free (table);
}

const StRuleTable *
st_rule_table_get (void)
{
  static gsize ready;

  if (g_once_init_enter (&ready))
    {
      g_autoptr (GError) error = NULL;
      StRuleTable *table = st_rule_table_new ((const char *) st_recognition,
                                              st_recognition_size, &error);

      if (table == NULL)
        g_error ("recognition.ini: %s", error->message);
      g_once_init_leave (&ready, (gsize) table);
    }
  return (const StRuleTable *) ready;
}
