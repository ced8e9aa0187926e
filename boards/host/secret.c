/* SPDX-License-Identifier: MIT
 *
 * Where a secret comes from. One in the configuration is read if others may not read it there; a command is run if others may
 * not have written it. The command gets nothing of ours but the environment and standard error, and so much time.
 */
#define _GNU_SOURCE

#include "complain.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* So long a command may take, and no longer than the attempt. */
#define SECRET_COMMAND_S 30

static int no_memory(void)
{
    complain("no memory: try again");
    return EX_OSERR;
}

/* ---- A command --------------------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* In the child. A group of its own, so that all it starts ends with it. */
static void run(const char *command, int out)
{
    char shell[] = "sh", option[] = "-c", *words[] = {shell, option, strdup(command), NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    if (words[2] != NULL && null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0) {
        execv("/bin/sh", words);
    }
    _exit(127);
}

/* To its end. Returns 0 or an errno. */
static int read_output(int fd, struct buffer *secret, uint64_t end_ms)
{
    char rest[256];

    for (uint64_t at_ms; (at_ms = now_ms()) < end_ms;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        bool room = secret->len < SECRET_MAX;
        ssize_t got;

        if (poll(&ready, 1, (int)(end_ms - at_ms)) <= 0) {
            continue;
        }
        got = room ? read(fd, secret->data + secret->len, SECRET_MAX - secret->len) : read(fd, rest, sizeof rest);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        secret->len += got > 0 && room ? (size_t)got : 0;
    }
    return ETIMEDOUT;
}

/* What has closed its output may need a moment to end. Returns 0 or an errno. */
static int reap(pid_t child, uint64_t end_ms, int *status)
{
    while (now_ms() < end_ms) {
        pid_t ended = waitpid(child, status, WNOHANG);

        if (ended != 0) {
            return ended == child ? 0 : errno;
        }
        poll(NULL, 0, 5);
    }
    kill(-child, SIGKILL);
    waitpid(child, status, 0);
    return ETIMEDOUT;
}

static int run_command(struct buffer *secret, const char *command, unsigned limit_s)
{
    uint64_t end_ms = now_ms() + limit_s * UINT64_C(1000);
    int ends[2], error, reaped, status;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        complain("passwordeval cannot be run: %s", strerror(errno));
        return EX_OSERR;
    }
    child = fork();
    error = errno;
    if (child == 0) {
        run(command, ends[1]);
    }
    close(ends[1]);
    if (child > 0) {
        setpgid(child, child); /* whoever of the two comes first */
        error = read_output(ends[0], secret, end_ms);
        reaped = reap(child, error == 0 ? end_ms : 0, &status);
        error = error == 0 ? reaped : error;
    }
    close(ends[0]);
    if (child < 0 || (error != 0 && error != ETIMEDOUT)) {
        complain("passwordeval cannot be run: %s", strerror(error));
    } else if (error != 0) {
        complain("passwordeval took longer than %u seconds, and was ended", limit_s);
    } else if (status != 0) {
        complain("passwordeval has failed, with status %d: run it by hand",
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    } else {
        return EX_OK;
    }
    return EX_CONFIG;
}

/* Whoever may write the configuration says which relay is told the secret, and what is run for it. False after a complaint. */
static bool ours(const struct args *args, mode_t others, const char *secret)
{
    const struct stat *about = &args->config_about;

    if ((about->st_mode & others) == 0 && (about->st_uid == 0 || about->st_uid == geteuid())) {
        return true;
    }
    complain("no %s is used with %s, which others may have written: chmod go-w it, and chown it to yourself or root",
             secret, args->config_file);
    return false;
}

/* Its first line. */
static int read_command(struct buffer *secret, const struct args *args, const char *command)
{
    unsigned limit_s = args->timeout_s > 0 && args->timeout_s < SECRET_COMMAND_S ? args->timeout_s : SECRET_COMMAND_S;
    int status;
    char *end;

    if (!ours(args, S_IWGRP | S_IWOTH, "passwordeval")) {
        return EX_CONFIG;
    }
    secret->data = calloc(1, SECRET_MAX + 1);
    if (secret->data == NULL) {
        return no_memory();
    }
    status = run_command(secret, command, limit_s);
    end = memchr(secret->data, '\n', secret->len);
    if (end != NULL) {
        memset(end + 1, 0, secret->len - (size_t)(end + 1 - secret->data));
        secret->len = (size_t)(end + 1 - secret->data);
    }
    return status == EX_OK ? file_check_secret(secret, "what passwordeval prints") : status;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static int copy_password(struct buffer *secret, const struct args *args, const char *password)
{
    size_t len = strlen(password);
    int status = file_check_owner(&args->config_about, args->config_file);

    if (status != EX_OK) {
        return status;
    }
    secret->data = malloc(len + 1);
    if (secret->data == NULL) {
        return no_memory();
    }
    memcpy(secret->data, password, len + 1);
    secret->len = len;
    return file_check_secret(secret, "password");
}

int secret_read(struct buffer *secret, const struct args *args, const struct relay_args *relay)
{
    const char *const *options = relay->options;

    if (relay->line != 0 && !ours(args, S_IWOTH, "password or token")) {
        return EX_CONFIG;
    }
    if (options[RELAY_PASSWORD] != NULL) {
        return copy_password(secret, args, options[RELAY_PASSWORD]);
    }
    if (options[RELAY_PASSWORD_COMMAND] != NULL) {
        return read_command(secret, args, options[RELAY_PASSWORD_COMMAND]);
    }
    return file_read_secret(secret, options[RELAY_PASSWORD_FILE] != NULL ? options[RELAY_PASSWORD_FILE]
                                                                         : options[RELAY_TOKEN_FILE]);
}
