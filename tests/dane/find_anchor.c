/* SPDX-License-Identifier: MIT
 *
 * Files of keys that DNSSEC is validated from.
 */
#define _DEFAULT_SOURCE

#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define KEY    "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emL=="

void test_anchor(void)
{
    static const struct {
        const char *text;
        unsigned anchors; /* 0: refused */
        const char *why;
    } rows[] = {
        {". DS 20326 8 2 " DIGEST "\n", 1, NULL},
        {"; a remark\n\n. 3600 IN DS 20326 8 2 " DIGEST " ; that is it\r\n. DS 2 13 2 " DIGEST, 2, NULL},
        {"example.\tIN\tDS\t1\t14\t4\t" DIGEST " "
         "0123456789abcdef0123456789ABCDEF\n. DS 1 8 2 " DIGEST "\n",
         2, NULL},
        /* else all that is not below it would count as not signed */
        {"example. DS 1 8 2 " DIGEST "\n", 0, "has no DS or DNSKEY record of the root (.)"},
        {"example. DS 1 8 2 " DIGEST "\n. DS 1 12 2 " DIGEST "\n", 0, "line 2 of dnssec-anchor"},
        {".\tIN\tDS\t1\t14\t4\t" DIGEST " "
         "0123456789abcdef0123456789ABCDEF\n",
         1, NULL},
        {". IN DNSKEY 257 3 8 " KEY "\n", 1, NULL},
        {". IN DNSKEY 257 3 8 " KEY " ;{id = 1} ;;state=2 [  VALID  ] ;;count=0\n", 1, NULL},
        {". DS 1 8 2 " DIGEST "\n. DS 1 12 2 " DIGEST "\n. DS 1 8 1 0123456789012345678901234567890123456789\n", 1,
         NULL},
        {"", 0, "has no DS or DNSKEY record"},
        {"; nothing\n \t\n", 0, "has no DS or DNSKEY record"},
        {"\n. DS 1 12 2 " DIGEST "\n", 0, "line 2 of dnssec-anchor"},
        {". DS 1 8 1 0123456789012345678901234567890123456789\n", 0, "cannot be used, nor any other, for the root"},
        {". DS 1 5 2 " DIGEST "\n", 0, "cannot be used, nor any other, for the root"},
        {". DNSKEY 385 3 8 " KEY "\n", 0, "cannot be used, nor any other, for the root"},
        {". DNSKEY 1 3 8 " KEY "\n", 0, "cannot be used, nor any other, for the root"},
        {". IN DNSKEY 257 3 8 " KEY " ;;state=1 [ ADDPEND ]\n", 0, "cannot be used, nor any other, for the root"},
        {". IN DNSKEY 257 3 8 " KEY " ;;state=4 [ REVOKED ]\n", 0, "cannot be used, nor any other, for the root"},
        {". DS 1 8 2 " DIGEST "\nrelay mx:\n", 0, "line 2 of dnssec-anchor"},
        {". DS 1 8 2 " DIGEST "0\n", 0, "is no DS or DNSKEY record"},
        {". DS 1 8 2 " DIGEST "00\n", 0, "is no DS or DNSKEY record"},
        {". DS 1 8 4 " DIGEST "\n", 0, "is no DS or DNSKEY record"},
        {". DS 1 8 2 G06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n", 0, "is no DS"},
        {". DS 65536 8 2 " DIGEST "\n", 0, "is no DS or DNSKEY record"},
        {". DS -1 8 2 " DIGEST "\n", 0, "is no DS or DNSKEY record"},
        {". DS 1 8 2\n", 0, "is no DS or DNSKEY record"},
        {". DS\n", 0, "is no DS or DNSKEY record"},
        {".\n", 0, "is no DS or DNSKEY record"},
        {". DNSKEY 257 4 8 " KEY "\n", 0, "is no DS or DNSKEY record"},
        {". DNSKEY 257 3 8 AwEAAa=\n", 0, "is no DS or DNSKEY record"},
        {". DNSKEY 257 3 8 " KEY "!!!!\n", 0, "is no DS or DNSKEY record"},
        {". DNSKEY ( 257 3 8\n", 0, "is no DS or DNSKEY record"},
        {". NS a.root-servers.net.\n", 0, "is no DS or DNSKEY record"},
    };
    char name[] = "/tmp/mailmote-anchor-XXXXXX", why[MOTE_DANE_WHY];
    int fd = mkstemp(name);

    want(fd >= 0, "no file", "anchor");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FILE *to = fopen(name, "w");
        bool good;

        fputs(rows[i].text, to);
        fclose(to);
        good = mote_dane_anchor(name, why);
        want(good == (rows[i].anchors != 0) && (!good || fake.anchors == rows[i].anchors), why, rows[i].text);
        want(good || (strstr(why, rows[i].why) != NULL && strstr(why, name) != NULL), why, rows[i].text);
    }
    remove(name);
    want(!mote_dane_anchor("/nowhere", why) && strstr(why, "/nowhere cannot be read: No such file") != NULL, why,
         "anchor");
    want(!mote_dane_anchor("/dev/zero", why), "no text", "anchor");
    want(mote_dane_anchor(NULL, why) && fake.anchors == 2 &&
             strstr(fake.anchor, ". DS 38696 8 2 683D2D0A") == fake.anchor,
         fake.anchor, "the root's keys");
}
