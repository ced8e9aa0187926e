# OpenSMTPD in its cell. Its STARTTLS is broken with OpenSSL 3: 220, then every handshake fails
set -e
. /cell/env
mkdir -p /var/lib/opensmtpd/empty
mkdir -p -m 711 /var/spool/smtpd
install -m 600 /cell/pki/rsa.chain.pem /etc/cert.pem
install -m 600 /cell/pki/rsa.key /etc/key.pem
cat >/etc/smtpd.conf <<EOF
pki mail.$domain cert "/etc/cert.pem"
pki mail.$domain key "/etc/key.pem"
table virt { "@" = "nobody" }
smtp max-message-size "$size_limit"
listen on 127.0.0.1 port $port_clear hostname mail.$domain
listen on 127.0.0.1 port $port_broken hostname mail.$domain tls pki mail.$domain
action "box" maildir "/cell/mail" virtual <virt>
match from any for rcpt-to "gone@$domain" reject
match from any for domain "$domain" action "box"
EOF
exec smtpd -d
