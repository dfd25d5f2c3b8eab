/* test-app-tree.c: the outline of names, the search in it, its lists; no window
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>

#include "app/app-outline.h"
#include "app/app-query.h"

typedef struct
{
  char *path;
  StModel *model;
  StTree *tree;
  AppOutline *outline;
} Fixture;

static const char *const sd_names[] = {
  "cond_stage_model.transformer.text_model.final_layer_norm.bias",
  "cond_stage_model.transformer.text_model.final_layer_norm.weight",
  "first_stage_model.decoder.conv_in.bias",
  "first_stage_model.decoder.conv_in.weight",
  "model.diffusion_model.input_blocks.1.0.in_layers.0.bias",
  "model.diffusion_model.input_blocks.1.0.in_layers.0.weight",
  "model.diffusion_model.input_blocks.10.0.in_layers.0.weight",
  "model.diffusion_model.input_blocks.2.0.in_layers.0.weight",
  "model.diffusion_model.out.0.weight",
};

/* A file with one F32 value in each tensor; every third is of two. */
static void
fixture_open (Fixture *f, const char *const *names, guint n, gboolean human)
{
  static const guint64 one[] = { 1 }, two[] = { 2 };
  static const float data[] = { 0.5f, -0.5f };
  g_autofree StWriteTensor *tensors = g_new0 (StWriteTensor, n);
  GError *error = NULL;
  int fd = g_file_open_tmp ("calotype-tree-XXXXXX.safetensors", &f->path, NULL);

  g_close (fd, NULL);
  for (guint i = 0; i < n; i++)
    tensors[i] = (StWriteTensor){ names[i], i % 3 == 0 ? ST_DTYPE_F16 : ST_DTYPE_F32, 1,
                                  i % 3 == 0 ? two : one, data };
  g_assert_true (st_write (f->path, tensors, n, NULL, &error));
  f->model = st_model_open (f->path, NULL, &error);
  g_assert_no_error (error);
  f->tree = st_tree_new (f->model, NULL, &error);
  g_assert_no_error (error);
  f->outline = app_outline_new (st_tree_root (f->tree), "Title", n, human);
}

static void
fixture_close (Fixture *f)
{
  g_clear_pointer (&f->outline, app_outline_unref);
  g_clear_pointer (&f->tree, st_tree_free);
  g_clear_pointer (&f->model, st_model_unref);
  g_unlink (f->path);
  g_free (f->path);
}

static char *
labels_below (const AppOutline *outline, guint32 id)
{
  const AppOutlineNode *node = app_outline_get (outline, id);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < node->n_children; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "|" : "",
                            app_outline_get (outline, node->first_child + i)->label);
  return g_string_free (text, FALSE);
}

static void
test_human (void)
{
  Fixture f = { NULL };
  g_autofree char *top = NULL, *unet = NULL, *block = NULL;
  guint32 id;

  fixture_open (&f, sd_names, G_N_ELEMENTS (sd_names), TRUE);
  g_assert_cmpstr (app_outline_get (f.outline, 0)->label, ==, "Title");
  top = labels_below (f.outline, 0);
  g_assert_cmpstr (top, ==, "UNet|Text encoder|VAE");
  id = app_outline_find_path (f.outline, "model.diffusion_model");
  g_assert_true (app_outline_is_human (f.outline, id));
  unet = labels_below (f.outline, id);
  /* Blocks stand beside "out", 2 before 10; what has one child below is one row. */
  g_assert_cmpstr (unet, ==, "in 1|in 2|in 10|out.0.weight");
  id = app_outline_find_path (f.outline,
                              "model.diffusion_model.input_blocks.1.0.in_layers.0");
  g_assert_cmpuint (id, !=, APP_OUTLINE_NONE);
  block = labels_below (f.outline, id);
  g_assert_cmpstr (block, ==, "bias|weight");
  fixture_close (&f);
}

static void
test_raw (void)
{
  Fixture f = { NULL };
  g_autofree char *top = NULL;

  fixture_open (&f, sd_names, G_N_ELEMENTS (sd_names), FALSE);
  top = labels_below (f.outline, 0);
  g_assert_cmpstr (top, ==,
                   "cond_stage_model.transformer.text_model.final_layer_norm|"
                   "first_stage_model.decoder.conv_in|model.diffusion_model");
  for (guint i = 0; i < G_N_ELEMENTS (sd_names); i++)
    {
      const AppOutlineNode *node
          = app_outline_get (f.outline, app_outline_find (f.outline, i));
      g_assert_true (node->node->tensor == st_model_tensor (f.model, i));
    }
  fixture_close (&f);
}

