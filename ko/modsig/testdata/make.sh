#!/bin/sh
# Makes the signed files in this folder with openssl and the kernel's own
# sign-file: sh make.sh PATH/TO/sign-file (linux-kbuild-6.1 has one).
set -eu
sign_file=$1
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

key() { # name, subject, algorithm options
	name=$1 cn=$2
	shift 2
	openssl req -new -x509 -nodes -days 36500 -subj "/CN=$cn" -keyout "$tmp/$name.pem" \
		-outform DER -out "$name.der" -addext basicConstraints=critical,CA:TRUE "$@" 2>/dev/null
	openssl x509 -inform DER -in "$name.der" -out "$tmp/$name.crt"
}
trailer() { # id type, signer length, key id length, algo, hash, signature file
	printf "\\$(printf %03o "$4")\\$(printf %03o "$5")\\$(printf %03o "$1")\\$(printf %03o "$2")\\$(printf %03o "$3")\\000\\000\\000"
	printf '%08x' "$(wc -c <"$6")" | xxd -r -p
	printf '~Module signature appended~\n'
}
cms() { # output, openssl cms options
	out=$1
	shift
	openssl cms -sign -binary -outform DER -in module -out "$tmp/sig" "$@"
	{ cat module "$tmp/sig"; trailer 2 0 0 0 0 "$tmp/sig"; } >"$out"
}

key rsa 'Test RSA key' -newkey rsa:2048
key ec 'Test EC key' -newkey ec -pkeyopt ec_paramgen_curve:P-384

i=0
while [ $i -lt 40 ]; do printf 'line %d of what stands for a module\n' $i; i=$((i + 1)); done >module

"$sign_file" sha512 "$tmp/rsa.pem" "$tmp/rsa.crt" module rsa-sha512.ko
"$sign_file" -k sha256 "$tmp/rsa.pem" "$tmp/rsa.crt" module rsa-keyid.ko
"$sign_file" sha384 "$tmp/ec.pem" "$tmp/ec.crt" module ecdsa-sha384.ko
cms attributes.ko -signer "$tmp/rsa.crt" -inkey "$tmp/rsa.pem" -md sha256 -nocerts
cms md5.ko -signer "$tmp/rsa.crt" -inkey "$tmp/rsa.pem" -md md5 -nocerts -noattr
cms attached.ko -signer "$tmp/rsa.crt" -inkey "$tmp/rsa.pem" -md sha256 -nocerts -noattr -nodetach

# A message that carries the signer's certificate, which the RSA key signed.
openssl req -new -nodes -newkey rsa:2048 -subj '/CN=Test leaf' -keyout "$tmp/leaf.pem" -out "$tmp/leaf.csr" 2>/dev/null
openssl x509 -req -days 36500 -in "$tmp/leaf.csr" -CA "$tmp/rsa.crt" -CAkey "$tmp/rsa.pem" -set_serial 7 -out "$tmp/leaf.crt" 2>/dev/null
cms chain.ko -signer "$tmp/leaf.crt" -inkey "$tmp/leaf.pem" -md sha256 -noattr

# The form of 3.7: name, subject key identifier, length, RSA number.
openssl x509 -in "$tmp/rsa.crt" -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :\n' | xxd -r -p >"$tmp/skid"
openssl dgst -sha256 -sign "$tmp/rsa.pem" -out "$tmp/value" module
{ printf '\001\000'; cat "$tmp/value"; } >"$tmp/sig"
{ cat module; printf 'Test RSA key'; cat "$tmp/skid" "$tmp/sig"; trailer 1 12 20 1 4 "$tmp/sig"; } >x509-3.7.ko
rm module

# An encrypted key; its passphrase is "pass".
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 |
	openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 1000 -passout pass:pass -outform DER -out pbes2.der
