/* sd-tokenizer.c: CLIP's byte-pair tokenizer
 *
 * The same ids as CLIPTokenizer of transformers 5 (tests/golden/tokens.json), which runs
 * two splitting expressions after each other; here they are one scan by kinds of
 * characters:
 *
 *     's 't 're 've 'm 'll 'd    a contraction
 *     letters+  number  others+  by Unicode's general category; spaces divide
 *
 * The literal texts of the start and end tokens, spelled exactly so, are those tokens;
 * spelled in capitals they are words of a kind.
 *
 * Merging keeps a heap of the pairs of a word, lowest rank first, leftmost among equals,
 * so that a "word" of a megabyte costs n log n and not n².
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"
#include "sd/sd-chars.h"

#include <string.h>

#define WORD_END 256 /* added to a byte's id where it ends a word */
#define FIRST_MERGE 512
#define TOKEN_START 49406
#define TOKEN_END 49407
#define TABLE_SIZE (1u << 17) /* 2.7 × the merges */
#define NO_PAIR G_MAXUINT32
#define NONE G_MAXUINT32

static const char start_text[] = "<|startoftext|>", end_text[] = "<|endoftext|>";

struct _SdTokenizer
{
  guint16 byte_ids[256];
  guint32 keys[TABLE_SIZE]; /* left id << 16 | right id */
  guint16 ranks[TABLE_SIZE];
};

/* The vocabulary's order of bytes: those that print in Latin-1 first. */
static void
fill_byte_ids (SdTokenizer *tokenizer)
{
  guint16 next = 0;
  for (guint pass = 0; pass < 2; pass++)
    for (guint b = 0; b < 256; b++)
      {
        gboolean prints = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (prints == (pass == 0))
          tokenizer->byte_ids[b] = next++;
      }
}

static guint
slot_of (const SdTokenizer *tokenizer, guint32 key)
{
  guint slot = (key * 2654435761u) >> 15;
  while (tokenizer->keys[slot] != NO_PAIR && tokenizer->keys[slot] != key)
    slot = (slot + 1) % TABLE_SIZE;
  return slot;
}

/**
 * sd_tokenizer_new: about a millisecond
 *
 * Returns: never NULL: the vocabulary is part of the program. Thread: immutable, any
 */
SdTokenizer *
sd_tokenizer_new (GError **error)
{
  SdTokenizer *tokenizer = g_new (SdTokenizer, 1);
  fill_byte_ids (tokenizer);
  memset (tokenizer->keys, 0xff, sizeof tokenizer->keys);
  for (guint rank = 0; rank < SD_N_MERGES; rank++)
    {
      guint32 key = (guint32) sd_merges[2 * rank] << 16 | sd_merges[2 * rank + 1];
      guint slot = slot_of (tokenizer, key);
      tokenizer->keys[slot] = key;
      tokenizer->ranks[slot] = (guint16) rank;
    }
  return tokenizer;
}

void
sd_tokenizer_free (SdTokenizer *tokenizer)
{
  g_free (tokenizer);
}

/* ---- merging one word ---- */

typedef struct
{
  guint32 id, previous, next; /* NONE at the ends; id is NONE where it was merged away */
  gsize at;
} Symbol;

typedef struct
{
  guint32 rank, left;
} Pair;

static gboolean
pair_before (const Pair *a, const Pair *b)
{
  return a->rank < b->rank || (a->rank == b->rank && a->left < b->left);
}

static void
heap_push (GArray *heap, Pair pair)
{
  g_array_append_val (heap, pair);
  Pair *pairs = (Pair *) (gpointer) heap->data;
  guint i = heap->len - 1;
  while (i > 0 && pair_before (&pair, &pairs[(i - 1) / 2]))
    {
      pairs[i] = pairs[(i - 1) / 2];
      i = (i - 1) / 2;
    }
  pairs[i] = pair;
}

static Pair
heap_pop (GArray *heap)
{
  Pair *pairs = (Pair *) (gpointer) heap->data;
  Pair top = pairs[0], last = pairs[heap->len - 1];
  g_array_set_size (heap, heap->len - 1);
  guint i = 0, n = heap->len;
  while (2 * i + 1 < n)
    {
      guint child = 2 * i + 1;
      if (child + 1 < n && pair_before (&pairs[child + 1], &pairs[child]))
        child++;
      if (!pair_before (&pairs[child], &last))
        break;
      pairs[i] = pairs[child];
      i = child;
    }
  if (n > 0)
    pairs[i] = last;
  return top;
}

/* NONE where the two never merge. */
static guint32
rank_of (const SdTokenizer *tokenizer, const Symbol *symbols, guint32 left)
{
  guint32 right = symbols[left].next;
  if (symbols[left].id == NONE || right == NONE)
    return NONE;
  guint32 key = symbols[left].id << 16 | symbols[right].id;
  guint slot = slot_of (tokenizer, key);
  return tokenizer->keys[slot] == key ? tokenizer->ranks[slot] : NONE;
}

static void
push_pair (const SdTokenizer *tokenizer,
           const Symbol *symbols,
           guint32 left,
           GArray *heap)
{
  guint32 rank = left == NONE ? NONE : rank_of (tokenizer, symbols, left);
  if (rank != NONE)
    heap_push (heap, (Pair){ rank, left });
}

