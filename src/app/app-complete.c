/* app-complete.c: see app-complete.h
 *
 * The list never has the focus: the view hands it the keys that it takes while it is
 * shown (↑ ↓, Tab, Return, Escape), and all others go on writing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-complete.h"

#include "sd/sd-prompt.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_SHOWN 8
#define MIN_WORD 2 /* characters of a word before a name is offered for it */

struct _AppComplete
{
  GtkTextView *view;
  GtkTextBuffer *buffer;
  GtkWidget *overlay, *popover, *list;
  AppNamesFunc names;
  gpointer user_data;
  GPtrArray *shown; /* char * */
  gboolean network; /* they are of LoRA */
  gboolean writing; /* what was chosen is being written */
  gboolean waiting; /* no name fits what was typed, but more may become known */
};

static char *
text_of (AppComplete *self, gsize *cursor)
{
  GtkTextIter start, end, here;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  gtk_text_buffer_get_iter_at_mark (self->buffer, &here,
                                    gtk_text_buffer_get_insert (self->buffer));
  g_autofree char *before = gtk_text_buffer_get_text (self->buffer, &start, &here, FALSE);
  *cursor = strlen (before);
  return gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
}

/* ---- which ---- */

/* 2: begins with what was typed; 1: has it somewhere; 0: neither. */
static guint
rank (const char *name, const char *typed)
{
  g_autofree char *a = g_utf8_casefold (name, -1), *b = g_utf8_casefold (typed, -1);
  return g_str_has_prefix (a, b) ? 2 : strstr (a, b) != NULL ? 1 : 0;
}

static void
choose (AppComplete *self, const char *typed)
{
  g_auto (GStrv) names = self->names (self->network, self->user_data);

  g_ptr_array_set_size (self->shown, 0);
  for (guint wanted = 2; wanted >= (self->network ? 1 : 2); wanted--)
    for (guint i = 0; names != NULL && names[i] != NULL; i++)
      if (self->shown->len < MAX_SHOWN && rank (names[i], typed) == wanted
          && strcmp (names[i], typed) != 0)
        g_ptr_array_add (self->shown, g_strdup (names[i]));
}

/* ---- showing ---- */

