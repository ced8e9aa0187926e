/* SPDX-License-Identifier: MIT
 *
 * The words of the command line.
 */
#ifndef MAILMOTE_HOST_COMMANDS_H
#define MAILMOTE_HOST_COMMANDS_H

#include <stdio.h>

int send_command(int argc, char **argv);
int flush_command(int argc, char **argv);
int queue_command(int argc, char **argv);
int trust_command(int argc, char **argv);
int probe_command(int argc, char **argv);

/* Names the command may be called by. */
int sendmail_command(int argc, char **argv);
int mailq_command(int argc, char **argv);
int newaliases_command(int argc, char **argv);
int mailx_command(int argc, char **argv);

void print_version(void); /* on stdout */
void print_usage(FILE *to);
void print_help(void); /* on stdout */

#endif
