package kbuild

import (
	"fmt"
	"testing"

	"modkeep/kbuild/dkms"
)

func TestUnlisted(t *testing.T) {
	for _, tt := range []struct {
		others int
		want   string
	}{
		{0, "[]"},
		{1, "[left out, as dkms.conf does not name them: conf/t1/t1.ko]"},
		{7, "[left out, as dkms.conf does not name them: conf/t1/t1.ko, conf/t2/t2.ko, conf/t3/t3.ko, conf/t4/t4.ko, conf/t5/t5.ko and 2 more]"},
	} {
		files := map[string]string{"module/a.ko": "", "b.ko": "", "b.o": ""}
		for i := range tt.others {
			files[fmt.Sprintf("conf/t%d/t%[1]d.ko", i+1)] = ""
		}
		dir := t.TempDir()
		lay(t, dir, files)
		c := &Cell{}
		if err := c.noteUnlisted(dir, []dkms.Module{{Built: "a", Dest: "a"}, {Built: "x", Dest: "b"}}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(c.Notes); got != tt.want {
			t.Errorf("%d others: %s, want %s", tt.others, got, tt.want)
		}
	}
}
