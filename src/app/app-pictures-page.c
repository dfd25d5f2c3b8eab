/* app-pictures-page.c: the page on which pictures are made
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-page.h"

#include <glib/gi18n.h>

struct _AppPicturesPage
{
  GtkWidget parent_instance;
  GtkWidget *box; /* everything is in it */
  AppModel *model;
  gboolean shown, narrow;
};

G_DEFINE_FINAL_TYPE (AppPicturesPage, app_pictures_page, GTK_TYPE_WIDGET)

static void
app_pictures_page_dispose (GObject *object)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (app_pictures_page_parent_class)->dispose (object);
}

static void
app_pictures_page_class_init (AppPicturesPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_pictures_page_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_pictures_page_init (AppPicturesPage *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

void
app_pictures_page_add_actions (AppPicturesPage *self, GActionMap *map)
{
}

void
app_pictures_page_set_model (AppPicturesPage *self, AppModel *model)
{
  g_set_object (&self->model, model);
}

void
app_pictures_page_set_shown (AppPicturesPage *self, gboolean shown)
{
  self->shown = shown;
}

void
app_pictures_page_set_narrow (AppPicturesPage *self, gboolean narrow)
{
  self->narrow = narrow;
}

gboolean
app_pictures_page_next_pane (AppPicturesPage *self)
{
  return FALSE;
}

void
app_pictures_page_close (AppPicturesPage *self)
{
}
