module modkeep

go 1.26
