# shellcheck shell=bash
# put_server.sh: for tests that need an https server: authorities, certificates, and put_server.py. The test
# calls stop_servers in its trap.
put_servers=()
put_root=$PWD

# ca NAME: an authority, NAME.pem and NAME.key
ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
		-subj "/CN=$1" -days 2 -addext 'basicConstraints=critical,CA:TRUE' \
		-addext 'keyUsage=critical,keyCertSign' 2>/dev/null
}

# cert NAME CA ALTERNATIVE-NAME: a server's certificate
cert() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" \
		2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -out "$1.pem" \
		-extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$3") 2>/dev/null
}

# serve NAME CERTIFICATE: $port; files lie below NAME/files, what goes wrong stands in NAME/mode
# shellcheck disable=SC2034 # the test uses port
serve() {
	mkdir -p "$1/files"
	: >"$1/requests"
	: >"$1/port"
	python3 "$put_root/tests/cli/put_server.py" "$1/files" "$2.pem" "$2.key" "$1/mode" >"$1/port" 2>"$1/errors" &
	put_servers+=($!)
	until [ -s "$1/port" ] || ! kill -0 "${put_servers[-1]}" 2>/dev/null; do sleep 0.05; done
	port=$(cat "$1/port")
}

stop_servers() {
	local p
	for p in "${put_servers[@]}"; do kill "$p" 2>/dev/null; done
}
