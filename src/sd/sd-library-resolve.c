/* sd-library-resolve.c: from the names in a prompt to files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Texts in which names may stand, in one case. */
typedef struct
{
  char *texts[3];
} Texts;

static void
texts_clear (Texts *texts)
{
  for (guint i = 0; i < G_N_ELEMENTS (texts->texts); i++)
    g_free (texts->texts[i]);
}

static void
texts_init (Texts *texts, const SdParams *params)
{
  GString *names = g_string_new (NULL);
  const char *given[3] = { params->prompt, params->negative, NULL };

  for (guint i = 0; params->loras != NULL && i < params->loras->len; i++)
    g_string_append_printf (names, "%s\n", ((SdLora *) params->loras->pdata[i])->name);
  given[2] = names->str;
  for (guint i = 0; i < G_N_ELEMENTS (given); i++)
    {
      g_autofree char *valid = g_utf8_make_valid (given[i] != NULL ? given[i] : "", -1);
      texts->texts[i] = g_utf8_casefold (valid, -1);
    }
  g_string_free (names, TRUE);
}

/* Whether the last part of @name stands in a text: only then its header is needed. */
static gboolean
is_mentioned (const char *name, gpointer user_data)
{
  const Texts *texts = user_data;
  const char *slash = strrchr (name, '/');
  g_autofree char *folded = g_utf8_casefold (slash != NULL ? slash + 1 : name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (texts->texts); i++)
    if (strstr (texts->texts[i], folded) != NULL)
      return TRUE;
  return FALSE;
}

/* What is known, or, so that no picture waits for thousands of headers, what @params
 * could mean. @partly: (out): it was not all */
static SdListing *
listing_for (SdLibrary *library, const SdParams *params, gboolean *partly, GError **error)
{
  SdScanManner manner = { .wanted = is_mentioned };
  SdListing *listing;
  Texts texts;

  g_mutex_lock (&library->lock);
  *partly = !library->scanned;
  g_mutex_unlock (&library->lock);
  if (!*partly)
    return sd_library_list (library);
  texts_init (&texts, params);
  manner.user_data = &texts;
  listing = sd_library_scan_full (library, NULL, &manner, NULL, error);
  texts_clear (&texts);
  return listing;
}

/* The error for a name that no item has. @folder: of our own, where its file belongs */
static gboolean
refuse_unknown (SdListing *listing,
                SdFileKind kind,
                const char *name,
                const char *folder,
                GError **error)
{
  g_autofree char *near = sd_listing_suggest (listing, kind, name);
  g_autofree char *own = sd_library_own_folder (FALSE);
  g_autofree char *where = g_build_filename (own, folder, NULL);
  const char *what = kind == SD_FILE_LORA ? _ ("LoRA") : _ ("textual inversion");

  if (near != NULL)
    g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                 /* Translators: the kind of file, its name, a list of names */
                 _ ("There is no %s “%s” in the folders of models. Did you mean %s?"),
                 what, name, near);
  else
    g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                 /* Translators: the kind of file, its name, a folder */
                 _ ("There is no %s “%s” in the folders of models. Put its file into "
                    "%s, or take it out of the prompt."),
                 what, name, where);
  return FALSE;
}

static gboolean
find_path (SdListing *listing,
           SdFileKind kind,
           const char *name,
           const char *folder,
           char **path,
           GError **error)
{
  const SdItem *item = sd_listing_find (listing, kind, name);

  if (item == NULL)
    return refuse_unknown (listing, kind, name, folder, error);
  if (item->why_not != NULL)
    {
      /* Translators: the name of a file, why it cannot be used */
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER, _ ("“%s”: %s"), name,
                   item->why_not);
      return FALSE;
    }
  *path = g_strdup (item->path);
  return TRUE;
}

/* ---- LoRA ---- */

