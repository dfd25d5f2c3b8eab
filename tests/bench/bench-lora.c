/* bench-lora.c: what it costs to put a LoRA in force, to change its strength, to remove
 * it
 *
 *     bench-lora MODEL DEVICE RANK [all]
 *
 * The LoRA is made here: pairs for every matrix of the UNet's transformers, and with
 * "all" for every matrix and convolution. Each figure is the processor time of the whole
 * process and the wall time; loading the model's weights is the second program in the
 * same run. MODEL and DEVICE as for bench-sd; read the file once before, so that no disk
 * is measured.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

typedef struct
{
  GArray *tensors;  /* StWriteTensor */
  GPtrArray *owned; /* names, shapes, values */
  BaseRandom *random;
  guint64 rank;
  gboolean all;
  guint64 weights; /* touched: values */
  double flops;
} Maker;

static double
cpu_seconds (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void
need (gboolean ok, GError *const *error)
{
  if (!ok)
    g_error ("%s", *error != NULL ? (*error)->message : "failed");
}

static void
add_factor (Maker *m, const char *module, const char *end, guint rank, guint64 *shape)
{
  gsize count = 1;
  StWriteTensor tensor = { .dtype = ST_DTYPE_F16, .rank = rank, .shape = shape };

  for (guint i = 0; i < rank; i++)
    count *= shape[i];
  float *values = g_new (float, count);
  guint16 *codes = g_new (guint16, count);
  base_random_normal (m->random, count, values);
  for (gsize i = 0; i < count; i++)
    codes[i] = (guint16) ((values[i] > 0 ? 0x0000 : 0x8000) | 0x1400); /* ± 0.001 */
  g_free (values);
  tensor.data = codes;
  tensor.name = g_strconcat (module, end, NULL);
  g_ptr_array_add (m->owned, codes);
  g_ptr_array_add (m->owned, (gpointer) tensor.name);
  g_ptr_array_add (m->owned, shape);
  g_array_append_val (m->tensors, tensor);
}

static void
add_weight (const char *name, const StModelTensor *found, gpointer data)
{
  Maker *m = data;
  const StTensor *t = found->tensor;

  if (!g_str_has_prefix (name, SD_NAMES_UNET) || !g_str_has_suffix (name, ".weight")
      || t->rank < 2 || (!m->all && strstr (name, "transformer_blocks") == NULL))
    return;
  g_autofree char *module = g_strdup_printf (
      "lora_unet_%.*s",
      (int) (strlen (name) - strlen (SD_NAMES_UNET) - strlen (".weight")),
      name + strlen (SD_NAMES_UNET));
  guint64 *down = g_memdup2 (t->shape, sizeof (guint64) * 4), *up = g_new0 (guint64, 4);
  g_strdelimit (module, ".", '_');
  down[0] = up[1] = m->rank;
  up[0] = t->shape[0];
  up[2] = up[3] = 1;
  add_factor (m, module, ".lora_down.weight", t->rank, down);
  add_factor (m, module, ".lora_up.weight", t->rank, up);
  m->weights += t->count;
  m->flops += 2.0 * t->count * m->rank;
}

static char *
make_file (StModel *model, guint rank, gboolean all)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdNames) names = sd_names_new (model);
  Maker m = { .tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor)),
              .owned = g_ptr_array_new_with_free_func (g_free),
              .random = base_random_new (BASE_RANDOM_CPU, 1),
              .rank = rank,
              .all = all };
  char *path = g_strdup_printf ("%s/bench-lora-%u.safetensors", g_get_tmp_dir (),
                                (guint) g_random_int ());

  sd_names_foreach (names, add_weight, &m);
  need (st_write (path, (StWriteTensor *) m.tensors->data, m.tensors->len, NULL, &error),
        &error);
  printf ("%u pairs of rank %u for %.0f M weights: %.1f GFLOP\n", m.tensors->len / 2,
          rank, m.weights * 1e-6, m.flops * 1e-9);
  g_array_unref (m.tensors);
  g_ptr_array_unref (m.owned);
  base_random_free (m.random);
  return path;
}

static void
tell (const char *what, double cpu, gint64 wall)
{
  printf ("%-28s %8.3f CPU-s %8.3f s\n", what, cpu_seconds () - cpu,
          (g_get_monotonic_time () - wall) * 1e-6);
  fflush (stdout);
}

static void
use (SdEngine *engine, const char *path, double strength, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) loras
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  double cpu = cpu_seconds ();
  gint64 wall = g_get_monotonic_time ();

  if (path != NULL)
    {
      SdLora *lora = g_new0 (SdLora, 1);
      lora->name = g_strdup ("bench");
      lora->path = g_strdup (path);
      lora->model = lora->text = strength;
      g_ptr_array_add (loras, lora);
    }
  need (sd_engine_use_loras (engine, loras, NULL, NULL, &error), &error);
  tell (what, cpu, wall);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  gpu_prepare_process ();
  if (argc < 4)
    {
      fprintf (stderr, "usage: %s MODEL|\"\" DEVICE RANK [all]\n", argv[0]);
      return 2;
    }
  g_autofree char *path
      = *argv[1] != '\0' ? g_strdup (argv[1]) : sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  need (model != NULL, &error);
  g_autofree char *lora
      = make_file (model, (guint) g_ascii_strtoull (argv[3], NULL, 10), argc > 4);
  double cpu = cpu_seconds ();
  gint64 wall = g_get_monotonic_time ();
  g_autoptr (SdEngine) engine = sd_engine_new (
      model, (int) g_ascii_strtoll (argv[2], NULL, 10), SD_PRECISION_AUTO, NULL, &error);
  need (engine != NULL, &error);
  tell ("opening the model", cpu, wall);
  use (engine, lora, 1, "the LoRA, first");
  use (engine, lora, 0.5, "another strength");
  use (engine, lora, 0.25, "another strength");
  use (engine, NULL, 0, "without it");
  g_unlink (lora);
  return 0;
}
