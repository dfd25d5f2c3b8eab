/* sd-prompt-parse.c: weights: from a text with brackets to pieces of one weight each
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt-private.h"

#include <math.h>
#include <string.h>

#define ROUND ROUND_WEIGHT
#define SQUARE (1 / 1.1)
/* Brackets within brackets: beyond, they are text. */
#define MAX_DEPTH 200

static void
piece_free (gpointer data)
{
  SdPromptPiece *piece = data;
  if (piece == NULL)
    return;
  g_free (piece->text);
  g_free (piece);
}

static GPtrArray *
pieces_new (void)
{
  return g_ptr_array_new_with_free_func (piece_free);
}

static void
add (GPtrArray *pieces, const char *text, gsize length, double weight)
{
  SdPromptPiece *piece = g_new0 (SdPromptPiece, 1);
  piece->text = g_strndup (text, length);
  piece->weight = weight;
  g_ptr_array_add (pieces, piece);
}

static void
add_break (GPtrArray *pieces)
{
  add (pieces, "", 0, 1.0);
  ((SdPromptPiece *) pieces->pdata[pieces->len - 1])->ends_chunk = TRUE;
}

/* Neighbours of one weight are one text: words are made of the whole. */
static void
join (GPtrArray *pieces)
{
  g_autoptr (GString) text = NULL;
  guint kept = 0;

  for (guint i = 0; i < pieces->len; i++)
    {
      SdPromptPiece *piece = pieces->pdata[i];
      SdPromptPiece *last = kept > 0 ? pieces->pdata[kept - 1] : NULL;

      if (last != NULL && !last->ends_chunk && !piece->ends_chunk
          && last->weight == piece->weight)
        {
          if (text == NULL)
            text = g_string_new (last->text);
          g_string_append (text, piece->text);
          piece_free (piece);
          pieces->pdata[i] = NULL;
          continue;
        }
      if (text != NULL)
        {
          g_free (last->text);
          last->text = g_string_free (g_steal_pointer (&text), FALSE);
        }
      pieces->pdata[i] = NULL;
      pieces->pdata[kept++] = piece;
    }
  if (text != NULL)
    {
      SdPromptPiece *last = pieces->pdata[kept - 1];
      g_free (last->text);
      last->text = g_string_free (g_steal_pointer (&text), FALSE);
    }
  g_ptr_array_set_size (pieces, (int) kept);
}

/* ---- A1111 ---- */

static const char *
skip_spaces (const char *p)
{
  gunichar c;
  while (*p != '\0' && (c = g_utf8_get_char_validated (p, -1)) < 0x110000
         && g_unichar_isspace (c))
    p = g_utf8_next_char (p);
  return p;
}

/* @text where spaces before it end, not before @begin. */
static const char *
back_over_spaces (const char *begin, const char *text)
{
  while (text > begin)
    {
      const char *before = g_utf8_find_prev_char (begin, text);
      gunichar c = before != NULL ? g_utf8_get_char_validated (before, text - before)
                                  : (gunichar) -1;
      if (c >= 0x110000 || !g_unichar_isspace (c))
        break;
      text = before;
    }
  return text;
}

/* Text without brackets: divided where BREAK is a word of its own. */
static void
add_text (GPtrArray *pieces, const char *begin, const char *end)
{
  const char *from = begin;

  for (const char *p = sd_prompt_find_word (begin, end, begin, "BREAK"); p != NULL;
       p = sd_prompt_find_word (begin, end, from, "BREAK"))
    {
      const char *until = back_over_spaces (from, p);
      add (pieces, from, (gsize) (until - from), 1.0);
      add_break (pieces);
      from = MIN (skip_spaces (p + strlen ("BREAK")), end);
    }
  add (pieces, from, (gsize) (end - from), 1.0);
}

/* `: 1.3 )`: the number; NULL where @p begins with something else, else what follows. */
static const char *
read_weight (const char *p, double *weight)
{
  const char *digits = skip_spaces (p + 1);
  const char *sign = digits + (*digits == '+' || *digits == '-');
  gsize n = strspn (sign, "0123456789.");
  const char *close = skip_spaces (sign + n);
  g_autofree char *number = NULL;
  char *end;

  if (*p != ':' || n == 0 || *close != ')')
    return NULL;
  number = g_strndup (digits, (gsize) (sign + n - digits));
  *weight = g_ascii_strtod (number, &end);
  return *end == '\0' && isfinite (*weight) ? close + 1 : NULL;
}

static void
multiply (GPtrArray *pieces, guint from, double factor)
{
  for (guint i = from; i < pieces->len; i++)
    ((SdPromptPiece *) pieces->pdata[i])->weight *= factor;
}

/* Brackets that are open: at which piece each began. */
typedef struct
{
  GPtrArray *pieces;
  GArray *round, *square; /* guint */
} Reader;

static gboolean
pop (GPtrArray *pieces, GArray *open, double factor)
{
  if (open->len == 0)
    return FALSE;
  guint from = g_array_index (open, guint, open->len - 1);
  g_array_set_size (open, open->len - 1);
  multiply (pieces, from, factor);
  return TRUE;
}

