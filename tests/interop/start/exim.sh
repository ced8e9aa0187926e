# Exim in its cell
set -e
. /cell/env
mkdir -p /etc/exim4 /var/spool/exim4
chown Debian-exim: /var/spool/exim4
cat >/etc/exim4/exim4.conf <<EOF
DOMAIN = $domain
USER = $user
PASSWORD = $password
PORT_CLEAR = $port_clear
PORT_LOGIN = $port_login
message_size_limit = $size_limit
smtp_accept_queue_per_connection = 0
daemon_smtp_ports = $port_starttls : $port_login : $port_implicit : $port_clear
tls_on_connect_ports = $port_implicit
EOF
cat >>/etc/exim4/exim4.conf <<'EOF'
primary_hostname = mail.DOMAIN
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
log_file_path = /var/spool/exim4/%slog
local_interfaces = 127.0.0.1
tls_advertise_hosts = ${if eq{$received_port}{PORT_CLEAR}{}{*}}
tls_certificate = /cell/pki/ecdsa.chain.pem
tls_privatekey = /cell/pki/ecdsa.key
auth_advertise_hosts = ${if def:tls_in_cipher{*}{}}
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
rfc1413_query_timeout = 0s
notifier_socket =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
begin acl
acl_rcpt:
  deny local_parts = gone
    message = no such user
  defer local_parts = later
    message = come back later
  accept domains = DOMAIN
  accept authenticated = *
  deny message = relay not permitted
begin routers
local:
  driver = accept
  domains = DOMAIN
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /cell/mail
  maildir_format
  return_path_add
  envelope_to_add
  user = nobody
  group = nobody
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if eq{$received_port}{PORT_LOGIN}{no}{yes}}
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{USER}}{eq{$auth3}{PASSWORD}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{USER}}{eq{$auth2}{PASSWORD}}}}
  server_set_id = $auth1
EOF
exec exim4 -bdf -q1h
