/* base-json.h: writes JSON whose strings may hold any character, U+0000 too
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* A writer, not a tree: json-glib cannot write U+0000 and prints doubles with 17 digits
 * or six. Commas are placed by the writer. Numbers are the shortest text that reads back
 * to the same double; NaN and infinities are written as null (JSON has no such numbers).
 * Thread: one at a time. */
typedef struct _BaseJson BaseJson;

BaseJson *base_json_new (gboolean pretty);
void base_json_free (BaseJson *json);
/** base_json_steal: (transfer full): the text so far; the writer is empty afterwards */
char *base_json_steal (BaseJson *json, gsize *length);
/**
 * BaseJsonSink: takes @length bytes of the text, in order
 */
typedef void (*BaseJsonSink) (const char *text, gsize length, gpointer user_data);
/**
 * base_json_set_sink: hands the text on in pieces while it is written, so that an answer
 * of any length takes little memory
 *
 * Nothing is handed on before some ten kilobytes are there; base_json_flush() hands on
 * the rest.
 */
void base_json_set_sink (BaseJson *json, BaseJsonSink sink, gpointer user_data);
void base_json_flush (BaseJson *json);
void base_json_begin_object (BaseJson *json);
void base_json_end_object (BaseJson *json);
void base_json_begin_array (BaseJson *json);
void base_json_end_array (BaseJson *json);
void base_json_key (BaseJson *json, const char *name);
/** base_json_key_n: @name is @length bytes of valid UTF-8, possibly with U+0000 */
void base_json_key_n (BaseJson *json, const char *name, gsize length);
/** base_json_string: @text NULL writes null */
void base_json_string (BaseJson *json, const char *text);
void base_json_string_n (BaseJson *json, const char *text, gsize length);
void base_json_int (BaseJson *json, gint64 value);
void base_json_uint (BaseJson *json, guint64 value);
void base_json_double (BaseJson *json, double value);
void base_json_bool (BaseJson *json, gboolean value);
void base_json_null (BaseJson *json);

/** base_double_to_string: (transfer full): shortest text that reads back to @value */
char *base_double_to_string (double value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BaseJson, base_json_free)
