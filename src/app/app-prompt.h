/* app-prompt.h: what the prompt's text view knows: tokens, unknown words, earlier prompts
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-complete.h"
#include "app/app-session.h"

#define APP_TYPE_PROMPT (app_prompt_get_type ())
G_DECLARE_FINAL_TYPE (AppPrompt, app_prompt, APP, PROMPT, GObject)

/* Main thread. Signals: "changed" (by the user); "unknown" (const char *: the first word
 * the model was not taught, or NULL). */
/** app_prompt_new: @counter: tokens, and how many there is room for */
AppPrompt *app_prompt_new (GtkTextView *view, GtkLabel *counter, GtkWidget *placeholder);
/** app_prompt_set_names: (nullable): names of LoRA and textual inversions: they complete
 * while typing, and others are marked */
void app_prompt_set_names (AppPrompt *self, AppNamesFunc names, gpointer user_data);
/** app_prompt_names_changed: there are other names now */
void app_prompt_names_changed (AppPrompt *self);
/** app_prompt_set_session: where earlier prompts are had from (Alt+↑ ↓) */
void app_prompt_set_session (AppPrompt *self, AppSession *session);
/** app_prompt_set_info: (nullable): whose words; must live as long as it is set */
void app_prompt_set_info (AppPrompt *self, const SdInfo *info);
/** app_prompt_set_text: emits nothing */
void app_prompt_set_text (AppPrompt *self, const char *text);
char *app_prompt_get_text (AppPrompt *self); /* (transfer full) */
