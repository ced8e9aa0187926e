# Postfix in its cell: `smtpds` (from servers.py) has one line per port
set -e
. /cell/env
mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix /var/lib/postfix
. /cell/sasl.sh
sasl_user /etc/postfix/sasl/smtpd.conf postfix
cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = mail.$domain
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /cell/log
maillog_file_prefixes = /
virtual_mailbox_domains = $domain
virtual_mailbox_base = /cell
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{
  {later@$domain = 450 4.2.1 come back later} {gone@$domain = 550 5.1.1 no such user} }
smtpd_tls_security_level = may
smtpd_tls_chain_files = /cell/pki/ecdsa.key, /cell/pki/ecdsa.chain.pem
smtpd_tls_received_header = yes
smtpd_sasl_local_domain = $domain
smtpd_sasl_security_options = noanonymous
smtpd_error_sleep_time = 0
message_size_limit = $size_limit
EOF
cat >/etc/postfix/master.cf <<EOF
$smtpds
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
EOF
exec postfix start-fg
