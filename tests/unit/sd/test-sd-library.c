/* test-sd-library.c: what is found in folders, kept, watched and called by name
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "library-tree.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static SdLibrary *
library_of (const char *relative)
{
  g_autofree char *path = tree_path (relative);
  const char *const added[] = { path, NULL };

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  return sd_library_new (added, NULL);
}

static void
test_kinds (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdListing) listing = NULL;
  const SdItem *item;

  tree_model ("m/sample.safetensors", -1);
  tree_text ("m/sample.preview.png", "a picture");
  tree_text ("m/old.ckpt", "PK");
  tree_text ("m/quantised.gguf", "GGUF");
  tree_text ("m/loose.bin", "no model where models lie");
  tree_text ("m/page.safetensors", "<!DOCTYPE html><html><body>404</body></html>");
  tree_tensor ("m/vae/any-xl.safetensors", "decoder.up_blocks.0.w", 2, 2, NULL, NULL);
  tree_tensor ("m/up.safetensors", "model.1.sub.0.RDB1.conv1.0.weight", 2, 2, NULL, NULL);
  tree_tensor ("m/unknown.safetensors", "what", 3, 3, NULL, NULL);
  tree_lora ("m/with picture.safetensors", NULL);
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 8);

  item = tree_find (listing, "/sample.safetensors");
  g_assert_cmpint (item->kind, ==, SD_FILE_CHECKPOINT);
  g_assert_cmpint (item->family, ==, SD_FAMILY_SD1);
  g_assert_null (item->why_not);
  g_assert_cmpstr (item->title, ==, "sample");
  g_autoptr (GBytes) picture = sd_item_read_picture (item, NULL);
  g_assert_cmpuint (g_bytes_get_size (picture), ==, strlen ("a picture"));

  item = tree_find (listing, "/old.ckpt");
  g_assert_nonnull (strstr (item->why_not, "pickle"));
  item = tree_find (listing, "/quantised.gguf");
  g_assert_nonnull (strstr (item->why_not, "GGUF"));
  item = tree_find (listing, "/page.safetensors");
  g_assert_nonnull (strstr (item->why_not, "damaged"));
  item = tree_find (listing, "/any-xl.safetensors");
  g_assert_cmpint (item->kind, ==, SD_FILE_VAE);
  g_assert_cmpint (item->family, ==, SD_FAMILY_SDXL);
  g_assert_cmpint (tree_find (listing, "/up.safetensors")->kind, ==, SD_FILE_UPSCALER);
  item = tree_find (listing, "/unknown.safetensors");
  g_assert_cmpint (item->kind, ==, SD_FILE_OTHER);
  g_assert_nonnull (item->why_not);
  /* Checkpoints that can be used come first of their kind. */
  gboolean unusable = FALSE;
  for (guint i = 0; i < listing->items->len; i++)
    {
      item = listing->items->pdata[i];
      if (item->kind != SD_FILE_CHECKPOINT)
        continue;
      g_assert_false (unusable && item->why_not == NULL);
      unusable |= item->why_not != NULL;
    }
}

static void
test_embedded_picture (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdListing) listing = NULL;
  g_autoptr (GError) error = NULL;

  tree_tensor ("m/a.safetensors", "x.lora_up.weight", 2, 2, "modelspec.thumbnail",
               "data:image/jpeg;base64,AAECAw==");
  tree_tensor ("m/b.safetensors", "x.lora_up.weight", 2, 2, "modelspec.thumbnail", "no");
  listing = tree_scan (library);
  g_autoptr (GBytes) picture
      = sd_item_read_picture (tree_find (listing, "/a.safetensors"), NULL);
  g_assert_cmpmem (g_bytes_get_data (picture, NULL), g_bytes_get_size (picture),
                   "\0\1\2\3", 4);
  g_assert_null (sd_item_read_picture (tree_find (listing, "/b.safetensors"), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_names (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdListing) listing = NULL;
  const SdItem *item;

  tree_lora ("m/two\nlines.safetensors", NULL);
  tree_lora ("m/not \377 text.safetensors", NULL);
  tree_lora ("m/\342\200\256desrever.safetensors", NULL);
  tree_lora ("m/-00001-of-00002.safetensors", NULL); /* no part of anything: too short */
  tree_lora ("m/model-00001-of-00002.safetensors", NULL);
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 4);
  item = tree_find (listing, "lines.safetensors");
  g_assert_null (strchr (item->title, '\n'));
  item = tree_find (listing, " text.safetensors");
  g_assert_true (g_utf8_validate (item->title, -1, NULL));
  g_assert_true (g_file_test (item->path, G_FILE_TEST_EXISTS));
  item = tree_find (listing, "desrever.safetensors");
  g_assert_null (strstr (item->title, "\342\200\256"));
}

