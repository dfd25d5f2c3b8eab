/* sd-prompt-schedule.c: prompts that change while the picture is made, and prompts side
 * by side
 *
 * `[from:to:when]` changes at a step, or at a share of the steps where @when has a point;
 * `[a|b]` changes at each. They nest, and stand within weights. A1111 compares the step's
 * number from 0 with @when from 1, so that the first prompt lasts one step longer than
 * @when says; pictures made with it can only be made again so.
 *
 * One scan finds for each bracket what it is; a bracket that is none of the forms is
 * text, and so are those around it, but not those within. A `|` outside of `[a|b]`, or a
 * backslash before nothing, makes the whole prompt text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt-private.h"

#include <math.h>
#include <string.h>

/* Deeper brackets are text: each level costs a call. */
#define MAX_DEPTH 200

typedef enum
{
  FORM_TEXT,
  FORM_SCHEDULED,
  FORM_ALTERNATE
} Form;

/* An opening bracket. */
typedef struct
{
  gsize at, close; /* the places of both brackets */
  Form form;
  gsize colons[2]; /* places of the last two; the first 0 where there is one only */
  guint n_colons, n_bars;
  gboolean spoiled; /* something within is text */
  gint64 when;      /* scheduled: the last step of what was first */
} Bracket;

typedef struct
{
  const char *text;
  guint steps;
  GArray *brackets; /* Bracket */
  guint *of;        /* [length]: 1 + index of the bracket that opens at a byte */
  gboolean alternates;
} Schedule;

static gboolean
is_word (const char *p, const char *end)
{
  gunichar c = p < end ? g_utf8_get_char_validated (p, end - p) : (gunichar) -1;
  return c < 0x110000 && (g_unichar_isalnum (c) || c == '_');
}

const char *
sd_prompt_find_word (const char *begin,
                     const char *end,
                     const char *from,
                     const char *word)
{
  gsize n = strlen (word);

  for (const char *p = from; p + n <= end; p++)
    {
      if (memcmp (p, word, n) != 0 || is_word (p + n, end))
        continue;
      const char *before = p > begin ? g_utf8_find_prev_char (begin, p) : NULL;
      if (before == NULL || !is_word (before, p))
        return p;
    }
  return NULL;
}

/* ---- what each bracket is ---- */

/* A number with nothing but spaces around it. */
static gboolean
read_when (const Schedule *s, gsize begin, gsize end, gint64 *when)
{
  g_autofree char *text = g_strstrip (g_strndup (s->text + begin, end - begin));
  const char *digits = text + (*text == '+' || *text == '-');
  char *rest;
  double value = g_ascii_strtod (text, &rest);

  if (*text == '\0' || *rest != '\0' || !isfinite (value)
      || !(g_ascii_isdigit (*digits) || *digits == '.') || strpbrk (text, "xXpP") != NULL)
    return FALSE;
  if (strchr (text, '.') != NULL)
    value *= s->steps;
  *when = (gint64) CLAMP (value, -1.0, s->steps);
  return TRUE;
}

/* Sets the form of @b, which has just been closed; FALSE where it is text. */
static gboolean
settle (Schedule *s, Bracket *b)
{
  gboolean square = s->text[b->at] == '[';

  if (b->spoiled)
    return FALSE;
  if (b->n_colons == 0 && b->n_bars == 0)
    return TRUE;
  if (!square)
    return b->n_colons <= 1 && b->n_bars == 0;
  if (b->n_bars > 0 && b->n_colons == 0)
    b->form = FORM_ALTERNATE;
  else if (b->n_bars == 0 && b->n_colons <= 2
           && read_when (s, b->colons[1] + 1, b->close, &b->when))
    b->form = FORM_SCHEDULED;
  s->alternates |= b->form == FORM_ALTERNATE;
  return b->form != FORM_TEXT;
}

/* All brackets that are open turn out to be text. FALSE where that leaves a `|` alone. */
static gboolean
abandon (Schedule *s, GArray *open)
{
  for (guint i = 0; i < open->len; i++)
    if (g_array_index (s->brackets, Bracket, g_array_index (open, guint, i)).n_bars > 0)
      return FALSE;
  g_array_set_size (open, 0);
  return TRUE;
}

