/* app-scrubber.h: the time line of one picture: a tick a step, as in a video player
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_SCRUBBER (app_scrubber_get_type ())
G_DECLARE_FINAL_TYPE (AppScrubber, app_scrubber, APP, SCRUBBER, GtkWidget)

GtkWidget *app_scrubber_new (void);

/**
 * app_scrubber_set_steps:
 * @total: steps of the run, 0 for no run
 * @done: steps that have been made and can be shown
 *
 * Emits nothing. The position stays, or follows when it stood at the end.
 */
void app_scrubber_set_steps (AppScrubber *scrubber, guint total, guint done);
/** app_scrubber_get_position: 1 … done; 0 when there is nothing */
guint app_scrubber_get_position (AppScrubber *scrubber);
/** app_scrubber_set_position: as by the user: emits "position-changed" (guint) when it
 * differs; goes no further back than the first step that can be shown */
void app_scrubber_set_position (AppScrubber *scrubber, guint position);
/** app_scrubber_is_live: stands at the newest step */
gboolean app_scrubber_is_live (AppScrubber *scrubber);
/** app_scrubber_set_thumbnail: (nullable): what hovering over @step shows; 1 … total */
void app_scrubber_set_thumbnail (AppScrubber *scrubber, guint step, GdkTexture *texture);
void app_scrubber_clear (AppScrubber *scrubber);