static void
test_links (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdListing) listing = NULL;
  g_autofree char *closed = tree_path ("m/closed");

  tree_model ("m/a/sample.safetensors", -1);
  tree_link ("m/a/other name.safetensors", "sample.safetensors");
  tree_link ("m/a/circle", "..");
  tree_link ("m/b", "a");
  tree_link ("m/a/gone.safetensors", "nowhere");
  tree_link ("m/a/itself.safetensors", "itself.safetensors");
  tree_lora ("m/closed/hidden.safetensors", NULL);
  g_assert_cmpint (g_chmod (closed, 0), ==, 0);
  listing = tree_scan (library);
  g_assert_cmpint (g_chmod (closed, 0700), ==, 0);
  if (geteuid () != 0)
    {
      g_assert_cmpuint (listing->items->len, ==, 2);
      g_assert_cmpuint (g_strv_length (listing->messages), ==, 1);
      g_assert_nonnull (strstr (listing->messages[0], "closed"));
    }
  else /* nothing is closed to root */
    g_assert_cmpuint (listing->items->len, ==, 3);
  g_assert_nonnull (tree_find (listing, "/other name.safetensors"));
}

static void
test_half_copied (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdListing) listing = NULL;
  const SdItem *item;

  tree_model ("m/part.safetensors", 500000);
  listing = tree_scan (library);
  item = tree_find (listing, "/part.safetensors");
  g_assert_true (item->copying);
  g_assert_cmpint (item->kind, ==, SD_FILE_CHECKPOINT);
  g_assert_nonnull (strstr (item->why_not, "Still being copied"));
  g_clear_pointer (&listing, sd_listing_unref);
  /* Nobody wrote to it for a minute. */
  tree_age ("m/part.safetensors", 60);
  listing = tree_scan (library);
  item = tree_find (listing, "/part.safetensors");
  g_assert_false (item->copying);
  g_assert_nonnull (strstr (item->why_not, "cut off"));
  g_clear_pointer (&listing, sd_listing_unref);
  tree_model ("m/part.safetensors", -1);
  listing = tree_scan (library);
  g_assert_null (tree_find (listing, "/part.safetensors")->why_not);
}

/* ---- what is kept ---- */

static void
test_cache (void)
{
  g_autoptr (SdListing) first = NULL, second = NULL, third = NULL, fourth = NULL;
  g_autofree char *cache
      = g_build_filename (g_get_user_cache_dir (), "calotype", "models-C.cache", NULL);
  const SdItem *item;

  tree_lora ("m/a.safetensors", "alpha");
  tree_lora ("m/b.safetensors", NULL);
  {
    g_autoptr (SdLibrary) library = library_of ("m");
    first = tree_scan (library);
    second = tree_scan (library);
    g_assert_cmpuint (second->items->len, ==, 2);
    /* the same objects */
    g_assert_true (first->items->pdata[0] == second->items->pdata[0]);
    g_assert_true (first->items->pdata[1] == second->items->pdata[1]);
  }
  g_assert_true (g_file_test (cache, G_FILE_TEST_EXISTS));
  /* What is kept is believed as long as device, inode, size and time agree … */
  GStatBuf before;
  g_autofree char *a = tree_path ("m/a.safetensors");
  g_assert_cmpint (g_stat (a, &before), ==, 0);
  int fd = open (a, O_WRONLY);
  g_assert_cmpint (pwrite (fd, "garbage!", 8, 0), ==, 8);
  const struct timespec times[2] = { before.st_atim, before.st_mtim };
  g_assert_cmpint (futimens (fd, times), ==, 0);
  close (fd);
  g_autoptr (SdLibrary) library = library_of ("m");
  third = tree_scan (library);
  item = tree_find (third, "/a.safetensors");
  g_assert_cmpstr (item->alias, ==, "alpha");
  /* … and no longer. */
  g_assert_cmpint (g_utime (a, NULL), ==, 0);
  fourth = tree_scan (library);
  item = tree_find (fourth, "/a.safetensors");
  g_assert_nonnull (item->why_not);
  g_assert_true (tree_find (third, "/b.safetensors")
                 == tree_find (fourth, "/b.safetensors"));
}