static void
test_totals (void)
{
  Fixture f = { NULL };
  AppOutlineTotals totals, sum = { 0 };
  const AppOutlineNode *root;

  fixture_open (&f, sd_names, G_N_ELEMENTS (sd_names), TRUE);
  app_outline_totals (f.outline, 0, &totals);
  g_assert_cmpuint (totals.n_tensors, ==, G_N_ELEMENTS (sd_names));
  g_assert_cmpuint (totals.values, ==, 12);
  g_assert_cmpuint (totals.bytes, ==, 3 * 4 + 6 * 4);
  g_assert_cmpuint (totals.dtypes, ==, (1u << ST_DTYPE_F16) | (1u << ST_DTYPE_F32));
  root = app_outline_get (f.outline, 0);
  for (guint i = 0; i < root->n_children; i++)
    {
      AppOutlineTotals part;
      app_outline_totals (f.outline, root->first_child + i, &part);
      sum.n_tensors += part.n_tensors;
      sum.bytes += part.bytes;
    }
  g_assert_cmpuint (sum.n_tensors, ==, totals.n_tensors);
  g_assert_cmpuint (sum.bytes, ==, totals.bytes);
  fixture_close (&f);
}

/* 4,500 siblings become five ranges; every tensor is below one and is found. */
static void
test_ranges (void)
{
  enum
  {
    N = 4500
  };
  Fixture f = { NULL };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  AppOutlineTotals totals;
  const AppOutlineNode *root;
  guint n = 0;

  for (guint i = 0; i < N; i++)
    g_ptr_array_add (names, g_strdup_printf ("t%04u", i));
  fixture_open (&f, (const char *const *) names->pdata, N, TRUE);
  root = app_outline_get (f.outline, 0);
  g_assert_cmpuint (root->n_children, ==, 5);
  for (guint i = 0; i < root->n_children; i++)
    {
      const AppOutlineNode *range = app_outline_get (f.outline, root->first_child + i);
      g_autoptr (GArray) tensors = app_outline_tensors (f.outline, root->first_child + i);
      g_assert_null (range->node);
      g_assert_cmpuint (tensors->len, ==, range->n_children);
      app_outline_totals (f.outline, root->first_child + i, &totals);
      g_assert_cmpuint (totals.n_tensors, ==, range->n_children);
      n += totals.n_tensors;
    }
  g_assert_cmpuint (n, ==, N);
  for (guint i = 0; i < N; i += 499)
    {
      guint32 id = app_outline_find (f.outline, i);
      g_assert_cmpuint (app_outline_get (f.outline, id)->node->index, ==, i);
    }
  fixture_close (&f);
}

static guint
count_hits (AppOutline *outline, const char *text)
{
  g_autoptr (AppQuery) query = app_query_new (text);
  g_autofree guint8 *shown = NULL;
  guint n_hits;

  shown = app_query_run (query, outline, NULL, NULL, &n_hits);
  g_assert_nonnull (shown);
  /* What a shown row lies in is shown. */
  for (guint32 id = 1; id < app_outline_size (outline); id++)
    g_assert_true (!shown[id] || shown[app_outline_get (outline, id)->parent]);
  return n_hits;
}

static void
test_query (void)
{
  Fixture f = { NULL };
  static const struct
  {
    const char *text;
    guint hits;
  } cases[] = {
    { "weight", 6 },
    { "WEIGHT", 6 },
    { "in_layers.#.weight", 3 },
    { "blocks.1.", 2 },
    { "blocks.#.0", 4 },
    { "weight bias", 0 },
    { "unet", 5 }, /* the part's name for people */
    { "UNet bias", 1 },
    { "dtype:f16", 3 },
    { "dtype:f16,f32", 9 },
    { "dtype:f", 9 },
    { "shape:2", 3 },
    { "shape:1", 6 },
    { "size>1kB", 0 },
    { "size>0", 9 },
    { "size<=3", 0 }, /* not a size but a text that no name has */
    { "#", 5 },
    { "nothing-has-this", 0 },
  };

  fixture_open (&f, sd_names, G_N_ELEMENTS (sd_names), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (count_hits (f.outline, cases[i].text), ==, cases[i].hits);
  fixture_close (&f);
}

static void
test_query_cancel (void)
{
  Fixture f = { NULL };
  g_autoptr (AppQuery) query = app_query_new ("weight");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint n_hits;

  fixture_open (&f, sd_names, G_N_ELEMENTS (sd_names), TRUE);
  g_cancellable_cancel (cancellable);
  g_assert_null (app_query_run (query, f.outline, NULL, cancellable, &n_hits));
  fixture_close (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/outline/human", test_human);
  g_test_add_func ("/app/outline/raw", test_raw);
  g_test_add_func ("/app/outline/totals", test_totals);
  g_test_add_func ("/app/outline/ranges", test_ranges);
  g_test_add_func ("/app/query/cases", test_query);
  g_test_add_func ("/app/query/cancel", test_query_cancel);
  return g_test_run ();
}
