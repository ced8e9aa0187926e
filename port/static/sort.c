/* SPDX-License-Identifier: MIT
 *
 * qsort() for a static program: a heap sort, a tenth of libc's.
 */
#include <stddef.h>
#include <stdlib.h>

static void swap(char *a, char *b, size_t size)
{
    while (size-- > 0) {
        char octet = *a;

        *a++ = *b;
        *b++ = octet;
    }
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    char *list = base;
    size_t made = count / 2; /* all from here on have no larger child, up to count */

    while (count > 1) {
        size_t at, child;

        if (made > 0) {
            made--;
        } else {
            count--;
            swap(list, list + count * size, size);
        }
        for (at = made; (child = 2 * at + 1) < count; at = child) {
            if (child + 1 < count && compare(list + child * size, list + (child + 1) * size) < 0) {
                child++;
            }
            if (compare(list + at * size, list + child * size) >= 0) {
                break;
            }
            swap(list + at * size, list + child * size, size);
        }
    }
}
