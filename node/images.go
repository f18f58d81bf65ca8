package node

// images decides which changed kernels' initramfs images are made anew.
func (n *Node) images(p *Plan, req Request) {}
