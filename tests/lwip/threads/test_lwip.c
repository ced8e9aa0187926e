/* SPDX-License-Identifier: MIT
 *
 * The port with lwIP in a thread of its own (NO_SYS=0), in real time: called in that thread, and from another one that
 * holds the core lock; under ThreadSanitizer. Afterwards each pool is as full as it was.
 */
#include "../outbox.h"
#include "../peer.h"

#include <lwip/stats.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 6000, LIMIT_S = 60, TICK_US = 1000, WAIT_MS = 5000 };

static int failures;
static const char *test_name;

static void expect(bool good, const char *what, long at)
{
    if (!good) {
        fprintf(stderr, "%s, %ld: %s\n", test_name, at, what);
        failures++;
    }
}

/* ---- What lwIP asserts ------------------------------------------------------------------------------------------- */

static jmp_buf back;
static bool expected;

void test_assert(const char *what)
{
    if (!expected) {
        fprintf(stderr, "lwIP: %s\n", what);
        abort();
    }
    longjmp(back, 1);
}

/* ---- Two ways to call -------------------------------------------------------------------------------------------- */

/* What is done, and what came of it. */
struct work {
    void (*function)(struct work *work);
    sys_sem_t done;
    struct peer *peer;
    uint8_t step;
};

static void in_thread(void *arg)
{
    struct work *work = arg;

    work->function(work);
    sys_sem_signal(&work->done);
}

static void call_in_thread(struct work *work)
{
    sys_sem_new(&work->done, 0);
    while (tcpip_callback(in_thread, work) != ERR_OK) {
        usleep(TICK_US);
    }
    sys_arch_sem_wait(&work->done, 0);
    sys_sem_free(&work->done);
}

static void call_with_lock(struct work *work)
{
    LOCK_TCPIP_CORE();
    work->function(work);
    UNLOCK_TCPIP_CORE();
}

typedef void call(struct work *work);
static call *const calls[] = {call_in_thread, call_with_lock};

static uint8_t run(call *how, void (*function)(struct work *work), struct peer *peer)
{
    struct work work = {.function = function, .peer = peer};

    how(&work);
    return work.step;
}

/* ---- What is called ---------------------------------------------------------------------------------------------- */

static void start(struct work *work)
{
    peer_start(work->peer, PORT);
    mote_lwip_start(&lwip);
}

static void look(struct work *work)
{
    work->step = mote_lwip_poll(&lwip);
}

static void see(struct work *work)
{
    mote_lwip_reported(&lwip);
    work->step = mote_lwip_poll(&lwip);
}

static void wake(struct work *work)
{
    (void)work;
    mote_lwip_wake(&lwip);
}

static void give_up(struct work *work)
{
    mote_lwip_abort(&lwip);
    work->step = mote_lwip_poll(&lwip);
}

