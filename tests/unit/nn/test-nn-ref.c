/* test-nn-ref.c: the operators in plain C against PyTorch's values in double precision
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-private.h"
#include <math.h>
#include <string.h>

#define TOLERANCE 1e-6 /* relative L2; fp32 storage alone is 3e-8 */

/* value (seed, i) as in tools/reference/make-nn-ops.py */
static float
value (guint32 seed, guint32 i)
{
  guint32 h = i * 2654435761u + seed * 40503u;

  h ^= h >> 16;
  h *= 0x45d9f3bu;
  h ^= h >> 16;
  return (float) (h >> 8 & 0xffff) / 32768.0f - 1.0f;
}

/* ---- a graph whose tensors lie in a table ---- */

typedef struct
{
  NnGraph *graph;
  GHashTable *storage;
  GPtrArray *weights;
} Net;

static void
net_init (Net *net)
{
  net->graph = nn_graph_new (NULL, "test");
  net->storage = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  net->weights = g_ptr_array_new ();
}

static void
net_clear (Net *net)
{
  for (guint i = 0; i < net->weights->len; i++)
    {
      NnWeight *weight = g_ptr_array_index (net->weights, i);

      g_free (weight->host);
      g_free (weight);
    }
  g_ptr_array_unref (net->weights);
  g_hash_table_unref (net->storage);
  nn_graph_free (net->graph);
}

static float *
find (const NnTensor *x, gpointer user_data)
{
  Net *net = user_data;
  float *p = g_hash_table_lookup (net->storage, x);

  if (p == NULL)
    {
      p = g_new (float, nn_tensor_elements (x));
      for (guint64 i = 0; i < nn_tensor_elements (x); i++)
        p[i] = NAN; /* who reads what was not written is found out */
      g_hash_table_insert (net->storage, (gpointer) x, p);
    }
  return p;
}

static NnTensor *
input (
    Net *net, guint32 seed, guint n, guint h, guint w, guint c, float scale, float shift)
{
  NnState state = { .n = n, .h = h, .w = w, .c = c };
  NnTensor *x = nn_load (net->graph, &state);
  float *p = find (x, net);
  guint pitch = nn_pad4 (c);

  x->state = NULL;
  memset (p, 0, nn_tensor_elements (x) * sizeof *p);
  for (guint32 row = 0; row < n * h * w; row++)
    for (guint32 i = 0; i < c; i++)
      p[row * pitch + i] = scale * value (seed, row * c + i) + shift;
  return x;
}

static NnWeight *
weight (Net *net, guint32 seed, NnWeightKind kind, guint out, guint in)
{
  NnWeight *w = g_new0 (NnWeight, 1);
  guint n = out * in * (kind == NN_WEIGHT_CONV3 ? 9 : 1);

  w->name = (char *) "test";
  w->kind = kind;
  w->out = out;
  w->in = in;
  w->host = g_new (float, n);
  for (guint32 i = 0; i < n; i++)
    w->host[i] = value (seed, i);
  g_ptr_array_add (net->weights, w);
  return w;
}

static NnWeight *
vector (Net *net, guint32 seed, guint out)
{
  return weight (net, seed, NN_WEIGHT_VECTOR, out, 1);
}

/* ---- the golden values ---- */

static GHashTable *golden; /* name → line after the name */

static void
read_golden (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "nn-ops.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  golden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *space = strchr (lines[i], ' ');

      if (space != NULL)
        g_hash_table_insert (golden, g_strndup (lines[i], space - lines[i]),
                             g_strdup (space + 1));
    }
}

static void
check (Net *net, const NnTensor *y, const char *name)
{
  const char *line = g_hash_table_lookup (golden, name);
  guint64 rows = (guint64) y->n * y->h * y->w, count;
  double error = 0.0, norm = 0.0;
  const float *p;
  char *end;

  g_assert_no_error (net->graph->fault);
  nn_ref_op (y->producer, find, net);
  p = find (y, net);
  g_assert_nonnull (line);
  count = g_ascii_strtoull (line, &end, 10);
  g_assert_cmpuint (count, ==, rows * y->c);
  for (guint64 row = 0; row < rows; row++)
    {
      for (guint c = 0; c < y->c; c++)
        {
          double want = g_ascii_strtod (end, &end),
                 d = p[row * nn_pad4 (y->c) + c] - want;

          error += d * d;
          norm += want * want;
        }
      for (guint c = y->c; c < nn_pad4 (y->c); c++)
        g_assert_cmpfloat (p[row * nn_pad4 (y->c) + c], ==, 0.0f);
    }
  error = sqrt (error / norm);
  g_test_message ("%s: relative error %.2g", name, error);
  g_assert_cmpfloat (error, <, TOLERANCE); /* false for NaN, too */
}

