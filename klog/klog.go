// Package klog reads kernel logs: dmesg, the journal's short form and
// /var/log/messages. It finds module load errors, and oopses, BUGs and
// WARNINGs with their culprit.
package klog
