--@use index
return index_add(unpack(ARGV))
