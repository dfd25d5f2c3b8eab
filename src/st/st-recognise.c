/* st-recognise.c: whether the names of a model fit a rule of the table
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-recognise-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "st/st-names-private.h"

#define MAX_BLOCKS 4096
#define MAX_RESTS 4096 /* different names within a block */
#define MAX_TOLD 8

static gboolean
shape_fits (const StRuleName *name, const StTensor *tensor)
{
  if (name->any_shape)
    return TRUE;
  if (tensor->rank != name->rank)
    return FALSE;
  for (guint i = 0; i < name->rank; i++)
    if (name->sides[i] >= 0 && (guint64) name->sides[i] != tensor->shape[i])
      return FALSE;
  return TRUE;
}

/* An example stands for all of its pattern. */
static const StModelTensor *
find_glob (const StRuleSubject *subject, const StRuleName *name, const char *prefix)
{
  g_autofree char *front = st_pattern_of (prefix, strlen (prefix));
  g_autofree char *glob = g_strconcat (front, name->text, NULL);

  for (guint i = 0; i < st_patterns_size (subject->patterns); i++)
    {
      const StPatternEntry *entry = st_patterns_get (subject->patterns, i);

      if (st_pattern_match (glob, entry->text) && shape_fits (name, entry->first->tensor))
        return entry->first;
    }
  return NULL;
}

/* A weight that is stored packed has another name and another shape. */
static const StModelTensor *
find_packed (const StRuleSubject *subject, const StRuleName *name, const char *prefix)
{
  static const char *const ends[] = { ".qweight", ".weight_packed" };
  const gsize length = strlen (name->text), end = strlen (".weight");

  if (!name->any_shape || !g_str_has_suffix (name->text, ".weight"))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *front = g_strndup (name->text, length - end);
      g_autofree char *whole = g_strconcat (prefix, front, ends[i], NULL);
      const StModelTensor *found = st_model_find (subject->model, whole);

      if (found != NULL)
        return found;
    }
  return NULL;
}

