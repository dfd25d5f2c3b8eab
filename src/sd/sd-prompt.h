/* sd-prompt.h: the grammar of prompts: what the text says beside its words
 *
 * Pure text: no model is needed. Thread: any, everything here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/** sd_prompt_take_networks_full: as sd_prompt_take_networks
 * @warnings: (nullable) (element-type utf8): gains a sentence for each that is not
 * understood; such are left out of the text too */
char *
sd_prompt_take_networks_full (const char *prompt, GPtrArray *loras, GPtrArray *warnings);
