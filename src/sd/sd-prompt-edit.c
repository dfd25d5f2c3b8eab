/* sd-prompt-edit.c: what an editor of prompts asks: weights by key, words and names, the
 * number of tokens
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt-private.h"

#include <math.h>
#include <string.h>

#define STEP 0.1          /* of a word's weight */
#define NETWORK_STEP 0.05 /* of a LoRA's, as A1111 has it */
#define COUNT_STEPS 20    /* that a prompt which changes is counted for */

static const char delimiters[] = ".,\\/!?%^*;:{}=`~()[]<>|# \t\r\n";

/* ---- weights ---- */

typedef struct
{
  const char *text;
  gsize begin, end; /* what is weighed */
} Selection;

static gboolean
is_escaped (const char *text, gsize at)
{
  guint n = 0;
  while (at > n && text[at - 1 - n] == '\\')
    n++;
  return n % 2 == 1;
}

/* The bracket that is open at @at; @length of the text where there is none. */
static gsize
find_open (const char *text, gsize at, char open, char close)
{
  guint depth = 0;
  for (gsize i = at; i-- > 0;)
    {
      if (is_escaped (text, i))
        continue;
      if (text[i] == close)
        depth++;
      else if (text[i] == open && depth-- == 0)
        return i;
    }
  return strlen (text);
}

static gsize
find_close (const char *text, gsize at, char open, char close)
{
  guint depth = 0;
  gsize i;
  for (i = at; text[i] != '\0'; i++)
    {
      if (is_escaped (text, i))
        continue;
      if (text[i] == open)
        depth++;
      else if (text[i] == close && depth-- == 0)
        break;
    }
  return i;
}

/* Where `:1.2` before @end begins; @end where there is none. */
static gsize
find_weight (const char *text, gsize begin, gsize end)
{
  gsize i = end;
  while (i > begin && strchr ("0123456789.+- ", text[i - 1]) != NULL)
    i--;
  if (i == begin || text[i - 1] != ':' || i == end)
    return end;
  g_autofree char *number = g_strstrip (g_strndup (text + i, end - i));
  char *rest;
  g_ascii_strtod (number, &rest);
  return *number != '\0' && *rest == '\0' ? i - 1 : end;
}

static void
trim (Selection *s)
{
  while (s->end > s->begin && g_ascii_isspace (s->text[s->end - 1]))
    s->end--;
  while (s->end > s->begin && g_ascii_isspace (s->text[s->begin]))
    s->begin++;
}

/* The brackets around the selection or the cursor; FALSE: there are none. */
static gboolean
find_block (const Selection *s, char open, char close, gsize *from, gsize *to)
{
  gsize length = strlen (s->text);

  *from = find_open (s->text, s->begin, open, close);
  *to = *from < length ? find_close (s->text, s->end, open, close) : length;
  return *from < length && *to < length;
}

static void
select_word (Selection *s)
{
  gsize length = strlen (s->text);
  while (s->begin > 0 && strchr (delimiters, s->text[s->begin - 1]) == NULL)
    s->begin--;
  while (s->end < length && strchr (delimiters, s->text[s->end]) == NULL)
    s->end++;
}

/* The text with what is from @from to before @to replaced, and the selection moved to
 * @kept bytes behind @lead of the new. */
static char *
exchange (Selection *s, gsize from, gsize to, const char *with, gsize lead, gsize kept)
{
  g_autofree char *head = g_strndup (s->text, from);
  s->begin = from + lead;
  s->end = s->begin + kept;
  return g_strconcat (head, with, s->text + to, NULL);
}

static char *
number_text (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  value = round (value * 1000) / 1000;
  g_ascii_formatd (text, sizeof text, value == round (value) ? "%.1f" : "%.3f", value);
  for (gsize n = strlen (text); text[n - 1] == '0' && text[n - 2] != '.'; n--)
    text[n - 1] = '\0';
  return g_strdup (text);
}

