-- Refunds an admitted request, because it ended in a 5xx.
--
--   KEYS[1] quota hash   KEYS[2] meter hash
--   ARGV: 1 month  2 minute  3 namespace id or "-"  4 operation  5 cost  6 bytes in  7 epoch
--
-- A counter that was lost meanwhile is left alone: subtracting from the new one could go below zero. Refunds are counted
-- too, as changes of the minute.

if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[7] then return 0 end

local prefix = ARGV[2] .. '|' .. ARGV[3] .. '|'
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[1], ARGV[1], -ARGV[5]) end
if redis.call('HEXISTS', KEYS[2], prefix .. ARGV[4]) == 1 then
  redis.call('HINCRBY', KEYS[2], prefix .. ARGV[4], -ARGV[5])
  redis.call('HINCRBY', KEYS[2], ARGV[2] .. '|refunded', ARGV[5])
end
if redis.call('HEXISTS', KEYS[2], prefix .. 'in') == 1 then redis.call('HINCRBY', KEYS[2], prefix .. 'in', -ARGV[6]) end
return 1
