/* app-metadata.h: the texts that a file carries about itself
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "st/st.h"

/** app_metadata_new: of one file; NULL if it has none. Long values unfold, JSON in lines
 */
GtkWidget *app_metadata_new (StFile *file, const char *title);
