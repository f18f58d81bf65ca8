package kernel

type (
	tableResult   struct{}
	treeResult    struct{}
	imageResult   struct{}
	ownResult     struct{}
	builtinResult struct{}
	thirdResult   struct{}
	opened        struct{}
)
