/* app-picture.c: see app-picture.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-picture.h"

#include "app/app-texture.h"

#define THUMBNAIL_SIZE 256

struct _AppPicture
{
  GObject parent_instance;

  AppJob *job;
  guint index;
  char *path, *fault, *parent;
  gboolean pinned, seen, loading;
  GdkTexture *thumbnail, *texture;
  ImageMeta *meta;
};

G_DEFINE_TYPE (AppPicture, app_picture, G_TYPE_OBJECT)

static guint changed_signal;

/* What a worker brings from a file. */
typedef struct
{
  GdkTexture *thumbnail, *texture;
  ImageMeta *meta;
} Loaded;

static void
loaded_free (gpointer data)
{
  Loaded *loaded = data;

  g_clear_object (&loaded->thumbnail);
  g_clear_object (&loaded->texture);
  image_meta_free (loaded->meta);
  g_free (loaded);
}

static GdkTexture *
make_thumbnail (const ImageBuffer *image)
{
  guint longer = MAX (image->width, image->height);

  if (longer <= THUMBNAIL_SIZE)
    return app_texture_from_image (image);
  g_autoptr (ImageBuffer) small
      = image_buffer_resize (image, MAX (1, image->width * THUMBNAIL_SIZE / longer),
                             MAX (1, image->height * THUMBNAIL_SIZE / longer));
  return small != NULL ? app_texture_from_image (small) : NULL;
}

static void
load_thread (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) texts = NULL;
  g_autoptr (ImageBuffer) image = image_png_load (path, &texts, &error);

  if (image == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  Loaded *loaded = g_new0 (Loaded, 1);
  loaded->texture = app_texture_from_image (image);
  loaded->thumbnail = make_thumbnail (image);
  loaded->meta = image_meta_from_texts (texts);
  g_task_return_pointer (task, loaded, loaded_free);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPicture *self = APP_PICTURE (source);
  g_autoptr (GError) error = NULL;
  Loaded *loaded = g_task_propagate_pointer (G_TASK (result), &error);

  self->loading = FALSE;
  g_clear_pointer (&self->fault, g_free);
  if (loaded == NULL)
    self->fault = g_strdup (error->message);
  else
    {
      g_set_object (&self->thumbnail, loaded->thumbnail);
      g_set_object (&self->texture, loaded->texture);
      image_meta_free (self->meta);
      self->meta = g_steal_pointer (&loaded->meta);
      if (self->parent == NULL && self->meta != NULL)
        self->parent = g_strdup (self->meta->parent);
      loaded_free (loaded);
    }
  g_signal_emit (self, changed_signal, 0);
}

static void
load (AppPicture *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->loading || self->path == NULL || self->fault != NULL)
    return;
  self->loading = TRUE;
  task = g_task_new (self, NULL, on_loaded, NULL);
  g_task_set_task_data (task, g_strdup (self->path), g_free);
  g_task_run_in_thread (task, load_thread);
}

static void
emit_changed (AppPicture *self)
{
  g_signal_emit (self, changed_signal, 0);
}

static void
on_picture (AppJob *job, guint index, AppPicture *self)
{
  if (index != self->index)
    return;
  /* Whoever looked at its previews has not seen the picture. */
  self->seen = FALSE;
  g_free (self->path);
  self->path = g_strdup (app_job_get_path (job, index));
  g_set_object (&self->texture, app_job_get_picture (job, index));
  emit_changed (self);
}

static void
on_step (AppJob *job, guint step, AppPicture *self)
{
  emit_changed (self);
}

AppPicture *
app_picture_new_for_job (AppJob *job, guint index)
{
  AppPicture *self = g_object_new (APP_TYPE_PICTURE, NULL);

  self->job = g_object_ref (job);
  self->index = index;
  if (app_job_get_params (job)->source != NULL)
    self->parent = g_strdup (app_job_get_params (job)->source->path);
  g_signal_connect_object (job, "picture", G_CALLBACK (on_picture), self, 0);
  g_signal_connect_object (job, "step", G_CALLBACK (on_step), self, 0);
  g_signal_connect_object (job, "sharpened", G_CALLBACK (on_step), self, 0);
  g_signal_connect_object (job, "state-changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}

AppPicture *
app_picture_new_for_path (const char *path)
{
  AppPicture *self = g_object_new (APP_TYPE_PICTURE, NULL);

  self->path = g_strdup (path);
  self->seen = TRUE;
  return self;
}

AppJob *
app_picture_get_job (AppPicture *self)
{
  return self->job;
}

guint
app_picture_get_index (AppPicture *self)
{
  return self->index;
}

const char *
app_picture_get_path (AppPicture *self)
{
  return self->path;
}

gboolean
app_picture_get_pinned (AppPicture *self)
{
  return self->pinned;
}

void
app_picture_set_pinned (AppPicture *self, gboolean pinned)
{
  if (self->pinned == pinned)
    return;
  self->pinned = pinned;
  emit_changed (self);
}

gboolean
app_picture_get_seen (AppPicture *self)
{
  return self->seen;
}

void
app_picture_set_seen (AppPicture *self, gboolean seen)
{
  if (self->seen == seen)
    return;
  self->seen = seen;
  emit_changed (self);
}

GdkTexture *
app_picture_get_thumbnail (AppPicture *self)
{
  if (self->job != NULL)
    {
      GdkTexture *whole = app_job_get_picture (self->job, self->index);

      return whole != NULL ? whole
                           : app_job_get_preview (self->job, self->index,
                                                  app_job_get_step (self->job));
    }
  if (self->thumbnail == NULL)
    load (self);
  return self->thumbnail;
}

GdkTexture *
app_picture_get_texture (AppPicture *self)
{
  if (self->texture == NULL && self->job == NULL)
    load (self);
  return self->texture;
}

void
app_picture_forget_texture (AppPicture *self)
{
  if (self->job == NULL)
    g_clear_object (&self->texture);
}

void
app_picture_forget_job (AppPicture *self)
{
  if (self->job == NULL || self->path == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->job, self);
  g_clear_object (&self->job);
  g_clear_object (&self->texture);
  emit_changed (self);
}

const ImageMeta *
app_picture_get_meta (AppPicture *self)
{
  if (self->meta == NULL && self->path != NULL && self->thumbnail == NULL)
    load (self);
  return self->meta;
}

const char *
app_picture_get_parent (AppPicture *self)
{
  return self->parent;
}

void
app_picture_set_parent (AppPicture *self, const char *parent)
{
  g_free (self->parent);
  self->parent = g_strdup (parent);
}

const char *
app_picture_get_fault (AppPicture *self)
{
  return self->fault;
}

static void
app_picture_finalize (GObject *object)
{
  AppPicture *self = APP_PICTURE (object);

  g_clear_object (&self->job);
  g_free (self->path);
  g_free (self->fault);
  g_free (self->parent);
  g_clear_object (&self->thumbnail);
  g_clear_object (&self->texture);
  image_meta_free (self->meta);
  G_OBJECT_CLASS (app_picture_parent_class)->finalize (object);
}

static void
app_picture_class_init (AppPictureClass *class)
{
  G_OBJECT_CLASS (class)->finalize = app_picture_finalize;
  changed_signal = g_signal_new ("changed", APP_TYPE_PICTURE, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_picture_init (AppPicture *self)
{
}
