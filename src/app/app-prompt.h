/* app-prompt.h: what the prompt's text view knows: tokens, unknown words, earlier prompts
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-complete.h"
#include "app/app-session.h"

#define APP_TYPE_PROMPT (app_prompt_get_type ())
G_DECLARE_FINAL_TYPE (AppPrompt, app_prompt, APP, PROMPT, GObject)

/* Names of LoRA and textual inversions complete while typing, as the library has them;
 * LoRA that it has not are marked. Main thread. Signals: "changed" (by the user);
 * "unknown" (const char *: the first word the model was not taught, or NULL). */
/** app_prompt_new: @counter: tokens, and how many there is room for */
AppPrompt *app_prompt_new (GtkTextView *view, GtkLabel *counter, GtkWidget *placeholder);
/** app_prompt_set_grammar: that the tokens are counted by */
void app_prompt_set_grammar (AppPrompt *self, SdGrammar grammar);
/** app_prompt_set_session: where earlier prompts are had from (Alt+↑ ↓) */
void app_prompt_set_session (AppPrompt *self, AppSession *session);
/** app_prompt_set_info: (nullable): whose words; must live as long as it is set */
void app_prompt_set_info (AppPrompt *self, const SdInfo *info);
/** app_prompt_set_text: emits nothing */
void app_prompt_set_text (AppPrompt *self, const char *text);
char *app_prompt_get_text (AppPrompt *self); /* (transfer full) */
