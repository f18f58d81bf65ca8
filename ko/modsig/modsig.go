// Package modsig reads and checks the signature appended to a module: a PKCS#7
// message, a 12-byte struct module_signature and the marker
// "~Module signature appended~\n" (include/linux/module_signature.h, 6.12).
package modsig
