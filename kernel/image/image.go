// Package image reads kernel images: vmlinux, and vmlinuz of every compression
// and architecture. From the image alone come the exports with their CRCs,
// vermagic, the banner, the built-in configuration and the certificates that
// the kernel trusts.
package image
