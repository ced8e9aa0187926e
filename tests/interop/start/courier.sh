# Courier in its cell: mail for the domain lands in one Maildir
set -e
. /cell/env
etc=/etc/courier lib=/var/lib/courier
for name in makedat maildirmake lockmail preline deliverquota; do
	[ -e /usr/bin/$name ] || ln -s $name.courier /usr/bin/$name
done
mkdir -p /run/courier/authdaemon
chown -R courier:courier /run/courier
cat /cell/pki/rsa.key /cell/pki/rsa.chain.pem >$etc/esmtpd.pem
echo mail.$domain >$etc/me
echo $domain >$etc/defaultdomain
printf 'localhost\nmail.%s\n%s\n' $domain $domain >$etc/locals
echo $domain >$etc/esmtpacceptmailfor
echo "postmaster@$domain" >$etc/dsnfrom
echo $size_limit >$etc/sizelimit
name=${user%@*}
printf 'postmaster: %s\na: %s\nb: %s\n' $name $name $name >$etc/aliases/system
chown -R courier:courier $lib $etc
chmod 770 $lib/tmp
chown courier:courier /usr/lib/courier/courier/submitmkdir
chmod 4755 /usr/lib/courier/courier/submitmkdir
chown root:courier /usr/sbin/sendmail
chmod 2755 /usr/sbin/sendmail
password=$(openssl passwd -1 "$password")
for account in "$name" "$user"; do
	printf '%s\tuid=65534|gid=65534|home=/cell|mail=/cell/mail|shell=/bin/sh|systempw=%s|esmtppw=%s\n' $account "$password" "$password"
done >$etc/userdb
chmod 600 $etc/userdb
chown root:root $etc/userdb
/usr/sbin/makeuserdb
sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/; s/^daemons=.*/daemons=2/' $etc/authdaemonrc
echo ./mail >$etc/maildirpath
sed -i 's|^DEFAULTDELIVERY=.*|DEFAULTDELIVERY=./mail|' $etc/courierd
makealiases
makeacceptmailfor
: >$etc/smtpaccess/default
makesmtpaccess
sed -i "s|^ESMTPAUTH=.*|ESMTPAUTH=|; s|^ESMTPAUTH_TLS=.*|ESMTPAUTH_TLS=\"PLAIN LOGIN\"|; s|^BOFHCHECKDNS=.*|BOFHCHECKDNS=0|; s|^NOADDRREWRITE=.*|NOADDRREWRITE=1|" $etc/esmtpd
/usr/sbin/courierlogger -pid=/run/courier/authdaemon/pid -start /usr/lib/courier/courier-authlib/authdaemond
env -i PATH=/usr/bin:/bin:/usr/sbin sh -c 'set -a; . /etc/courier/courierd; exec /usr/lib/courier/courier/courierd' &
cd /usr
set -a
. $etc/esmtpd
/usr/sbin/couriertcpd -stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup -user=courier -group=courier \
	-address=127.0.0.1 -access=$etc/smtpaccess.dat -maxprocs=20 -maxperc=20 -maxperip=20 -pid=/run/courier/esmtpd.pid $port_starttls \
	/usr/sbin/courieresmtpd
wait
