/* app-mask-editor.c: see app-mask-editor.h
 *
 * A stroke of the brush paints at once: it touches only the pixels under it. Whatever may
 * touch the whole mask, which takes longer than a frame of a large picture, works on a
 * copy on a thread (app-mask-work.c); what is painted meanwhile is kept and painted
 * afterwards.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mask-private.h"

#include "app/app-watch.h"

#define UNDO_BYTES ((gsize) 128 << 20)

G_DEFINE_FINAL_TYPE (AppMaskEditor, app_mask_editor, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_EDITED,
  SIGNAL_TOOL_CHANGED,
  SIGNAL_UNDO_CHANGED,
  SIGNAL_FAILED,
  SIGNAL_COPIED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

void
app_mask_editor_tell_changed (AppMaskEditor *self, const ImageRect *rect)
{
  if (!image_rect_is_empty (rect))
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0, rect);
}

void
app_mask_editor_tell_edited (AppMaskEditor *self)
{
  g_signal_emit (self, signals[SIGNAL_UNDO_CHANGED], 0);
  g_signal_emit (self, signals[SIGNAL_EDITED], 0);
}

void
app_mask_editor_tell_busy (AppMaskEditor *self)
{
  g_signal_emit (self, signals[SIGNAL_UNDO_CHANGED], 0);
}

void
app_mask_editor_tell_failed (AppMaskEditor *self, const char *message)
{
  g_signal_emit (self, signals[SIGNAL_FAILED], 0, message);
}

void
app_mask_editor_tell_copied (AppMaskEditor *self, ImageMask *mask)
{
  g_signal_emit (self, signals[SIGNAL_COPIED], 0, mask);
}

static ImageRect
whole (AppMaskEditor *self)
{
  return (ImageRect){ 0, 0, self->mask->width, self->mask->height };
}

void
app_mask_editor_start (AppMaskEditor *self,
                       const ImageMask *mask,
                       guint width,
                       guint height)
{
  ImageRect rect;

  app_mask_editor_cancel (self);
  g_clear_pointer (&self->mask, image_mask_free);
  g_clear_pointer (&self->undo, image_mask_undo_free);
  self->generation++; /* what still runs is for nobody */
  self->busy = self->copying = FALSE;
  app_mask_editor_forget_postponed (self);
  g_array_set_size (self->waiting, 0);
  self->mask = mask != NULL && mask->width == width && mask->height == height
                   ? image_mask_copy (mask)
                   : image_mask_new (width, height);
  if (self->mask == NULL)
    return;
  self->undo = image_mask_undo_new (UNDO_BYTES);
  if (self->sized_for != MAX (width, height))
    {
      /* A tenth of the picture, until somebody chooses. */
      self->sized_for = MAX (width, height);
      app_mask_editor_set_size (self, round (self->sized_for / 10.0));
    }
  rect = whole (self);
  app_mask_editor_tell_changed (self, &rect);
  g_signal_emit (self, signals[SIGNAL_UNDO_CHANGED], 0);
}

const ImageMask *
app_mask_editor_get_mask (AppMaskEditor *self)
{
  return self->mask;
}

/* ---- tools ---- */

AppMaskTool
app_mask_editor_get_tool (AppMaskEditor *self)
{
  return self->tool;
}

void
app_mask_editor_set_tool (AppMaskEditor *self, AppMaskTool tool)
{
  if (self->tool == tool)
    return;
  app_mask_editor_cancel (self);
  self->tool = tool;
  self->takes_away = FALSE;
  g_signal_emit (self, signals[SIGNAL_TOOL_CHANGED], 0);
}

void
app_mask_editor_swap (AppMaskEditor *self)
{
  if (self->tool == APP_MASK_BRUSH)
    app_mask_editor_set_tool (self, APP_MASK_ERASER);
  else if (self->tool == APP_MASK_ERASER)
    app_mask_editor_set_tool (self, APP_MASK_BRUSH);
  else
    {
      self->takes_away = !self->takes_away;
      g_signal_emit (self, signals[SIGNAL_TOOL_CHANGED], 0);
    }
}

gboolean
app_mask_editor_takes_away (AppMaskEditor *self)
{
  return self->tool == APP_MASK_ERASER || self->takes_away;
}

double
app_mask_editor_get_size (AppMaskEditor *self)
{
  return self->size;
}

