-- Applies an account's limits, unless newer ones are applied or the account is closed.
--
--   KEYS[1] limits hash
--   ARGV: 1 plan  2 rate  3 burst  4 quota  5 storage  6 version
--
-- Also for an account that is not cached yet: a reader that has just loaded the old limits must find these.

local LIMITS_S = 60

local known = redis.call('HMGET', KEYS[1], 'plan', 'version')
if known[1] == 'closed' or tonumber(known[2] or 0) > tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], 'plan', ARGV[1], 'rate', ARGV[2], 'burst', ARGV[3], 'quota', ARGV[4], 'storage', ARGV[5],
  'version', ARGV[6])
-- Stored bytes are looked up again: they matter most after a change of limits.
redis.call('HDEL', KEYS[1], 'stored')
redis.call('EXPIRE', KEYS[1], LIMITS_S)
return 1