/* ---- tests ---- */

static void
test_linear (void)
{
  Net net;
  NnTensor *x, *x2, *residual;

  net_init (&net);
  x = input (&net, 1, 2, 3, 5, 12, 1, 0);
  x2 = input (&net, 2, 2, 3, 5, 7, 1, 0);
  residual = input (&net, 5, 2, 3, 5, 10, 1, 0);
  check (&net,
         nn_linear (net.graph,
                    &(NnLinear){ .x = x,
                                 .x2 = x2,
                                 .weight = weight (&net, 3, NN_WEIGHT_MATRIX, 10, 19),
                                 .bias = vector (&net, 4, 10),
                                 .residual = residual },
                    "l"),
         "linear");
  check (&net,
         nn_linear (net.graph,
                    &(NnLinear){ .x = x,
                                 .weight = weight (&net, 3, NN_WEIGHT_MATRIX, 9, 12),
                                 .act = NN_ACT_GELU },
                    "l"),
         "linear-gelu");
  check (&net,
         nn_linear (net.graph,
                    &(NnLinear){ .x = x,
                                 .weight = weight (&net, 3, NN_WEIGHT_MATRIX, 16, 12),
                                 .bias = vector (&net, 4, 16),
                                 .act = NN_ACT_GEGLU },
                    "l"),
         "linear-geglu");
  check (&net,
         nn_linear (net.graph,
                    &(NnLinear){ .x = x,
                                 .weight = weight (&net, 3, NN_WEIGHT_MATRIX, 5, 12),
                                 .act = NN_ACT_QUICK_GELU },
                    "l"),
         "linear-quick-gelu");
  net_clear (&net);
}

static void
test_conv3 (void)
{
  Net net;
  NnTensor *x;
  NnWeight *w4;

  net_init (&net);
  x = input (&net, 1, 2, 3, 5, 12, 1, 0);
  w4 = weight (&net, 3, NN_WEIGHT_CONV3, 4, 12);
  check (&net,
         nn_conv3 (net.graph,
                   &(NnConv3){ .x = x,
                               .x2 = input (&net, 2, 2, 3, 5, 7, 1, 0),
                               .weight = weight (&net, 3, NN_WEIGHT_CONV3, 6, 19),
                               .bias = vector (&net, 4, 6),
                               .channel_add = input (&net, 6, 2, 1, 1, 12, 1, 0),
                               .channel_add_offset = 4,
                               .act = NN_ACT_SILU,
                               .residual = input (&net, 5, 2, 3, 5, 6, 1, 0) },
                   "c"),
         "conv3");
  check (&net,
         nn_conv3 (net.graph,
                   &(NnConv3){ .x = x,
                               .weight = weight (&net, 3, NN_WEIGHT_CONV3, 3, 12),
                               .stride = 2 },
                   "c"),
         "conv3-stride");
  check (&net,
         nn_conv3 (net.graph,
                   &(NnConv3){ .x = x, .weight = w4, .stride = 2, .pad_end = TRUE }, "c"),
         "conv3-pad-end");
  check (
      &net,
      nn_conv3 (net.graph, &(NnConv3){ .x = x, .weight = w4, .up_h = 7, .up_w = 9 }, "c"),
      "conv3-up");
  net_clear (&net);
}

static void
test_attention (void)
{
  Net net;
  NnTensor *q, *k, *v;
  NnAttention p;

  net_init (&net);
  q = input (&net, 1, 2, 1, 9, 24, 1, 0);
  k = input (&net, 2, 2, 1, 9, 24, 1, 0);
  v = input (&net, 3, 2, 1, 9, 24, 1, 0);
  p = (NnAttention){ .q = q, .k = k, .v = v, .heads = 2, .head_dim = 12 };
  check (&net, nn_attention (net.graph, &p, "a"), "attention");
  p.k_valid = 5;
  check (&net, nn_attention (net.graph, &p, "a"), "attention-valid");
  p = (NnAttention){ .q = q, .k = k, .v = v, .heads = 3, .head_dim = 8, .causal = TRUE };
  check (&net, nn_attention (net.graph, &p, "a"), "attention-causal");
  net_clear (&net);
}

static void
test_norms (void)
{
  Net net;
  NnTensor *x, *x2;

  net_init (&net);
  x = input (&net, 1, 2, 3, 5, 12, 1, 0);
  check (&net,
         nn_group_norm (net.graph,
                        &(NnGroupNorm){ .x = x,
                                        .gamma = vector (&net, 3, 12),
                                        .beta = vector (&net, 4, 12),
                                        .groups = 3,
                                        .eps = 1e-5f },
                        "g"),
         "group-norm");
  x2 = input (&net, 2, 2, 3, 5, 7, 1, 0);
  check (
      &net,
      nn_layer_norm (net.graph, x2, vector (&net, 3, 7), vector (&net, 4, 7), 1e-5f, "n"),
      "layer-norm");
  net_clear (&net);
}

