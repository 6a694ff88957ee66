-- Notes what has been told of an account's meter, and forgets the minutes that are told for good.
--
--   KEYS[1] meter hash; beside the counts: "minute|told" -> changes told, "told|key id" -> minute told
--   ARGV: 1 epoch  2 how many minutes follow, each as: minute, changes told, "1" to forget it
--         then pairs: key id, minute of its last use that was told; or key id and "" to forget the key
--
-- A minute that has changed since it was read is not forgotten: what is new has yet to be told.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end

local forget = {}
local next_pair = 3 + 3 * tonumber(ARGV[2])
for i = 3, next_pair - 1, 3 do
  if ARGV[i + 2] == '1' then
    forget[ARGV[i]] = {told = tonumber(ARGV[i + 1]), changes = 0, fields = {}}
  else
    redis.call('HSET', KEYS[1], ARGV[i] .. '|told', ARGV[i + 1])
  end
end
if next(forget) then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local minute, rest = string.match(all[i], '^(%d+)|(.+)$')
    local told = minute and forget[minute]
    if told then
      table.insert(told.fields, all[i])
      if rest == 'refunded' then
        told.changes = told.changes + 2 * tonumber(all[i + 1])
      elseif rest ~= 'told' and string.sub(rest, -3) ~= '|in' then
        told.changes = told.changes + tonumber(all[i + 1])
      end
    end
  end
  for _, minute in pairs(forget) do
    if minute.changes == minute.told then redis.call('HDEL', KEYS[1], unpack(minute.fields)) end
  end
end
for i = next_pair, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], 'used|' .. ARGV[i], 'told|' .. ARGV[i])
  else
    redis.call('HSET', KEYS[1], 'told|' .. ARGV[i], ARGV[i + 1])
  end
end
-- Nothing but the epoch is left: whoever comes next begins a new one.
if redis.call('HLEN', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
return 1
