/* SPDX-License-Identifier: MIT
 *
 * Words of the command, and its long help, that a static program is built without. Weak: where a word's own sources are
 * linked, theirs counts.
 */
#include "commands.h"
#include "complain.h"

static int left_out(const char *word)
{
    complain("this mailmote was built without %s: use one that `make' built, or build it with FEATURES=%s", word, word);
    return EX_UNAVAILABLE;
}

__attribute__((weak)) void print_help(void)
{
    print_usage(stdout);
    puts("\nThe options are in the manual page, mailmote(8). This mailmote was built without the long help: "
         "FEATURES=help");
}

__attribute__((weak)) int probe_command(int argc, char **argv)
{
    (void)argc;
    return left_out(argv[0]);
}

__attribute__((weak)) int trust_command(int argc, char **argv)
{
    (void)argc;
    return left_out(argv[0]);
}
