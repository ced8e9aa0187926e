# Postfix's smtp-sink in its cell: a file for each mail
set -e
. /cell/env
cd /cell/mail/new
exec env LD_LIBRARY_PATH=/usr/lib/postfix smtp-sink -u nobody -d %M. -h mail.$domain 127.0.0.1:$port_clear 100
