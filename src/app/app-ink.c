/* app-ink.c: the colours of data
 *
 * Whether the surroundings are dark is read off the colour of the text: it holds for
 * every theme, for high contrast and for a dark setting, with and without Adwaita.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-ink.h"

#include "app/app-compat.h"

static const char *const inks[][2] = {
  [APP_INK_DATA] = { "#865e3c", "#cdab8f" },
  [APP_INK_SECOND] = { "#1c71d8", "#62a0ea" },
  [APP_INK_FAULT] = { "#e01b24", "#ff7b63" },
};

void
app_ink_get (GtkWidget *widget, AppInk ink, GdkRGBA *color)
{
  GdkRGBA text;
  gboolean dark;

  app_compat_get_color (widget, &text);
  dark = 0.3f * text.red + 0.59f * text.green + 0.11f * text.blue > 0.5f;
  *color = text;
  if (ink == APP_INK_FAINT)
    color->alpha *= 0.4f;
  else if (ink != APP_INK_TEXT)
    gdk_rgba_parse (color, inks[ink][dark]);
}
