/* SPDX-License-Identifier: MIT
 *
 * TEST=name runs the tests of that name alone ('*' and '?' as in a shell), in any of these programs. For a transcript the
 * name is its title.
 */
#include "one.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool one_quick(void)
{
    const char *mode = getenv("TESTS");

    return mode != NULL && strcmp(mode, "quick") == 0;
}

static void __attribute__((constructor)) choose(void)
{
    const char *name = getenv("TEST");

    if (name != NULL) {
        cmocka_set_test_filter(name);
    }
}
