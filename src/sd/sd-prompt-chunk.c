/* sd-prompt-chunk.c: from pieces with weights to chunks of 75 tokens
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt.h"

#include <string.h>

#define COMMA 267      /* `,` at the end of a word */
#define COMMA_REACH 20 /* tokens: how far back a chunk may end at one */
#define LONG_WORD 8    /* tokens: ComfyUI divides words from so many on */
#define EMBEDDING "embedding:"

typedef struct
{
  SdTokenizer *tokenizer;
  const SdPromptWord *words;
  guint n_words;
  GArray **names; /* [n_words]: the tokens of each word's name */
  GArray *chunks; /* SdPromptChunk: those that are full */
  SdPromptChunk chunk;
  gint comma; /* place of the latest comma in it; -1: none */
} Chunker;

static void
finish_chunk (Chunker *c)
{
  g_array_append_val (c->chunks, c->chunk);
  memset (&c->chunk, 0, sizeof c->chunk);
  c->comma = -1;
}

static void
add_token (Chunker *c, SdPromptToken token)
{
  c->chunk.tokens[c->chunk.n++] = token;
}

static void
add_word (Chunker *c, gint word, float weight)
{
  for (guint row = 0; row < c->words[word].n; row++)
    add_token (c, (SdPromptToken){ .weight = weight, .word = word, .row = row });
}

/* ---- A1111 ---- */

/* The word whose name's tokens stand at @ids, the longest; -1: none. */
static gint
word_at (const Chunker *c, const guint32 *ids, guint n)
{
  gint found = -1;
  for (guint i = 0; i < c->n_words; i++)
    {
      guint length = c->names[i]->len;
      if (length > 0 && length <= n && (found < 0 || length > c->names[found]->len)
          && memcmp (ids, c->names[i]->data, length * sizeof *ids) == 0)
        found = (gint) i;
    }
  return found;
}

/* A chunk that has no more room ends after its last comma, where that is near; what is
 * behind it goes to the next. */
static void
end_at_comma (Chunker *c)
{
  guint after = (guint) c->comma + 1, moved = c->chunk.n - after;
  SdPromptToken rest[SD_CHUNK_TOKENS];

  memcpy (rest, c->chunk.tokens + after, moved * sizeof *rest);
  c->chunk.n = after;
  finish_chunk (c);
  memcpy (c->chunk.tokens, rest, moved * sizeof *rest);
  c->chunk.n = moved;
}

static void
add_piece (Chunker *c, const SdPromptPiece *piece)
{
  g_autoptr (GArray) tokens = sd_tokenizer_encode (c->tokenizer, piece->text, NULL);
  const guint32 *ids = (const guint32 *) (gconstpointer) tokens->data;

  for (guint i = 0; i < tokens->len;)
    {
      if (ids[i] == COMMA)
        c->comma = (gint) c->chunk.n;
      else if (c->chunk.n == SD_CHUNK_TOKENS && c->comma >= 0
               && SD_CHUNK_TOKENS - c->comma <= COMMA_REACH)
        end_at_comma (c);
      if (c->chunk.n == SD_CHUNK_TOKENS)
        finish_chunk (c);
      gint word = word_at (c, ids + i, tokens->len - i);
      if (word < 0)
        {
          add_token (c, (SdPromptToken){ ids[i++], (float) piece->weight, -1, 0 });
          continue;
        }
      if (c->chunk.n + c->words[word].n > SD_CHUNK_TOKENS)
        finish_chunk (c);
      add_word (c, word, (float) piece->weight);
      i += c->names[word]->len;
    }
}

/* ---- ComfyUI ---- */

/* Tokens that belong together: of one word. */
static void
add_group (Chunker *c, const SdPromptToken *tokens, guint n)
{
  gboolean divisible = n >= LONG_WORD;

  while (n > 0)
    {
      guint room = SD_CHUNK_TOKENS - c->chunk.n, part = MIN (room, n);
      if (part < n && !divisible)
        part = 0;
      for (guint i = 0; i < part; i++)
        add_token (c, tokens[i]);
      tokens += part;
      n -= part;
      if (n > 0)
        finish_chunk (c);
    }
}

