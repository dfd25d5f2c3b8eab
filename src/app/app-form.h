/* app-form.h: the settings of the next picture
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-session.h"

#define APP_TYPE_FORM (app_form_get_type ())
G_DECLARE_FINAL_TYPE (AppForm, app_form, APP, FORM, GtkWidget)

/* Main thread. What it shows is the session's settings; what is typed goes there. */
void app_form_set_session (AppForm *self, AppSession *session);
/** app_form_set_info: (nullable): the model's words and examples; must live as long as it
 * is set; @path: (nullable): of its file */
void app_form_set_info (AppForm *self, const SdInfo *info, const char *path);
/** app_form_set_note: @reason: (nullable): why Generate cannot be pressed; else @line
 * stands there */
void app_form_set_note (AppForm *self, const char *reason, const char *line);
/** app_form_set_waiting: how many jobs wait; the popover of the queue */
void app_form_set_waiting (AppForm *self, guint n);
void app_form_set_queue (AppForm *self, GtkWidget *popover);
/** app_form_n_captions: how many things the form itself says about the prompt */
guint app_form_n_captions (AppForm *self);
void app_form_focus_prompt (AppForm *self);
/** app_form_focus_settings: FALSE when the focus was there */
void app_form_focus_settings (AppForm *self);
gboolean app_form_has_prompt_focus (AppForm *self);
