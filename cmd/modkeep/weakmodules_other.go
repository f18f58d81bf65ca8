//go:build !linux

package main

import "errors"

func runningKernel() (string, error) { return "", errors.New("this system is not Linux") }