/* `<lora:name:0.8>`: the first weight. */
static char *
weigh_network (Selection *s, gsize from, gsize to, int by)
{
  g_autofree char *inside = g_strndup (s->text + from + 1, to - from - 1);
  g_auto (GStrv) fields = g_strsplit (inside, ":", -1);
  gboolean weighted = g_strv_length (fields) > 2;
  char *rest;
  double weight = weighted ? g_ascii_strtod (fields[2], &rest) : 1.0;

  if (g_strv_length (fields) < 2 || (weighted && (*rest != '\0' || rest == fields[2])))
    return NULL;
  g_autofree char *number = number_text (weight + by * NETWORK_STEP);
  g_autofree char *tail = weighted ? g_strjoinv (":", fields + 3) : g_strdup ("");
  g_autofree char *with = g_strdup_printf ("<%s:%s:%s%s%s>", fields[0], fields[1], number,
                                           *tail != '\0' ? ":" : "", tail);
  return exchange (s, from, to + 1, with, strlen (fields[0]) + 2, strlen (fields[1]));
}

/* What is in brackets already: `(words)`, `(words:1.2)`, `[words]`. */
static char *
weigh_block (Selection *s, gsize from, gsize to, int by)
{
  gsize colon = find_weight (s->text, from + 1, to), kept = colon - from - 1;
  g_autofree char *words = g_strndup (s->text + from + 1, kept);
  gboolean square = s->text[from] == '[';
  double weight = square ? 0.9 : ROUND_WEIGHT;

  if (colon < to)
    weight = g_ascii_strtod (s->text + colon + 1, NULL);
  weight += by * STEP;
  if (fabs (weight - 1.0) < STEP / 1000)
    return exchange (s, from, to + 1, words, 0, kept);
  g_autofree char *number = number_text (weight);
  g_autofree char *with = g_strdup_printf ("(%s:%s)", words, number);
  return exchange (s, from, to + 1, with, 1, kept);
}

/* Are the brackets around exactly what is selected, but for their weight? */
static gboolean
is_whole (const Selection *s, gsize from, gsize to)
{
  return s->begin == s->end
         || (s->begin == from + 1 && s->end == find_weight (s->text, from + 1, to))
         || (s->begin == from && s->end == to + 1);
}

char *
sd_prompt_weigh (const char *text, gsize *begin, gsize *end, int by)
{
  Selection s = { text, *begin, *end };
  gsize from, to;
  char *result = NULL;

  trim (&s);
  gboolean outer = s.end > s.begin && strchr ("([<", text[s.begin]) != NULL
                   && strchr (")]>", text[s.end - 1]) != NULL;
  if (outer) /* the brackets themselves are selected too */
    s = (Selection){ text, s.begin + 1, s.end - 1 };
  if (find_block (&s, '<', '>', &from, &to))
    result = weigh_network (&s, from, to, by);
  else if (find_block (&s, '(', ')', &from, &to) && (outer || is_whole (&s, from, to)))
    result = weigh_block (&s, from, to, by);
  else if (find_block (&s, '[', ']', &from, &to) && (outer || is_whole (&s, from, to))
           && memchr (text + from, ':', to - from) == NULL
           && memchr (text + from, '|', to - from) == NULL)
    result = weigh_block (&s, from, to, by);
  else
    {
      if (s.begin == s.end)
        select_word (&s);
      if (s.begin == s.end)
        return NULL;
      gsize kept = s.end - s.begin;
      g_autofree char *number = number_text (1.0 + by * STEP);
      g_autofree char *words = g_strndup (text + s.begin, kept);
      g_autofree char *with = g_strdup_printf ("(%s:%s)", words, number);
      result = exchange (&s, s.begin, s.end, with, 1, kept);
    }
  if (result != NULL)
    {
      *begin = s.begin;
      *end = s.end;
    }
  return result;
}

/* ---- words and names ---- */

/* From @from to before @to: spaces, but line ends stay. */
static void
blank (char *text, gsize from, gsize to)
{
  for (gsize i = from; i < to; i++)
    if (text[i] != '\n')
      text[i] = ' ';
}

/* The next `<kind:…>` at or behind @from. */
static gboolean
next_network (const char *text, gsize from, SdSpan *all, gsize *colon)
{
  for (const char *p = strchr (text + from, '<'); p != NULL; p = strchr (p + 1, '<'))
    {
      const char *after = p + 1 + strspn (p + 1, "abcdefghijklmnopqrstuvwxyz_");
      const char *close = *after == ':' ? strchr (after, '>') : NULL;
      if (close == NULL || after == p + 1)
        continue;
      *all = (SdSpan){ (gsize) (p - text), (gsize) (close + 1 - text) };
      *colon = (gsize) (after - text);
      return TRUE;
    }
  return FALSE;
}