static gboolean
is_name (const char *name, gsize length, const char *text, gsize n)
{
  if (n > strlen (".safetensors") + length)
    return FALSE;
  return n >= length && strncmp (text, name, length) == 0
         && (n == length || strncmp (text + length, ".safetensors", n - length) == 0)
         && (n == length || n == length + strlen (".safetensors"));
}

/* `embedding:name`, commas after the name left over; -1: none of that name, which is not
 * read as words either. */
static gint
embedding_at (const Chunker *c, const char *word, const char **rest)
{
  if (!g_str_has_prefix (word, EMBEDDING))
    return -1;
  const char *name = word + strlen (EMBEDDING);
  gsize n = strlen (name);
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < c->n_words; i++)
        if (is_name (c->words[i].name, strlen (c->words[i].name), name, n))
          {
            *rest = name + n;
            return (gint) i;
          }
      while (n > 0 && name[n - 1] == ',')
        n--;
    }
  *rest = name + n;
  return -1;
}

static void
add_plain_word (Chunker *c, const char *text, float weight)
{
  g_autoptr (GArray) tokens = sd_tokenizer_encode (c->tokenizer, text, NULL);
  g_autofree SdPromptToken *group = g_new (SdPromptToken, tokens->len + 1);

  for (guint i = 0; i < tokens->len; i++)
    group[i] = (SdPromptToken){ g_array_index (tokens, guint32, i), weight, -1, 0 };
  add_group (c, group, tokens->len);
}

static void
add_comfyui_piece (Chunker *c, const SdPromptPiece *piece)
{
  g_auto (GStrv) words = g_strsplit_set (piece->text, " \n", -1);

  for (char **word = words; *word != NULL; word++)
    {
      const char *rest = *word;
      gint found = embedding_at (c, *word, &rest);
      if (found >= 0)
        {
          SdPromptToken group[SD_CHUNK_TOKENS];
          for (guint row = 0; row < c->words[found].n; row++)
            group[row] = (SdPromptToken){ 0, (float) piece->weight, found, row };
          add_group (c, group, c->words[found].n);
        }
      if (*rest != '\0')
        add_plain_word (c, rest, (float) piece->weight);
    }
}

/* ---- both ---- */

GArray *
sd_prompt_chunks (SdTokenizer *tokenizer,
                  const char *text,
                  SdGrammar grammar,
                  SdEmphasis emphasis,
                  const SdPromptWord *words,
                  guint n_words,
                  guint *count)
{
  g_autoptr (GPtrArray) pieces = sd_prompt_pieces (text, grammar, emphasis);
  g_autofree GArray **names = g_new0 (GArray *, n_words + 1);
  Chunker c = { .tokenizer = tokenizer,
                .words = words,
                .n_words = n_words,
                .names = names,
                .chunks = g_array_new (FALSE, TRUE, sizeof (SdPromptChunk)),
                .comma = -1 };
  guint last;

  for (guint i = 0; i < n_words; i++)
    names[i] = sd_tokenizer_encode (tokenizer, words[i].name, NULL);
  for (guint i = 0; i < pieces->len; i++)
    {
      const SdPromptPiece *piece = pieces->pdata[i];
      if (piece->ends_chunk)
        finish_chunk (&c);
      else if (grammar == SD_GRAMMAR_COMFYUI)
        add_comfyui_piece (&c, piece);
      else
        add_piece (&c, piece);
    }
  last = c.chunk.n;
  if (c.chunk.n > 0 || c.chunks->len == 0)
    finish_chunk (&c);
  else
    last = SD_CHUNK_TOKENS;
  if (count != NULL)
    *count = (c.chunks->len - 1) * SD_CHUNK_TOKENS + last;
  for (guint i = 0; i < n_words; i++)
    g_array_unref (names[i]);
  return c.chunks;
}

gboolean
sd_prompt_chunks_weighted (const GArray *chunks)
{
  for (guint i = 0; i < chunks->len; i++)
    {
      const SdPromptChunk *chunk = &g_array_index (chunks, SdPromptChunk, i);
      for (guint k = 0; k < chunk->n; k++)
        if (chunk->tokens[k].weight != 1.0f)
          return TRUE;
    }
  return FALSE;
}
