--@use index
index_change(ARGV[1])
return 1
