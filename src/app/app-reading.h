/* app-reading.h: how prompts are read, as one choice of the settings
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "sd/sd.h"

/** app_reading_fill: the choices into @weights and @clip_skip */
void app_reading_fill (GtkDropDown *weights, GtkDropDown *clip_skip);
/** app_reading_show: what @params say */
void
app_reading_show (const SdParams *params, GtkDropDown *weights, GtkDropDown *clip_skip);
/** app_reading_take: what was chosen, into @params */
void app_reading_take (SdParams *params, GtkDropDown *weights, GtkDropDown *clip_skip);
/** app_reading_take_meta: as a picture was made */
void app_reading_take_meta (SdParams *params, const ImageMeta *meta);
/** app_reading_tell_meta: the other way */
void app_reading_tell_meta (const SdParams *params, ImageMeta *meta);