GArray *
sd_prompt_networks (const char *text)
{
  GArray *names = g_array_new (FALSE, FALSE, sizeof (SdSpan));
  SdSpan all;
  gsize colon;

  for (gsize from = 0; next_network (text, from, &all, &colon); from = all.end)
    {
      SdSpan name = { colon + 1, colon + 1 + strcspn (text + colon + 1, ":>") };
      if (strncmp (text + all.begin, "<lora:", 6) == 0
          || strncmp (text + all.begin, "<lyco:", 6) == 0)
        g_array_append_val (names, name);
    }
  return names;
}

char *
sd_prompt_blank (const char *text, const char *const *known)
{
  static const char *const signs[] = { "BREAK", "AND" };
  char *words = g_strdup (text);
  gsize length = strlen (text), colon;
  SdSpan all;

  for (gsize from = 0; next_network (text, from, &all, &colon); from = all.end)
    blank (words, all.begin, all.end);
  for (const char *p = strstr (words, "<lora:"); p != NULL; p = strstr (p, "<lora:"))
    { /* that is still being typed */
      gsize at = (gsize) (p - words);
      blank (words, at, at + strcspn (words + at, "\n"));
    }
  for (gsize i = strcspn (words, "#"); i < length; i += strcspn (words + i, "#"))
    {
      gsize end = i + strcspn (words + i, "\n");
      blank (words, i, end);
      i = end;
    }
  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    for (const char *p = words;
         (p = sd_prompt_find_word (words, words + length, p, signs[i])) != NULL;)
      blank (words, (gsize) (p - words), (gsize) (p - words) + strlen (signs[i]));
  for (guint i = 0; known != NULL && known[i] != NULL; i++)
    for (const char *p = words;
         *known[i] != '\0'
         && (p = sd_prompt_find_word (words, words + length, p, known[i])) != NULL;)
      blank (words, (gsize) (p - words), (gsize) (p - words) + strlen (known[i]));
  return words;
}

gboolean
sd_prompt_typed (const char *text, gsize cursor, SdSpan *typed, gboolean *network)
{
  gsize open = cursor;

  while (open > 0 && strchr ("<>\n", text[open - 1]) == NULL)
    open--;
  *network = FALSE;
  if (open > 0 && text[open - 1] == '<'
      && (g_str_has_prefix (text + open, "lora:")
          || g_str_has_prefix (text + open, "lyco:"))
      && cursor >= open + strlen ("lora:"))
    {
      gsize name = open + strlen ("lora:");
      if (memchr (text + name, ':', cursor - name) != NULL)
        return FALSE;
      *typed = (SdSpan){ name, cursor };
      *network = TRUE;
      return TRUE;
    }
  Selection s = { text, cursor, cursor };
  while (s.begin > 0 && strchr (delimiters, text[s.begin - 1]) == NULL)
    s.begin--;
  *typed = (SdSpan){ s.begin, cursor };
  return cursor > s.begin;
}

/* ---- counting ---- */

guint
sd_prompt_count (SdTokenizer *tokenizer, const char *text, SdGrammar grammar)
{
  g_autofree char *rest = grammar != SD_GRAMMAR_PLAIN
                              ? sd_prompt_take_networks (text, NULL)
                              : g_strdup (text);
  g_autoptr (GPtrArray) voices = grammar == SD_GRAMMAR_A1111
                                     ? sd_prompt_voices (rest, COUNT_STEPS)
                                     : sd_prompt_voices_plain (rest);
  guint most = 0;

  for (guint v = 0; v < voices->len; v++)
    {
      const GPtrArray *cues = ((SdPromptVoice *) voices->pdata[v])->cues;
      const char *last = NULL;
      for (guint i = 0; i < cues->len; i++)
        {
          const char *said = ((SdPromptCue *) cues->pdata[i])->text;
          guint count = 0;
          if (g_strcmp0 (said, last) == 0)
            continue;
          last = said;
          g_array_unref (sd_prompt_chunks (tokenizer, said, grammar, 0, NULL, 0, &count));
          most = MAX (most, count);
        }
    }
  return most;
}