static gboolean
close_bracket (Schedule *s, GArray *open, gsize at)
{
  Bracket *b = open->len > 0 ? &g_array_index (s->brackets, Bracket,
                                               g_array_index (open, guint, open->len - 1))
                             : NULL;

  if (b == NULL || (s->text[b->at] == '(') != (s->text[at] == ')'))
    return abandon (s, open);
  g_array_set_size (open, open->len - 1);
  b->close = at;
  if (settle (s, b))
    return TRUE;
  if (open->len > 0)
    g_array_index (s->brackets, Bracket, g_array_index (open, guint, open->len - 1))
        .spoiled
        = TRUE;
  return b->n_bars == 0;
}

static gboolean
open_bracket (Schedule *s, GArray *open, gsize at)
{
  Bracket b = { .at = at };
  guint index = s->brackets->len;

  if (open->len >= MAX_DEPTH && !abandon (s, open))
    return FALSE;
  g_array_append_val (s->brackets, b);
  g_array_append_val (open, index);
  s->of[at] = index + 1;
  return TRUE;
}

static gboolean
separate (Schedule *s, GArray *open, gsize at)
{
  Bracket *b = open->len > 0 ? &g_array_index (s->brackets, Bracket,
                                               g_array_index (open, guint, open->len - 1))
                             : NULL;
  if (s->text[at] == '|')
    {
      if (b != NULL)
        b->n_bars++;
      return b != NULL;
    }
  if (b == NULL)
    return TRUE;
  b->colons[0] = b->colons[1];
  b->colons[1] = at;
  b->n_colons++;
  return TRUE;
}

/* FALSE where the prompt is text as it stands. */
static gboolean
scan (Schedule *s)
{
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (guint));

  for (gsize i = 0; s->text[i] != '\0'; i++)
    {
      gboolean good = TRUE;
      switch (s->text[i])
        {
        case '\\':
          i++;
          good = s->text[i] != '\0' && s->text[i] != '\n';
          break;
        case '(':
        case '[':
          good = open_bracket (s, open, i);
          break;
        case ')':
        case ']':
          good = close_bracket (s, open, i);
          break;
        case ':':
        case '|':
          good = separate (s, open, i);
          break;
        }
      if (!good)
        return FALSE;
    }
  return abandon (s, open);
}

/* ---- what is said at a step ---- */

static void say (const Schedule *s, gsize begin, gsize end, guint step, GString *out);

static void
say_alternate (const Schedule *s, const Bracket *b, guint step, GString *out)
{
  guint chosen = (step - 1) % (b->n_bars + 1), index = 0;
  gsize from = b->at + 1, i;

  for (i = from; i < b->close; i++)
    {
      if (s->text[i] == '\\')
        i++;
      else if (s->of[i] != 0)
        i = g_array_index (s->brackets, Bracket, s->of[i] - 1).close;
      else if (s->text[i] == '|')
        {
          if (index++ == chosen)
            break;
          from = i + 1;
        }
    }
  say (s, from, i, step, out);
}

static void
say (const Schedule *s, gsize begin, gsize end, guint step, GString *out)
{
  for (gsize i = begin; i < end; i++)
    {
      const Bracket *b
          = s->of[i] != 0 ? &g_array_index (s->brackets, Bracket, s->of[i] - 1) : NULL;
      if (b == NULL || b->form == FORM_TEXT)
        {
          g_string_append_c (out, s->text[i]);
          continue;
        }
      if (b->form == FORM_ALTERNATE)
        say_alternate (s, b, step, out);
      else if ((gint64) step > b->when)
        say (s, (b->n_colons == 2 ? b->colons[0] : b->at) + 1, b->colons[1], step, out);
      else if (b->n_colons == 2)
        say (s, b->at + 1, b->colons[0], step, out);
      i = b->close;
    }
}

/* ---- cues ---- */

static void
cue_free (gpointer data)
{
  SdPromptCue *cue = data;
  g_free (cue->text);
  g_free (cue);
}

static void
add_cue (GPtrArray *cues, guint end, char *text)
{
  SdPromptCue *cue = g_new0 (SdPromptCue, 1);
  cue->end = end;
  cue->text = text;
  g_ptr_array_add (cues, cue);
}

