/* app-mask-private.h: the mask editor's insides, for the files it is written in
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-mask-editor.h"

#include <math.h>

typedef enum
{
  APP_MASK_BEGIN,
  APP_MASK_MOVE,
  APP_MASK_END,
  APP_MASK_BACK,
  APP_MASK_FORTH
} AppMaskMove;

/* A movement of the brush, or an undoing, that has to wait. */
typedef struct
{
  AppMaskMove kind;
  ImageBrushPoint at;
  gboolean opposite;
} AppMaskWaiting;

struct _AppMaskEditor
{
  GObject parent_instance;

  ImageMask *mask;
  ImageMaskUndo *undo;
  AppMaskTool tool;
  gboolean takes_away; /* of lasso and rectangle */
  double size, hardness;
  guint sized_for; /* the picture's longer side that the size was chosen for */
  gboolean stroking, erasing;
  ImageBrushPoint last;
  GArray *outline;        /* double */
  gboolean busy, copying; /* copying: busy for a moment that nobody should notice */
  gpointer postponed;     /* (nullable): work that comes after the copy */
  guint generation;       /* of the mask */
  GArray *waiting;        /* AppMaskWaiting */
};

void app_mask_editor_tell_changed (AppMaskEditor *self, const ImageRect *rect);
void app_mask_editor_tell_edited (AppMaskEditor *self);
void app_mask_editor_tell_busy (AppMaskEditor *self);
void app_mask_editor_tell_failed (AppMaskEditor *self, const char *message);
void app_mask_editor_tell_copied (AppMaskEditor *self, ImageMask *mask);
/** app_mask_editor_catch_up: what waited is done */
void app_mask_editor_catch_up (AppMaskEditor *self);
void app_mask_editor_forget_postponed (AppMaskEditor *self);
/** app_mask_editor_fill: the inside of @outline (double x, y …), on a thread */
void app_mask_editor_fill (AppMaskEditor *self, GArray *outline, gboolean erase);