static gboolean
has_lora (const GPtrArray *loras, const char *name)
{
  for (guint i = 0; loras != NULL && i < loras->len; i++)
    if (g_strcmp0 (((SdLora *) loras->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* (transfer full): those that the prompt names and @params does not have yet */
static GPtrArray *
new_loras (const SdParams *params)
{
  GPtrArray *named = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  g_autofree char *text = NULL;

  if (params->prompt == NULL || params->grammar == SD_GRAMMAR_PLAIN)
    return named;
  text = sd_prompt_take_networks (params->prompt, named);
  for (guint i = named->len; i > 0; i--)
    if (has_lora (params->loras, ((SdLora *) named->pdata[i - 1])->name))
      g_ptr_array_remove_index (named, i - 1);
  return named;
}

/* (transfer full) (nullable): the paths of those of @loras that have none */
static GPtrArray *
find_loras (SdListing *listing, const GPtrArray *loras, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; loras != NULL && i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      char *path = NULL;

      if (lora->path == NULL
          && !find_path (listing, SD_FILE_LORA, lora->name, "loras", &path, error))
        return NULL;
      g_ptr_array_add (paths, path);
    }
  return g_steal_pointer (&paths);
}

static void
set_paths (GPtrArray *loras, GPtrArray *paths)
{
  for (guint i = 0; i < paths->len; i++)
    {
      SdLora *lora = loras->pdata[i];
      if (lora->path == NULL)
        lora->path = g_steal_pointer (&paths->pdata[i]);
    }
}

/* ---- textual inversion ---- */

/* Whether @word stands alone in @text; both in one case. */
static gboolean
holds_word (const char *text, const char *word)
{
  const gsize n = strlen (word);

  for (const char *p = text; n > 0 && (p = strstr (p, word)) != NULL; p++)
    {
      gunichar before = p > text ? g_utf8_get_char (g_utf8_prev_char (p)) : ' ';
      gunichar after = p[n] != '\0' ? g_utf8_get_char (p + n) : ' ';
      if (!g_unichar_isalnum (before) && !g_unichar_isalnum (after))
        return TRUE;
    }
  return FALSE;
}

static gboolean
has_embedding (const GPtrArray *embeddings, const char *name)
{
  for (guint i = 0; embeddings != NULL && i < embeddings->len; i++)
    if (g_strcmp0 (((SdEmbedding *) embeddings->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* The files whose names are words of @text. */
static void
find_words (SdListing *listing, const char *text, const GPtrArray *have, GPtrArray *found)
{
  g_autofree char *folded = NULL;

  if (text == NULL || !g_utf8_validate (text, -1, NULL))
    return;
  folded = g_utf8_casefold (text, -1);
  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (item->kind != SD_FILE_EMBEDDING || item->why_not != NULL)
        continue;
      g_autofree char *word = g_utf8_casefold (item->title, -1);
      if (holds_word (folded, word) && !has_embedding (have, item->title)
          && !has_embedding (found, item->title))
        g_ptr_array_add (found, sd_embedding_new (item->title, item->path));
    }
}

/* ComfyUI's embedding:NAME, which can only mean a file. */
static gboolean
check_named (SdListing *listing, const SdParams *params, const char *text, GError **error)
{
  static const char mark[] = "embedding:";

  if (params->grammar != SD_GRAMMAR_COMFYUI || text == NULL)
    return TRUE;
  for (const char *p = text; (p = strstr (p, mark)) != NULL;)
    {
      p += strlen (mark);
      g_autofree char *name = g_strndup (p, strcspn (p, " ,:()\t\n"));
      g_autofree char *path = NULL;
      if (name[0] != '\0' && !has_embedding (params->embeddings, name)
          && !find_path (listing, SD_FILE_EMBEDDING, name, "embeddings", &path, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
needs_listing (const SdParams *params, const GPtrArray *named)
{
  for (guint i = 0; params->loras != NULL && i < params->loras->len; i++)
    if (((SdLora *) params->loras->pdata[i])->path == NULL)
      return TRUE;
  return named->len > 0 || (params->prompt != NULL && params->prompt[0] != '\0')
         || (params->negative != NULL && params->negative[0] != '\0');
}

static void
append (GPtrArray **to, GPtrArray *from, GDestroyNotify free_one)
{
  if (*to == NULL && from->len > 0)
    *to = g_ptr_array_new_with_free_func (free_one);
  g_ptr_array_set_free_func (from, NULL); /* they are moved */
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (*to, from->pdata[i]);
}

static gboolean
resolve_in (SdListing *listing, SdParams *params, GPtrArray *named, GError **error)
{
  g_autoptr (GPtrArray) words
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_embedding_free);
  g_autoptr (GPtrArray) given_paths = find_loras (listing, params->loras, error);
  g_autoptr (GPtrArray) named_paths = NULL;

  if (given_paths == NULL || (named_paths = find_loras (listing, named, error)) == NULL
      || !check_named (listing, params, params->prompt, error)
      || !check_named (listing, params, params->negative, error))
    return FALSE;
  if (params->grammar != SD_GRAMMAR_PLAIN)
    {
      find_words (listing, params->prompt, params->embeddings, words);
      find_words (listing, params->negative, params->embeddings, words);
    }
  set_paths (params->loras, given_paths);
  set_paths (named, named_paths);
  append (&params->loras, named, (GDestroyNotify) sd_lora_free);
  append (&params->embeddings, words, (GDestroyNotify) sd_embedding_free);
  return TRUE;
}

gboolean
sd_library_resolve (SdLibrary *library, SdParams *params, GError **error)
{
  g_autoptr (GPtrArray) named = new_loras (params);
  g_autoptr (SdListing) listing = NULL;
  g_autoptr (GError) fault = NULL;
  gboolean partly;

  if (!needs_listing (params, named))
    return TRUE;
  listing = listing_for (library, params, &partly, error);
  if (listing == NULL)
    return FALSE;
  if (resolve_in (listing, params, named, partly ? &fault : error))
    return TRUE;
  if (!partly)
    return FALSE;
  /* It may be what a file calls itself; and names that are alike are in all of them. */
  g_clear_pointer (&listing, sd_listing_unref);
  listing = sd_library_scan (library, NULL, error);
  return listing != NULL && resolve_in (listing, params, named, error);
}
