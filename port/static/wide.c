/* SPDX-License-Identifier: MIT
 *
 * mbstowcs() for a static program: libc's resolver asks it whether a name is UTF-8, and looks at each octet of it afterwards.
 */
#include <stdlib.h>
#include <string.h>

size_t mbstowcs(wchar_t *to, const char *text, size_t cap)
{
    (void)to;
    (void)cap;
    return strlen(text);
}
