/* app-query.c: what a person types to find tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-query.h"

#include <math.h>
#include <string.h>

typedef enum
{
  TERM_TEXT,
  TERM_DTYPE,
  TERM_SIZE,
  TERM_SHAPE
} TermKind;

typedef struct
{
  TermKind kind;
  char *text;     /* lower case ASCII */
  char *folded;   /* case folded, for names for people */
  guint32 dtypes; /* bits */
  char relation;  /* < > = */
  guint64 bytes;
  GArray *shape;       /* guint64 */
  gboolean has_number; /* a # in the text */
} Term;

struct _AppQuery
{
  GPtrArray *terms;
};

static void
term_free (gpointer data)
{
  Term *term = data;

  g_free (term->text);
  g_free (term->folded);
  g_clear_pointer (&term->shape, g_array_unref);
  g_free (term);
}

/* ---- reading ---- */

static gboolean
read_dtypes (const char *text, Term *term)
{
  g_auto (GStrv) names = g_strsplit (text, ",", -1);

  for (guint i = 0; names[i] != NULL; i++)
    {
      for (guint d = 0; d < ST_N_DTYPES; d++)
        {
          /* A beginning is enough: f8 means every type of eight bits. */
          if (names[i][0] != '\0'
              && g_ascii_strncasecmp (st_dtype_name (d), names[i], strlen (names[i]))
                     == 0)
            term->dtypes |= 1u << d;
        }
    }
  term->kind = TERM_DTYPE;
  return names[0] != NULL && names[0][0] != '\0';
}

static gboolean
read_size (const char *text, Term *term)
{
  static const char units[] = "kmgt";
  char *end;
  double number;

  if (strchr ("<>=", text[0]) == NULL || text[0] == '\0')
    return FALSE;
  term->relation = text[0];
  number = g_ascii_strtod (text + 1, &end);
  if (end == text + 1 || !(number >= 0))
    return FALSE;
  if (*end != '\0')
    {
      const char *unit = strchr (units, g_ascii_tolower (*end));
      if (unit != NULL)
        {
          gboolean binary = g_ascii_tolower (end[1]) == 'i';
          number *= pow (binary ? 1024 : 1000, (double) (unit - units + 1));
        }
      else if (g_ascii_tolower (*end) != 'b')
        return FALSE;
    }
  term->bytes = number < 1.8e19 ? (guint64) number : G_MAXUINT64;
  term->kind = TERM_SIZE;
  return TRUE;
}

static gboolean
read_shape (const char *text, Term *term)
{
  g_auto (GStrv) dims = g_strsplit_set (text, "xX,", -1);

  term->shape = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; dims[i] != NULL; i++)
    {
      guint64 n;
      if (dims[i][0] == '\0')
        continue;
      if (!g_ascii_string_to_unsigned (dims[i], 10, 0, G_MAXUINT64, &n, NULL))
        return FALSE;
      g_array_append_val (term->shape, n);
    }
  term->kind = TERM_SHAPE;
  return term->shape->len > 0;
}

static Term *
term_new (const char *word)
{
  Term *term = g_new0 (Term, 1);

  term->text = g_ascii_strdown (word, -1);
  term->folded = g_utf8_casefold (word, -1);
  term->has_number = strchr (word, '#') != NULL;
  if (g_str_has_prefix (term->text, "dtype:") && read_dtypes (term->text + 6, term))
    return term;
  if (g_str_has_prefix (term->text, "size") && read_size (term->text + 4, term))
    return term;
  if (g_str_has_prefix (term->text, "shape:") && read_shape (term->text + 6, term))
    return term;
  term->kind = TERM_TEXT;
  return term;
}

AppQuery *
app_query_new (const char *text)
{
  AppQuery *self = g_new0 (AppQuery, 1);
  g_auto (GStrv) words = g_strsplit_set (text, " \t\n", -1);

  self->terms = g_ptr_array_new_with_free_func (term_free);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (words[i][0] != '\0')
        g_ptr_array_add (self->terms, term_new (words[i]));
    }
  return self;
}

void
app_query_free (AppQuery *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->terms);
  g_free (self);
}

gboolean
app_query_is_empty (const AppQuery *self)
{
  return self->terms->len == 0;
}

static gboolean
has_only_texts (const char *text)
{
  g_autoptr (AppQuery) query = app_query_new (text);

  for (guint i = 0; i < query->terms->len; i++)
    if (((Term *) query->terms->pdata[i])->kind != TERM_TEXT)
      return FALSE;
  return TRUE;
}

