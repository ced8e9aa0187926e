# Dovecot's submission service in its cell: it hands every mail to the server on port_upstream
set -e
. /cell/env
cat >/etc/dovecot/dovecot.conf <<EOF
auth_mechanisms = plain login
auth_failure_delay = 0
log_path = /cell/log
protocols = submission
listen = 127.0.0.1
hostname = mail.$domain
ssl = yes
ssl_cert = </cell/pki/ecdsa.chain.pem
ssl_key = </cell/pki/ecdsa.key
mail_location = maildir:/cell/mail
first_valid_uid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = $port_upstream
submission_relay_trusted = no
submission_max_mail_size = $size_limit
service submission-login {
  inet_listener submission {
    port = $port_submission
  }
  inet_listener submissions {
    port = $port_implicit
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/cell/mail
}
EOF
echo "$user:{PLAIN}$password" >/etc/dovecot/users
exec dovecot -F
