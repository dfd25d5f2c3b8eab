/* st-patterns.c: names by pattern: "layers.#.attn.q" for "layers.0.attn.q" and its kin
 *
 * A model of half a million tensors has some hundred patterns: what is asked of names is
 * asked of these. A number counts where it stands alone: "layers.0", "blocks_12_", but
 * not "attn1".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-recognise-private.h"

#include <string.h>

#include "st/st-names-private.h"

#define MAX_PATTERNS 16384
#define MAX_LENGTH 1024 /* bytes of a name that are looked at */

struct _StPatterns
{
  GArray *entries; /* of StPatternEntry */
  StNames *names;
  guint rest;
};

static const char *
get_text (gconstpointer items, guint index, gsize *length)
{
  const StPatternEntry *entry
      = &g_array_index ((const GArray *) items, StPatternEntry, index);

  *length = entry->length;
  return entry->text;
}

/* Writes no more than it reads. */
static gsize
make_pattern (const char *name, gsize length, char *out)
{
  gsize n = 0;

  for (gsize i = 0; i < length;)
    {
      gsize end = i;

      while (end < length && g_ascii_isdigit (name[end]))
        end++;
      if (end > i && (i == 0 || !g_ascii_isalnum (name[i - 1]))
          && (end == length || !g_ascii_isalnum (name[end])))
        out[n++] = '#';
      else if (end > i)
        {
          memcpy (out + n, name + i, end - i);
          n += end - i;
        }
      else
        out[n++] = name[end++];
      i = end;
    }
  return n;
}

char *
st_pattern_of (const char *name, gsize length)
{
  char *text = g_malloc (length + 1);

  text[make_pattern (name, length, text)] = '\0';
  return text;
}

/* Where a character ends. */
static gsize
cut_length (const StModelTensor *t)
{
  gsize length = t->name_length;

  if (length > MAX_LENGTH)
    for (length = MAX_LENGTH; ((guchar) t->name[length] & 0xc0) == 0x80;)
      length--;
  return length;
}

StPatterns *
st_patterns_new (StModel *model)
{
  StPatterns *self = g_new0 (StPatterns, 1);
  char buffer[MAX_LENGTH];

  self->entries = g_array_new (FALSE, TRUE, sizeof (StPatternEntry));
  self->names = st_names_new (get_text);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      const gsize n = make_pattern (t->name, cut_length (t), buffer);
      StPatternEntry *entry;
      guint32 hash;
      gssize at = st_names_find (self->names, self->entries, buffer, n, &hash);

      if (at < 0 && self->entries->len == MAX_PATTERNS)
        {
          self->rest++;
          continue;
        }
      if (at < 0)
        {
          StPatternEntry fresh = { .text = g_strndup (buffer, n), .first = t };
          fresh.length = (guint32) n;
          at = self->entries->len;
          g_array_append_val (self->entries, fresh);
          st_names_add (self->names, hash, (guint) at);
        }
      entry = &g_array_index (self->entries, StPatternEntry, at);
      entry->count++;
      entry->bytes += t->tensor->end - t->tensor->begin;
      entry->values += t->tensor->count;
    }
  return self;
}

void
st_patterns_free (StPatterns *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->entries->len; i++)
    g_free (g_array_index (self->entries, StPatternEntry, i).text);
  g_array_unref (self->entries);
  st_names_free (self->names);
  g_free (self);
}

guint
st_patterns_size (const StPatterns *self)
{
  return self->entries->len;
}

const StPatternEntry *
st_patterns_get (const StPatterns *self, guint index)
{
  g_return_val_if_fail (index < self->entries->len, NULL);
  return &g_array_index (self->entries, StPatternEntry, index);
}

guint
st_patterns_rest (const StPatterns *self)
{
  return self->rest;
}

/* Goes back to the last "*" only: enough, as an earlier one matched the shortest way. */
gboolean
st_pattern_match (const char *glob, const char *text)
{
  const char *star = NULL, *from = NULL;

  while (*text != '\0')
    {
      if (*glob == '*')
        {
          star = glob++;
          from = text;
        }
      else if (*glob == *text)
        {
          glob++;
          text++;
        }
      else if (star != NULL)
        {
          glob = star + 1;
          text = ++from;
        }
      else
        return FALSE;
    }
  while (*glob == '*')
    glob++;
  return *glob == '\0';
}
