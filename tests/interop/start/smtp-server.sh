# Node's smtp-server in its cell
set -e
. /cell/env
export domain user password size_limit port_starttls port_implicit port_login
cat >/cell/server.js <<'EOF'
const {SMTPServer} = require('/node_modules/smtp-server'), fs = require('fs'), env = process.env;
let count = 0;
function keep(envelope, octets) {
    for (const to of envelope.rcptTo) {
        const name = String(++count), head = `Return-Path: <${envelope.mailFrom.address}>\r\nDelivered-To: ${to.address}\r\n`;
        fs.writeFileSync('/cell/mail/tmp/' + name, Buffer.concat([Buffer.from(head), octets]));
        fs.renameSync('/cell/mail/tmp/' + name, '/cell/mail/new/' + name);
    }
}
const refused = {gone: [550, 'no such user'], later: [450, 'come back later']};
const options = {
    name: 'mail.' + env.domain, size: Number(env.size_limit), authOptional: true, authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
    key: fs.readFileSync('/cell/pki/ecdsa.key'), cert: fs.readFileSync('/cell/pki/ecdsa.chain.pem'),
    onAuth(auth, session, done) {
        const right = auth.username === env.user && (auth.password === env.password || auth.accessToken === env.password);
        done(right ? null : Object.assign(new Error('wrong login'), {responseCode: 535}), right ? {user: auth.username} : undefined);
    },
    onRcptTo(address, session, done) {
        const why = refused[address.address.split('@')[0]];
        done(why && Object.assign(new Error(why[1]), {responseCode: why[0]}));
    },
    onData(stream, session, done) {
        const parts = [];
        stream.on('data', part => parts.push(part));
        stream.on('end', () => { keep(session.envelope, Buffer.concat(parts)); done(null, 'kept'); });
    },
};
const listen = (port, more) => new SMTPServer({...options, ...more}).on('error', () => {}).listen(port, '127.0.0.1');
listen(env.port_starttls, {});
listen(env.port_login, {authMethods: ['LOGIN']});
listen(env.port_implicit, {secure: true});
EOF
exec node /cell/server.js
