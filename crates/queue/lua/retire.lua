-- Deletes a consumer and the tickets it held.
-- KEYS[1]: the queue; ARGV[1]: the consumer's name
local queue, name = KEYS[1], ARGV[1]
local inflight = queue .. ':inflight:' .. name
for _, id in ipairs(redis.call('smembers', inflight)) do
    redis.call('lrem', queue .. ':active', 0, id)
    redis.call('zrem', queue .. ':scheduled', id)
    redis.call('hdel', queue .. ':data', id)
    redis.call('del', queue .. ':meta:' .. id)
end
redis.call('del', inflight, queue .. ':workers:metadata:' .. name)
redis.call('zrem', queue .. ':workers', name)
redis.call('zrem', queue .. ':consumers', name)
return 0
