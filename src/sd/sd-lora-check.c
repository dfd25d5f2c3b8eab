/* sd-lora-check.c: whether the factors of each module belong together
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-lora-private.h"

#include <glib/gi18n-lib.h>

gboolean
sd_lora_refuse (const SdLoraFile *file, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED, "%s: %s", file->title, message);
  return FALSE;
}

guint64
sd_lora_side (const StModelTensor *part, guint i)
{
  return i < part->tensor->rank ? part->tensor->shape[i] : 1;
}

guint64
sd_lora_columns (const StModelTensor *part)
{
  return sd_lora_side (part, 0) == 0 ? 0 : part->tensor->count / sd_lora_side (part, 0);
}

static gboolean
refuse_pair (const SdLoraFile *file,
             const StModelTensor *a,
             const StModelTensor *b,
             GError **error)
{
  g_autofree char *shape_a = sd_lora_shape_text (a->tensor);
  g_autofree char *shape_b = sd_lora_shape_text (b->tensor);

  return sd_lora_refuse (file, error,
                         _ ("“%s” is %s and “%s” is %s: they are no product"), a->name,
                         shape_a, b->name, shape_b);
}

/* a: [out][rank], b: [rank][…]; with a Tucker core a: [rank][out] */
static gboolean
check_product (const SdLoraFile *file,
               const StModelTensor *a,
               const StModelTensor *b,
               const StModelTensor *core,
               GError **error)
{
  guint64 inner = core != NULL ? sd_lora_side (a, 0) : sd_lora_columns (a);

  if (inner != sd_lora_side (b, 0)
      || (core != NULL
          && (core->tensor->rank < 2 || sd_lora_side (core, 0) != inner
              || sd_lora_side (core, 1) != sd_lora_side (b, 0) || a->tensor->rank != 2
              || b->tensor->rank != 2)))
    return refuse_pair (file, a, core != NULL ? core : b, error);
  return TRUE;
}

static gboolean
check_core (const SdLoraFile *file, const SdLoraModule *module, GError **error)
{
  const StModelTensor *mid = module->parts[SD_LORA_MID],
                      *down = module->parts[SD_LORA_DOWN];

  if (mid == NULL)
    return TRUE;
  return mid->tensor->rank == 4 && sd_lora_side (mid, 0) == module->rank
                 && sd_lora_side (mid, 1) == sd_lora_side (down, 0)
             ? TRUE
             : refuse_pair (file, mid, down, error);
}

static gboolean
check_kron (const SdLoraFile *file, SdLoraModule *module, GError **error)
{
  const StModelTensor *const *p = module->parts;
  gboolean core
      = sd_lora_has (module, SD_LORA_KRON_T2) && !sd_lora_has (module, SD_LORA_KRON_W2);

  if (!sd_lora_has (module, SD_LORA_KRON_W1))
    module->rank = sd_lora_side (p[SD_LORA_KRON_W1_B], 0);
  if (!sd_lora_has (module, SD_LORA_KRON_W2))
    module->rank = sd_lora_side (p[SD_LORA_KRON_W2_B], 0);
  return (sd_lora_has (module, SD_LORA_KRON_W1)
          || check_product (file, p[SD_LORA_KRON_W1_A], p[SD_LORA_KRON_W1_B], NULL,
                            error))
         && (sd_lora_has (module, SD_LORA_KRON_W2)
             || check_product (file, p[SD_LORA_KRON_W2_A], p[SD_LORA_KRON_W2_B],
                               core ? p[SD_LORA_KRON_T2] : NULL, error));
}

static gboolean
check_module (const SdLoraFile *file, SdLoraModule *module, GError **error)
{
  const StModelTensor *const *p = module->parts;

  for (SdLoraRole role = 0; role < SD_LORA_N_ROLES; role++)
    if (p[role] != NULL && (p[role]->tensor->count == 0 || p[role]->tensor->rank > 4))
      {
        g_autofree char *shape = sd_lora_shape_text (p[role]->tensor);
        return sd_lora_refuse (file, error, _ ("“%s” is %s: there is nothing in it"),
                               p[role]->name, shape);
      }
  switch (module->kind)
    {
    case SD_LORA_PAIR:
      module->rank = sd_lora_side (p[SD_LORA_UP], 1);
      if (sd_lora_columns (p[SD_LORA_UP]) != module->rank)
        return refuse_pair (file, p[SD_LORA_UP], p[SD_LORA_DOWN], error);
      return sd_lora_has (module, SD_LORA_MID)
                 ? check_core (file, module, error)
                 : check_product (file, p[SD_LORA_UP], p[SD_LORA_DOWN], NULL, error);
    case SD_LORA_HADA:
      module->rank = sd_lora_side (p[SD_LORA_HADA_W1_B], 0);
      return check_product (file, p[SD_LORA_HADA_W1_A], p[SD_LORA_HADA_W1_B],
                            p[SD_LORA_HADA_T1], error)
             && check_product (file, p[SD_LORA_HADA_W2_A], p[SD_LORA_HADA_W2_B],
                               p[SD_LORA_HADA_T2], error);
    case SD_LORA_KRON:
      return check_kron (file, module, error);
    case SD_LORA_FULL:
    case SD_LORA_IA3:
      break;
    }
  return TRUE;
}

char *
sd_lora_shape_text (const StTensor *tensor)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < tensor->rank; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                            tensor->shape[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

gboolean
sd_lora_check_shapes (SdLoraFile *file, GError **error)
{
  for (guint i = 0; i < file->modules->len; i++)
    if (!check_module (file, file->modules->pdata[i], error))
      return FALSE;
  return TRUE;
}
