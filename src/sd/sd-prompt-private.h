/* sd-prompt-private.h: what the files of the prompt's grammar share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-prompt.h"

#define ROUND_WEIGHT 1.1 /* of what is in round brackets */

/** sd_prompt_find_word: (nullable): where @word stands in @begin … @end, not before
 * @from, with no letter, digit or `_` beside it */
const char *sd_prompt_find_word (const char *begin,
                                 const char *end,
                                 const char *from,
                                 const char *word);
