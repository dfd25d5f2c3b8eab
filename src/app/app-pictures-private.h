/* app-pictures-private.h: shared between the files of the Pictures page
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-form.h"
#include "app/app-history.h"
#include "app/app-pictures-page.h"
#include "app/app-session.h"
#include "app/app-stage.h"
#include "app/app-window.h"
#include "app/app-worker.h"

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
  GActionMap *map;
  gboolean shown, narrow, alone, history_wanted;
  guint unfinished;       /* jobs of the restored session, until somebody was told */
  gboolean first_pending; /* the very first picture starts by itself */

  AppJob *live;          /* the newest job of this session that runs or ran */
  gboolean following;    /* the view shows what is live */
  AppPicture *reference; /* pinned for comparing */
  ImageMeta *offered;    /* what "Fill In All Settings" takes */
  guint inhibit_cookie;
  guint idle_source;
};

AppWindow *app_pictures_window (AppPicturesPage *self);
/** app_pictures_show_live: the view follows the live job again */
void app_pictures_show_live (AppPicturesPage *self);
void app_pictures_show (AppPicturesPage *self, AppPicture *picture);
void app_pictures_update_actions (AppPicturesPage *self);
/** app_pictures_offer: a toast that offers the settings of @meta (taken) */
void app_pictures_offer (AppPicturesPage *self, ImageMeta *meta);
/** app_pictures_fill: the form takes what @meta says */
void app_pictures_fill (AppPicturesPage *self, const ImageMeta *meta);
/** app_pictures_watch: title, inhibition, notification, view of @job */
void app_pictures_watch (AppPicturesPage *self, AppJob *job);
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
/* app-pictures-fill.c */
/** app_pictures_paste: looks for settings in the clipboard; @asked: says if there are
 * none
 */
void app_pictures_paste (AppPicturesPage *self, gboolean asked);
/* app-pictures-guest.c */
/** app_pictures_on_active: the window was left or come back to */
void app_pictures_on_active (AppPicturesPage *self);
void app_pictures_set_inhibited (AppPicturesPage *self, gboolean running);
/** app_pictures_notify: @job is done; nothing is said where the window is looked at */
void app_pictures_notify (AppPicturesPage *self, AppJob *job);