/* The mean is a hundred times the deviation; 100 + i / 32768 is exact in fp32. */
static void
test_norm_large_mean (void)
{
  Net net;
  NnTensor *y;

  net_init (&net);
  y = nn_group_norm (net.graph,
                     &(NnGroupNorm){ .x = input (&net, 1, 2, 3, 5, 12, 1, 100),
                                     .x2 = input (&net, 2, 2, 3, 5, 6, 1, 100),
                                     .gamma = vector (&net, 3, 18),
                                     .beta = vector (&net, 4, 18),
                                     .groups = 9,
                                     .eps = 1e-6f,
                                     .silu = TRUE },
                     "g");
  check (&net, y, "group-norm-straddle");
  net_clear (&net);
}

static void
test_small (void)
{
  const float times[] = { 0.0f, 1.0f, 500.25f, 999.0f },
              weights[] = { 0.5f, -2.0f, 3.0f };
  Net net;
  NnTensor *t, *coefs, *xs[3];

  net_init (&net);
  t = input (&net, 1, 4, 1, 1, 1, 1, 0);
  for (guint i = 0; i < 4; i++)
    find (t, &net)[4 * i] = times[i];
  check (&net, nn_time_embed (net.graph, t, 10, "t"), "time-embed");
  check (&net, nn_act (net.graph, input (&net, 2, 2, 3, 5, 7, 8, 0), NN_ACT_SILU, "s"),
         "act-silu");
  for (guint i = 0; i < 3; i++)
    xs[i] = input (&net, i + 1, 2, 3, 5, 12, 1, 0);
  coefs = input (&net, 1, 1, 1, 1, 3, 1, 0);
  memcpy (find (coefs, &net), weights, sizeof weights);
  check (&net, nn_combine (net.graph, xs, 3, coefs, "c"), "combine");
  net_clear (&net);
}

/* What does not fit is kept as the graph's fault, with label and numbers. */
static void
test_faults (void)
{
  Net net;
  NnTensor *x, *y;

  net_init (&net);
  x = input (&net, 1, 2, 3, 5, 12, 1, 0);
  y = nn_linear (
      net.graph,
      &(NnLinear){ .x = x, .weight = weight (&net, 3, NN_WEIGHT_MATRIX, 9, 13) },
      "first");
  g_assert_nonnull (y);
  g_assert_error (net.graph->fault, NN_ERROR, NN_ERROR_SHAPE);
  g_assert_nonnull (strstr (net.graph->fault->message, "first"));
  g_assert_nonnull (strstr (net.graph->fault->message, "13"));
  nn_group_norm (net.graph, &(NnGroupNorm){ .x = x, .groups = 5, .eps = 1e-5f },
                 "second");
  g_assert_nonnull (strstr (net.graph->fault->message, "first"));
  net_clear (&net);
}

/* A state that is read and stored keeps its value until all readers are through. */
static void
test_states (void)
{
  NnState state = { .n = 1, .h = 1, .w = 2, .c = 8, .name = (char *) "latents" };
  NnState other = state;
  Net net;
  NnTensor *x, *y;
  NnOp *last;

  net_init (&net);
  x = nn_load (net.graph, &state);
  g_assert_true (nn_load (net.graph, &state) == x);
  y = nn_act (net.graph, x, NN_ACT_SILU, "a");
  nn_act (net.graph, y, NN_ACT_SILU, "b");
  nn_store (net.graph, y, &state);
  g_assert_null (y->state);
  last = g_ptr_array_index (net.graph->ops, 2);
  g_assert_true (last->y->state == &state);
  g_assert_cmpuint (last->level, ==, 3);
  nn_store (net.graph, y, &other);
  g_assert_true (y->state == &other);
  g_assert_no_error (net.graph->fault);
  net_clear (&net);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  read_golden ();
  g_test_add_func ("/nn/ref/linear", test_linear);
  g_test_add_func ("/nn/ref/conv3", test_conv3);
  g_test_add_func ("/nn/ref/attention", test_attention);
  g_test_add_func ("/nn/ref/norms", test_norms);
  g_test_add_func ("/nn/ref/norm-large-mean", test_norm_large_mean);
  g_test_add_func ("/nn/ref/small", test_small);
  g_test_add_func ("/nn/graph/faults", test_faults);
  g_test_add_func ("/nn/graph/states", test_states);
  status = g_test_run ();
  g_hash_table_unref (golden);
  return status;
}
