-- Trims a queue to its bound, deletes consumers that are gone, and makes payloads and lists agree.
-- KEYS[1]: the queue; ARGV[1]: its bound
-- Returns the number of tickets deleted.
local queue, bound = KEYS[1], tonumber(ARGV[1])
local active, scheduled = queue .. ':active', queue .. ':scheduled'
local data, workers, consumers = queue .. ':data', queue .. ':workers', queue .. ':consumers'

redis.call('zremrangebyrank', scheduled, bound, -1)
redis.call('ltrim', active, 0, bound - 1)

-- apalis drops a worker from its set once its heartbeats stopped. The minute is for one that is just registering.
local young = redis.call('time')[1] - 60
for _, name in ipairs(redis.call('zrangebyscore', consumers, '-inf', young)) do
    if not redis.call('zscore', workers, name) then
        redis.call('del', queue .. ':inflight:' .. name, queue .. ':workers:metadata:' .. name)
        redis.call('zrem', consumers, name)
    end
end

local listed = {}
for _, id in ipairs(redis.call('lrange', active, 0, -1)) do
    if redis.call('hexists', data, id) == 1 then listed[id] = true else redis.call('lrem', active, 0, id) end
end
for _, id in ipairs(redis.call('zrange', scheduled, 0, -1)) do
    if redis.call('hexists', data, id) == 1 then listed[id] = true else redis.call('zrem', scheduled, id) end
end
for _, name in ipairs(redis.call('zrange', workers, 0, -1)) do
    for _, id in ipairs(redis.call('smembers', queue .. ':inflight:' .. name)) do
        listed[id] = true
    end
end

local deleted = 0
for _, id in ipairs(redis.call('hkeys', data)) do
    if not listed[id] then
        redis.call('hdel', data, id)
        redis.call('del', queue .. ':meta:' .. id)
        deleted = deleted + 1
    end
end
return deleted
