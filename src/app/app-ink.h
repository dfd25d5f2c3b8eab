/* app-ink.h: the colours of data
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

typedef enum
{
  APP_INK_DATA,   /* sepia */
  APP_INK_SECOND, /* the other series: an outline */
  APP_INK_FAULT,
  APP_INK_TEXT,
  APP_INK_FAINT /* axes */
} AppInk;

/** app_ink_get: as it reads on the background that @widget's text is made for */
void app_ink_get (GtkWidget *widget, AppInk ink, GdkRGBA *color);