static void
fill (AppComplete *self)
{
  GtkListBox *list = GTK_LIST_BOX (self->list);
  GtkWidget *row;

  while ((row = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_list_box_remove (list, row);
  for (guint i = 0; i < self->shown->len; i++)
    {
      GtkWidget *label = gtk_label_new (self->shown->pdata[i]);
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
      gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
      gtk_list_box_append (list, label);
    }
  gtk_list_box_select_row (list, gtk_list_box_get_row_at_index (list, 0));
}

static void
place (AppComplete *self)
{
  GtkTextIter here;
  GdkRectangle at;
  double x, y;
  int left, top;

  gtk_text_buffer_get_iter_at_mark (self->buffer, &here,
                                    gtk_text_buffer_get_insert (self->buffer));
  gtk_text_view_get_iter_location (self->view, &here, &at);
  gtk_text_view_buffer_to_window_coords (self->view, GTK_TEXT_WINDOW_WIDGET, at.x, at.y,
                                         &left, &top);
  if (!gtk_widget_translate_coordinates (GTK_WIDGET (self->view), self->overlay, left,
                                         top, &x, &y))
    return;
  at.x = (int) x;
  at.y = (int) y;
  at.width = 1;
  gtk_popover_set_pointing_to (GTK_POPOVER (self->popover), &at);
}

void
app_complete_hide (AppComplete *self)
{
  if (self->popover != NULL && gtk_widget_get_visible (self->popover))
    gtk_popover_popdown (GTK_POPOVER (self->popover));
}

void
app_complete_update (AppComplete *self)
{
  gsize cursor;
  SdSpan span;

  if (self->writing || self->names == NULL || self->popover == NULL)
    return;
  self->waiting = FALSE;
  g_autofree char *text = text_of (self, &cursor);
  if (!gtk_widget_has_focus (GTK_WIDGET (self->view))
      || !sd_prompt_typed (text, cursor, &span, &self->network))
    {
      app_complete_hide (self);
      return;
    }
  g_autofree char *typed = g_strndup (text + span.begin, span.end - span.begin);
  g_ptr_array_set_size (self->shown, 0);
  if (self->network || g_utf8_strlen (typed, -1) >= MIN_WORD)
    choose (self, typed);
  if (self->shown->len == 0)
    {
      self->waiting = TRUE;
      app_complete_hide (self);
      return;
    }
  fill (self);
  place (self);
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

void
app_complete_names_changed (AppComplete *self)
{
  if (self->waiting)
    app_complete_update (self);
}

/* ---- choosing ---- */

/* The name instead of what was typed of it; of a LoRA with a weight, where none follows.
 */
static void
take (AppComplete *self, guint index)
{
  gsize cursor;
  SdSpan span;
  GtkTextIter from, to;
  g_autofree char *text = text_of (self, &cursor);

  if (index >= self->shown->len || !sd_prompt_typed (text, cursor, &span, &self->network))
    return;
  const char *name = self->shown->pdata[index];
  gboolean closed = text[cursor] == ':' || text[cursor] == '>';
  g_autofree char *with
      = self->network && !closed ? g_strconcat (name, ":1>", NULL) : g_strdup (name);
  self->writing = TRUE;
  gtk_text_buffer_begin_user_action (self->buffer);
  gtk_text_buffer_get_iter_at_offset (
      self->buffer, &from, (int) g_utf8_pointer_to_offset (text, text + span.begin));
  gtk_text_buffer_get_iter_at_offset (
      self->buffer, &to, (int) g_utf8_pointer_to_offset (text, text + span.end));
  gtk_text_buffer_delete (self->buffer, &from, &to);
  gtk_text_buffer_insert (self->buffer, &from, with, -1);
  gtk_text_buffer_place_cursor (self->buffer, &from);
  gtk_text_buffer_end_user_action (self->buffer);
  self->writing = FALSE;
  app_complete_hide (self);
}

static int
selected (AppComplete *self)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (GTK_LIST_BOX (self->list));
  return row != NULL ? gtk_list_box_row_get_index (row) : 0;
}

gboolean
app_complete_key (AppComplete *self, guint key)
{
  GtkListBox *list = GTK_LIST_BOX (self->list);
  int by = key == GDK_KEY_Down ? 1 : key == GDK_KEY_Up ? -1 : 0, n = self->shown->len;

  if (self->popover == NULL || !gtk_widget_get_visible (self->popover))
    return FALSE;
  if (by != 0)
    gtk_list_box_select_row (
        list, gtk_list_box_get_row_at_index (list, (selected (self) + by + n) % n));
  else if (key == GDK_KEY_Tab || key == GDK_KEY_Return || key == GDK_KEY_KP_Enter)
    take (self, (guint) selected (self));
  else if (key == GDK_KEY_Escape)
    app_complete_hide (self);
  else
    return FALSE;
  return TRUE;
}

static void
on_row (GtkListBox *list, GtkListBoxRow *row, AppComplete *self)
{
  take (self, (guint) gtk_list_box_row_get_index (row));
}

/* ---- ---- */

/* The overlay goes: what hangs on it must go before. */
static void
drop_popover (AppComplete *self)
{
  GtkWidget *popover = self->popover;

  if (popover == NULL)
    return; /* the overlay has let go of it already */
  g_clear_weak_pointer (&self->popover);
  gtk_widget_unparent (popover);
}

AppComplete *
app_complete_new (GtkTextView *view)
{
  AppComplete *self = g_new0 (AppComplete, 1);

  self->view = view;
  self->buffer = g_object_ref (gtk_text_view_get_buffer (view));
  self->shown = g_ptr_array_new_with_free_func (g_free);
  self->overlay = gtk_widget_get_ancestor (GTK_WIDGET (view), GTK_TYPE_OVERLAY);
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_BROWSE);
  gtk_widget_set_can_focus (self->list, FALSE);
  gtk_widget_add_css_class (self->list, "app-complete");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Names that fit"),
                                  -1);
  g_signal_connect (self->list, "row-activated", G_CALLBACK (on_row), self);
  g_set_weak_pointer (&self->popover, gtk_popover_new ());
  gtk_popover_set_child (GTK_POPOVER (self->popover), self->list);
  gtk_popover_set_autohide (GTK_POPOVER (self->popover), FALSE);
  gtk_popover_set_has_arrow (GTK_POPOVER (self->popover), FALSE);
  gtk_popover_set_position (GTK_POPOVER (self->popover), GTK_POS_BOTTOM);
  gtk_widget_set_halign (self->popover, GTK_ALIGN_START);
  gtk_widget_add_css_class (self->popover, "menu");
  gtk_widget_set_parent (self->popover, self->overlay);
  g_signal_connect_swapped (self->overlay, "destroy", G_CALLBACK (drop_popover), self);
  return self;
}

void
app_complete_free (AppComplete *self)
{
  if (self == NULL)
    return;
  if (self->popover != NULL)
    g_signal_handlers_disconnect_by_data (self->overlay, self);
  drop_popover (self);
  g_object_unref (self->buffer);
  g_ptr_array_unref (self->shown);
  g_free (self);
}

void
app_complete_set_names (AppComplete *self, AppNamesFunc names, gpointer user_data)
{
  self->names = names;
  self->user_data = user_data;
}