void
app_mask_editor_set_size (AppMaskEditor *self, double size)
{
  size = CLAMP (size, 1, APP_MASK_MAX_SIZE);
  if (self->size == size)
    return;
  self->size = size;
  g_signal_emit (self, signals[SIGNAL_TOOL_CHANGED], 0);
}

double
app_mask_editor_get_hardness (AppMaskEditor *self)
{
  return self->hardness;
}

void
app_mask_editor_set_hardness (AppMaskEditor *self, double hardness)
{
  hardness = CLAMP (hardness, 0, 1);
  if (self->hardness == hardness)
    return;
  self->hardness = hardness;
  g_signal_emit (self, signals[SIGNAL_TOOL_CHANGED], 0);
}

/* ---- strokes ---- */

static void
stroke_to (AppMaskEditor *self, const ImageBrushPoint *to)
{
  ImageBrush brush = { self->size / 2, self->hardness, self->erasing };
  ImageRect rect = image_brush_bounds (&brush, &self->last, to, self->mask->width,
                                       self->mask->height);

  image_mask_undo_touch (self->undo, self->mask, &rect);
  image_mask_stroke (self->mask, &brush, &self->last, to);
  self->last = *to;
  app_mask_editor_tell_changed (self, &rect);
  app_watch_mark ("stroke");
}

static gboolean
is_outline (AppMaskEditor *self)
{
  return self->tool == APP_MASK_LASSO || self->tool == APP_MASK_RECTANGLE;
}

static gboolean
put_off (AppMaskEditor *self,
         AppMaskMove kind,
         const ImageBrushPoint *at,
         gboolean opposite)
{
  AppMaskWaiting waiting = { .kind = kind, .opposite = opposite };

  if (!self->busy)
    return FALSE;
  if (at != NULL)
    waiting.at = *at;
  g_array_append_val (self->waiting, waiting);
  return TRUE;
}

void
app_mask_editor_begin (AppMaskEditor *self, const ImageBrushPoint *at, gboolean opposite)
{
  if (self->mask == NULL || put_off (self, APP_MASK_BEGIN, at, opposite))
    return;
  app_mask_editor_cancel (self);
  self->stroking = TRUE;
  self->erasing = app_mask_editor_takes_away (self) != opposite;
  self->last = *at;
  if (!is_outline (self))
    {
      stroke_to (self, at);
      return;
    }
  g_array_append_vals (self->outline, (double[]){ at->x, at->y }, 2);
  app_mask_editor_tell_changed (self, &(ImageRect){ 0, 0, 1, 1 });
}

/* A rectangle's corners are those of pixels. */
static void
outline_to (AppMaskEditor *self, const ImageBrushPoint *to)
{
  double x = CLAMP (to->x, 0, self->mask->width);
  double y = CLAMP (to->y, 0, self->mask->height);

  if (self->tool == APP_MASK_RECTANGLE)
    {
      double left = CLAMP (self->last.x, 0, self->mask->width);
      double top = CLAMP (self->last.y, 0, self->mask->height);

      left = x < left ? ceil (left) : floor (left);
      top = y < top ? ceil (top) : floor (top);
      x = x < left ? floor (x) : ceil (x);
      y = y < top ? floor (y) : ceil (y);
      g_array_set_size (self->outline, 0);
      g_array_append_vals (self->outline, (double[]){ left, top, x, top, x, y, left, y },
                           8);
    }
  else
    g_array_append_vals (self->outline, (double[]){ to->x, to->y }, 2);
  app_mask_editor_tell_changed (self, &(ImageRect){ 0, 0, 1, 1 });
}

void
app_mask_editor_move (AppMaskEditor *self, const ImageBrushPoint *to)
{
  if (put_off (self, APP_MASK_MOVE, to, FALSE) || !self->stroking)
    return;
  if (is_outline (self))
    outline_to (self, to);
  else
    stroke_to (self, to);
}

void
app_mask_editor_end (AppMaskEditor *self)
{
  if (put_off (self, APP_MASK_END, NULL, FALSE) || !self->stroking)
    return;
  self->stroking = FALSE;
  if (is_outline (self))
    {
      app_mask_editor_fill (self, self->outline, self->erasing);
      g_array_set_size (self->outline, 0);
      return;
    }
  image_mask_undo_end (self->undo, self->mask);
  app_mask_editor_tell_edited (self);
}

