/* SPDX-License-Identifier: MIT
 *
 * TEST=name runs the tests of that name alone ('*' and '?' as in a shell), in any of these programs. For a transcript the
 * name is its title.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void __attribute__((constructor)) choose(void)
{
    const char *name = getenv("TEST");

    if (name != NULL) {
        cmocka_set_test_filter(name);
    }
}
