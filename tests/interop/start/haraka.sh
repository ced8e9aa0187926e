# Haraka in its cell, with a plugin that refuses some recipients and keeps mails
set -e
. /cell/env
top=/cell/haraka
mkdir -p $top/config $top/plugins $top/queue
cd $top/config
# a line may have 998 octets, and one more for a dot in front
sed "s/^bytes=.*/bytes=$size_limit/; s/^data_line_length=.*/data_line_length=1001/" /node_modules/Haraka/config/connection.ini >connection.ini
printf 'listen=127.0.0.1:%s,127.0.0.1:%s\nsmtps_port=%s\nnodes=0\n' $port_starttls $port_implicit $port_implicit >smtp.ini
echo mail.$domain >me
echo $domain >host_list
echo LOGWARN >loglevel
printf 'tls\nauth/flat_file\nkeep\nrcpt_to.in_host_list\n' >plugins
printf '[core]\nmethods=PLAIN,LOGIN\nconstrain_sender=false\n[users]\n%s=%s\n' "$user" "$password" >auth_flat_file.ini
printf 'key=tls_key.pem\ncert=tls_cert.pem\n[redis]\ndisable_for_failed_hosts=false\n' >tls.ini
cp /cell/pki/rsa.key tls_key.pem
cp /cell/pki/rsa.chain.pem tls_cert.pem
cat >$top/plugins/keep.js <<'EOF'
const fs = require('node:fs');
exports.register = function () {
    this.register_hook('rcpt', 'refuse');
    for (const hook of ['queue', 'queue_outbound']) this.register_hook(hook, 'keep');
};
exports.refuse = function (next, connection, [to]) {
    if (to.user === 'gone') return next(DENY, 'no such user');
    if (to.user === 'later') return next(DENYSOFT, 'come back later');
    next();
};
exports.keep = function (next, connection) {
    const {uuid, mail_from, rcpt_to, message_stream} = connection.transaction, text = '/cell/mail/tmp/' + uuid;
    const file = fs.createWriteStream(text);
    file.once('close', () => {
        rcpt_to.forEach((to, n) => {
            const head = `Return-Path: ${mail_from.format()}\r\nDelivered-To: ${to.format().slice(1, -1)}\r\n`;
            fs.writeFileSync(`${text}.${n}`, Buffer.concat([Buffer.from(head), fs.readFileSync(text)]));
            fs.renameSync(`${text}.${n}`, `/cell/mail/new/${uuid}.${n}`);
        });
        next(OK);
    });
    message_stream.pipe(file);
};
EOF
exec node /node_modules/Haraka/bin/haraka -c $top
