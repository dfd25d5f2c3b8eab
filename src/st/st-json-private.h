/* st-json-private.h: a strict JSON reader over a block of memory, without a tree
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* Accepts exactly what serde_json, the reference's reader, accepts: RFC 8259 without
 * extensions, nesting below 128, numbers within double's range, escapes that are whole
 * Unicode characters. Never allocates but for a string with escapes in it.
 *
 * Every function that returns a gboolean returns FALSE once something was wrong; the
 * first fault's place and reason stay in the reader. The text must be valid UTF-8
 * (st_json_find_bad_utf8). Thread: one at a time. */
typedef struct
{
  const char *start, *at, *end;
  guint depth;
  char *fault;        /* (owned) (nullable): what was wrong, without the place */
  gsize fault_offset; /* byte at which it was noticed */
  GString *scratch;   /* (nullable): the last string with escapes */
} StJson;

typedef struct
{
  const char *text; /* valid until the next string is read */
  gsize length;
} StJsonString;

void st_json_init (StJson *json, const char *text, gsize length);
void st_json_clear (StJson *json);

/** st_json_find_bad_utf8: offset of the first byte that is not UTF-8, or -1 */
gssize st_json_find_bad_utf8 (const char *text, gsize length);

gboolean st_json_fail (StJson *json, const char *format, ...) G_GNUC_PRINTF (2, 3);
/** st_json_peek: first character of the next token, 0 at the end of the text */
char st_json_peek (StJson *json);
/** st_json_open: takes @bracket, which must come next */
gboolean st_json_open (StJson *json, char bracket);
/**
 * st_json_next:
 * @bracket: the closing one
 * @index: members read so far
 *
 * Takes the comma before the next member, or the closing bracket.
 * Returns: TRUE when a member follows; FALSE at the end and on a fault (@json->fault).
 */
gboolean st_json_next (StJson *json, char bracket, gsize index);
/** st_json_key: a member's name and its colon */
gboolean st_json_key (StJson *json, StJsonString *key);
gboolean st_json_string (StJson *json, StJsonString *string);
/** st_json_uint: an integer from 0 to 2^64 - 1 without sign, fraction or exponent */
gboolean st_json_uint (StJson *json, guint64 *value);
gboolean st_json_null (StJson *json);
/** st_json_skip: any value, checked as strictly as one that is used */
gboolean st_json_skip (StJson *json);
/** st_json_finish: nothing but white space may remain */
gboolean st_json_finish (StJson *json);

gboolean st_json_equal (const StJsonString *string, const char *literal);
