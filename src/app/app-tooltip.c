/* app-tooltip.c: a tooltip that costs nothing until somebody rests on the widget
 *
 * gtk_widget_set_tooltip_text () asks the display's server where the pointer is, and
 * waits for the answer, each time: thirty figures are thirty waits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tooltip.h"

static gboolean
on_query (GtkWidget *widget, int x, int y, gboolean keyboard, GtkTooltip *tooltip)
{
  const char *text = g_object_get_data (G_OBJECT (widget), "app-tooltip");

  gtk_tooltip_set_text (tooltip, text);
  return text != NULL;
}

void
app_tooltip_set (GtkWidget *widget, const char *text)
{
  if (!gtk_widget_get_has_tooltip (widget))
    {
      gtk_widget_set_has_tooltip (widget, TRUE);
      g_signal_connect (widget, "query-tooltip", G_CALLBACK (on_query), NULL);
    }
  g_object_set_data_full (G_OBJECT (widget), "app-tooltip", g_strdup (text), g_free);
}
