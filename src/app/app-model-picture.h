/* app-model-picture.h: small pictures of models, read off the main thread
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "sd/sd-library.h"

#define APP_MODEL_PICTURE_SIZE 40 /* of a row, in its pixels */

/** app_model_picture_peek: (nullable) (transfer none): if it was read before; @known:
 * (out): whether it was, though there may be none */
GdkTexture *app_model_picture_peek (const SdItem *item, gboolean *known);
/** app_model_picture_read_async: for later peeking; main thread */
void app_model_picture_read_async (SdItem *item,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/** app_model_picture_read_finish: FALSE: it was cancelled */
gboolean app_model_picture_read_finish (GAsyncResult *result);
