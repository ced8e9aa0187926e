# sasl_user CONF OWNER: what a server that asks Cyrus SASL needs: the user in a sasldb, and CONF that says so
sasl_user() {
	mkdir -p "${1%/*}" /var/lib/sasl
	echo "$password" | saslpasswd2 -p -c -f /var/lib/sasl/db -u "$domain" "${user%@*}"
	chown "$2" /var/lib/sasl/db
	cat >"$1" <<EOF
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: /var/lib/sasl/db
mech_list: PLAIN LOGIN
EOF
}
