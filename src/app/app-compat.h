/* app-compat.h: what changed between GTK 4.8 and the newest, behind one face
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

typedef enum
{
  APP_COMPAT_OPEN_FILE,
  APP_COMPAT_OPEN_FOLDER,
  APP_COMPAT_SAVE_FILE
} AppCompatDialog;

/** AppCompatFileFunc: @file is NULL when the person changed their mind */
typedef void (*AppCompatFileFunc) (GFile *file, gpointer user_data);

/**
 * app_compat_choose_file:
 * @accept: label of the button, translated
 * @filters: (nullable): of GtkFileFilter
 * @folder: (nullable): where to begin
 * @name: (nullable): proposed file name when saving
 *
 * Modal to @parent; @done is called once, on the main thread.
 */
void app_compat_choose_file (GtkWindow *parent,
                             AppCompatDialog kind,
                             const char *title,
                             const char *accept,
                             GListModel *filters,
                             GFile *folder,
                             const char *name,
                             AppCompatFileFunc done,
                             gpointer user_data);
/** app_compat_get_color: the text colour of @widget */
void app_compat_get_color (GtkWidget *widget, GdkRGBA *color);
/** app_compat_append_nearest: @texture over @bounds, every pixel a sharp square; only
 * what lies in @seen is drawn */
void app_compat_append_nearest (GtkSnapshot *snapshot,
                                GdkTexture *texture,
                                const graphene_rect_t *bounds,
                                const graphene_rect_t *seen);
/** app_compat_announce: says @text through the screen reader, where GTK can */
void app_compat_announce (GtkWidget *widget, const char *text);
