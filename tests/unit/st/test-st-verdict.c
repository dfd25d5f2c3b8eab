/* test-st-verdict.c: what files are, by the names and shapes of real models
 *
 * tests/golden/layouts.txt has them (tools/reference/layouts.py); here each becomes a
 * file with a true header and a hole for its values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-verdict.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scratch.h"

typedef struct
{
  char *name, *expected;
  GPtrArray *lines;   /* "DTYPE SIDES NAME", with {…} */
  GPtrArray *tensors; /* the same, one for each tensor */
} Layout;

static GPtrArray *layouts;
static char *folder;

static void
layout_free (gpointer data)
{
  Layout *layout = data;

  g_free (layout->name);
  g_free (layout->expected);
  g_ptr_array_unref (layout->lines);
  g_ptr_array_unref (layout->tensors);
  g_free (layout);
}

/* Writes @line out once for each number between braces. */
static void
expand (const char *line, GPtrArray *out)
{
  const char *open = strchr (line, '{');
  g_autofree char *front = NULL, *inner = NULL;
  g_auto (GStrv) runs = NULL;

  if (open == NULL)
    {
      g_ptr_array_add (out, g_strdup (line));
      return;
    }
  front = g_strndup (line, (gsize) (open - line));
  inner = g_strndup (open + 1, strcspn (open + 1, "}"));
  runs = g_strsplit (inner, ",", -1);
  for (guint i = 0; runs[i] != NULL; i++)
    {
      char *end;
      guint64 first = g_ascii_strtoull (runs[i], &end, 10);
      guint64 last = *end == '-' ? g_ascii_strtoull (end + 1, NULL, 10) : first;

      for (guint64 k = first; k <= last; k++)
        {
          g_autofree char *one = g_strdup_printf ("%s%" G_GUINT64_FORMAT "%s", front, k,
                                                  strchr (open, '}') + 1);
          expand (one, out);
        }
    }
}

static Layout *
find_layout (const char *name)
{
  for (guint i = 0; i < layouts->len; i++)
    if (strcmp (((Layout *) g_ptr_array_index (layouts, i))->name, name) == 0)
      return g_ptr_array_index (layouts, i);
  g_error ("no layout %s", name);
}

static void
read_line (Layout *layout, const char *line)
{
  guint at;

  if (line[0] == '<')
    {
      const Layout *other = find_layout (line + 2);
      for (guint i = 0; i < other->lines->len; i++)
        g_ptr_array_add (layout->lines, g_strdup (other->lines->pdata[i]));
    }
  else if (line[0] == '-')
    {
      g_assert_true (
          g_ptr_array_find_with_equal_func (layout->lines, line + 2, g_str_equal, &at));
      g_ptr_array_remove_index_fast (layout->lines, at);
    }
  else if (line[0] != '#' && line[0] != '\0')
    g_ptr_array_add (layout->lines, g_strdup (line));
}

static void
read_layouts (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "layouts.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  Layout *layout = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  layouts = g_ptr_array_new_with_free_func (layout_free);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (lines[i][0] == '=')
        {
          g_auto (GStrv) words = g_strsplit (lines[i] + 2, " ", 2);
          layout = g_new0 (Layout, 1);
          layout->name = g_strdup (words[0]);
          layout->expected = g_strdup (words[1]);
          layout->lines = g_ptr_array_new_with_free_func (g_free);
          layout->tensors = g_ptr_array_new_with_free_func (g_free);
          g_ptr_array_add (layouts, layout);
        }
      else
        read_line (layout, lines[i]);
    }
  for (guint i = 0; i < layouts->len; i++)
    {
      layout = g_ptr_array_index (layouts, i);
      for (guint k = 0; k < layout->lines->len; k++)
        expand (layout->lines->pdata[k], layout->tensors);
    }
}

