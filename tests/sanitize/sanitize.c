/* sanitize.c: what every program of a build with sanitizers carries
 *
 * A library that is closed takes its symbols with it, and a leak found at exit then has
 * no name to suppress it by: closing does nothing here. Drivers and modules are closed by
 * the Vulkan loader and by GIO only when the process ends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <dlfcn.h>

const char *__lsan_default_suppressions (void);
const char *__asan_default_options (void);
const char *__ubsan_default_options (void);

/* Asked for on the linker's command line, so that this file is in every program. */
extern const int base_sanitize;
const int base_sanitize = 1;

int
dlclose (void *handle)
{
  (void) handle;
  return 0;
}

const char *
__lsan_default_suppressions (void)
{
  /* The cache of fontconfig lives as long as the process; the second is GLib's own, in
   * tests that isolate their folders. */
  return "leak:libfontconfig.so\nleak:g_set_user_dirs\n";
}

const char *
__asan_default_options (void)
{
  /* The system's libraries have no frame pointers: without the slow unwinder nothing
   * could be suppressed by its name. */
  return "fast_unwind_on_malloc=0:malloc_context_size=12:strict_string_checks=1";
}

const char *
__ubsan_default_options (void)
{
  return "print_stacktrace=1:halt_on_error=1";
}
