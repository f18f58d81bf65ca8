package xz

func (d *decoder) run() status { return d.runGo() }