/* A name that has a word has the word's beginning too. */
gboolean
app_query_narrows (const char *text, const char *before)
{
  return before != NULL && g_str_has_prefix (text, before) && has_only_texts (before)
         && has_only_texts (text);
}

/* ---- matching ---- */

/* Whether @pattern matches at the very start of @text; '#' takes all digits that follow.
 */
static gboolean
matches_here (const char *text, const char *pattern)
{
  for (; *pattern != '\0'; pattern++)
    {
      if (*pattern == '#')
        {
          if (!g_ascii_isdigit (*text))
            return FALSE;
          while (g_ascii_isdigit (*text))
            text++;
        }
      else if (g_ascii_tolower (*text) != *pattern)
        return FALSE;
      else
        text++;
    }
  return TRUE;
}

static gboolean
matches_text (const char *text, const char *pattern)
{
  char first = pattern[0], other = g_ascii_toupper (first);

  for (; *text != '\0'; text++)
    {
      if ((*text == first || *text == other || first == '#')
          && matches_here (text, pattern))
        return TRUE;
    }
  return FALSE;
}

static gboolean
matches_shape (const StTensor *tensor, const GArray *shape)
{
  if (shape->len > 1)
    return tensor->rank == shape->len
           && memcmp (tensor->shape, shape->data, shape->len * sizeof (guint64)) == 0;
  for (guint i = 0; i < tensor->rank; i++)
    {
      if (tensor->shape[i] == g_array_index (shape, guint64, 0))
        return TRUE;
    }
  return FALSE;
}

static gboolean
matches_size (const Term *term, guint64 bytes)
{
  switch (term->relation)
    {
    case '<':
      return bytes < term->bytes;
    case '>':
      return bytes > term->bytes;
    default:
      return bytes == term->bytes;
    }
}

static gboolean
matches (const Term *term, const StNode *node, gboolean capitals)
{
  const StTensor *tensor = node->tensor->tensor;

  switch (term->kind)
    {
    case TERM_DTYPE:
      return (term->dtypes & (1u << tensor->dtype)) != 0;
    case TERM_SIZE:
      return matches_size (term, node->bytes);
    case TERM_SHAPE:
      return matches_shape (tensor, term->shape);
    case TERM_TEXT:
    default:
      /* The words are in small letters; where names are too, the C library is faster. */
      if (!capitals && !term->has_number)
        return strstr (node->tensor->name, term->text) != NULL;
      return matches_text (node->tensor->name, term->text);
    }
}

/* Words that hold for everything below @id, because a name for people says them: one bit
 * for each of the first 64 words. */
static guint64
words_of_part (const AppQuery *self, const AppOutline *outline, guint32 id)
{
  g_autofree char *folded = NULL;
  guint64 words = 0;

  if (!app_outline_is_human (outline, id))
    return 0;
  folded = g_utf8_casefold (app_outline_get (outline, id)->label, -1);
  for (guint i = 0; i < MIN (self->terms->len, 64); i++)
    {
      const Term *term = self->terms->pdata[i];
      if (term->kind == TERM_TEXT && strstr (folded, term->folded) != NULL)
        words |= G_GUINT64_CONSTANT (1) << i;
    }
  return words;
}

guint8 *
app_query_run (const AppQuery *self,
               AppOutline *outline,
               const guint8 *within,
               GCancellable *cancellable,
               guint *n_hits)
{
  guint size = app_outline_size (outline);
  g_autofree guint8 *shown = g_new0 (guint8, size);
  g_autofree guint64 *words = g_new0 (guint64, size);
  gboolean capitals = app_outline_has_capitals (outline);
  gboolean human = app_outline_has_human (outline);

  *n_hits = 0;
  for (guint32 id = 0; id < size; id++)
    {
      const AppOutlineNode *node = app_outline_get (outline, id);
      guint i;

      if (id % 4096 == 0 && g_cancellable_is_cancelled (cancellable))
        return NULL;
      if (human)
        words[id] = words_of_part (self, outline, id);
      if (human && node->parent != APP_OUTLINE_NONE)
        words[id] |= words[node->parent];
      if (node->node == NULL || node->node->tensor == NULL
          || (within != NULL && !within[id]))
        continue;
      for (i = 0; i < self->terms->len; i++)
        {
          gboolean said = i < 64 && (words[id] & (G_GUINT64_CONSTANT (1) << i)) != 0;
          if (!said && !matches (self->terms->pdata[i], node->node, capitals))
            break;
        }
      shown[id] = i == self->terms->len;
      *n_hits += shown[id];
    }
  for (guint32 id = size; id-- > 1;)
    shown[app_outline_get (outline, id)->parent] |= shown[id];
  shown[0] = 1;
  return g_steal_pointer (&shown);
}
