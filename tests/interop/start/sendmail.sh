# Sendmail in its cell: configured with its m4 macros; a small local mailer makes a Maildir
set -e
. /cell/env
. /cell/sasl.sh
sasl_user /etc/sasl2/Sendmail.conf root
mkdir -p /etc/mail/tls
mkdir -p -m 700 /var/spool/mqueue
cp /cell/pki/ca.pem /cell/pki/rsa.chain.pem /etc/mail/tls
install -m 600 /cell/pki/rsa.key /etc/mail/tls/key.pem
cat >/etc/mail/mda <<'EOF'
#!/bin/sh
f=$$.$(date +%s%N)
{ printf 'Return-Path: <%s>\nDelivered-To: %s@example.test\n' "$1" "$2"; cat; } >/cell/mail/tmp/$f &&
mv /cell/mail/tmp/$f /cell/mail/new/$f
EOF
chmod 755 /etc/mail/mda
echo "$domain" >/etc/mail/local-host-names
printf 'hosts files\naliases files\n' >/etc/mail/service.switch
cat >/etc/mail/sm.mc <<EOF
divert(-1)dnl
include(\`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(\`linux')dnl
define(\`ALIAS_FILE',\`')dnl
define(\`STATUS_FILE',\`')dnl
define(\`HELP_FILE',\`')dnl
define(\`confPID_FILE',\`/run/sendmail.pid')dnl
define(\`confCW_FILE',\`/etc/mail/local-host-names')dnl
define(\`confSERVICE_SWITCH_FILE',\`/etc/mail/service.switch')dnl
define(\`confCACERT_PATH',\`/etc/mail/tls')dnl
define(\`confCACERT',\`/etc/mail/tls/ca.pem')dnl
define(\`confSERVER_CERT',\`/etc/mail/tls/rsa.chain.pem')dnl
define(\`confSERVER_KEY',\`/etc/mail/tls/key.pem')dnl
define(\`confAUTH_MECHANISMS',\`PLAIN LOGIN')dnl
TRUST_AUTH_MECH(\`PLAIN LOGIN')dnl
define(\`confAUTH_OPTIONS',\`p')dnl
define(\`confAUTH_REALM',\`$domain')dnl
define(\`confMAX_MESSAGE_SIZE',\`$size_limit')dnl
define(\`confDOMAIN_NAME',\`mail.$domain')dnl
define(\`confDONT_BLAME_SENDMAIL',\`GroupReadableSASLDBFile,GroupWritableDirPathSafe,GroupReadableKeyFile,ClassFileInUnsafeDirPath')dnl
define(\`confDONT_PROBE_INTERFACES',\`True')dnl
define(\`confTO_IDENT',\`0')dnl
define(\`confDELIVERY_MODE',\`background')dnl
dnl by itself it closes its ports on a busy machine
define(\`confQUEUE_LA',\`10000')dnl
define(\`confREFUSE_LA',\`10000')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`use_cw_file')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`local_no_masquerade')dnl
define(\`LOCAL_MAILER_PATH',\`/etc/mail/mda')dnl
define(\`LOCAL_MAILER_ARGS',\`mda \$g \$u')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=$port_starttls')dnl
DAEMON_OPTIONS(\`Name=CLR, Addr=127.0.0.1, Port=$port_clear, M=S')dnl
DAEMON_OPTIONS(\`Name=TLS, Addr=127.0.0.1, Port=$port_implicit, M=s')dnl
MAILER(\`smtp')dnl
MAILER(\`local')dnl
LOCAL_RULESETS
SLocal_check_rcpt
R\$* gone @ \$*	\$#error \$@ 5.1.1 \$: "550 no such user"
R\$* later @ \$*	\$#error \$@ 4.2.1 \$: "450 come back later"
EOF
m4 -D_CF_DIR_=/usr/share/sendmail/cf/ /etc/mail/sm.mc >/etc/mail/sendmail.cf
# the local mailer asks for no user in /etc/passwd, and takes 8-bit text
sed -i 's/^Mlocal,\(.*\)F=[^,]*,/Mlocal,\1F=lsDFMqSn8,/' /etc/mail/sendmail.cf
exec /usr/libexec/sendmail/sendmail -C /etc/mail/sendmail.cf -bD -q1h
