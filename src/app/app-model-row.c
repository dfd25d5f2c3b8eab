/* app-model-row.c: see app-model-row.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-row.h"

#include <glib/gi18n.h>

#include "app/app-format.h"

struct _AppModelRow
{
  GObject parent_instance;
  SdItem *item;
  char *head, *path, *title;
  gint64 used;
};

G_DEFINE_FINAL_TYPE (AppModelRow, app_model_row, G_TYPE_OBJECT)

AppModelRow *
app_model_row_new (SdItem *item)
{
  AppModelRow *self = g_object_new (APP_TYPE_MODEL_ROW, NULL);

  self->item = sd_item_ref (item);
  self->used = item->used;
  return self;
}

AppModelRow *
app_model_row_new_path (const char *path, const char *title, gint64 seconds)
{
  AppModelRow *self = g_object_new (APP_TYPE_MODEL_ROW, NULL);

  self->path = g_strdup (path);
  self->title = g_strdup (title);
  self->used = seconds;
  return self;
}

AppModelRow *
app_model_row_new_head (const char *text)
{
  AppModelRow *self = g_object_new (APP_TYPE_MODEL_ROW, NULL);

  self->head = g_strdup (text);
  return self;
}

const char *
app_model_row_get_head (AppModelRow *self)
{
  return self->head;
}

SdItem *
app_model_row_get_item (AppModelRow *self)
{
  return self->item;
}

const char *
app_model_row_get_path (AppModelRow *self)
{
  return self->item != NULL ? self->item->path : self->path;
}

const char *
app_model_row_get_title (AppModelRow *self)
{
  return self->item != NULL ? self->item->title : self->title;
}

const char *
app_model_row_get_why_not (AppModelRow *self)
{
  return self->item != NULL ? self->item->why_not : NULL;
}

gint64
app_model_row_get_used (AppModelRow *self)
{
  return self->used;
}

/* (transfer full) (nullable) */
static char *
used_text (gint64 seconds)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (seconds);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = NULL;
  int days;

  if (seconds == 0 || then == NULL)
    return NULL;
  days = (g_date_time_get_year (now) - g_date_time_get_year (then)) * 366
         + g_date_time_get_day_of_year (now) - g_date_time_get_day_of_year (then);
  if (days == 0)
    return g_strdup (_ ("used today"));
  if (days == 1)
    return g_strdup (_ ("used yesterday"));
  date = g_date_time_format (then, "%x");
  /* Translators: %s is a date */
  return g_strdup_printf (_ ("used on %s"), date);
}

char *
app_model_row_get_detail (AppModelRow *self)
{
  g_autofree char *used = used_text (self->used);
  g_autofree char *size = NULL;
  g_autofree char *where = NULL;
  g_autofree char *isolated = NULL;
  const char *parts[4];
  guint n = 0;

  if (app_model_row_get_why_not (self) != NULL)
    return g_strdup (self->item->why_not);
  if (self->item != NULL)
    parts[n++] = size = g_format_size (self->item->bytes);
  if (used != NULL)
    parts[n++] = used;
  if (self->item != NULL)
    where = g_strdup (self->item->where);
  else
    {
      g_autofree char *folder = g_path_get_dirname (self->path);
      where = sd_library_shown_path (folder);
    }
  parts[n++] = isolated = app_format_isolate (where);
  parts[n] = NULL;
  return g_strjoinv (" · ", (char **) parts);
}

gboolean
app_model_row_equal (AppModelRow *self, AppModelRow *other)
{
  return self->item == other->item && self->used == other->used
         && g_strcmp0 (self->head, other->head) == 0
         && g_strcmp0 (self->path, other->path) == 0
         && g_strcmp0 (self->title, other->title) == 0;
}

static void
app_model_row_finalize (GObject *object)
{
  AppModelRow *self = APP_MODEL_ROW (object);

  g_clear_pointer (&self->item, sd_item_unref);
  g_free (self->head);
  g_free (self->path);
  g_free (self->title);
  G_OBJECT_CLASS (app_model_row_parent_class)->finalize (object);
}

static void
app_model_row_class_init (AppModelRowClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_model_row_finalize;
}

static void
app_model_row_init (AppModelRow *self)
{
}