/* A file of these tensors, with nothing but a hole behind the header. */
static StModel *
write_model (const char *name, GPtrArray *tensors, const char *metadata)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", folder, name),
                  *text = NULL;
  g_autoptr (GError) error = NULL;
  guint64 at = 0, length;
  gsize size;
  StModel *model;
  int fd;

  base_json_begin_object (json);
  for (guint i = 0; i < tensors->len; i++)
    {
      g_auto (GStrv) words = g_strsplit (tensors->pdata[i], " ", 3);
      g_auto (GStrv) sides = g_strsplit (words[1], ",", -1);
      guint64 shape[6];
      StTensor tensor = { .shape = shape, .count = 1, .begin = at };

      g_assert_true (st_dtype_from_name (words[0], strlen (words[0]), &tensor.dtype));
      for (; words[1][0] != '-' && sides[tensor.rank] != NULL; tensor.rank++)
        {
          shape[tensor.rank] = g_ascii_strtoull (sides[tensor.rank], NULL, 10);
          tensor.count *= shape[tensor.rank];
        }
      at += tensor.count * st_dtype_bits (tensor.dtype) / 8;
      tensor.end = at;
      base_json_key (json, words[2]);
      base_json_begin_object (json);
      st_tensor_write_json (&tensor, TRUE, json);
      base_json_end_object (json);
    }
  if (metadata != NULL)
    {
      base_json_key (json, "__metadata__");
      base_json_begin_object (json);
      base_json_key (json, "modelspec.architecture");
      base_json_string (json, metadata);
      base_json_end_object (json);
    }
  base_json_end_object (json);
  text = base_json_steal (json, &size);
  length = GUINT64_TO_LE ((guint64) size);
  fd = open (path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, &length, 8), ==, 8);
  g_assert_cmpint (write (fd, text, size), ==, (gssize) size);
  g_assert_cmpint (ftruncate (fd, (off_t) (8 + size + at)), ==, 0);
  close (fd);
  model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return model;
}

static void
assert_expected (const StVerdict *verdict, const Layout *layout)
{
  g_auto (GStrv) words = g_strsplit (layout->expected, " base=", 2);

  g_test_message ("%s: %s", layout->name, verdict->title);
  if (g_strcmp0 (verdict->id, words[0]) != 0)
    {
      g_test_message ("%s: is “%s”, expected “%s”", layout->name,
                      verdict->id != NULL ? verdict->id : "unknown", words[0]);
      g_test_fail ();
    }
  if (words[1] != NULL && strcmp (words[1], "language") == 0)
    g_assert_nonnull (strstr (verdict->title, "a language model"));
  else if (g_strcmp0 (verdict->base_family, words[1]) != 0)
    {
      g_test_message ("%s: for “%s”, expected “%s”", layout->name, verdict->base_family,
                      words[1]);
      g_test_fail ();
    }
  /* Whole models lack nothing but the parts that others are kept in. */
  for (guint i = 0; verdict->missing[i] != NULL; i++)
    if (strstr (verdict->missing[i], "inside") == NULL)
      {
        g_test_message ("%s: %s", layout->name, verdict->missing[i]);
        g_test_fail ();
      }
  g_assert_true (verdict->id == NULL || verdict->keys[0] != NULL);
  g_assert_cmpuint (verdict->n_tensors, ==, layout->tensors->len);
}

static void
test_layouts (void)
{
  g_assert_cmpuint (layouts->len, >, 100);
  for (guint i = 0; i < layouts->len; i++)
    {
      const Layout *layout = g_ptr_array_index (layouts, i);
      g_autoptr (StModel) model = write_model (layout->name, layout->tensors, NULL);
      g_autoptr (StVerdict) verdict = st_verdict_new (model);

      assert_expected (verdict, layout);
    }
}

/* ---- near misses ---- */

/* The verdict on these tensors; @lines: as in the golden file. */
static StVerdict *
verdict_of (const char *const *lines, const char *metadata)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (StModel) model = NULL;

  for (guint i = 0; lines[i] != NULL; i++)
    expand (lines[i], tensors);
  model = write_model ("made", tensors, metadata);
  return st_verdict_new (model);
}