static void
test_broken_cache (void)
{
  static const char *const texts[]
      = { "", "x", "1 0.1.0", "\377\377\377\377\377\377\377" };
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "calotype", NULL);
  g_autofree char *cache = g_build_filename (folder, "models-C.cache", NULL);

  tree_lora ("m/a.safetensors", NULL);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_true (g_file_set_contents (cache, texts[i], -1, NULL));
      g_autoptr (SdLibrary) library = library_of ("m");
      g_autoptr (SdListing) listing = tree_scan (library);
      g_assert_cmpuint (listing->items->len, ==, 1);
    }
  /* a good one, cut and with bytes changed */
  g_autofree char *text = NULL;
  gsize length;
  g_assert_true (g_file_get_contents (cache, &text, &length, NULL));
  for (gsize i = 0; i < length; i += 3)
    {
      g_autofree char *spoiled = g_memdup2 (text, length);
      spoiled[i] = (char) ~spoiled[i];
      g_assert_true (
          g_file_set_contents (cache, spoiled, (gssize) (i % 2 ? i : length), NULL));
      g_autoptr (SdLibrary) library = library_of ("m");
      g_autoptr (SdListing) listing = tree_scan (library);
      g_assert_cmpuint (listing->items->len, ==, 1);
    }
}

static void
test_uses (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autofree char *path = tree_path ("m/ä b\n.safetensors");
  g_autoptr (SdListing) listing = NULL;

  tree_lora ("m/ä b\n.safetensors", NULL);
  listing = tree_scan (library);
  g_assert_cmpint (sd_listing_find_path (listing, path)->used, ==, 0);
  g_clear_pointer (&listing, sd_listing_unref);
  sd_library_note_use (library, path);
  for (guint i = 0; i < 310; i++)
    {
      g_autofree char *other = g_strdup_printf ("/other/%u", i);
      sd_library_note_use (NULL, other);
    }
  g_autoptr (GHashTable) uses = sd_library_read_uses ();
  g_assert_cmpuint (g_hash_table_size (uses), ==, 300);
  sd_library_note_use (library, path);
  listing = tree_scan (library);
  g_assert_cmpint (sd_listing_find_path (listing, path)->used, >, 1600000000);
}