/* A bracket, an escape or a colon at @p, and what follows it. */
static const char *
read_sign (Reader *r, const char *p)
{
  guint here = r->pieces->len;
  double weight;
  const char *after;

  switch (*p)
    {
    case '\\': /* alone it is nothing, but divides words */
      if (p[1] != '\0' && strchr ("()[]\\", p[1]) != NULL)
        {
          add (r->pieces, p + 1, 1, 1.0);
          return p + 2;
        }
      add (r->pieces, p, 0, 1.0);
      return p + 1;
    case '(':
    case '[':
      if (r->round->len + r->square->len >= MAX_DEPTH)
        break;
      g_array_append_val (*p == '(' ? r->round : r->square, here);
      return p + 1;
    case ':':
      after = r->round->len > 0 ? read_weight (p, &weight) : NULL;
      if (after == NULL)
        break;
      pop (r->pieces, r->round, weight);
      return after;
    case ')':
      if (!pop (r->pieces, r->round, ROUND))
        break;
      return p + 1;
    case ']':
      if (!pop (r->pieces, r->square, SQUARE))
        break;
      return p + 1;
    }
  add (r->pieces, p, 1, 1.0);
  return p + 1;
}

static GPtrArray *
parse_a1111 (const char *text)
{
  g_autoptr (GArray) round = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) square = g_array_new (FALSE, FALSE, sizeof (guint));
  Reader r = { pieces_new (), round, square };

  while (*text != '\0')
    {
      gsize words = strcspn (text, "\\()[]:");
      if (words > 0)
        add_text (r.pieces, text, text + words);
      text += words;
      if (*text != '\0')
        text = read_sign (&r, text);
    }
  while (pop (r.pieces, round, ROUND))
    ;
  while (pop (r.pieces, square, SQUARE))
    ;
  return r.pieces;
}

/* ---- ComfyUI ---- */

/* `\(` and `\)` are characters; other backslashes stay. */
static void
add_unescaped (GPtrArray *pieces, const char *begin, const char *end, double weight)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const char *p = begin; p < end; p++)
    {
      if (*p == '\\' && p + 1 < end && (p[1] == '(' || p[1] == ')'))
        p++;
      g_string_append_c (text, *p);
    }
  if (text->len > 0)
    add (pieces, text->str, text->len, weight);
}

static const char *
last_colon (const char *begin, const char *end)
{
  while (end > begin)
    if (*--end == ':')
      return end;
  return NULL;
}

static void parse_comfyui (
    GPtrArray *pieces, const char *begin, const char *end, double weight, guint depth);

/* From `(` to `)`, both included. */
static void
parse_bracket (
    GPtrArray *pieces, const char *begin, const char *end, double weight, guint depth)
{
  const char *inside = begin + 1, *until = end - 1;
  const char *colon = last_colon (inside, until);
  double own;

  weight *= ROUND;
  if (colon != NULL && colon > inside)
    {
      g_autofree char *number
          = g_strstrip (g_strndup (colon + 1, (gsize) (until - colon - 1)));
      char *rest;

      own = g_ascii_strtod (number, &rest);
      if (*number != '\0' && *rest == '\0' && isfinite (own))
        {
          weight = own;
          until = colon;
        }
    }
  parse_comfyui (pieces, inside, until, weight, depth + 1);
}

/* Top-level brackets and what is between them; one that is not closed is text unless the
 * text ends with one that is, and after a bracket closed too often all is text until it
 * is opened again. */
static void
parse_comfyui (
    GPtrArray *pieces, const char *begin, const char *end, double weight, guint depth)
{
  const char *from = begin;
  gint64 level = 0;

  for (const char *p = begin; p < end && depth < MAX_DEPTH; p++)
    {
      if (*p == '\\' && p + 1 < end && (p[1] == '(' || p[1] == ')'))
        p++;
      else if (*p == '(')
        {
          if (level++ == 0)
            {
              add_unescaped (pieces, from, p, weight);
              from = p;
            }
        }
      else if (*p == ')' && --level == 0)
        {
          if (*from == '(')
            parse_bracket (pieces, from, p + 1, weight, depth);
          else
            add_unescaped (pieces, from, p + 1, weight);
          from = p + 1;
        }
    }
  if (*from == '(' && end - from >= 2 && end[-1] == ')' && end[-2] != '\\'
      && depth < MAX_DEPTH)
    parse_bracket (pieces, from, end, weight, depth);
  else
    add_unescaped (pieces, from, end, weight);
}

GPtrArray *
sd_prompt_pieces (const char *text, SdGrammar grammar, SdEmphasis emphasis)
{
  GPtrArray *pieces;

  if (grammar == SD_GRAMMAR_A1111 && emphasis != SD_EMPHASIS_NONE)
    {
      pieces = parse_a1111 (text);
      join (pieces);
    }
  else
    {
      pieces = pieces_new ();
      if (grammar == SD_GRAMMAR_COMFYUI)
        parse_comfyui (pieces, text, text + strlen (text), 1.0, 0);
      else
        add (pieces, text, strlen (text), 1.0);
    }
  if (pieces->len == 0)
    add (pieces, "", 0, 1.0);
  for (guint i = 0; i < pieces->len && emphasis == SD_EMPHASIS_IGNORE; i++)
    ((SdPromptPiece *) pieces->pdata[i])->weight = 1.0;
  return pieces;
}
