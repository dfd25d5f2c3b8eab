/* app-shares.h: how a whole is made up of parts: a stacked bar with its legend
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

typedef struct
{
  const char *label;
  guint64 bytes;
} AppShare;

#define APP_TYPE_SHARES (app_shares_get_type ())
G_DECLARE_FINAL_TYPE (AppShares, app_shares, APP, SHARES, GtkWidget)

GtkWidget *app_shares_new (const char *title);
/** app_shares_set: largest first; beyond six the rest is one share, "other" */
void app_shares_set (AppShares *self, const AppShare *shares, guint n);
