--@use index
index_drop(ARGV[1])
return 1