static void
test_cancel (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const BaseTask task = { .cancellable = cancellable };

  tree_lora ("m/a.safetensors", NULL);
  g_cancellable_cancel (cancellable);
  g_assert_null (sd_library_scan (library, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- by name ---- */

static SdLora *
wish (const char *name)
{
  SdLora *lora = g_new0 (SdLora, 1);

  lora->name = g_strdup (name);
  lora->model = lora->text = 1;
  return lora;
}

static SdParams *
params_with (const char *const *names)
{
  SdParams *params = g_new0 (SdParams, 1);

  params->loras = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  for (; *names != NULL; names++)
    g_ptr_array_add (params->loras, wish (*names));
  return params;
}

static void
test_resolve (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  const char *const names[]
      = { "ink", "style/ink", "Ink.safetensors", "WATER", "river-v2", "sub/deep/stone",
          NULL };
  const char *const ends[]
      = { "/ink.safetensors",   "/style/ink.safetensors", "/style/Ink.safetensors",
          "/water.safetensors", "/water.safetensors",     "/sub/deep/stone.safetensors" };
  g_autoptr (GError) error = NULL;

  tree_lora ("m/loras/ink.safetensors", NULL);
  tree_lora ("m/loras/style/ink.safetensors", NULL);
  tree_lora ("m/loras/style/Ink.safetensors", NULL);
  tree_lora ("m/loras/water.safetensors", "river-v2");
  tree_lora ("m/loras/sub/deep/stone.safetensors", NULL);
  tree_text ("m/loras/pickled.pt", "x");
  g_autoptr (SdParams) params = params_with (names);
  g_assert_true (sd_library_resolve (library, params, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      const SdLora *lora = params->loras->pdata[i];
      g_assert_true (g_str_has_suffix (lora->path, ends[i]));
    }
  g_assert_false (g_str_has_suffix (((SdLora *) params->loras->pdata[0])->path,
                                    "/style/ink.safetensors"));

  const char *const wrong[] = { "ink", "watre", NULL };
  g_autoptr (SdParams) spelled = params_with (wrong);
  g_assert_false (sd_library_resolve (library, spelled, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_assert_nonnull (strstr (error->message, "“watre”"));
  g_assert_nonnull (strstr (error->message, "“water”"));
  g_assert_null (((SdLora *) spelled->loras->pdata[0])->path);
  g_clear_error (&error);

  const char *const far[] = { "something else", NULL };
  g_autoptr (SdParams) unknown = params_with (far);
  g_assert_false (sd_library_resolve (library, unknown, &error));
  g_assert_nonnull (strstr (error->message, "calotype/models/loras"));
  g_clear_error (&error);

  const char *const pickled[] = { "pickled", NULL };
  g_autoptr (SdParams) unusable = params_with (pickled);
  g_assert_false (sd_library_resolve (library, unusable, &error));
  g_assert_nonnull (strstr (error->message, "pickle)"));
}

/* What the text of a prompt names. */
static void
test_resolve_prompt (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (SdParams) params = g_new0 (SdParams, 1);
  g_autoptr (GError) error = NULL;

  tree_lora ("m/loras/ink.safetensors", NULL);
  tree_tensor ("m/embeddings/bad-hands.safetensors", "emb_params", 2, 768, NULL, NULL);
  tree_tensor ("m/embeddings/sketch.safetensors", "<sketch>", 1, 1024, NULL, NULL);
  params->prompt = g_strdup ("a house <lora:ink:0.5> in the sketches");
  params->negative = g_strdup ("(Bad-Hands:1.2), blur");
  for (guint turn = 0; turn < 2; turn++) /* the second time adds nothing */
    {
      g_assert_true (sd_library_resolve (library, params, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (params->loras->len, ==, 1);
      const SdLora *lora = params->loras->pdata[0];
      g_assert_true (g_str_has_suffix (lora->path, "/ink.safetensors"));
      g_assert_cmpfloat (lora->model, ==, 0.5);
      g_assert_cmpuint (params->embeddings->len, ==, 1);
      const SdEmbedding *embedding = params->embeddings->pdata[0];
      g_assert_cmpstr (embedding->name, ==, "bad-hands");
      g_assert_true (g_str_has_suffix (embedding->path, "/bad-hands.safetensors"));
    }
  params->grammar = SD_GRAMMAR_COMFYUI;
  g_free (params->negative);
  params->negative = g_strdup ("embedding:bad-hand, blur");
  g_assert_false (sd_library_resolve (library, params, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_assert_nonnull (strstr (error->message, "“bad-hands”"));
}

/* ---- watching ---- */

typedef struct
{
  GMainContext *context;
  SdListing *listing;
  guint calls;
} Watcher;

static void
on_changed (SdListing *listing, gpointer user_data)
{
  Watcher *watcher = user_data;

  watcher->calls++;
  sd_listing_unref (watcher->listing);
  watcher->listing = sd_listing_ref (listing);
}

static gboolean
is_listed (Watcher *watcher, const char *end)
{
  const SdItem *item
      = watcher->listing != NULL ? tree_find (watcher->listing, end) : NULL;

  return item != NULL && !item->copying;
}

/* The seconds until @end is listed, or is not any more. */
static double
wait_for (Watcher *watcher, const char *end, gboolean listed, double most)
{
  gint64 begin = g_get_monotonic_time ();
  double seconds = 0;

  while (is_listed (watcher, end) != listed && seconds < most)
    {
      g_main_context_iteration (watcher->context, FALSE);
      g_usleep (5000);
      seconds = (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
    }
  g_assert_true (is_listed (watcher, end) == listed);
  return seconds;
}

/* Slow machines count their own time: a file appears some hundred milliseconds after it
 * is left alone; the bound leaves room for a machine that does much else. */
static void
test_watch (void)
{
  g_autoptr (SdLibrary) library = library_of ("m");
  g_autoptr (GMainContext) context = g_main_context_new ();
  Watcher watcher = { .context = context };
  g_autofree char *copy = tree_path ("m/sub/copy.safetensors");
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autofree char *data = NULL;
  gsize size;

  tree_lora ("m/here.safetensors", NULL);
  tree_age ("m/here.safetensors", 100);
  sd_library_watch (library, context, on_changed, &watcher);
  wait_for (&watcher, "/here.safetensors", TRUE, 20);

  /* Into a new folder, in pieces, with pauses in which it looks left alone. */
  g_assert_true (g_file_get_contents (bundled, &data, &size, NULL));
  tree_folder ("m/sub");
  int fd = open (copy, O_WRONLY | O_CREAT, 0600);
  for (guint i = 0; i < 4; i++)
    {
      gsize from = size * i / 4, to = size * (i + 1) / 4;
      g_assert_cmpint (write (fd, data + from, to - from), ==, (gssize) (to - from));
      for (guint k = 0; k < 250 && i < 3; k++)
        {
          g_main_context_iteration (context, FALSE);
          g_usleep (5000);
          g_assert_false (is_listed (&watcher, "/copy.safetensors"));
        }
    }
  close (fd);
  double seconds = wait_for (&watcher, "/copy.safetensors", TRUE, 10);
  g_test_message ("a copied model appeared after %.2f s", seconds);
  g_assert_null (tree_find (watcher.listing, "/copy.safetensors")->why_not);

  g_assert_cmpint (g_unlink (copy), ==, 0);
  seconds = wait_for (&watcher, "/copy.safetensors", FALSE, 10);
  g_test_message ("a removed one vanished after %.2f s", seconds);

  /* Nothing happens: nothing is told. */
  for (guint i = 0; i < 200; i++)
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (5000);
    }
  guint calls = watcher.calls;
  for (guint i = 0; i < 200; i++)
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (5000);
    }
  g_assert_cmpuint (watcher.calls, ==, calls);
  sd_library_stop (library);
  tree_lora ("m/later.safetensors", NULL);
  for (guint i = 0; i < 100; i++)
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (5000);
    }
  g_assert_cmpuint (watcher.calls, ==, calls);
  sd_listing_unref (watcher.listing);
}

static double
processor_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Our own folder, and one on a disk that is put in later. */
static void
test_watch_what_comes (void)
{
  g_autofree char *disk = tree_path ("disk/models");
  const char *const added[] = { disk, NULL };
  g_autoptr (SdLibrary) library = sd_library_new (added, NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree char *own = sd_library_own_folder (FALSE);
  g_autofree char *loras = g_build_filename (own, "loras", NULL);
  g_autofree char *path = g_build_filename (loras, "own.safetensors", NULL);
  g_autofree char *made = tree_path ("elsewhere/own.safetensors");
  Watcher watcher = { .context = context };

  sd_library_watch (library, context, on_changed, &watcher);
  for (guint i = 0; i < 100; i++)
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (5000);
    }
  g_assert_nonnull (watcher.listing);
  g_assert_cmpuint (watcher.listing->items->len, ==, 0);
  tree_lora ("elsewhere/own.safetensors", NULL);
  g_assert_cmpint (g_mkdir_with_parents (loras, 0700), ==, 0);
  g_assert_cmpint (g_rename (made, path), ==, 0);
  wait_for (&watcher, "/own.safetensors", TRUE, 20);
  tree_lora ("disk/models/later.safetensors", NULL);
  wait_for (&watcher, "/later.safetensors", TRUE, 20);
  /* It does not go on looking where nothing happens: a look takes some milliseconds. */
  g_usleep (2 * G_USEC_PER_SEC);
  const double before = processor_seconds ();
  g_usleep (3 * G_USEC_PER_SEC);
  const double took = processor_seconds () - before;
  g_test_message ("three seconds of nothing: %.1f ms of the processor", took * 1000);
  g_assert_cmpfloat (took, <, .004);
  sd_library_stop (library);
  sd_listing_unref (watcher.listing);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_unsetenv ("HF_HOME");
  g_unsetenv ("HF_HUB_CACHE");
  g_test_add_func ("/library/kinds", test_kinds);
  g_test_add_func ("/library/embedded-picture", test_embedded_picture);
  g_test_add_func ("/library/names", test_names);
  g_test_add_func ("/library/links", test_links);
  g_test_add_func ("/library/half-copied", test_half_copied);
  g_test_add_func ("/library/cache", test_cache);
  g_test_add_func ("/library/broken-cache", test_broken_cache);
  g_test_add_func ("/library/uses", test_uses);
  g_test_add_func ("/library/cancel", test_cancel);
  g_test_add_func ("/library/resolve", test_resolve);
  g_test_add_func ("/library/resolve-prompt", test_resolve_prompt);
  g_test_add_func ("/library/watch", test_watch);
  g_test_add_func ("/library/watch-what-comes", test_watch_what_comes);
  return g_test_run ();
}
