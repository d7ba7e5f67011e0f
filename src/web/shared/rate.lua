-- Counts one request of a caller against a rate that all servers share, as a leaky bucket with one number: the time at which the
-- bucket is empty again. Returns the microseconds that the caller has to wait, or 0.
-- KEYS[1]: the caller; ARGV[1]: microseconds that one request takes; ARGV[2]: requests that fit at once.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each = tonumber(ARGV[1])
local room = each * tonumber(ARGV[2])
local held = redis.pcall('GET', KEYS[1])
local empty = type(held) == 'string' and tonumber(held) or now
-- A time that no request has set: the clock went back, or somebody else wrote it.
if not (empty >= now and empty <= now + room) then
    empty = now
end
local wait = empty + each - now - room
if wait > 0 then
    return math.ceil(wait)
end
empty = empty + each
redis.call('SET', KEYS[1], string.format('%.0f', empty), 'PX', math.ceil((empty - now) / 1000) + 1)
return 0
