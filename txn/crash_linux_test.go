package txn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Environment of this test's own child processes, see TestMain.
const (
	childRoot = "MODKEEP_TXN_ROOT" // do the plan of the crash tests below this root
	childSlow = "MODKEEP_TXN_SLOW" // be a depmod that takes its time in this directory
)

// full asks for the long form of the crash tests.
func full() bool { return os.Getenv("MODKEEP_FULL") != "" }

// runs is how many processes are killed.
func runs() int {
	if full() {
		return 500
	}
	return 40
}

// TestMain lets the test binary be the process that is killed, and its depmod.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childSlow); dir != "" {
		os.Exit(slowDepmod(dir))
	}
	if root := os.Getenv(childRoot); root != "" {
		os.Exit(child(root))
	}
	os.Exit(m.Run())
}

// child does the whole plan, or takes back what is interrupted and then does it.
func child(root string) int {
	s, err := Open(root, Options{Run: tools(root, func(int, string) {})})
	if os.Getenv(childSlow+"_BY") != "" {
		s.opts.Run = func(context.Context, Step, []string) error {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childSlow+"="+filepath.Join(root, k))
			return cmd.Run()
		}
	}
	if err == nil {
		_, err = s.Lock(context.Background())
	}
	if err == nil {
		_, err = s.Recover(context.Background())
	}
	fmt.Println("begun")
	plan := wholePlan()
	if krel := os.Getenv(childDepmod); krel != "" {
		plan, s.opts.Run = realPlan(root, krel), realDepmod
	}
	if err == nil {
		_, err = s.Run(context.Background(), plan)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// slowDepmod says that it has begun, and writes one index file a second later.
func slowDepmod(dir string) int {
	os.WriteFile(filepath.Join(dir, "modules.alias"), []byte(indexText("modules.alias", "slow")), 0o644)
	time.Sleep(time.Second)
	os.WriteFile(filepath.Join(dir, "modules.dep"), []byte(indexText("modules.dep", "slow")), 0o644)
	return 0
}

// stopped is what the hook panics with: the process ends there.
type stopped struct{}

// crasher stops at action number at, counted from 0, and checks at each that
// the index files are whole.
type crasher struct {
	t    testing.TB
	root string
	at   int
	seen []string
}

func (c *crasher) after(step int, what string) {
	checkIndex(c.t, c.root)
	c.seen = append(c.seen, fmt.Sprint(step, " ", what))
	if len(c.seen) == c.at+1 {
		panic(stopped{})
	}
}

// checkIndex wants index files that are there to be whole.
func checkIndex(t testing.TB, root string) {
	t.Helper()
	for _, name := range indexFiles {
		data, err := os.ReadFile(filepath.Join(root, k, name))
		if errors.Is(err, os.ErrNotExist) && name == "modules.symbols" {
			continue // not there before
		}
		if err != nil || !strings.HasPrefix(string(data), "# "+name+" ") || !strings.HasSuffix(string(data), "\nend\n") {
			t.Fatalf("%s is not whole: %q, %v", name, data, err)
		}
	}
}

// until calls do with a locked store and reports whether it came to its end.
func (c *crasher) until(do func(*Store)) (ended bool) {
	c.t.Helper()
	s := open(c.t, c.root, c.after)
	s.opts.Run = tools(c.root, c.after)
	release := locked(c.t, s)
	defer release() // as the kernel does for a process that is gone
	defer func() {
		if p := recover(); p != nil && p != (stopped{}) {
			panic(p)
		}
	}()
	do(s)
	return true
}

// ends are the two trees that a transaction may end in.
type ends struct{ before, after map[string]string }

// wholeEnds does the whole plan without a crash.
func wholeEnds(t *testing.T) ends {
	t.Helper()
	root := kernelTree(t)
	if err := os.MkdirAll(filepath.Join(root, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	e := ends{before: dump(t, root)}
	mustRun(t, root, wholePlan())
	e.after = dump(t, root)
	return e
}

// check wants one of the two trees, and says which it is.
func (e ends) check(t testing.TB, root, when string) (done bool) {
	t.Helper()
	got := dump(t, root)
	if maps.Equal(got, e.after) {
		return true
	}
	if diff := cmp.Diff(e.before, got); diff != "" {
		t.Fatalf("%s: neither after nor before (-before +got):\n%s", when, diff)
	}
	return false
}

func freshTree(t testing.TB) string {
	t.Helper()
	root := kernelTree(t)
	if err := os.MkdirAll(filepath.Join(root, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func recoverNow(t testing.TB, root string) *Recovery {
	t.Helper()
	s := open(t, root, nil)
	defer locked(t, s)()
	r, err := s.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r != nil && len(r.Left) > 0 {
		t.Fatalf("left: %v", r.Left)
	}
	if pending, err := s.Pending(); pending || err != nil {
		t.Fatalf("pending after recovery: %v, %v", pending, err)
	}
	if again, err := s.Recover(t.Context()); again != nil || err != nil {
		t.Fatalf("recovered twice: %+v, %v", again, err)
	}
	return r
}

func runWhole(t testing.TB) func(*Store) {
	return func(s *Store) {
		if _, err := s.Run(t.Context(), wholePlan()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStoppedAfterEachAction ends the process after each elementary action in
// turn, and its recovery too.
func TestStoppedAfterEachAction(t *testing.T) {
	e := wholeEnds(t)
	outcomes := make(map[bool]int)
	for at := 0; ; at++ {
		root := freshTree(t)
		c := &crasher{t: t, root: root, at: at}
		ended := c.until(runWhole(t))
		when := fmt.Sprintf("action %d, %s", at, c.seen[len(c.seen)-1])
		if ended {
			if !e.check(t, root, "whole") {
				t.Fatal("nothing was done")
			}
			t.Logf("%d actions; taken back %d times, finished %d times", len(c.seen), outcomes[false], outcomes[true])
			break
		}
		stopRecovery(t, root, when, at)
		recoverNow(t, root)
		done := e.check(t, root, when)
		outcomes[done]++
		if marked := slicesHas(c.seen, "mark"); marked != done {
			t.Fatalf("%s: marked %v, done %v", when, marked, done)
		}
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("outcomes %v, want both", outcomes)
	}
}

func slicesHas(seen []string, what string) bool {
	for _, s := range seen {
		if strings.HasSuffix(s, " "+what) {
			return true
		}
	}
	return false
}

// stopRecovery ends recoveries too: after each of their actions in turn where
// time allows, otherwise after one.
func stopRecovery(t *testing.T, root, when string, seed int) {
	t.Helper()
	first := seed % 7
	if full() {
		first = 0
	}
	for at := first; ; at++ {
		c := &crasher{t: t, root: root, at: at}
		ended := c.until(func(s *Store) {
			if _, err := s.Recover(t.Context()); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		})
		if ended || !full() {
			return
		}
	}
}

// TestKilledAtRandomTimes kills a real process.
func TestKilledAtRandomTimes(t *testing.T) {
	e := wholeEnds(t)
	took := lifetime(t)
	outcomes := make(map[bool]int)
	pending := 0
	for range runs() {
		root := freshTree(t)
		cmd, out := startChild(t, root)
		out.Read(make([]byte, 6))
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		cmd.Process.Kill()
		cmd.Wait()
		checkIndex(t, root)
		s := open(t, root, nil)
		was, err := s.Pending()
		if err != nil {
			t.Fatal(err)
		}
		if was {
			pending++
		}
		recoverNow(t, root)
		outcomes[e.check(t, root, "killed")]++
	}
	t.Logf("%d killed within %v: %d interrupted, %d old, %d new", runs(), took, pending, outcomes[false], outcomes[true])
	if pending == 0 {
		t.Error("no transaction was ever interrupted")
	}
}

// lifetime is how long the child takes after it has said that it begins.
func lifetime(t *testing.T) time.Duration {
	t.Helper()
	cmd, out := startChild(t, freshTree(t))
	out.Read(make([]byte, 6))
	begin := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

func startChild(t *testing.T, root string, env ...string) (*exec.Cmd, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childRoot+"="+root), env...)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, r
}

// TestCommandOutlivesKilledProcess kills a process whose depmod goes on: nobody
// else may begin before that has ended.
func TestCommandOutlivesKilledProcess(t *testing.T) {
	e := wholeEnds(t)
	root := freshTree(t)
	cmd, out := startChild(t, root, childSlow+"_BY=1")
	out.Read(make([]byte, 6))
	waitFor(t, func() bool {
		data, _ := os.ReadFile(filepath.Join(root, k, "modules.alias"))
		return strings.Contains(string(data), "slow")
	})
	cmd.Process.Kill()
	cmd.Wait()
	s := open(t, root, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("lock beside the running command: %v", err)
	}
	recoverNow(t, root) // waits for the command
	if e.check(t, root, "command outlived") {
		t.Error("done without its end")
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

// TestTwoProcesses has two processes do the same plan at once: the second finds
// what the first left, and one of the two plans is refused whole, for what it
// wants to remove is gone.
func TestTwoProcesses(t *testing.T) {
	e := wholeEnds(t)
	for range 5 {
		root := freshTree(t)
		a, _ := startChild(t, root) // one of them says on stderr what is gone
		b, _ := startChild(t, root)
		failed := 0
		for _, cmd := range []*exec.Cmd{a, b} {
			if err := cmd.Wait(); err != nil {
				failed++
			}
		}
		if failed != 1 || !e.check(t, root, "two at once") {
			t.Fatalf("%d of two failed, or nothing was done", failed)
		}
		records, err := open(t, root, nil).History()
		if err != nil || len(records) != 1 {
			t.Fatalf("history %v, %v", records, err)
		}
	}
}