void
app_mask_editor_cancel (AppMaskEditor *self)
{
  ImageRect changed;

  if (!self->stroking)
    return;
  self->stroking = FALSE;
  g_array_set_size (self->outline, 0);
  if (!is_outline (self) && image_mask_undo_back (self->undo, self->mask, &changed))
    app_mask_editor_tell_changed (self, &changed);
  else
    app_mask_editor_tell_changed (self, &(ImageRect){ 0, 0, 1, 1 });
}

void
app_mask_editor_catch_up (AppMaskEditor *self)
{
  g_autoptr (GArray) waiting = g_steal_pointer (&self->waiting);

  self->waiting = g_array_new (FALSE, FALSE, sizeof (AppMaskWaiting));
  for (guint i = 0; i < waiting->len; i++)
    {
      AppMaskWaiting *move = &g_array_index (waiting, AppMaskWaiting, i);

      if (move->kind == APP_MASK_BEGIN)
        app_mask_editor_begin (self, &move->at, move->opposite);
      else if (move->kind == APP_MASK_MOVE)
        app_mask_editor_move (self, &move->at);
      else if (move->kind == APP_MASK_END)
        app_mask_editor_end (self);
      else
        app_mask_editor_undo (self, move->kind == APP_MASK_BACK);
    }
}

GArray *
app_mask_editor_get_outline (AppMaskEditor *self)
{
  return self->stroking && self->outline->len >= 4 ? self->outline : NULL;
}

/* ---- undo ---- */

gboolean
app_mask_editor_can_undo (AppMaskEditor *self, gboolean back)
{
  return self->undo != NULL && (!self->busy || self->copying)
         && image_mask_undo_can (self->undo, back);
}

gboolean
app_mask_editor_undo (AppMaskEditor *self, gboolean back)
{
  ImageRect changed;

  if (self->stroking)
    {
      app_mask_editor_cancel (self);
      return TRUE;
    }
  if (!app_mask_editor_can_undo (self, back))
    return FALSE;
  if (put_off (self, back ? APP_MASK_BACK : APP_MASK_FORTH, NULL, FALSE))
    return TRUE;
  if (back)
    image_mask_undo_back (self->undo, self->mask, &changed);
  else
    image_mask_undo_forth (self->undo, self->mask, &changed);
  app_mask_editor_tell_changed (self, &changed);
  app_mask_editor_tell_edited (self);
  return TRUE;
}

/* ---- life ---- */

static void
app_mask_editor_finalize (GObject *object)
{
  AppMaskEditor *self = APP_MASK_EDITOR (object);

  app_mask_editor_forget_postponed (self);
  image_mask_free (self->mask);
  image_mask_undo_free (self->undo);
  g_array_unref (self->outline);
  g_array_unref (self->waiting);
  G_OBJECT_CLASS (app_mask_editor_parent_class)->finalize (object);
}

static guint
add_signal (const char *name, guint n, GType type)
{
  return g_signal_new (name, APP_TYPE_MASK_EDITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                       G_TYPE_NONE, n, type);
}

static void
app_mask_editor_class_init (AppMaskEditorClass *class)
{
  G_OBJECT_CLASS (class)->finalize = app_mask_editor_finalize;
  signals[SIGNAL_CHANGED] = add_signal ("changed", 1, G_TYPE_POINTER);
  signals[SIGNAL_EDITED] = add_signal ("edited", 0, G_TYPE_NONE);
  signals[SIGNAL_TOOL_CHANGED] = add_signal ("tool-changed", 0, G_TYPE_NONE);
  signals[SIGNAL_UNDO_CHANGED] = add_signal ("undo-changed", 0, G_TYPE_NONE);
  signals[SIGNAL_FAILED] = add_signal ("failed", 1, G_TYPE_STRING);
  signals[SIGNAL_COPIED] = add_signal ("copied", 1, G_TYPE_POINTER);
}

static void
app_mask_editor_init (AppMaskEditor *self)
{
  self->size = 48;
  self->hardness = 0.8;
  self->outline = g_array_new (FALSE, FALSE, sizeof (double));
  self->waiting = g_array_new (FALSE, FALSE, sizeof (AppMaskWaiting));
}

AppMaskEditor *
app_mask_editor_new (void)
{
  return g_object_new (APP_TYPE_MASK_EDITOR, NULL);
}
