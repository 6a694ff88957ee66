-- Records what has been reported of an account's meter, and deletes the minutes whose report is final.
--
--   KEYS[1] meter hash; beside the counts: "minute|reported" -> reported changes, "reported|key id" -> reported minute
--   ARGV: 1 epoch  2 how many minutes follow, each as: minute, reported changes, "1" to delete it
--         then pairs: key id, reported minute of its last use; or key id and "" to delete the key
--
-- A minute that has changed since it was read is kept: its new requests have yet to be reported.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end

local forget = {}
local next_pair = 3 + 3 * tonumber(ARGV[2])
for i = 3, next_pair - 1, 3 do
  if ARGV[i + 2] == '1' then
    forget[ARGV[i]] = {reported = tonumber(ARGV[i + 1]), changes = 0, fields = {}}
  else
    redis.call('HSET', KEYS[1], ARGV[i] .. '|reported', ARGV[i + 1])
  end
end
if next(forget) then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local minute, rest = string.match(all[i], '^(%d+)|(.+)$')
    local entry = minute and forget[minute]
    if entry then
      table.insert(entry.fields, all[i])
      if rest == 'refunded' then
        entry.changes = entry.changes + 2 * tonumber(all[i + 1])
      elseif rest ~= 'reported' and string.sub(rest, -3) ~= '|in' then
        entry.changes = entry.changes + tonumber(all[i + 1])
      end
    end
  end
  for _, minute in pairs(forget) do
    if minute.changes == minute.reported then redis.call('HDEL', KEYS[1], unpack(minute.fields)) end
  end
end
for i = next_pair, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], 'used|' .. ARGV[i], 'reported|' .. ARGV[i])
  else
    redis.call('HSET', KEYS[1], 'reported|' .. ARGV[i], ARGV[i + 1])
  end
end
-- Only the epoch is left: the next request starts a new one.
if redis.call('HLEN', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
return 1