static void
test_other_prefix (void)
{
  for (guint i = 0; i < layouts->len; i++)
    {
      const Layout *layout = g_ptr_array_index (layouts, i);
      g_autoptr (GPtrArray) moved = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (StModel) model = NULL;
      g_autoptr (StVerdict) verdict = NULL;

      for (guint k = 0; k < layout->tensors->len; k++)
        {
          g_auto (GStrv) words = g_strsplit (layout->tensors->pdata[k], " ", 3);
          g_ptr_array_add (moved,
                           g_strdup_printf ("%s %s xy.%s", words[0], words[1], words[2]));
        }
      model = write_model (layout->name, moved, NULL);
      verdict = st_verdict_new (model);
      if (st_verdict_is (verdict, "image|video|vae|text-encoder|controlnet|motion"))
        {
          g_test_message ("%s behind “xy.” is said to be %s", layout->name,
                          verdict->title);
          g_test_fail ();
        }
    }
}

static void
assert_id (const char *id, const char *const *lines)
{
  g_autoptr (StVerdict) verdict = verdict_of (lines, NULL);

  g_assert_cmpstr (verdict->id, ==, id);
}

#define IS(id, ...) assert_id (id, (const char *[]){ __VA_ARGS__, NULL })

static void
test_near_misses (void)
{
  const char *unet = "F16 320,4,3,3 model.diffusion_model.input_blocks.0.0.weight";

  IS (NULL, "F32 4,4 exploration.weight");
  IS (NULL, "F32 4,4 x.lora_downs.weight", "F32 4,4 lora_dow.weight");
  IS (NULL, "F32 4,500 <cat>");
  IS (NULL, "F32 4,768 <cat>", "F32 4,768 <dog>");
  IS (NULL, "F32 4,768 head.weight");
  IS (NULL, "F32 4,4 my_text_model.x", "F32 4,4 controls_model.x");
  IS (NULL, "F32 4,4 first_stage_modeldecoder.x");
  IS (NULL, "F32 8,3,3,3 encoder.conv_ins.weight");
  IS ("checkpoint-other", unet);
  IS ("sdxl-base", unet, "F16 1280,2816 model.diffusion_model.label_emb.0.0.weight",
      "F16 8,8 model.diffusion_model.middle_block.1.proj_in.weight");
  IS ("sdxl-small", unet, "F16 1280,2816 model.diffusion_model.label_emb.0.0.weight");
  IS ("checkpoint-other", unet,
      "F16 1280,2817 model.diffusion_model.label_emb.0.0.weight");
  IS ("sd1-other", unet,
      "F16 8,8,1,1 model.diffusion_model.middle_block.1.proj_in.weight");
  IS ("sd2-other", unet, "F16 8,8 model.diffusion_model.middle_block.1.proj_in.weight");
  IS ("taesd-decoder", "F32 64,4,3,3 1.weight", "F32 64,64,3,3 3.conv.0.weight");
  IS (NULL, "F32 32,4,3,3 1.weight", "F32 64,64,3,3 3.conv.0.weight");
  IS ("language-other", "F32 8,8 model.layers.0.self_attn.q_proj.weight");
}

/* ---- missing, superfluous, unknown ---- */

static gboolean
says (char **texts, const char *text)
{
  for (guint i = 0; texts[i] != NULL; i++)
    if (strstr (texts[i], text) != NULL)
      return TRUE;
  return FALSE;
}

/* @name without the tensors that @glob fits, and with @more. */
static StVerdict *
verdict_without (const char *name, const char *glob, const char *more)
{
  const Layout *layout = find_layout (name);
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();
  g_autoptr (StModel) model = NULL;

  for (guint i = 0; i < layout->tensors->len; i++)
    if (!g_pattern_match_simple (glob, layout->tensors->pdata[i]))
      g_ptr_array_add (tensors, layout->tensors->pdata[i]);
  if (more != NULL)
    g_ptr_array_add (tensors, (gpointer) more);
  g_assert_cmpuint (tensors->len, !=, layout->tensors->len);
  model = write_model ("without", tensors, NULL);
  return st_verdict_new (model);
}

