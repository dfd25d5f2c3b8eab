/* sd-library-resolve.c: from the names in a prompt to files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>

static SdListing *
listing_of (SdLibrary *library, GError **error)
{
  gboolean scanned;

  g_mutex_lock (&library->lock);
  scanned = library->scanned;
  g_mutex_unlock (&library->lock);
  return scanned ? sd_library_list (library) : sd_library_scan (library, NULL, error);
}

static gboolean
refuse_unknown (SdListing *listing, const char *name, GError **error)
{
  g_autofree char *near = sd_listing_suggest (listing, SD_FILE_LORA, name);
  g_autofree char *own = sd_library_own_folder (FALSE);
  g_autofree char *where = g_build_filename (own, "loras", NULL);

  if (near != NULL)
    g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                 /* Translators: the first %s is a name, the second a list of names */
                 _ ("There is no LoRA “%s” in the folders of models. Did you mean %s?"),
                 name, near);
  else
    g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                 _ ("There is no LoRA “%s” in the folders of models. Put its file into "
                    "%s, or take it out of the prompt."),
                 name, where);
  return FALSE;
}

static gboolean
find_lora (SdListing *listing, const SdLora *lora, char **path, GError **error)
{
  const SdItem *item = sd_listing_find (listing, SD_FILE_LORA, lora->name);

  if (item == NULL)
    return refuse_unknown (listing, lora->name, error);
  if (item->why_not != NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER, _ ("The LoRA “%s”: %s"),
                   lora->name, item->why_not);
      return FALSE;
    }
  *path = g_strdup (item->path);
  return TRUE;
}

gboolean
sd_library_resolve (SdLibrary *library, SdParams *params, GError **error)
{
  g_autoptr (SdListing) listing = NULL;
  const guint n = params->loras != NULL ? params->loras->len : 0;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++)
    {
      const SdLora *lora = params->loras->pdata[i];
      char *path = NULL;

      if (lora->path == NULL && listing == NULL
          && (listing = listing_of (library, error)) == NULL)
        return FALSE;
      if (lora->path == NULL && !find_lora (listing, lora, &path, error))
        return FALSE;
      g_ptr_array_add (paths, path);
    }
  for (guint i = 0; i < n; i++)
    {
      SdLora *lora = params->loras->pdata[i];
      if (lora->path == NULL)
        lora->path = g_steal_pointer (&paths->pdata[i]);
    }
  return TRUE;
}
