-- Takes back what an admitted request was counted as, because it ended in a 5xx.
--
--   KEYS[1] quota hash   KEYS[2] meter hash
--   ARGV: 1 month  2 minute  3 namespace id or "-"  4 operation  5 cost  6 bytes in  7 epoch
--
-- A counter that was lost since then stays as it is: taking from the new one would count below zero. What is taken
-- back is counted too: so much has changed about the minute, although less stands in it.

if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[7] then return 0 end

local prefix = ARGV[2] .. '|' .. ARGV[3] .. '|'
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[1], ARGV[1], -ARGV[5]) end
if redis.call('HEXISTS', KEYS[2], prefix .. ARGV[4]) == 1 then
  redis.call('HINCRBY', KEYS[2], prefix .. ARGV[4], -ARGV[5])
  redis.call('HINCRBY', KEYS[2], ARGV[2] .. '|refunded', ARGV[5])
end
if redis.call('HEXISTS', KEYS[2], prefix .. 'in') == 1 then redis.call('HINCRBY', KEYS[2], prefix .. 'in', -ARGV[6]) end
return 1