static void
test_missing (void)
{
  g_autoptr (StVerdict) out = verdict_without ("sd1", "*.out.2.weight", NULL);
  g_autoptr (StVerdict) block = verdict_without ("flux-dev", "* double_blocks.7.*", NULL);
  g_autoptr (StVerdict) one
      = verdict_without ("llama3", "*layers.3.mlp.up_proj.weight", NULL);
  g_autoptr (StVerdict) no_vae = verdict_without ("sdxl", "*first_stage_model.*", NULL);
  g_autoptr (StVerdict) half
      = verdict_without ("sdxl", "*conditioner.embedders.1*", NULL);

  g_assert_cmpstr (out->id, ==, "sd1");
  g_assert_true (says (out->missing, "“model.diffusion_model.out.2.weight” is missing"));
  g_assert_true (says (block->missing, "all of “double_blocks.7” is missing"));
  g_assert_cmpuint (g_strv_length (block->missing), ==, 3); /* texts, VAE */
  g_assert_true (says (one->missing, "“model.layers.3.mlp.up_proj.weight” is missing"));
  g_assert_true (says (no_vae->missing, "the VAE is not inside"));
  g_assert_true (says (half->missing, "one of the text encoders is not inside"));
}

static void
test_superfluous (void)
{
  g_autoptr (StVerdict) ema
      = verdict_without ("sd1", "nothing", "F32 4,4 model_ema.diffusion_modelout2weight");
  g_autoptr (StVerdict) strange = verdict_without ("sd1", "nothing", "F32 4,4 my.thing");

  g_assert_true (says (ema->superfluous, "averaged while training (1 tensor, 64 bytes)"));
  g_assert_true (says (ema->superfluous, "constants of the noise"));
  g_assert_false (says (ema->superfluous, "of no part"));
  g_assert_true (
      says (strange->superfluous, "of no part that is known here (1 tensor, 64 bytes)"));
}

static void
test_parts (void)
{
  const Layout *layout = find_layout ("sdxl");
  g_autoptr (StModel) model = write_model ("parts", layout->tensors, NULL);
  g_autoptr (StVerdict) verdict = st_verdict_new (model);
  g_autofree char *sentence = st_verdict_sentence (verdict);
  guint n = 0;

  g_assert_cmpstr (sentence, ==,
                   "Stable Diffusion XL base, F16, text encoders and VAE inside");
  g_assert_cmpuint (verdict->parts->len, ==, 4);
  g_assert_cmpstr (g_array_index (verdict->parts, StVerdictPart, 0).title, ==, "UNet");
  for (guint i = 0; i < verdict->parts->len; i++)
    n += g_array_index (verdict->parts, StVerdictPart, i).n_tensors;
  g_assert_cmpuint (n, ==, verdict->n_tensors);
  g_assert_cmpuint (g_array_index (verdict->parts, StVerdictPart, 0).n_tensors, ==, 1680);
  g_assert_null (verdict->missing[0]);
  g_assert_cmpstr (verdict->keys[0], ==, "model.diffusion_model.input_blocks.0.0.weight");
}

static void
test_unknown (void)
{
  const char *lines[]
      = { "F32 4,4 layers.{0-31}.attn.q", "F32 4 layers.{0-30}.n1", NULL };
  g_autoptr (StVerdict) verdict = verdict_of (lines, NULL);
  const StVerdictPattern *first;

  g_assert_null (verdict->id);
  g_assert_cmpstr (verdict->title, ==, "Tensors of a kind not known here");
  g_assert_cmpuint (verdict->n_patterns, ==, 2);
  first = &g_array_index (verdict->patterns, StVerdictPattern, 0);
  g_assert_cmpstr (first->text, ==, "layers.#.attn.q");
  g_assert_cmpuint (first->n_tensors, ==, 32);
  g_assert_cmpuint (first->bytes, ==, 32 * 64);
}

