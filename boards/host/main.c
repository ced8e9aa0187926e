/* SPDX-License-Identifier: MIT
 *
 * The mailmote command: one word says what to do. Results go to stdout, everything else to stderr; exit statuses are
 * those of sysexits.h.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* A socket must not get the number of a standard stream that was closed: it would hear what is meant for a person. What
 * stands in its place cannot be read: no input is not an empty mail. */
static bool open_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_WRONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) {
        complain("/dev/null cannot be opened: %s", strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

/* send, flush and queue read it themselves: with them it may be an option's value. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

/* What other programs call it; as a word, for those who have no link of that name. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} names[] = {
    {"sendmail", sendmail_command},     {"mail", mailx_command}, {"mailx", mailx_command}, {"mailq", mailq_command},
    {"newaliases", newaliases_command},
};

/* False: that is none of its names. */
static bool run_named(const char *path, int argc, char **argv, int *status)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    bool asks = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!asks && name != NULL && strcmp(names[i].name, name) == 0) {
            *status = names[i].run(argc, argv);
            return true;
        }
    }
    return false;
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    bool help = asks_for_help(argc, argv);
    int status;

    if (run_named(argv[0], argc, argv, &status) || run_named(word, argc - 1, argv + 1, &status)) {
        return status;
    }
    if (strcmp(word, "send") == 0) {
        return send_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "flush") == 0) {
        return flush_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "queue") == 0) {
        return queue_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "trust") == 0 && !help) {
        return trust_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "probe") == 0 && !help) {
        return probe_command(argc - 1, argv + 1);
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || help) {
        print_help();
        return EX_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        print_version();
        return EX_OK;
    }
    if (argc > 1) {
        complain("unknown command %s: see mailmote --help", word);
    } else {
        print_usage(stderr);
    }
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    static char line[1024];
    int status;

    /* A line at a time, not an octet: for a log that others write, too, and a program that reads it. */
    setvbuf(stderr, line, _IOLBF, sizeof line);
    if (getauxval(AT_SECURE) != 0) {
        complain("this program has a setuid or setgid bit, or capabilities: it would read for anybody what only they "
                 "may: take "
                 "them off with chmod ug-s and setcap -r");
        return EX_CONFIG;
    }
    if (!open_standard_streams()) {
        return EX_OSERR;
    }
    /* Whoever closes our output early still gets the right exit status. */
    signal(SIGPIPE, SIG_IGN);
    /* A limit on the size of files is an error of the write that meets it. */
    signal(SIGXFSZ, SIG_IGN);
    /* Whose caller ignores it would never hear how a command has ended. */
    signal(SIGCHLD, SIG_DFL);
    status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        bool mails = argc > 1 && (strcmp(argv[1], "send") == 0 || strcmp(argv[1], "flush") == 0);

        complain(mails ? "standard output cannot be written: the exit status %d is still right"
                       : "standard output cannot be written: not all of it was told",
                 status);
        if (!mails && status == EX_OK) {
            status = EX_IOERR;
        }
    }
    return status;
}
