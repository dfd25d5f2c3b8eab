/* app-actions.h: every action of the window with its keys, in one table
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

typedef enum
{
  APP_ACTIONS_GENERAL,
  APP_ACTIONS_PICTURES,
  APP_ACTIONS_PICTURE,
  APP_ACTIONS_MASK,
  APP_ACTIONS_TENSORS,
  APP_N_ACTION_GROUPS
} AppActionGroup;

/* @name: detailed action name, or NULL where keys are handled by the focused widget;
 * @keys: GTK accelerators with blanks between them; @title: untranslated, marked N_() */
typedef struct
{
  const char *name;
  const char *keys;
  const char *title;
  AppActionGroup group;
} AppActionInfo;

extern const AppActionInfo app_actions[];
extern const guint app_n_actions;

/** app_action_group_title: translated heading */
const char *app_action_group_title (AppActionGroup group);
/** app_actions_install: tells @application the keys of every named action */
void app_actions_install (GtkApplication *application);
