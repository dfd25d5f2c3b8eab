/* sd-chars.h: a prompt's characters as CLIP's tokenizer sees them
 *
 * Private to the room.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

#define SD_N_MERGES 48894
/* pairs of token ids in rank order; made at build from data/clip-merges.bin */
extern const guint16 sd_merges[SD_N_MERGES * 2];

typedef enum
{
  SD_CHAR_OTHER,
  SD_CHAR_SPACE,
  SD_CHAR_LETTER,
  SD_CHAR_NUMBER
} SdCharKind;

typedef struct
{
  gunichar c;
  SdCharKind kind;
  gsize at; /* byte of the original text at which it began */
} SdChar;

/**
 * sd_chars_normalize:
 * @text: UTF-8; a byte that is not becomes U+FFFD
 * @length: bytes of @text
 * @base: added to every offset
 *
 * Canonical composition (NFC), then lower case, character by character. A character that
 * composition changed begins where the first of its group began.
 *
 * Returns: (transfer full): array of #SdChar. Thread: any; does not depend on the locale.
 */
GArray *sd_chars_normalize (const char *text, gsize length, gsize base);
