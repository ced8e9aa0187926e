/* SPDX-License-Identifier: MIT
 *
 * A list of strings, each in memory of its own that does not move.
 */
#include "made.h"
#include "complain.h"

#include <stdlib.h>

struct made {
    struct made *next;
    char text[];
};

char *made_string(struct made **list, size_t len)
{
    struct made *made = malloc(sizeof *made + len + 1);

    if (made == NULL) {
        complain("no memory: try again");
        return NULL;
    }
    made->text[len] = 0;
    made->next = *list;
    *list = made;
    return made->text;
}

void made_free(struct made **list)
{
    while (*list != NULL) {
        struct made *next = (*list)->next;

        free(*list);
        *list = next;
    }
}
