/* app-pictures-private.h: shared between the files of the Pictures page
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-extend-view.h"
#include "app/app-form.h"
#include "app/app-history.h"
#include "app/app-mask-bar.h"
#include "app/app-mask-view.h"
#include "app/app-mode-bar.h"
#include "app/app-pictures-page.h"
#include "app/app-plan.h"
#include "app/app-session.h"
#include "app/app-source-rows.h"
#include "app/app-source.h"
#include "app/app-stage.h"
#include "app/app-window.h"
#include "app/app-worker.h"

/* What is edited over the source's picture. */
typedef enum
{
  APP_EDITING_NOTHING,
  APP_EDITING_MASK,
  APP_EDITING_EXTENT
} AppEditing;

struct _AppPicturesPage
{
  GtkWidget parent_instance;

  GtkWidget *stack; /* narrow: stage, settings, history; wide: the box only */
  GtkWidget *wide;  /* form | stage | history */
  GtkWidget *narrow_stage, *narrow_form, *narrow_history; /* pages of the stack */
  GtkWidget *quick; /* narrow: prompt and Go under the picture */
  GtkEditable *quick_entry;
  gboolean filling;
  AppForm *form;
  AppStage *stage;
  AppHistory *history;

  AppSession *session;
  AppModel *model;
  AppPlan *plan; /* of the picture that the form describes */
  GActionMap *map;
  gboolean shown, narrow, alone, history_wanted;
  guint unfinished;       /* jobs of the restored session, until somebody was told */
  gboolean first_pending; /* the very first picture starts by itself */

  AppJob *live;                /* the newest job of this session that runs or ran */
  gboolean following;          /* the view shows what is live */
  AppJob *sheet;               /* chosen run of several pictures, shown together */
  AppPicture *reference;       /* pinned for comparing */
  ImageMeta *offered;          /* what "Fill In All Settings" takes */
  char *offered_path;          /* (nullable): the picture that was dropped or pasted */
  GdkTexture *offered_texture; /* (nullable): or its pixels */
  AppMaskEditor *mask_editor;
  AppMaskView *mask_view;
  AppExtendView *extend_view;
  AppModeBar *mode_bar;
  GtkWidget *extent_label;
  AppEditing editing;
  ImageBuffer *edited;    /* whose mask or extent is edited */
  ImageMask *looked_at;   /* the settings' mask of which is known … */
  gboolean mask_is_empty; /* … this */
  guint commit_source;
  guint inhibit_cookie;
  guint idle_source;
};

AppWindow *app_pictures_window (AppPicturesPage *self);

/* app-pictures-view.c */
/** app_pictures_start_view: listens, and shows what the session was left with */
void app_pictures_start_view (AppPicturesPage *self);
/** app_pictures_show: what is looked at, as it is now */
void app_pictures_show (AppPicturesPage *self, AppCanvasChange change);
/** app_pictures_choose: (nullable): the user looks at @picture */
void app_pictures_choose (AppPicturesPage *self, AppPicture *picture);
/** app_pictures_choose_at: what stands at @position in the history, or nearest to it */
void app_pictures_choose_at (AppPicturesPage *self, guint position);
/** app_pictures_follow: the view follows what is live again */
void app_pictures_follow (AppPicturesPage *self);
/** app_pictures_viewed_job: (nullable): whose steps are looked at */
AppJob *app_pictures_viewed_job (AppPicturesPage *self);
/** app_pictures_tile_of: (nullable): the history's entry for picture @index of @job */
AppPicture *app_pictures_tile_of (AppPicturesPage *self, AppJob *job, guint index);
/** app_pictures_set_reference: (nullable) @picture is pinned, as it is seen in @texture
 */
void app_pictures_set_reference (AppPicturesPage *self,
                                 AppPicture *picture,
                                 GdkTexture *texture);
/** app_pictures_set_alone: the picture with nothing around it, over the whole screen */
void app_pictures_set_alone (AppPicturesPage *self, gboolean alone);
void app_pictures_update_actions (AppPicturesPage *self);
/** app_pictures_offer: a toast that offers the settings of @meta (taken) */
void app_pictures_offer (AppPicturesPage *self, ImageMeta *meta);
/** app_pictures_fill: the form takes what @meta says */
void app_pictures_fill (AppPicturesPage *self, const ImageMeta *meta);
/** app_pictures_watch: title, inhibition, notification, view of @job */
void app_pictures_watch (AppPicturesPage *self, AppJob *job);
/** app_pictures_make_live: @job was handed to the worker: it is followed, unless another
 * still goes on */
