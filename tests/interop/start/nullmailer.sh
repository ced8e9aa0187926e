# nullmailer's server in its cell, and a queue that makes a Maildir
set -e
. /cell/env
cat >/usr/sbin/nullmailer-queue <<'EOF'
#!/bin/sh
n=$$.$(date +%s%N)
read -r sender
while read -r to && [ -n "$to" ]; do
	printf 'Return-Path: <%s>\nDelivered-To: %s\n' "$sender" "$to" >/cell/mail/tmp/$n.$to
done
cat >/cell/mail/tmp/$n
for head in /cell/mail/tmp/$n.*; do
	cat /cell/mail/tmp/$n >>$head
	mv $head /cell/mail/new/
done
EOF
chmod 755 /usr/sbin/nullmailer-queue
exec socat TCP4-LISTEN:$port_clear,bind=127.0.0.1,reuseaddr,fork,backlog=64 EXEC:/usr/bin/nullmailer-smtpd