static void
test_told (void)
{
  const char *lines[] = { "F16 8,16 x.lora_down.weight", NULL };
  g_autoptr (StVerdict) told = verdict_of (lines, "stable-diffusion-xl-v1-base/lora");
  g_autoptr (StVerdict) other = verdict_of (lines, "Flux-1-dev/lora");
  g_autoptr (StVerdict) silent = verdict_of (lines, "something");

  g_assert_cmpstr (told->title, ==, "A LoRA for Stable Diffusion XL");
  g_assert_cmpstr (told->details, ==, "rank 8");
  g_assert_cmpstr (other->base_family, ==, "flux");
  g_assert_cmpstr (silent->title, ==, "A LoRA");
}

/* ---- config.json ---- */

static StVerdict *
verdict_with_config (const char *layout, const char *config)
{
  g_autofree char *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (StModel) model = write_model ("model", find_layout (layout)->tensors, NULL);
  g_autoptr (GError) error = NULL;
  StVerdict *verdict;

  g_file_set_contents (path, config, -1, &error);
  g_assert_no_error (error);
  verdict = st_verdict_new (model);
  g_unlink (path);
  return verdict;
}

static void
test_config (void)
{
  g_autoptr (StVerdict) llama
      = verdict_with_config ("llama2", "{\"model_type\": \"llama\"}");
  g_autoptr (StVerdict) mistral
      = verdict_with_config ("llama2", "{\"model_type\": \"mistral\"}");
  g_autoptr (StVerdict) other
      = verdict_with_config ("flux-dev", "{\"model_type\": \"mistral\"}");
  g_autoptr (StVerdict) bert
      = verdict_with_config ("bert", "{\"model_type\": \"mistral\"}");
  g_autoptr (StVerdict) broken = verdict_with_config ("llama2", "{\"model_type\": [1]}");

  g_assert_cmpstr (llama->title, ==, "The language model Llama");
  g_assert_cmpstr (mistral->title, ==, "The language model Mistral");
  g_assert_true (mistral->by_config);
  g_assert_cmpstr (other->id, ==, "flux-dev");
  g_assert_cmpstr (bert->id, ==, "bert");
  g_assert_cmpstr (broken->title, ==, "The language model Llama or Mistral");
}

/* ---- quantised ---- */

static void
assert_parameters (guint64 parameters, guint n_companions, const char *const *lines)
{
  g_autoptr (StVerdict) verdict = verdict_of (lines, NULL);

  g_assert_cmpuint (verdict->parameters, ==, parameters);
  g_assert_cmpuint (verdict->n_companions, ==, n_companions);
}

#define HOLDS(parameters, n_companions, ...)                                             \
  assert_parameters (parameters, n_companions, (const char *[]){ __VA_ARGS__, NULL })

