-- Deletes the queue of a worker that is gone.
-- KEYS[1]: the queue; KEYS[2]: the set of workers that have one; ARGV[1]: the worker
local queue = KEYS[1]
for _, id in ipairs(redis.call('hkeys', queue .. ':data')) do
    redis.call('del', queue .. ':meta:' .. id)
end
for _, set in ipairs({ ':consumers', ':workers' }) do
    for _, name in ipairs(redis.call('zrange', queue .. set, 0, -1)) do
        redis.call('del', queue .. ':inflight:' .. name, queue .. ':workers:metadata:' .. name)
    end
end
for _, key in ipairs({ ':data', ':active', ':scheduled', ':signal', ':consumers', ':workers' }) do
    redis.call('del', queue .. key)
end
redis.call('zrem', 'core:apalis:queues:list', queue .. ':workers')
redis.call('srem', KEYS[2], ARGV[1])
return 0
