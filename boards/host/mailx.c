/* SPDX-License-Identifier: MIT
 *
 * The options of mail and mailx, for those who send: its header is made of them, and standard input is the text. It reads no
 * mailbox.
 */
#define _GNU_SOURCE

#include "commands.h"
#include "complain.h"
#include "field.h"
#include "file.h"
#include "letters.h"
#include "raw.h"
#include "submit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of bsd-mailx, s-nail and mailutils. */
static const char forms[] = "A:a:b:BC:c:DdEeFf;HiIL;M:NnO:pq:R:r:S:s:T:tu:vX:Y:~:";

struct call {
    struct words fields, to, cc, bcc;
    const char *subject;
    struct args args;
};

static int refuse(const char *what, const char *advice)
{
    complain("mail: %s: %s", what, advice);
    return EX_USAGE;
}

/* Those a word names, if any: parted by blanks, too, as mailx has it, where there are no names beside the addresses (RFC 5322 3.4). */
static int add_people(struct words *people, char *list)
{
    static const char between[] = ", \t\r\n";
    bool plain = strpbrk(list, ":;<>()\"\\") == NULL;
    char *at = list + strspn(list, between);

    if (*at == 0) {
        return EX_OK;
    }
    do {
        char *end = at + strcspn(at, between), *next = end + strspn(end, between);

        if (*at == '/' || *at == '|' || *at == '+') {
            return refuse(at, "no file is written and no command is run: give an address");
        }
        if (plain && *next != 0 && strchr("@.", end[-1]) == NULL && strchr("@.", *next) == NULL) {
            memset(end, ' ', (size_t)(next - end));
            *end = ',';
        }
        at = next;
    } while (plain && *at != 0);
    return words_add(people, list);
}

/* Whom a field of the header names gets the mail, too. One that is empty says nothing. */
static int add_field(struct call *call, char *word)
{
    struct span field = {word, strlen(word)};
    struct words *people = field_is(field, "To")    ? &call->to
                           : field_is(field, "Cc")  ? &call->cc
                           : field_is(field, "Bcc") ? &call->bcc
                                                    : NULL;

    if (field_name_len(field) != 0 && field_value(field).len == 0) {
        return EX_OK;
    }
    return people == NULL ? words_add(&call->fields, word) : add_people(people, word + (field_value(field).at - word));
}

/* A field, unless it is the name of a file. */
static int take_field_or_file(struct call *call, char *value)
{
    size_t len = field_name_len((struct span){value, strlen(value)});

    if (len == 0 || memchr(value, '/', len) != NULL || access(value, F_OK) == 0) {
        return words_add(&call->args.attachments, value);
    }
    return add_field(call, value);
}

/* -E alone, or with a setting of mailutils: an empty text is not sent. Other settings mean nothing here. */
static void take_empty(struct call *call, struct letters *letters)
{
    const char *next = letters_peek(letters);

    if (next == NULL || strncmp(next, "set ", 4) != 0) {
        call->args.skip_empty = true;
        return;
    }
    call->args.skip_empty = call->args.skip_empty || strstr(next, "nonullbody") != NULL;
    letters->argv++;
}

static int take_word(struct call *call, struct letters *letters, char *word)
{
    if (letters->over && word[0] == '-' && (word[1] == 'f' || word[1] == 'r')) { /* an option of sendmail */
        call->args.from = word[2] != 0 ? word + 2 : *letters->argv != NULL ? *letters->argv++ : NULL;
        return EX_OK;
    }
    return add_people(&call->to, word);
}

static int take(struct call *call, struct letters *letters, int letter, char *value)
{
    struct args *args = &call->args;

    switch (letter) {
    case LETTER_WORD: return take_word(call, letters, value);
    case LETTER_UNKNOWN:
    case LETTER_NO_VALUE: return letters_refuse(letter, value, "mail");
    case 'A':
    case 'a':
        if (*value == 0) {
            complain("%s: -%c is empty: give a file", "mail", letter);
            return EX_USAGE;
        }
        return letter == 'A' ? words_add(&args->attachments, value) : take_field_or_file(call, value);
    case 'b': return add_people(&call->bcc, value);
    case 'C': return add_field(call, value);
    case 'c': return add_people(&call->cc, value);
    case 'E': take_empty(call, letters); break;
    case 'e':
    case 'f':
    case 'H':
    case 'L':
    case 'p':
    case 'T':
    case 'u':
        return refuse((char[]){'-', (char)letter, 0},
                      "no mailbox is read: give a recipient, and a text on standard input");
    case 'q': return refuse("-q", "give the text on standard input");
    case 'r': args->from = value; break;
    case 'S': args->from = strncmp(value, "from=", 5) == 0 ? value + 5 : args->from; break;
    case 's': call->subject = value; break;
    case 't': args->header_rcpts = true; break;
    case 'v':
        args->verbose = true;
        args->background = false;
        break;
    default: break;
    }
    return EX_OK;
}

/* ---- The header -------------------------------------------------------------------------------------------------- */

/* A value is one line. */
static void write_value(FILE *out, const char *value)
{
    for (; *value != 0; value++) {
        fputc(*value == '\r' || *value == '\n' ? ' ' : *value, out);
    }
}