static void
merge (const SdTokenizer *tokenizer, Symbol *symbols, guint n)
{
  g_autoptr (GArray) heap = g_array_new (FALSE, FALSE, sizeof (Pair));
  for (guint i = 0; i < n; i++)
    push_pair (tokenizer, symbols, i, heap);
  while (heap->len > 0)
    {
      Pair pair = heap_pop (heap);
      if (rank_of (tokenizer, symbols, pair.left) != pair.rank)
        continue; /* one of the two has merged with another since */
      Symbol *left = &symbols[pair.left], *right = &symbols[left->next];
      left->id = FIRST_MERGE + pair.rank;
      left->next = right->next;
      right->id = NONE;
      if (left->next != NONE)
        symbols[left->next].previous = pair.left;
      push_pair (tokenizer, symbols, pair.left, heap);
      push_pair (tokenizer, symbols, left->previous, heap);
    }
}

/* ---- words ---- */

typedef struct
{
  const SdTokenizer *tokenizer;
  GArray *ids;     /* guint32 */
  GArray *offsets; /* (nullable): gsize */
  GArray *symbols; /* scratch */
} Encoder;

static void
add_id (Encoder *encoder, guint32 id, gsize at)
{
  g_array_append_val (encoder->ids, id);
  if (encoder->offsets != NULL)
    g_array_append_val (encoder->offsets, at);
}

static void
add_word (Encoder *encoder, const SdChar *chars, guint n)
{
  g_array_set_size (encoder->symbols, 0);
  for (guint i = 0; i < n; i++)
    {
      char bytes[6];
      int n_bytes = g_unichar_to_utf8 (chars[i].c, bytes);
      for (int b = 0; b < n_bytes; b++)
        {
          guint32 here = encoder->symbols->len;
          Symbol symbol = { encoder->tokenizer->byte_ids[(guint8) bytes[b]],
                            here == 0 ? NONE : here - 1, here + 1, chars[i].at };
          g_array_append_val (encoder->symbols, symbol);
        }
    }
  Symbol *symbols = (Symbol *) (gpointer) encoder->symbols->data;
  guint n_symbols = encoder->symbols->len;
  symbols[n_symbols - 1].id += WORD_END;
  symbols[n_symbols - 1].next = NONE;
  merge (encoder->tokenizer, symbols, n_symbols);
  for (guint32 i = 0; i != NONE; i = symbols[i].next)
    add_id (encoder, symbols[i].id, symbols[i].at);
}

static gboolean
begins_with (const SdChar *chars, guint n, const char *ascii)
{
  guint length = strlen (ascii);
  if (length > n)
    return FALSE;
  for (guint i = 0; i < length; i++)
    if (chars[i].c != (guchar) ascii[i])
      return FALSE;
  return TRUE;
}

static guint
word_length (const SdChar *chars, guint n)
{
  static const char *const contractions[]
      = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", NULL };
  for (guint i = 0; contractions[i] != NULL; i++)
    if (begins_with (chars, n, contractions[i]))
      return strlen (contractions[i]);
  guint length = 1;
  if (chars[0].kind != SD_CHAR_NUMBER)
    while (length < n && chars[length].kind == chars[0].kind)
      length++;
  return length;
}

static void
encode_piece (Encoder *encoder, const char *text, gsize length, gsize base)
{
  g_autoptr (GArray) array = sd_chars_normalize (text, length, base);
  const SdChar *chars = (const SdChar *) (gconstpointer) array->data;
  guint n = array->len, i = 0;
  while (i < n)
    {
      const char *token = begins_with (chars + i, n - i, start_text) ? start_text
                          : begins_with (chars + i, n - i, end_text) ? end_text
                                                                     : NULL;
      if (chars[i].kind == SD_CHAR_SPACE)
        i++;
      else if (token != NULL) /* in capitals: "<|", letters, "|>", whatever follows */
        {
          guint middle = strlen (token) - 4;
          add_word (encoder, chars + i, 2);
          add_word (encoder, chars + i + 2, middle);
          add_word (encoder, chars + i + 2 + middle, 2);
          i += middle + 4;
        }
      else
        {
          guint word = word_length (chars + i, n - i);
          add_word (encoder, chars + i, word);
          i += word;
        }
    }
}

/* The next literal start or end token of @text. */
static const char *
next_token (const char *text, gboolean *is_start)
{
  for (const char *p = strstr (text, "<|"); p != NULL; p = strstr (p + 1, "<|"))
    {
      *is_start = g_str_has_prefix (p, start_text);
      if (*is_start || g_str_has_prefix (p, end_text))
        return p;
    }
  return NULL;
}

/**
 * sd_tokenizer_encode:
 * @text: UTF-8; a byte that is not is read as U+FFFD
 * @offsets: (out) (optional) (transfer full): gsize: byte of @text at which each id
 * begins; an id that begins inside a character begins where the character does
 *
 * Returns: (transfer full): guint32 ids. Thread: any
 */
GArray *
sd_tokenizer_encode (SdTokenizer *tokenizer, const char *text, GArray **offsets)
{
  Encoder encoder = { tokenizer, g_array_new (FALSE, FALSE, sizeof (guint32)),
                      offsets == NULL ? NULL : g_array_new (FALSE, FALSE, sizeof (gsize)),
                      g_array_new (FALSE, FALSE, sizeof (Symbol)) };
  const char *piece = text, *token;
  do
    {
      gboolean is_start;
      token = next_token (piece, &is_start);
      gsize length = token == NULL ? strlen (piece) : (gsize) (token - piece);
      encode_piece (&encoder, piece, length, (gsize) (piece - text));
      if (token != NULL)
        {
          add_id (&encoder, is_start ? TOKEN_START : TOKEN_END, (gsize) (token - text));
          piece = token + strlen (is_start ? start_text : end_text);
        }
    }
  while (token != NULL);
  g_array_unref (encoder.symbols);
  if (offsets != NULL)
    *offsets = encoder.offsets;
  return encoder.ids;
}
