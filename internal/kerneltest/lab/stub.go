package main
import ("context";"flag";"modkeep/internal/kerneltest")
func build(ctx context.Context, cache kerneltest.Cache, k string, a []string) error {return nil}
func attempts(ctx context.Context, cache kerneltest.Cache, f *flag.FlagSet, a []string) error {return nil}