static void write_list(FILE *out, const char *name, const struct words *words)
{
    for (unsigned i = 0; i < words->count; i++) {
        fputs(i == 0 ? name : ",\n ", out);
        write_value(out, words->list[i]);
    }
    fputs(words->count == 0 ? "" : "\n", out);
}

/* NULL after a complaint; to be freed. */
static char *write_header(const struct call *call)
{
    struct buffer text = {NULL, 0};
    FILE *out = open_memstream(&text.data, &text.len);
    bool good = out != NULL;

    if (good) {
        write_list(out, "To: ", &call->to);
        write_list(out, "Cc: ", &call->cc);
        if (call->subject != NULL && *call->subject != 0) {
            fputs("Subject: ", out);
            write_value(out, call->subject);
            fputc('\n', out);
        }
        for (unsigned i = 0; i < call->fields.count; i++) {
            write_value(out, call->fields.list[i]);
            fputc('\n', out);
        }
        fputc('\n', out);
        good = buffer_close(out, &text);
    }
    if (!good) {
        complain("no memory for the header: try again");
    }
    return good ? text.data : NULL;
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* Those of a message that is composed, because it has parts: what it says itself, or nobody else may, is left out. The sender is the one
 * that is given as a field, unless -r names him. */
static void settle_fields(struct call *call)
{
    static const char *const own[] = {"From",           "Resent-Bcc",   "Subject",      "Date",
                                      "Message-ID",     "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
                                      "Auto-Submitted", RAW_UID};
    unsigned kept = 0;

    for (unsigned i = 0; i < call->fields.count; i++) {
        char *word = call->fields.list[i];
        struct span field = {word, strlen(word)};
        bool composed = false;

        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) {
            composed = composed || field_is(field, own[k]);
        }
        if (!composed) {
            call->fields.list[kept++] = word;
        } else if (field_is(field, "From") && call->args.from == NULL) {
            call->args.from = field_value(field).at;
        } else if (field_is(field, "Subject") && call->subject == NULL) {
            call->subject = field_value(field).at;
        }
    }
    call->fields.count = kept;
}

static int understand(struct call *call, char **argv)
{
    struct letters letters = {.argv = argv + 1, .forms = forms};
    char *value;
    int letter, status = EX_OK;

    while (status == EX_OK && (letter = letters_next(&letters, &value)) != LETTER_END) {
        status = take(call, &letters, letter, value);
    }
    if (status == EX_OK && call->to.count + call->cc.count + call->bcc.count == 0 && !call->args.header_rcpts) {
        return refuse("no recipient", "no mailbox is read: give an address");
    }
    for (unsigned i = 0; status == EX_OK && i < call->fields.count; i++) {
        if (field_name_len((struct span){call->fields.list[i], strlen(call->fields.list[i])}) == 0) {
            return refuse(call->fields.list[i], "it is no header field: give Name: VALUE");
        }
    }
    if (status == EX_OK && call->args.header_rcpts && call->args.attachments.count != 0) {
        return refuse("-t with -A", "the message has its own header and parts: give recipients as words, or no file");
    }
    if (status == EX_OK && call->args.header_rcpts && (call->fields.count != 0 || call->subject != NULL)) {
        complain("warning: mail: -s, -a and -C are left out with -t: the message has its own header");
    }
    if (status == EX_OK && call->args.attachments.count != 0) {
        settle_fields(call);
    }
    return status;
}

/* The fields, in place, for a message that has parts besides the text; to be freed. NULL after a complaint. */
static struct mote_field *cut_fields(const struct words *words)
{
    struct mote_field *list = calloc(words->count + 1, sizeof *list);

    for (unsigned i = 0; i < words->count && list != NULL; i++) {
        char *word = words->list[i], *value = strchr(word, ':') + 1;

        word[field_name_len((struct span){word, strlen(word)})] = 0;
        list[i] = (struct mote_field){.name = word, .value = value + strspn(value, " \t")};
    }
    if (list == NULL) {
        complain("no memory for the header: try again");
    }
    return list;
}

static int send(struct call *call)
{
    struct args *args = &call->args;
    bool written = args->attachments.count == 0 && !args->header_rcpts;
    char *header = written ? write_header(call) : NULL;
    struct mote_field *fields = written ? NULL : cut_fields(&call->fields);
    int status;

    if (header == NULL && fields == NULL) {
        return EX_OSERR;
    }
    args->further = fields;
    args->further_count = written ? 0 : call->fields.count;
    args->skip_empty = args->skip_empty && written;
    args->rcpts = call->to.list;
    args->rcpt_count = call->to.count;
    args->cc = call->cc;
    args->bcc = call->bcc;
    args->subject = written || call->subject == NULL || *call->subject == 0 ? NULL : call->subject;
    args->fields = header;
    args->dots = isatty(STDIN_FILENO) == 1;
    status = submit(args);
    free(header);
    free(fields);
    return status;
}

int mailx_command(int argc, char **argv)
{
    struct call call = {.args = {.background = true}};
    int status = understand(&call, argv);

    (void)argc;
    if (status == EX_OK) {
        status = send(&call);
    } else {
        free(call.args.attachments.list); /* which submit() takes over */
    }
    free(call.fields.list);
    free(call.to.list);
    free(call.cc.list);
    free(call.bcc.list);
    return status;
}
