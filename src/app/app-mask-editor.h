/* app-mask-editor.h: a mask that is being painted: tools, strokes, undo
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "image/image-mask.h"

typedef enum
{
  APP_MASK_BRUSH,
  APP_MASK_ERASER,
  APP_MASK_LASSO,
  APP_MASK_RECTANGLE,
  APP_N_MASK_TOOLS
} AppMaskTool;

#define APP_MASK_MAX_SIZE 1024.0 /* of the brush: pixels across */

#define APP_TYPE_MASK_EDITOR (app_mask_editor_get_type ())
G_DECLARE_FINAL_TYPE (AppMaskEditor, app_mask_editor, APP, MASK_EDITOR, GObject)

/* Main thread. Signals: "changed" (ImageRect *: these pixels); "edited": a stroke or an
 * operation is over; "tool-changed": tool, size, hardness; "undo-changed": what can be
 * undone, whether it is busy; "failed" (const char *). */
AppMaskEditor *app_mask_editor_new (void);
/** app_mask_editor_start: (nullable) @mask is copied; NULL: nothing is covered. Forgets
 * what could be undone */
void app_mask_editor_start (AppMaskEditor *self,
                            const ImageMask *mask,
                            guint width,
                            guint height);
/** app_mask_editor_get_mask: (nullable): as it is now; NULL before a start */
const ImageMask *app_mask_editor_get_mask (AppMaskEditor *self);

AppMaskTool app_mask_editor_get_tool (AppMaskEditor *self);
void app_mask_editor_set_tool (AppMaskEditor *self, AppMaskTool tool);
/** app_mask_editor_swap: brush and eraser; of lasso and rectangle, adding and taking away
 */
void app_mask_editor_swap (AppMaskEditor *self);
/** app_mask_editor_takes_away: */
gboolean app_mask_editor_takes_away (AppMaskEditor *self);
/** app_mask_editor_get_size: of the brush: pixels of the picture across */
double app_mask_editor_get_size (AppMaskEditor *self);
void app_mask_editor_set_size (AppMaskEditor *self, double size);
double app_mask_editor_get_hardness (AppMaskEditor *self);
void app_mask_editor_set_hardness (AppMaskEditor *self, double hardness);

/** app_mask_editor_begin: a stroke begins; @opposite: the tool does the opposite for
 * once */
void
app_mask_editor_begin (AppMaskEditor *self, const ImageBrushPoint *at, gboolean opposite);
void app_mask_editor_move (AppMaskEditor *self, const ImageBrushPoint *to);
void app_mask_editor_end (AppMaskEditor *self);
/** app_mask_editor_cancel: as if the stroke had not begun */
void app_mask_editor_cancel (AppMaskEditor *self);
/** app_mask_editor_get_outline: (nullable): of a lasso or rectangle that is being drawn:
 * double x, y … */
GArray *app_mask_editor_get_outline (AppMaskEditor *self);

/* What takes longer runs on a thread: until "edited" strokes wait. */
gboolean app_mask_editor_is_busy (AppMaskEditor *self);
void app_mask_editor_invert (AppMaskEditor *self);
void app_mask_editor_clear (AppMaskEditor *self);
void app_mask_editor_blur (AppMaskEditor *self, double sigma);
/** app_mask_editor_grow: negative: shrinks */
void app_mask_editor_grow (AppMaskEditor *self, double radius);
/** app_mask_editor_replace: by @mask, which is taken and has the same size */
void app_mask_editor_replace (AppMaskEditor *self, ImageMask *mask);
/** app_mask_editor_import: from a PNG file; one of another size "failed" */
void app_mask_editor_import (AppMaskEditor *self, const char *path);
/** app_mask_editor_export: to a PNG file */
void app_mask_editor_export (AppMaskEditor *self, const char *path);

/** app_mask_editor_copy: copies the mask on a thread; signal "copied" (ImageMask *)
 * follows. FALSE: not now, in the middle of a stroke or of other work */
gboolean app_mask_editor_copy (AppMaskEditor *self);

gboolean app_mask_editor_can_undo (AppMaskEditor *self, gboolean back);
gboolean app_mask_editor_undo (AppMaskEditor *self, gboolean back);