void app_pictures_make_live (AppPicturesPage *self, AppJob *job);
void app_pictures_unwatch (AppPicturesPage *self);
/** app_pictures_differences: (transfer full) (nullable): "Guidance 7.0 → 5.0 · Seed +1"
 */
char *app_pictures_differences (const ImageMeta *from, const ImageMeta *to);
/** app_pictures_meta_of: (transfer full) (nullable): of a tile, finished or not */
ImageMeta *app_pictures_meta_of (AppPicture *picture);

/* app-pictures-layout.c */
void app_pictures_make_widgets (AppPicturesPage *self);
/** app_pictures_show_quick: the narrow window's entry takes the session's prompt */
void app_pictures_show_quick (AppPicturesPage *self);
/* app-pictures-keys.c */
void app_pictures_add_controllers (AppPicturesPage *self);
/** app_pictures_watch_window: Escape anywhere in it; leaving the full screen otherwise */
void app_pictures_watch_window (AppPicturesPage *self, AppWindow *window);
/** app_pictures_content: (transfer full) (nullable): what is seen, for others to take */
GdkContentProvider *app_pictures_content (AppPicturesPage *self);
/* app-source-offer.c */
/** app_pictures_paste: looks for settings or a picture in the clipboard; @asked: says if
 * there are none */
void app_pictures_paste (AppPicturesPage *self, gboolean asked);
/** app_source_accept_pixels: the form takes pictures that are dropped without a file */
void app_source_accept_pixels (AppPicturesPage *self);
/* app-pictures-guest.c */
/** app_pictures_on_active: the window was left or come back to */
void app_pictures_on_active (AppPicturesPage *self);
void app_pictures_set_inhibited (AppPicturesPage *self, gboolean running);
/** app_pictures_notify: @job is done; nothing is said where the window is looked at */
void app_pictures_notify (AppPicturesPage *self, AppJob *job);
/* app-mode.c */
/** app_mode_make_widgets: what lies over the canvas and under it */
void app_mode_make_widgets (AppPicturesPage *self);
void app_mode_clear (AppPicturesPage *self);
/** app_mode_start: the settings begin from @source, whose pictures are made anew for
 * @mode; @meta: (nullable): how it was made */
void app_mode_start (AppPicturesPage *self,
                     AppSource *source,
                     AppMode mode,
                     const ImageMeta *meta);
/** app_mode_edit: the mask or the frame of the settings' source, over its picture */
void app_mode_edit (AppPicturesPage *self, AppEditing editing);
/** app_mode_leave: what was painted stays in the settings; @show: what is looked at is
 * shown again */
void app_mode_leave (AppPicturesPage *self, gboolean show);
/** app_mode_commit: what was painted goes into the settings now */
void app_mode_commit (AppPicturesPage *self);
/** app_mode_is_editing: then the picture's place shows the source */
gboolean app_mode_is_editing (AppPicturesPage *self);
/** app_mode_fault: (transfer full) (nullable): why no picture can be made of the settings
 */
char *app_mode_fault (AppPicturesPage *self);
/** app_mode_update: the bars and the descent of what is shown */
void app_mode_update (AppPicturesPage *self);
/** app_mode_undo: of the mask, where that is painted and has the focus; FALSE: it is
 * not */
gboolean app_mode_undo (AppPicturesPage *self, gboolean back);
/* app-mode-actions.c */
void app_mode_add_actions (AppPicturesPage *self, GActionMap *map);
void app_mode_update_actions (AppPicturesPage *self);
/** app_mode_take_file: reads the picture at @path to begin from */
void app_mode_take_file (AppPicturesPage *self, const char *path, AppMode mode);
/** app_mode_take_texture: likewise of pixels */
void app_mode_take_texture (AppPicturesPage *self, GdkTexture *texture, AppMode mode);
/* app-pictures-fill.c */
/** app_pictures_take_meta: what @meta says goes into @params, the seed and the size only
 * if @exact */
void app_pictures_take_meta (SdParams *params, const ImageMeta *meta, gboolean exact);
/** app_pictures_update_note: the line under Generate */
void app_pictures_update_note (AppPicturesPage *self);
