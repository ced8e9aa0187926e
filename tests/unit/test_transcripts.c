/* SPDX-License-Identifier: MIT
 *
 * Every transcript of tests/transcripts, as many ways as its octets can travel: whole, split at every point, pulled with every
 * room, cut after every octet, too late after every octet; then in sessions with BearSSL's server at the other end.
 *
 *   test_transcripts [FILE...]     these files instead of all
 *   TESTS=quick                    a part of the ways, for valgrind
 *   TRANSCRIPTS_TIME=1             says how long each way took
 */
#define _DEFAULT_SOURCE

#include "mailmote_session.h"
#include "one.h"
#include "transcript.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SCRIPTS_MAX = 512, LONG = 2500 };

static struct script scripts[SCRIPTS_MAX];
static struct CMUnitTest tests[SCRIPTS_MAX];
static bool quick;

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

enum way { WHOLE, SPLIT, PULLED, CUT, LATE, SESSION, SESSION_CUT, WAYS };

static const char *const way_names[WAYS] = {"whole", "split", "pulled", "cut", "late", "session", "session, cut"};
static unsigned long runs[WAYS];
static clock_t spent[WAYS], since;

static void count(enum way way)
{
    clock_t now = clock();

    runs[way]++;
    spent[way] += now - since;
    since = now;
}

static void engine(enum way way, const struct script *s, const struct script_how *how)
{
    script_play_engine(s, how);
    count(way);
}

/* ---- Ways through the engine ------------------------------------------------------------------------------------- */

/* In two parts at every point; in a long one near both ends and at every 61st octet. */
static void split(const struct script *s)
{
    size_t server_len = script_server_len(s);
    struct script_how how = {.feed = FEED_PAIR, .cap = 1000};
    size_t step;

    for (how.at = 1; how.at < server_len; how.at += step) {
        bool middle = server_len > LONG && how.at > 300 && how.at + 300 < server_len;

        engine(SPLIT, s, &how);
        step = quick ? 17 : middle ? 61 : 1;
    }
    how.feed = FEED_STEPS;
    for (how.at = 1; how.at < (quick ? 2 : 8); how.at++) {
        engine(SPLIT, s, &how);
    }
    how.feed = FEED_RANDOM;
    how.cap = 0;
    for (how.at = 1; how.at < (quick ? 4 : 40); how.at++) {
        how.read_max = how.at % 5;
        engine(SPLIT, s, &how);
    }
}

static void pulled(const struct script *s)
{
    static const size_t more[] = {65, 100, 127, 128, 255, 256, 512, 1000, 1001, 4096, 65536};
    struct script_how how = {.feed = FEED_WHOLE};

    for (how.cap = 1; how.cap <= 64; how.cap += quick && how.cap > 4 ? 11 : 1) {
        engine(PULLED, s, &how);
    }
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        how.cap = more[i];
        how.read_max = i % 4 * 3;
        engine(PULLED, s, &how);
    }
}

/* The counter wraps in the step's limit, in the attempt's, or somewhere else. */
static void late(const struct script *s)
{
    static const uint32_t before_wrap[] = {0,      1,      2,      9999,   10000,  10001,   119999, 120000,
                                           120001, 179999, 180000, 180001, 299999, 300000,  300001, 599999,
                                           600000, 600001, 899999, 900000, 900001, 1u << 31};
    static const uint32_t elapsed[] = {0, 899995, 899999, 599999, 600000, 780000};
    struct script_how how = {.feed = FEED_STEPS, .at = 1, .cap = 1, .look = LOOK_TIME};

    if (s->timed || s->glued) {
        return; /* has its own times, or means more than its octets say */
    }
    for (size_t i = 0; i < sizeof before_wrap / sizeof before_wrap[0]; i++) {
        if (i != 0 && (quick ? i % 8 != 0 : s->server_len > LONG && i % 4 != 0)) {
            continue;
        }
        how.now_ms = 0u - before_wrap[i];
        how.elapsed_ms = elapsed[i % (sizeof elapsed / sizeof elapsed[0])];
        engine(LATE, s, &how);
        how.elapsed_ms = 0;
        engine(LATE, s, &how);
    }
}

/* ---- Ways through a session -------------------------------------------------------------------------------------- */

static void session(const struct script *s)
{
    static const size_t buffers[] = {MOTE_SESSION_BUF_FULL, 4421, MOTE_SESSION_BUF_MIN};
    static const size_t steps[] = {SIZE_MAX, 1, 7, 100};
    static unsigned turn;

    for (unsigned wrapped = 0; wrapped < 2; wrapped++) {
        for (size_t i = 0; i < (quick ? 1 : 12); i++) {
            for (unsigned trust = 0; trust < 3; trust++) {
                struct script_wire how = {
                    .trust = (uint8_t)((trust + turn) % 3),
                    .wrapped = wrapped != 0,
                    .close_notify = i % 2 != 0,
                    .step = steps[i / 3],
                    .buf_len = buffers[quick ? turn % 3 : i % 3],
                };

                if (script_play_session(s, &how)) {
                    count(SESSION);
                    break; /* all kinds of trust have their turn */
                }
            }
            turn++;
        }
    }
}

static void session_cut(const struct script *s)
{
    for (unsigned wrapped = 0; wrapped < (quick ? 1 : 2); wrapped++) {
        for (unsigned trust = 0; trust < 3; trust++) {
            struct script_wire how = {.trust = (uint8_t)trust, .wrapped = wrapped != 0, .cut = true, .step = 1};

            how.buf_len = MOTE_SESSION_BUF_MIN;
            if (script_play_session(s, &how)) {
                count(SESSION_CUT);
                break;
            }
        }
    }
}

/* ---- One transcript ---------------------------------------------------------------------------------------------- */

static void play(void **state)
{
    const struct script *s = *state;
    struct script_how how = {.feed = FEED_WHOLE, .cap = 65536};

    since = clock();
    engine(WHOLE, s, &how);
    split(s);
    pulled(s);
    how = (struct script_how){.feed = FEED_STEPS, .at = 1, .cap = 1, .look = LOOK_CUT};
    engine(CUT, s, &how);
    late(s);
    session(s);
    session_cut(s);
}

static size_t load(int argc, char **argv)
{
    glob_t found = {0};
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        n += script_load(argv[i], scripts + n, SCRIPTS_MAX - n);
    }
    if (argc == 1 && glob("tests/transcripts/*.txt", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            n += script_load(strdup(found.gl_pathv[i]), scripts + n, SCRIPTS_MAX - n);
        }
    }
    globfree(&found);
    return n;
}

int main(int argc, char **argv)
{
    size_t n = load(argc, argv), count_of_tests = 0;
    int failed;

    quick = one_quick();
    if (n == 0) {
        fprintf(stderr, "no transcripts: run this where tests/transcripts is\n");
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        if (!scripts[i].again) {
            tests[count_of_tests].name = scripts[i].title;
            tests[count_of_tests].test_func = play;
            tests[count_of_tests++].initial_state = &scripts[i];
        }
    }
    failed = _cmocka_run_group_tests("transcripts", tests, count_of_tests, NULL, NULL);
    printf("%zu transcripts:", count_of_tests);
    for (unsigned way = 0; way < WAYS; way++) {
        printf(" %s %lu%s", way_names[way], runs[way], way + 1 < WAYS ? "," : " runs\n");
    }
    for (unsigned way = 0; getenv("TRANSCRIPTS_TIME") != NULL && way < WAYS; way++) {
        printf("%8.2f s  %s\n", (double)spent[way] / CLOCKS_PER_SEC, way_names[way]);
    }
    return failed;
}
