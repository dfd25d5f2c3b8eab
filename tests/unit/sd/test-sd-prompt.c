/* test-sd-prompt.c: what prompts say beside their words
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt.h"

/* ---- networks ---- */

static void
check_networks (const char *prompt,
                const char *rest,
                const char *expected,
                guint n_warnings)
{
  g_autoptr (GPtrArray) loras
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = sd_prompt_take_networks_full (prompt, loras, warnings);
  g_autofree char *same = sd_prompt_take_networks (prompt, NULL);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      g_assert_null (lora->path);
      g_string_append_printf (found, "%s%s %g %g", i > 0 ? "; " : "", lora->name,
                              lora->text, lora->model);
    }
  g_assert_cmpstr (text, ==, rest);
  g_assert_cmpstr (same, ==, rest);
  g_assert_cmpstr (found->str, ==, expected);
  g_assert_cmpuint (warnings->len, ==, n_warnings);
}

static void
test_networks (void)
{
  check_networks ("", "", "", 0);
  check_networks ("a cat", "a cat", "", 0);
  check_networks ("a <lora:ink:0.8> cat", "a  cat", "ink 0.8 0.8", 0);
  check_networks ("<lora:ink>", "", "ink 1 1", 0);
  check_networks ("<lora:ink:-1>x<lyco:b c:.5:0.25>", "x", "ink -1 -1; b c 0.5 0.25", 0);
  check_networks ("<lora:ink:0.5:0.75:8>", "", "ink 0.5 0.75", 0);
  check_networks ("<lora:ink:te=0.5:unet=2>", "", "ink 0.5 2", 0);
  check_networks ("<lora:ink:unet=2>", "", "ink 1 2", 0);
  check_networks ("<lora:ink:unet=2:te=0.5>", "", "ink 0.5 2", 0);
  check_networks ("<lora:ink:1><lora:ink:2>", "", "ink 1 1; ink 2 2", 0);
  check_networks ("<lora:Ж/x.v2:1e-1>", "", "Ж/x.v2 0.1 0.1", 0);
}

static void
test_networks_bad (void)
{
  check_networks ("a <lora:ink:much> b", "a  b", "", 1);
  check_networks ("a <lora:ink:1:nan> b", "a  b", "", 1);
  check_networks ("a <lora::1> b", "a  b", "", 1);
  check_networks ("a <hypernet:x:1> b", "a  b", "", 1);
  check_networks ("a <lora:ink", "a <lora:ink", "", 0);
  check_networks ("a <lora> b", "a <lora> b", "", 0);
  check_networks ("a <lora:> b", "a <lora:> b", "", 0);
  check_networks ("1 < 2 and <b c:d>", "1 < 2 and <b c:d>", "", 0);
  check_networks ("<<lora:ink:1>", "<", "ink 1 1", 0);
  check_networks ("\xff<\xfflora:a>", "\xff<\xfflora:a>", "", 0);
}

static void
test_comments (void)
{
  check_networks ("a # not <lora:x:1>\nb", "a \nb", "", 0);
  check_networks ("# all", "", "", 0);
  check_networks ("#a\n#b\nc", "\n\nc", "", 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/prompt/networks", test_networks);
  g_test_add_func ("/sd/prompt/networks-bad", test_networks_bad);
  g_test_add_func ("/sd/prompt/comments", test_comments);
  return g_test_run ();
}
