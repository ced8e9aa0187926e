# qpsmtpd in its cell, with a plugin that refuses some recipients
set -e
. /cell/env
conf=/etc/qpsmtpd-cell
mkdir -p $conf /cell/plugins
mkdir -m 700 /var/spool/qpsmtpd-cell
cat >/cell/plugins/refuse <<'EOF'
sub hook_rcpt {
    my ($self, $transaction, $recipient) = @_;
    return (DENY, 'no such user') if $recipient->user eq 'gone';
    return (DENYSOFT, 'come back later') if $recipient->user eq 'later';
    return DECLINED;
}
EOF
printf '/cell/plugins\n/usr/share/qpsmtpd/plugins\n' >$conf/plugin_dirs
echo mail.$domain >$conf/me
echo $domain >$conf/rcpthosts
echo /var/spool/qpsmtpd-cell >$conf/spool_dir
echo $size_limit >$conf/databytes
echo "$user:$password" >$conf/flat_auth_pw
echo 4 >$conf/loglevel
mkdir /cell/tls
cp /cell/pki/rsa.chain.pem /cell/pki/rsa.key /cell/pki/ca.pem /cell/tls
printf 'tls /cell/tls/rsa.chain.pem /cell/tls/rsa.key /cell/tls/ca.pem\nauth/auth_flat_file\nrefuse\nrcpt_ok\nqueue/maildir /cell/mail\n' \
	>$conf/plugins
echo 'logging/file /cell/log' >$conf/logging
: >/cell/log
chown -R qpsmtpd: $conf /var/spool/qpsmtpd-cell /cell/tls /cell/log /cell/mail
# names are looked up, and nobody answers
export QPSMTPD_CONFIG=$conf RES_OPTIONS='attempts:1 timeout:1'
exec perl -T -I/usr/share/perl5 -I/usr/share/qpsmtpd/lib /usr/bin/qpsmtpd-forkserver -u qpsmtpd -l 127.0.0.1 -p $port_starttls -c 40 -m 40 -H
