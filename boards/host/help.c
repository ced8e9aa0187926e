/* SPDX-License-Identifier: MIT
 *
 * What --help prints: every option. The manual page says the same, and more.
 */
#include "args.h"
#include "commands.h"

static const char help[] =
    "\n"
    "send submits the text on standard input as a mail to each RCPT, through the first relay that takes it. flush "
    "tries\n"
    "the mails of a spool again that are due, queue lists them. trust writes certificates, or with --pin the hashes of "
    "their\n"
    "keys, as a C header for a firmware. probe asks a relay what it can do and who it is, sends no mail, and says how "
    "to\n"
    "configure it; its exit status is 0 when the relay is verified, 1 when it is not, 75 when nothing was heard of "
    "it.\n"
    "\n"
    "Relays, at most 8, tried in the order given (an IPv6 address as [2001:db8::7]:587):\n"
    "  --relay HOST[:PORT]   port 587 with a login, 25 without, 465 with implicit TLS\n"
    "  --tls starttls        STARTTLS (default, but on port 465)\n"
    "  --tls implicit        TLS from the first octet (default on port 465)\n"
    "  --trust FILE.pem      certificates the relay's chain must lead to; `system' is the system's CA file\n"
    "  --pin sha256:BASE64   the relay's public key (SHA-256 of its SubjectPublicKeyInfo) instead\n"
    "  --tls-name NAME       name the relay's certificate must have, if not HOST\n"
    "  --user USER           log in, with one of:\n"
    "  --password-file FILE  the password; the file is yours or root's, and not open to all users (mode 600 or 640)\n"
    "  --token-file FILE     an OAuth access token; likewise\n"
    "  --mx                  no relay: the mail hosts of each recipient's domain (MX, DANE). In a mailmote that was "
    "built "
    "with\n"
    "                        DANE=1; `probe --mx [-C FILE] [--dnssec-anchor FILE] DOMAIN' tells who they are and\n"
    "                        what follows\n"
    "Options after a --relay are that relay's; before the first --relay they are every relay's, unless it has its "
    "own.\n"
    "With --trust, --pin or a login the relay is verified and nothing leaves outside TLS; a login without --trust or\n"
    "--pin trusts the system's CA file. A relay without any of them gets TLS if it offers it, any certificate.\n"
    "\n"
    "The mail:\n"
    "  --from ADDRESS        sender (default: your user name at this host's full name; \"\" for the null sender)\n"
    "  --subject TEXT        subject, UTF-8\n"
    "  --cc ADDRESS          a recipient of a copy; --bcc: one whom nobody sees. Again for each\n"
    "  --reply-to ADDRESS    where answers go, if not to the sender\n"
    "  --name TEXT           the sender's name, UTF-8\n"
    "  --priority WORD       high, normal or low\n"
    "  --attach FILE[:TYPE]  a file, of the type TYPE/SUBTYPE if its name does not tell. Again for each\n"
    "  --html FILE           the text once more, in HTML\n"
    "  --raw                 standard input is a whole message with its header (RFC 5322): From, Date and Message-ID\n"
    "                        are added where missing, Bcc is taken out, 8-bit text becomes quoted-printable\n"
    "  --helo NAME           our name for EHLO (default: this host's full name, or its address)\n"
    "  --timeout SECONDS     for an attempt, all its relays together, 1 to 900; the system's resolver has its "
    "own\n"
    "  -v                    show the dialogue and the relay's certificate on standard error, without secrets\n";

