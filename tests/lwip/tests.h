/* SPDX-License-Identifier: MIT
 *
 * The tests that test_lwip.c runs, by what goes wrong in them.
 */
#ifndef MOTE_TEST_TESTS_H
#define MOTE_TEST_TESTS_H

/* line.c: the wire. */
void test_loss(void);
void test_dead(void);
void test_hour(void);
void test_order(void);
void test_chaos(void);
void test_link(void);
void test_address(void);

/* endings.c: one side ends it. */
void test_fin(void);
void test_rst(void);
void test_silence(void);
void test_fin_anywhere(void);
void test_rst_anywhere(void);
void test_silence_anywhere(void);
void test_last_words(void);
void test_interrupted(void);
void test_clinging(void);
void test_abort(void);
void test_abort_held(void);
void test_abort_reported(void);
void test_not_open(void);
void test_start_again(void);

/* kept.c: many mails, one connection. */
void test_kept(void);
void test_kept_replies(void);
void test_kept_anywhere(void);
void test_kept_abort(void);
void test_kept_held(void);
void test_kept_memory(void);
void test_kept_report(void);
void test_kept_quit(void);
void test_kept_posted(void);

/* example.c: what README.md shows. */
void test_too_early(void);
void test_example(void);

#endif
