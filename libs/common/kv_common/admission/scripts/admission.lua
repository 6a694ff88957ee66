-- Admission of one request in one round trip: key, scope, namespace, token bucket, monthly quota, meter.
--
-- Every key shares the hash tag {account}, so the script works on a clustered Redis:
--   KEYS[1] key record   hash   status, id, scopes, namespaces, expires (ms; 0 = never)
--   KEYS[2] limits       hash   plan ("closed" = the account was deleted), rate (requests/s), burst,
--                               quota (requests/month), storage (bytes), version, stored (bytes)
--   KEYS[3] namespaces   hash   name -> id
--   KEYS[4] bucket       string theoretical arrival time in microseconds (GCRA)
--   KEYS[5] quota        hash   YYYY-MM -> requests used
--   KEYS[6] meter        hash   epoch; "minute|namespace id|operation" -> requests; "minute|namespace id|in" -> bytes;
--                               "minute|refunded" -> requests; "used|key id" -> minute; see meter.lua for the rest
--   KEYS[7] tombstone    string present when the namespace of the offered id was deleted within the last hour
--
-- ARGV: 1 scopes, comma-separated, all of which are needed ("-" for none, "" when an access token came instead of a key)
--       2 namespace name ("" for none)  3 operation  4 cost (0 reads and takes nothing)  5 bytes in
--       6 epoch to use if the meter has none
--       7 "1" when data follows, loaded because an earlier call returned "missing":
--       8 key status  9 key id  10 scopes  11 namespaces  12 expires  13 plan  14 rate  15 burst  16 quota
--       17 namespace id ("" = the account has no such namespace)  18 storage  19 version of the limits
--       20 month  21 requests used in it, as last reported  22 bytes stored
--
-- Returns, in MessagePack, {'missing' or 'unauthorized', now ms}, or {verdict, now ms, plan, rate, burst, quota,
--          remaining, reset us, retry us, used, key id, namespace id, month, minute, epoch, storage, stored}; a denial
--          writes nothing to bucket, quota or meter. One string is parsed faster than an array of seventeen.

local ACTIVE_KEY_MS = 10 * 1000
local UNKNOWN_KEY_MS = 2 * 1000
local REVOKED_KEY_MS = 24 * 3600 * 1000
local LIMITS_S = 60
local NEARLY_FULL_S = 5
local NAMESPACES_S = 3600
local QUOTA_S = 40 * 24 * 3600
local METER_S = 48 * 3600

local scope, namespace, operation = ARGV[1], ARGV[2], ARGV[3]
local cost, bytes_in = tonumber(ARGV[4]), tonumber(ARGV[5])
local offered = ARGV[7] == '1'

local time = redis.call('TIME')
local now_s = tonumber(time[1])
local now = now_s * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)

local function without_limits(verdict)
  return cmsgpack.pack({verdict, now_ms})
end

