--@use index
if redis.call('ZSCORE', doomed, ARGV[1]) then
  index_drop(ARGV[1])
end
return 1