const StModelTensor *
st_rule_item_find (const StRuleSubject *subject,
                   const StRuleItem *item,
                   const char *prefix)
{
  for (guint i = 0; i < item->n_names; i++)
    {
      const StRuleName *name = &item->names[i];
      const StModelTensor *found;

      if (name->glob)
        found = find_glob (subject, name, prefix);
      else
        {
          g_autofree char *whole = g_strconcat (prefix, name->text, NULL);
          found = st_model_find (subject->model, whole);
          if (found != NULL && !shape_fits (name, found->tensor))
            found = NULL;
          else if (found == NULL)
            found = find_packed (subject, name, prefix);
        }
      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
holds_behind (const StRuleSubject *subject,
              const StRule *rule,
              const char *prefix,
              GPtrArray *keys)
{
  const guint before = keys->len;

  for (guint i = 0; i < rule->n_has; i++)
    {
      const StModelTensor *t = st_rule_item_find (subject, &rule->has[i], prefix);

      if (t == NULL)
        {
          g_ptr_array_set_size (keys, (gint) before);
          return FALSE;
        }
      g_ptr_array_add (keys, (gpointer) t->name);
    }
  for (guint i = 0; i < rule->n_not; i++)
    if (st_rule_item_find (subject, &rule->not [i], prefix) != NULL)
      {
        g_ptr_array_set_size (keys, (gint) before);
        return FALSE;
      }
  return TRUE;
}

gboolean
st_rule_holds (const StRuleSubject *subject,
               const StRule *rule,
               const char **prefix,
               GPtrArray *keys)
{
  if (rule->max_tensors > 0 && st_model_n_tensors (subject->model) > rule->max_tensors)
    return FALSE;
  for (guint i = 0; rule->prefixes[i] != NULL; i++)
    if (holds_behind (subject, rule, rule->prefixes[i], keys))
      {
        *prefix = rule->prefixes[i];
        return TRUE;
      }
  return FALSE;
}

/* ---- lists of blocks ---- */

typedef struct
{
  char *text; /* what stands behind the number */
  guint count;
  guint64 sum; /* of the numbers */
} Rest;

typedef struct
{
  char *front; /* "model.layers." */
  GArray *rests;
  StNames *names;
  guint n_blocks;
} Blocks;

static const char *
get_rest (gconstpointer items, guint index, gsize *length)
{
  const char *text = g_array_index ((const GArray *) items, Rest, index).text;

  *length = strlen (text);
  return text;
}

static void
add_rest (Blocks *blocks, guint number, const char *text)
{
  guint32 hash;
  gssize at = st_names_find (blocks->names, blocks->rests, text, strlen (text), &hash);
  Rest *rest;

  if (at < 0 && blocks->rests->len == MAX_RESTS)
    return;
  if (at < 0)
    {
      Rest fresh = { .text = g_strdup (text) };
      at = blocks->rests->len;
      g_array_append_val (blocks->rests, fresh);
      st_names_add (blocks->names, hash, (guint) at);
    }
  rest = &g_array_index (blocks->rests, Rest, at);
  rest->count++;
  rest->sum += number;
}

static void
collect_blocks (Blocks *blocks, StModel *model)
{
  const gsize length = strlen (blocks->front);

  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const char *name = st_model_tensor (model, i)->name;
      char *end;
      guint64 number;

      if (strncmp (name, blocks->front, length) != 0 || !g_ascii_isdigit (name[length]))
        continue;
      number = g_ascii_strtoull (name + length, &end, 10);
      if (*end != '.' || number >= MAX_BLOCKS)
        continue;
      blocks->n_blocks = MAX (blocks->n_blocks, (guint) number + 1);
      add_rest (blocks, (guint) number, end + 1);
    }
}

/* The number that every name lacks, or -1. */
static gint64
find_missing_block (const Blocks *blocks)
{
  const guint64 all = (guint64) blocks->n_blocks * (blocks->n_blocks - 1) / 2;
  gint64 number = -1;

  for (guint i = 0; i < blocks->rests->len; i++)
    {
      const Rest *rest = &g_array_index (blocks->rests, Rest, i);

      if (rest->count != blocks->n_blocks - 1
          || (number >= 0 && (guint64) number != all - rest->sum))
        return -1;
      number = (gint64) (all - rest->sum);
    }
  return number;
}

/* Told: what is in all blocks but one. */
static void
tell_rests (const Blocks *blocks, GPtrArray *missing)
{
  const guint64 all = (guint64) blocks->n_blocks * (blocks->n_blocks - 1) / 2;
  guint told = 0;

  for (guint i = 0; i < blocks->rests->len && told < MAX_TOLD; i++)
    {
      const Rest *rest = &g_array_index (blocks->rests, Rest, i);

      if (rest->count != blocks->n_blocks - 1)
        continue;
      told++;
      /* Translators: the name of a tensor, in three pieces */
      g_ptr_array_add (missing,
                       g_strdup_printf (_ ("“%s%u.%s” is missing"), blocks->front,
                                        (guint) (all - rest->sum), rest->text));
    }
}

void
st_blocks_check (const StRuleSubject *subject,
                 const char *prefix,
                 const char *list,
                 GPtrArray *missing)
{
  g_autofree char *bare = g_strndup (list, strcspn (list, "#"));
  Blocks blocks = { .front = g_strconcat (prefix, bare, NULL) };
  gint64 block;

  blocks.rests = g_array_new (FALSE, TRUE, sizeof (Rest));
  blocks.names = st_names_new (get_rest);
  collect_blocks (&blocks, subject->model);
  if (blocks.n_blocks > 2)
    {
      block = find_missing_block (&blocks);
      if (block >= 0)
        g_ptr_array_add (missing,
                         /* Translators: the name of a group of tensors */
                         g_strdup_printf (_ ("all of “%s%u” is missing"), blocks.front,
                                          (guint) block));
      else
        tell_rests (&blocks, missing);
    }
  for (guint i = 0; i < blocks.rests->len; i++)
    g_free (g_array_index (blocks.rests, Rest, i).text);
  g_array_unref (blocks.rests);
  st_names_free (blocks.names);
  g_free (blocks.front);
}