static void stop(struct work *work)
{
    peer_stop(work->peer);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

struct used {
    mem_size_t heap, pools[MEMP_MAX];
};

static struct used used(void)
{
    struct used used;

    memset(&used, 0, sizeof used);
    LOCK_TCPIP_CORE();
    used.heap = lwip_stats.mem.used;
    for (int i = 0; i < MEMP_MAX; i++) {
        used.pools[i] = i != MEMP_SYS_TIMEOUT ? lwip_stats.memp[i]->used : 0; /* lwIP's TCP timer comes and goes */
    }
    UNLOCK_TCPIP_CORE();
    return used;
}

/* What was taken since is given back once the last connection is forgotten. */
static void expect_returned(const struct used *before, long at)
{
    struct used now = used();

    for (int ms = 0; memcmp(before, &now, sizeof now) != 0 && ms < WAIT_MS; ms++) {
        usleep(TICK_US);
        now = used();
    }
    expect(memcmp(before, &now, sizeof now) == 0, "memory leaks", at);
    expect(lwip_stats.mem.err == 0, "the heap is too small for this test", at);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

/* No timer runs any more: lwIP's thread sleeps without end. */
static void rest(void)
{
    uint32_t wait_ms = 0;

    while (wait_ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        usleep(TICK_US);
        LOCK_TCPIP_CORE();
        wait_ms = sys_timeouts_sleeptime();
        UNLOCK_TCPIP_CORE();
    }
}

static uint8_t until_report(call *how)
{
    uint8_t step = run(how, look, NULL);

    for (int ms = 0; step != MOTE_REPORT && ms < WAIT_MS; ms++) {
        usleep(TICK_US);
        step = run(how, look, NULL);
    }
    expect(step == MOTE_REPORT, "no report", step);
    return step;
}

static void deliver(call *how, bool secure, long at)
{
    static struct peer peer;
    struct used before = used();
    const struct mote_result *result = &outbox.rcpts[0].result;

    rest();
    peer = (struct peer){.secure = secure, .expected = text, .after = -1};
    post("127.0.0.1", secure);
    run(how, start, &peer);
    until_report(how);
    expect(result->verdict == MOTE_DELIVERED, mote_cause_name(result->cause), at);
    expect(peer.mails == 1 && peer.text_len == TEXT && !peer.text_wrong, "not the same mail", at);
    expect(run(how, see, NULL) == MOTE_IDLE && outbox.slot == NULL, "not idle", at);
    run(how, give_up, NULL);
    run(how, stop, &peer);
    expect_returned(&before, at);
}

static void test_in_thread(void)
{
    deliver(call_in_thread, false, 0);
    deliver(call_in_thread, true, 1);
}

static void test_with_lock(void)
{
    deliver(call_with_lock, false, 0);
    deliver(call_with_lock, true, 1);
}

/* Given up after some turns of the thread; before it began it is woken first. */
static void test_abort(void)
{
    for (int turns = 0; turns < 40; turns++) {
        static struct peer peer;
        call *how = calls[turns % 2];
        struct used before = used();
        uint8_t step;

        peer = (struct peer){.secure = turns % 4 < 2, .expected = text, .after = -1};
        post("127.0.0.1", peer.secure);
        run(how, start, &peer);
        for (int i = 0; i < turns; i++) {
            run(call_in_thread, look, NULL);
        }
        step = run(how, give_up, NULL);
        if (step != MOTE_REPORT) {
            run(how, wake, NULL);
            step = until_report(how);
        }
        expect(outbox.slot != NULL && (outbox.last || outbox.rcpts[0].result.cause == MOTE_CAUSE_ABORTED), "report",
               turns);
        run(how, see, NULL);
        run(how, give_up, NULL);
        run(how, stop, &peer);
        expect_returned(&before, turns);
    }
}

static void begin(struct work *work)
{
    (void)work;
    mote_lwip_start(&lwip);
}

static void count(struct work *work)
{
    work->step = (uint8_t)peer_callers(PORT);
}

/* The relay refuses the mail with its window shut, and never closes: the connection ends all the same. */
static void test_clinging(void)
{
    for (int mails = 0; mails < 4; mails++) {
        static struct peer peer;
        call *how = calls[mails % 2];
        struct used before = used();

        peer = (struct peer){.expected = text, .after = -1, .refuse_at = 1000, .deaf = true, .clings = true};
        post("127.0.0.1", false);
        run(how, start, &peer);
        until_report(how);
        expect(outbox.rcpts[0].result.verdict == MOTE_FAILED, mote_cause_name(outbox.rcpts[0].result.cause), mails);
        run(how, see, NULL);
        run(how, give_up, NULL);
        for (int ms = 0; run(how, count, NULL) != 0 && ms < WAIT_MS; ms++) {
            usleep(TICK_US);
        }
        expect(run(how, count, NULL) == 0, "a connection outlives its attempt", mails);
        run(how, stop, &peer);
        expect_returned(&before, mails);
    }
}

/* Each call without the lock is caught before it touches anything. */
static void test_no_lock(void)
{
    static void (*const functions[])(struct work *) = {begin, look, see, wake, give_up};

    post("127.0.0.1", false);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        struct work work = {0};

        expected = true;
        if (setjmp(back) == 0) {
            functions[i](&work);
            expect(false, "not caught", (long)i);
        }
        expected = false;
    }
}

static void ready(void *arg)
{
    sys_sem_signal(arg);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*test)(void);
    } tests[] = {{"in the thread", test_in_thread},
                 {"with the lock", test_with_lock},
                 {"abort", test_abort},
                 {"clinging", test_clinging},
                 {"no lock", test_no_lock}};
    int failed = 0, count = sizeof tests / sizeof tests[0];
    sys_sem_t up;

    alarm(LIMIT_S);
    set_text(TEXT);
    sys_sem_new(&up, 0);
    tcpip_init(ready, &up);
    sys_arch_sem_wait(&up, 0);
    for (int i = 0; i < count; i++) {
        test_name = tests[i].name;
        failures = 0;
        tests[i].test();
        printf("%s: %s\n", tests[i].name, failures == 0 ? "ok" : "FAILED");
        failed += failures != 0;
    }
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed != 0;
}
