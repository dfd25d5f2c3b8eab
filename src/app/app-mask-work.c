/* app-mask-work.c: what changes a whole mask, on a thread
 *
 * The thread works on a copy and finds out which tiles differ; the main thread only puts
 * the copy in the mask's place.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mask-private.h"

#include <glib/gi18n.h>

typedef struct _Work Work;
/* Changes the copy; FALSE with @error */
typedef gboolean (*WorkFunc) (Work *work, GError **error);

struct _Work
{
  WorkFunc function;
  guint generation;
  const ImageMask *before; /* nobody changes it while the editor is busy */
  ImageMask *kept;         /* which is what before points to */
  ImageMask *mask;
  ImageMaskStep *step;
  double number;
  gboolean erase;
  GArray *outline;
  char *path;
};

static void
work_free (gpointer data)
{
  Work *work = data;

  image_mask_free (work->kept);
  image_mask_free (work->mask);
  image_mask_step_free (work->step);
  g_clear_pointer (&work->outline, g_array_unref);
  g_free (work->path);
  g_free (work);
}

static gboolean
out_of_memory (GError **error)
{
  g_set_error_literal (error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
                       _ ("There is not enough memory for the mask"));
  return FALSE;
}

static gboolean
do_fill (Work *work, GError **error)
{
  image_mask_fill_polygon (work->mask, (const double *) work->outline->data,
                           work->outline->len / 2, IMAGE_FILL_NON_ZERO, work->erase);
  return TRUE;
}

static gboolean
do_invert (Work *work, GError **error)
{
  image_mask_invert (work->mask);
  return TRUE;
}

static gboolean
do_clear (Work *work, GError **error)
{
  image_mask_fill_rect (work->mask,
                        &(ImageRect){ 0, 0, work->mask->width, work->mask->height }, 0);
  return TRUE;
}

static gboolean
do_blur (Work *work, GError **error)
{
  return image_mask_blur (work->mask, work->number) || out_of_memory (error);
}

static gboolean
do_grow (Work *work, GError **error)
{
  return image_mask_grow (work->mask, work->number) || out_of_memory (error);
}

static gboolean
do_import (Work *work, GError **error)
{
  ImageMask *mask
      = image_mask_load (work->path, work->mask->width, work->mask->height, error);

  if (mask == NULL)
    return FALSE;
  image_mask_free (work->mask);
  work->mask = mask;
  return TRUE;
}

static gboolean
do_export (Work *work, GError **error)
{
  return image_mask_save (work->mask, work->path, error);
}

/* The copy is made already, and nothing else is wanted. */
static gboolean
do_copy (Work *work, GError **error)
{
  return TRUE;
}

/* The mask is given already. */
static gboolean
do_replace (Work *work, GError **error)
{
  return TRUE;
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  GError *error = NULL;

  if (work->mask == NULL)
    work->mask = image_mask_copy (work->before);
  if (work->mask == NULL)
    out_of_memory (&error);
  else if (work->function (work, &error) && work->function != do_copy)
    work->step = image_mask_step_between (work->before, work->mask);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void start (AppMaskEditor *self, Work *work, WorkFunc function);

static void
on_worked (GObject *source, GAsyncResult *result, gpointer unused)
{
  AppMaskEditor *self = APP_MASK_EDITOR (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  if (work->generation != self->generation)
    return;
  self->busy = self->copying = FALSE;
  if (work->function == do_copy)
    {
      Work *next = g_steal_pointer (&self->postponed);

      if (done)
        app_mask_editor_tell_copied (self, work->mask);
      if (next != NULL)
        start (self, next, next->function);
      else
        app_mask_editor_catch_up (self);
      return;
    }
  if (!done)
    app_mask_editor_tell_failed (self, error->message);
  else if (work->step != NULL)
    {
      image_mask_free (self->mask);
      self->mask = g_steal_pointer (&work->mask);
      image_mask_undo_add (self->undo, g_steal_pointer (&work->step));
      app_mask_editor_tell_changed (
          self, &(ImageRect){ 0, 0, self->mask->width, self->mask->height });
    }
  app_mask_editor_tell_edited (self);
  app_mask_editor_catch_up (self);
}

/* @work is taken; what is asked for while another is under way is not done. */
static void
start (AppMaskEditor *self, Work *work, WorkFunc function)
{
  g_autoptr (GTask) task = NULL;

  work->function = function;
  if (self->copying && self->postponed == NULL)
    {
      self->postponed = work;
      return;
    }
  if (self->mask == NULL || self->busy)
    {
      work_free (work);
      return;
    }
  app_mask_editor_cancel (self);
  self->busy = TRUE;
  self->copying = function == do_copy;
  work->generation = self->generation;
  work->kept = image_mask_ref (self->mask);
  work->before = work->kept;
  task = g_task_new (self, NULL, on_worked, NULL);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
  /* A copy takes a moment in which nobody should see buttons change. */
  if (function != do_copy)
    app_mask_editor_tell_busy (self);
}

gboolean
app_mask_editor_copy (AppMaskEditor *self)
{
  if (self->mask == NULL || self->busy || self->stroking)
    return FALSE;
  start (self, g_new0 (Work, 1), do_copy);
  return TRUE;
}

gboolean
app_mask_editor_is_busy (AppMaskEditor *self)
{
  return self->busy && !self->copying;
}

void
app_mask_editor_forget_postponed (AppMaskEditor *self)
{
  g_clear_pointer (&self->postponed, work_free);
}

void
app_mask_editor_fill (AppMaskEditor *self, GArray *outline, gboolean erase)
{
  Work *work = g_new0 (Work, 1);

  work->outline = g_array_copy (outline);
  work->erase = erase;
  start (self, work, do_fill);
}

static void
start_number (AppMaskEditor *self, double number, WorkFunc function)
{
  Work *work = g_new0 (Work, 1);

  work->number = number;
  start (self, work, function);
}

void
app_mask_editor_invert (AppMaskEditor *self)
{
  start_number (self, 0, do_invert);
}

void
app_mask_editor_clear (AppMaskEditor *self)
{
  start_number (self, 0, do_clear);
}

void
app_mask_editor_blur (AppMaskEditor *self, double sigma)
{
  start_number (self, sigma, do_blur);
}

void
app_mask_editor_grow (AppMaskEditor *self, double radius)
{
  start_number (self, radius, do_grow);
}

void
app_mask_editor_replace (AppMaskEditor *self, ImageMask *mask)
{
  Work *work = g_new0 (Work, 1);

  work->mask = mask;
  start (self, work, do_replace);
}

static void
start_path (AppMaskEditor *self, const char *path, WorkFunc function)
{
  Work *work = g_new0 (Work, 1);

  work->path = g_strdup (path);
  start (self, work, function);
}

void
app_mask_editor_import (AppMaskEditor *self, const char *path)
{
  start_path (self, path, do_import);
}

void
app_mask_editor_export (AppMaskEditor *self, const char *path)
{
  start_path (self, path, do_export);
}
