/* app-size.h: the popover that chooses a picture's size
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_SIZE (app_size_get_type ())
G_DECLARE_FINAL_TYPE (AppSize, app_size, APP, SIZE, GtkPopover)

/* Signal "chosen" (guint width, guint height): multiples of 8. Main thread. */
GtkWidget *app_size_new (void);
/** app_size_set: shows @width × @height; proportions are offered at the area of the
 * model's own size @base_width × @base_height */
void app_size_set (
    AppSize *self, guint width, guint height, guint base_width, guint base_height);
/** app_size_text: (transfer full): "512 × 768", kept left to right */
char *app_size_text (guint width, guint height);
/** app_size_snap: the nearest multiple of 8 from 64 to 2048 */
guint app_size_snap (double pixels);
