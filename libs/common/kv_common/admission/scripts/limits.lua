-- Puts an account's limits in force, unless newer ones are, or the account is closed.
--
--   KEYS[1] limits hash
--   ARGV: 1 plan  2 rate  3 burst  4 quota  5 storage  6 version
--
-- Also where nothing is known of the account yet: whoever has just read the limits of before must find these.

local LIMITS_S = 60

local known = redis.call('HMGET', KEYS[1], 'plan', 'version')
if known[1] == 'closed' or tonumber(known[2] or 0) > tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], 'plan', ARGV[1], 'rate', ARGV[2], 'burst', ARGV[3], 'quota', ARGV[4], 'storage', ARGV[5],
  'version', ARGV[6])
-- What is stored is looked up anew: it matters most just now.
redis.call('HDEL', KEYS[1], 'stored')
redis.call('EXPIRE', KEYS[1], LIMITS_S)
return 1