-- Days since 1970 to year and month (proleptic Gregorian), with years that begin in March.
local function month_of(seconds)
  local z = math.floor(seconds / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d', year, month)
end

if offered then
  -- A record loaded before a revocation arrived must not undo it.
  if scope ~= '' and redis.call('HGET', KEYS[1], 'status') ~= 'revoked' then
    redis.call('HSET', KEYS[1], 'status', ARGV[8], 'id', ARGV[9], 'scopes', ARGV[10], 'namespaces', ARGV[11],
      'expires', ARGV[12])
    local ttl = ACTIVE_KEY_MS
    if ARGV[8] == 'revoked' then ttl = REVOKED_KEY_MS elseif ARGV[8] ~= 'active' then ttl = UNKNOWN_KEY_MS end
    redis.call('PEXPIRE', KEYS[1], ttl)
  end
  -- An invalid key may name any account: it must not fill Redis with accounts' limits.
  if scope == '' or ARGV[8] == 'active' then
    local known = redis.call('HMGET', KEYS[2], 'plan', 'version')
    if known[1] ~= 'closed' then
      -- Limits that were read before a change of plan must not undo it.
      if tonumber(known[2] or 0) <= tonumber(ARGV[19]) then
        redis.call('HSET', KEYS[2], 'plan', ARGV[13], 'rate', ARGV[14], 'burst', ARGV[15], 'quota', ARGV[16],
          'storage', ARGV[18], 'version', ARGV[19])
      end
      redis.call('HSET', KEYS[2], 'stored', ARGV[22])
      -- Stored bytes change elsewhere; close to the limit they are looked up more often.
      local full = tonumber(ARGV[22]) > 0.8 * tonumber(redis.call('HGET', KEYS[2], 'storage'))
      redis.call('EXPIRE', KEYS[2], full and NEARLY_FULL_S or LIMITS_S)
      -- A namespace that was read before its deletion must not be restored.
      if ARGV[17] ~= '' and redis.call('EXISTS', KEYS[7]) == 0 then
        redis.call('HSET', KEYS[3], namespace, ARGV[17])
        redis.call('EXPIRE', KEYS[3], NAMESPACES_S)
      end
    end
  end
end

local key = {}
if scope ~= '' then
  key = redis.call('HMGET', KEYS[1], 'status', 'id', 'scopes', 'namespaces', 'expires')
  if not key[1] then return without_limits('missing') end
  local expires = tonumber(key[5])
  if key[1] ~= 'active' or (expires > 0 and expires <= now_ms) then return without_limits('unauthorized') end
end

local limits = redis.call('HMGET', KEYS[2], 'plan', 'rate', 'burst', 'quota', 'storage', 'stored')
if limits[1] == 'closed' then return without_limits('unauthorized') end
if not limits[1] or not limits[6] then return without_limits('missing') end
local rate, burst, quota = tonumber(limits[2]), tonumber(limits[3]), tonumber(limits[4])

local month = month_of(now_s)
if offered and ARGV[20] == month and tonumber(ARGV[21]) > 0 and redis.call('HEXISTS', KEYS[5], month) == 0 then
  -- The counter was lost: continue from the last reported count.
  redis.call('HSET', KEYS[5], month, ARGV[21])
  redis.call('EXPIRE', KEYS[5], QUOTA_S)
end
local used = tonumber(redis.call('HGET', KEYS[5], month) or 0)
-- Whole microseconds, rounded up: sums are exact, and no bucket fills faster than its rate.
local interval = math.ceil(1000000 / rate)
local depth = burst * interval
local start = math.max(tonumber(redis.call('GET', KEYS[4]) or 0), now)

local function reply(verdict, arrival, retry, total, id, minute, epoch)
  return cmsgpack.pack({verdict, now_ms, limits[1], rate, burst, quota,
    math.floor(math.max(0, depth - (arrival - now)) / interval), arrival - now, retry, total, key[2] or '', id or '',
    month, minute or 0, epoch or '', tonumber(limits[5]), tonumber(limits[6])})
end

if scope ~= '' then
  for wanted in string.gmatch(scope, '%a+') do
    if not string.find(',' .. key[3] .. ',', ',' .. wanted .. ',', 1, true) then
      return reply('wrong_scope', start, 0, used)
    end
  end
  if namespace ~= '' and key[4] ~= '*' and not string.find(',' .. key[4] .. ',', ',' .. namespace .. ',', 1, true) then
    return reply('wrong_namespace', start, 0, used)
  end
end

local arrival = start + cost * interval
-- A cost above the bucket's depth passes when the bucket is full, and leaves it in debt.
local wait = start - now + math.min(cost * interval, depth) - depth
if cost > 0 and wait > 0 then
  return reply('rate_limited', start, wait, used)
end
if cost > 0 and used + cost > quota then
  return reply('quota_exceeded', start, 0, used)
end

-- Last, so that a flood of unknown names is stopped by the bucket and not by the tables.
local id = ''
if namespace ~= '' then
  id = redis.call('HGET', KEYS[3], namespace) or ''
  if id == '' and not offered then return without_limits('missing') end
end

if cost == 0 then return reply('admitted', start, 0, used, id) end

redis.call('SET', KEYS[4], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
used = redis.call('HINCRBY', KEYS[5], month, cost)
-- At a month's first request, and again when refunds brought it back to one: it outlives its month either way.
if used == cost then redis.call('EXPIRE', KEYS[5], QUOTA_S) end

-- Unknown names are metered under one field, so that inventing names cannot grow Redis.
local minute = math.floor(now_s / 60)
local prefix = string.format('%.0f', minute) .. '|' .. (id ~= '' and id or '-') .. '|'
local epoch = redis.call('HGET', KEYS[6], 'epoch')
if not epoch then
  epoch = ARGV[6]
  redis.call('HSET', KEYS[6], 'epoch', epoch)
end
local counted = redis.call('HINCRBY', KEYS[6], prefix .. operation, cost)
if bytes_in > 0 then redis.call('HINCRBY', KEYS[6], prefix .. 'in', bytes_in) end
if scope ~= '' then redis.call('HSET', KEYS[6], 'used|' .. key[2], string.format('%.0f', minute)) end
-- Once a minute per operation, far more often than the two days it lives.
if counted == cost then redis.call('EXPIRE', KEYS[6], METER_S) end

return reply('admitted', arrival, 0, used, id, minute, epoch)