/* Layers of 256 × 128 values, as the programs store them. */
static void
test_quantised (void)
{
  const guint64 n = 256 * 128;

  HOLDS (n, 0, "BF16 256,128 a.weight");
  HOLDS (n, 2, "F8_E4M3 256,128 a.weight", "F32 - a.weight_scale", "F32 - a.input_scale");
  HOLDS (n, 1, "F8_E4M3 256,128 a.weight", "F32 2,1 a.weight_scale_inv");
  HOLDS (n, 1, "F8_E4M3 256,128 a.weight", "F32 1 a.scale_weight");
  HOLDS (n, 1, "I8 256,128 a.weight", "F32 256 a.SCB");
  /* GPTQ of 4 and of 8 bits: [in · bits / 32, out]; AWQ: [in, out · bits / 32]. */
  HOLDS (n, 3, "I32 16,256 a.qweight", "I32 1,32 a.qzeros", "F16 1,256 a.scales",
         "I32 128 a.g_idx");
  HOLDS (n, 2, "I32 32,256 a.qweight", "I32 1,64 a.qzeros", "F16 1,256 a.scales");
  HOLDS (n, 2, "I32 128,32 a.qweight", "I32 1,32 a.qzeros", "F16 1,256 a.scales");
  HOLDS (n, 3, "U8 16384,1 a.weight", "F32 512 a.weight.absmax",
         "F32 16 a.weight.quant_map", "U8 90 a.weight.quant_state.bitsandbytes__nf4");
  HOLDS (n, 1, "U8 2,128,4,16 a.up_blocks", "U8 2,128,4 a.up_scales");
  HOLDS (n, 2, "U8 256,64 a.weight", "F8_E4M3 256,8 a.weight_scale",
         "F32 - a.weight_scale_2");
  HOLDS (n, 2, "I32 256,16 a.weight_packed", "BF16 256,1 a.weight_scale",
         "I64 2 a.weight_shape");
  IS ("llama", "F16 32000,4096 model.embed_tokens.weight",
      "I32 4096,512 model.layers.0.self_attn.q_proj.qweight",
      "I32 512,4096 model.layers.0.mlp.gate_proj.qweight");
  /* What only looks so. */
  HOLDS (n + 5, 0, "F16 256,128 a.weight", "F16 5 b.weight_scale");
  HOLDS (4 + 128, 0, "F16 4 up_blocks.0.norm.scale", "BF16 128 a.query_norm.scale");
  HOLDS (64 + 8, 0, "I32 8,8 a.qweight", "F16 8 b.scales");
  HOLDS (64, 0, "U8 8,8 a.weight");
}

/* ---- half a million ---- */

static double
cpu_seconds (void)
{
  return (double) clock () / CLOCKS_PER_SEC;
}

static void
test_many (void)
{
  const char *lines[]
      = { "F32 1 model.layers.{0-999}.mlp.experts.{0-99}.w{1-5}.weight", NULL };
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (StModel) model = NULL;
  g_autoptr (StVerdict) verdict = NULL;
  g_autoptr (StTree) tree = NULL;
  double start, tree_seconds;

  expand (lines[0], tensors);
  model = write_model ("many", tensors, NULL);
  start = cpu_seconds ();
  tree = st_tree_new (model, NULL, NULL);
  tree_seconds = cpu_seconds () - start;
  start = cpu_seconds ();
  verdict = st_verdict_new (model);
  g_test_message ("tree %.3f s, verdict %.3f s", tree_seconds, cpu_seconds () - start);
  g_assert_cmpuint (verdict->n_patterns, ==, 5);
  /* The tree of names is what a window waits for. */
  g_assert_cmpfloat (cpu_seconds () - start, <, 2 * tree_seconds + 0.1);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("calotype-verdict-XXXXXX", &error);
  g_assert_no_error (error);
  read_layouts ();
  g_test_add_func ("/st/verdict/layouts", test_layouts);
  g_test_add_func ("/st/verdict/other-prefix", test_other_prefix);
  g_test_add_func ("/st/verdict/near-misses", test_near_misses);
  g_test_add_func ("/st/verdict/missing", test_missing);
  g_test_add_func ("/st/verdict/superfluous", test_superfluous);
  g_test_add_func ("/st/verdict/parts", test_parts);
  g_test_add_func ("/st/verdict/unknown", test_unknown);
  g_test_add_func ("/st/verdict/told", test_told);
  g_test_add_func ("/st/verdict/config", test_config);
  g_test_add_func ("/st/verdict/quantised", test_quantised);
  g_test_add_func ("/st/verdict/many", test_many);
  status = g_test_run ();
  g_ptr_array_unref (layouts);
  scratch_remove (folder);
  g_free (folder);
  return status;
}
