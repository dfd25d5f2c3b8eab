/* app-picture.h: one entry of the history: a saved picture, or the live tile of a job
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-job.h"

#define APP_TYPE_PICTURE (app_picture_get_type ())
G_DECLARE_FINAL_TYPE (AppPicture, app_picture, APP, PICTURE, GObject)

/* Main thread. Signal "changed": any of what the getters tell. */

/** app_picture_new_for_job: shows the job's previews until its picture number @index is
 * saved */
AppPicture *app_picture_new_for_job (AppJob *job, guint index);
/** app_picture_new_for_path: a saved one; its thumbnail and text are read by a worker
 * when first asked for */
AppPicture *app_picture_new_for_path (const char *path);
AppJob *app_picture_get_job (AppPicture *picture); /* (nullable) */
guint app_picture_get_index (AppPicture *picture);
const char *app_picture_get_path (AppPicture *picture); /* (nullable): not saved yet */
gboolean app_picture_get_pinned (AppPicture *picture);
void app_picture_set_pinned (AppPicture *picture, gboolean pinned);
/** app_picture_get_seen: FALSE: finished while another was looked at */
gboolean app_picture_get_seen (AppPicture *picture);
void app_picture_set_seen (AppPicture *picture, gboolean seen);
/** app_picture_get_thumbnail: (nullable): at most 256 px */
GdkTexture *app_picture_get_thumbnail (AppPicture *picture);
/** app_picture_get_texture: (nullable): whole; for a path it is loaded by a worker and
 * "changed" follows */
GdkTexture *app_picture_get_texture (AppPicture *picture);
/** app_picture_forget_texture: drops the whole pixels of a saved picture: a day's history
 * must not fill the memory */
void app_picture_forget_texture (AppPicture *picture);
/** app_picture_forget_job: of a saved picture: from now on it is only its file */
void app_picture_forget_job (AppPicture *picture);
/** app_picture_get_meta: (nullable): what made it */
const ImageMeta *app_picture_get_meta (AppPicture *picture);
/** app_picture_get_parent: (nullable): the file that it was made from: its path, or its
 * name alone */
const char *app_picture_get_parent (AppPicture *picture);
void app_picture_set_parent (AppPicture *picture, const char *parent);
/** app_picture_get_fault: (nullable): why it could not be read */
const char *app_picture_get_fault (AppPicture *picture);
