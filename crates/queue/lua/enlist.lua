-- Notes a consumer with the time it came.
-- KEYS[1]: the queue; ARGV[1]: the consumer's name
redis.call('zadd', KEYS[1] .. ':consumers', redis.call('time')[1], ARGV[1])
return 0