static const char keeping[] =
    "\n"
    "Keeping it:\n"
    "  --spool DIR           store the mail in DIR before any file of the relays is read, and keep it until it is "
    "delivered\n"
    "                        or failed (at most 32 recipients); DIR is created if it is missing, and refused if "
    "others\n"
    "                        may write into it. A mail that cannot be stored is told of and tried at once, with\n"
    "                        --background too\n"
    "  --background          end as soon as the mail is stored, and let a process of its own deliver it\n"
    "  --now                 flush mails that are not yet due, and ask relays that are left alone; TLS is not given "
    "up\n"
    "                        any sooner\n"
    "  --show ID             print the text of one mail of the queue\n"
    "  --delete ID           remove one mail from the queue, or one that was damaged and set aside\n"
    "  -C FILE               a line each: `relay HOST[:PORT] [tls=starttls|implicit] [trust=FILE] [pin=sha256:BASE64]\n"
    "                        [tls-name=NAME] [user=USER] [password-file=FILE] [token-file=FILE]', `spool DIR',\n"
    "                        `helo NAME', `from ADDRESS', `admin ADDRESS', `timeout SECONDS', `alias NAME: ADDRESS',\n"
    "                        `aliases FILE'; or as in an msmtprc: see mailmote.conf(5). # begins a comment. Options\n"
    "                        take the place of its lines, and a --relay the place of all its relays. Without -C the\n"
    "                        file is what MAILMOTE_CONF names, or /etc/mailmote.conf, if that is there\n"
    "  -a, --account NAME    one of its accounts (default: `default', or the only one)\n"
    "\n"
    "send and flush print a line per recipient, tab separated: ID ADDRESS delivered|deferred|failed CODE TEXT\n"
    "Each such line goes to the system's log (mail) too, with relay, TLS, sender, size and exit status.\n"
    "queue prints, oldest first: ID AGE ATTEMPTS NEXT ADDRESS waiting|delivered|failed LAST SENDER SIZE SUBJECT; AGE\n"
    "and NEXT in seconds, NEXT - for whom nothing is to be tried. A mail that failed for somebody stays there with the "
    "reasons\n"
    "until it is deleted. On standard error queue names the files of mails that were damaged and set aside.\n"
    "Without --spool nothing is kept: a mail is to be sent again by the caller, to those deferred. With it, it must "
    "not\n"
    "be: it would arrive twice. Call flush every minute or so; while one is at work, another ends at once with 0,\n"
    "and leaves it what --now asks for.\n"
    "\n";

static const char statuses[] =
    "Exit status, as in sysexits.h:\n"
    "  0   all delivered, or with --background stored\n"
    "  64  wrong usage\n"
    "  65  bad input, a mail that is not there, or flush found a damaged file and set it aside\n"
    "  66  a file that is attached, or that trust is given, cannot be read\n"
    "  67  the relay refused all recipients for good\n"
    "  68  the relay's name has no address\n"
    "  69  some failed for good, or the relay is not who it must be\n"
    "  71  the system lacks something (memory, a descriptor)\n"
    "  73  the mail cannot be stored, and is not delivered either: to be sent again, to those deferred\n"
    "  74  what another command than send and flush prints cannot be written\n"
    "  75  some are deferred for any other cause\n"
    "  77  the relay refused the login\n"
    "  78  bad configuration (a password or trust file, for example); send --spool then keeps the mail, and says 75\n"
    "With --spool whoever is deferred is kept, whatever the cause: 75, or 67 or 69 where others have failed. Without "
    "it\n"
    "67, 69 for a failure and 0 are said only when nobody is left to be tried again.\n";

static const char dropping[] = "\n"
                               "A user who may not write DIR sends with --spool DIR, too: the mail is put into "
                               "DIR/drop, no relay is asked, and the\n"
                               "owner's flush takes it from there. Exit status: 75 it is kept and will be sent, or "
                               "with --background 0. Root makes\n"
                               "both: `install -d -m 711 DIR' and `install -d -m 1733 DIR/drop'.\n";

static const char called[] =
    "\nCalled as sendmail, mail, mailx, mailq or newaliases, through a link of that name or by that word, it takes a\n"
    "mail as callers of these programs hand it over: sendmail -t -i -f ADDRESS -F NAME -v -odi -bp -q, mail -s -r -c\n"
    "-b -a -A -E. Names without a domain are completed, aliases looked up (in /etc/aliases, where the configuration\n"
    "has none), missing fields added. The mail is stored in " SPOOL_DEFAULT ", unless the configuration has\n"
    "another spool, and tried in the background; then the exit status is 0, and nothing is printed.\n";

void print_help(void)
{
    print_usage(stdout);
    fputs(help, stdout);
    fputs(keeping, stdout);
    fputs(statuses, stdout);
    fputs(dropping, stdout);
    fputs(called, stdout);
}
