/* SPDX-License-Identifier: MIT
 *
 * What the environment says about a run of the unit tests.
 */
#ifndef ONE_H
#define ONE_H

#include <stdbool.h>

/* TESTS=quick: a part of what takes long, for tools that take their time. */
bool one_quick(void);

#endif
