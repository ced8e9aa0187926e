# Postfix in its cell: `smtpds` (from servers.py) has one line per port, `services` the others
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
$services
EOF
exec postfix start-fg