/* The steps at which something ends: bit i of [1 … steps]. */
static gboolean *
find_ends (const Schedule *s)
{
  gboolean *ends = g_new0 (gboolean, s->steps + 1);

  ends[s->steps] = TRUE;
  for (guint i = 1; i <= s->steps && s->alternates; i++)
    ends[i] = TRUE;
  for (guint i = 0; i < s->brackets->len; i++)
    {
      const Bracket *b = &g_array_index (s->brackets, Bracket, i);
      if (b->form == FORM_SCHEDULED && b->when >= 1)
        ends[b->when] = TRUE;
    }
  return ends;
}

GPtrArray *
sd_prompt_cues (const char *text, guint steps)
{
  GPtrArray *cues = g_ptr_array_new_with_free_func (cue_free);
  gsize length = strlen (text);
  g_autoptr (GArray) brackets = g_array_new (FALSE, TRUE, sizeof (Bracket));
  g_autofree guint *of = g_new0 (guint, length + 1);
  Schedule s = { .text = text, .steps = MAX (steps, 1), .brackets = brackets, .of = of };

  if (!scan (&s))
    {
      add_cue (cues, s.steps, g_strdup (text));
      return cues;
    }
  g_autofree gboolean *ends = find_ends (&s);
  for (guint step = 1; step <= s.steps; step++)
    if (ends[step])
      {
        GString *said = g_string_sized_new (length);
        say (&s, 0, length, step, said);
        add_cue (cues, step, g_string_free (said, FALSE));
      }
  return cues;
}

guint
sd_prompt_cue_at (const GPtrArray *cues, guint call)
{
  for (guint i = 0; i + 1 < cues->len; i++)
    if (call <= ((const SdPromptCue *) cues->pdata[i])->end)
      return i;
  return cues->len - 1;
}

/* ---- side by side ---- */

static void
voice_free (gpointer data)
{
  SdPromptVoice *voice = data;
  g_ptr_array_unref (voice->cues);
  g_free (voice);
}

/* `text : 0.7`: takes the weight and the spaces off @text. */
static double
take_weight (char *text)
{
  double weight = 1.0;

  g_strchomp (text);
  char *colon = strrchr (text, ':');
  if (colon == NULL)
    return weight;
  g_autofree char *number = g_strstrip (g_strdup (colon + 1));
  const char *digits = number + (*number == '+' || *number == '-');
  if (*digits != '\0' && strspn (digits, "0123456789.") == strlen (digits)
      && strpbrk (digits, "0123456789") != NULL
      && strchr (digits, '.') == strrchr (digits, '.'))
    {
      weight = g_ascii_strtod (number, NULL);
      *colon = '\0';
      g_strchomp (text);
    }
  return weight;
}

static void
add_voice (GPtrArray *voices, const char *begin, const char *end, guint steps)
{
  SdPromptVoice *voice = g_new0 (SdPromptVoice, 1);
  g_autofree char *text = g_strndup (begin, (gsize) (end - begin));

  voice->weight = take_weight (text);
  voice->cues = sd_prompt_cues (text, steps);
  g_ptr_array_add (voices, voice);
}

GPtrArray *
sd_prompt_voices (const char *text, guint steps)
{
  GPtrArray *voices = g_ptr_array_new_with_free_func (voice_free);
  const char *end = text + strlen (text), *from = text, *p;

  while ((p = sd_prompt_find_word (text, end, from, "AND")) != NULL)
    {
      add_voice (voices, from, p, steps);
      from = p + strlen ("AND");
    }
  add_voice (voices, from, end, steps);
  return voices;
}

GPtrArray *
sd_prompt_voices_plain (const char *text)
{
  GPtrArray *voices = g_ptr_array_new_with_free_func (voice_free);
  SdPromptVoice *voice = g_new0 (SdPromptVoice, 1);

  voice->weight = 1.0;
  voice->cues = g_ptr_array_new_with_free_func (cue_free);
  add_cue (voice->cues, G_MAXUINT, g_strdup (text));
  g_ptr_array_add (voices, voice);
  return voices;
}
