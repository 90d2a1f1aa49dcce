# shellcheck shell=bash disable=SC2034
# openssl: keys and certificates made here, signed messages, and a TLS connection over a
# Unix socket. Keys are random; what is printed does not depend on them.
needs=(openssl)
watched=(openssl)

server_pid=
stop_server() {
    [[ -z $server_pid ]] || kill "$server_pid" 2>/dev/null || true
}

ask_server() {
    printf 'GET /message HTTP/1.0\r\n\r\n' |
        openssl s_client -unix socket -CAfile ca.pem -verify_return_error -quiet 2>/dev/null
}

program() {
    trap stop_server EXIT
    trap 'exit 1' INT TERM
    seq 1 200000 >message
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
        -subj /CN=ca -days 2 2>/dev/null
    local n
    for n in 1 2 3 4; do
        openssl req -newkey rsa:2048 -nodes -keyout "$n.key" -out "$n.csr" -subj "/CN=localhost" 2>/dev/null
        openssl x509 -req -in "$n.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$n.pem" -days 1 2>/dev/null
        openssl verify -CAfile ca.pem "$n.pem"
    done
    openssl cms -sign -binary -in message -signer 1.pem -inkey 1.key -outform DER -nodetach -out signed
    openssl cms -encrypt -binary -in signed -inform DER -aes-256-cbc -outform DER -out sealed 2.pem
    openssl cms -decrypt -in sealed -inform DER -recip 2.pem -inkey 2.key -out opened
    openssl cms -verify -in opened -inform DER -CAfile ca.pem -purpose any -binary -out back 2>&1
    cmp message back
    openssl enc -aes-256-ctr -pbkdf2 -iter 2000 -pass pass:word -S 0102030405060708 -in message | sha256sum
    openssl dgst -sha3-512 -hmac key message
    openssl asn1parse -in 3.pem | grep -c OBJECT
    openssl s_server -unix socket -cert 3.pem -key 3.key -WWW -quiet >server.log 2>&1 &
    server_pid=$!
    # The socket is there before it can be connected to.
    for ((n = 0; n < 600; n++)); do
        ! ask_server >/dev/null || break
        sleep 0.1
    done
    for n in 1 2 3; do
        ask_server | sha256sum
    done
}
