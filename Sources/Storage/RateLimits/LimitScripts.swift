internal import PolluxRedis

/// The limiters' rules in Lua: the same as `GCRA`, `SlidingWindow`, `DailyCounter` and `ConcurrencyLeases`, one script
/// for all limiters of a request, so that decision and charge are one step.
///
/// Numbers are doubles there, exact up to 2⁵³, which is why limits, bursts and counters have bounds. They are stored by
/// `%.0f`: Lua's own text of 1700000000123456 is `1.7000000001235e+15`. Time is the server's, so that the clocks of the
/// gateways do not matter; a test may name a time of its own, and then everything is kept a minute longer, since
/// its keys would expire by the real clock.
enum LimitScripts {
    static let decide = RedisScript(prelude + decideText)
    static let settle = RedisScript(prelude + settleText)
    static let renew = RedisScript(prelude + renewText)

    /// `mul` is ⌊a·b/c⌋ and its rest, by two digits of b, since a·b may be beyond 2⁵³. `roll` brings a window to the
    /// present: a clock that has stepped back stands at its start.
    private static let prelude = """
        local now, kept = tonumber(ARGV[1]), 60000
        if now == 0 then
          local t = redis.call('TIME')
          now, kept = tonumber(t[1]) * 1000000 + tonumber(t[2]), 0
        end
        local ms = math.floor(now / 1000)
        local function text(n) return string.format('%.0f', n) end
        local function mul(a, b, c)
          local high, low = math.floor(b / 65536), b % 65536
          local q = math.floor(a * high / c)
          local left = (a * high - q * c) * 65536 + a * low
          local more = math.floor(left / c)
          return q * 65536 + more, left - more * c
        end
        local function up(a, b, c)
          local q, rest = mul(a, b, c)
          if rest > 0 then return q + 1 end
          return q
        end
        local function roll(key, width)
          local index = math.floor(ms / width)
          local elapsed = ms - index * width
          local known = redis.call('HMGET', key, 'index', 'current', 'previous')
          local stored = tonumber(known[1] or nil)
          if not stored then return index, 0, 0, elapsed end
          local current, previous = tonumber(known[2]), tonumber(known[3])
          if index < stored then return stored, current, previous, 0 end
          if index == stored then return index, current, previous, elapsed end
          if index == stored + 1 then return index, 0, current, elapsed end
          return index, 0, 0, elapsed
        end
        local function keep(key, width, index, current, previous, elapsed)
          redis.call('HSET', key, 'index', text(index), 'current', text(current), 'previous', text(previous))
          redis.call('PEXPIRE', key, text(2 * width - elapsed + kept))
        end

        """

    /// ARGV: time, lease, then for each key its rule and three numbers: `g` interval burst cost, `w` limit width cost,
    /// `d` limit ends-in cost, `l` limit life cost.
    /// Reply: for each key limited, remaining, reset and retry in microseconds, and the window that was charged.
    private static let decideText = """
        local out, charges, denied = {}, {}, false
        local function refuse(i, remaining, reset, retry)
          denied = true
          out[i] = {1, remaining, reset, retry, 0}
        end
        for i = 1, #KEYS do
          local key, at = KEYS[i], 4 * i - 1
          local rule, a, b, q = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
          if rule == 'g' then
            local tat = tonumber(redis.call('GET', key) or now)
            if tat < now then tat = now end
            local next, span = tat + a * q, a * b
            local room = span - (next - now)
            if room < 0 then
              refuse(i, math.floor((span - (tat - now)) / a), tat - now, q > b and -1 or -room)
            else
              out[i] = {0, math.floor(room / a), next - now, 0, 0}
              charges[i] = function()
                redis.call('SET', key, text(next), 'PX', text(math.max(1, math.ceil((next - now) / 1000)) + kept))
              end
            end
          elseif rule == 'w' then
            local index, current, previous, elapsed = roll(key, b)
            local spent = mul(b - elapsed, previous, b) + current
            local reset = 0
            if spent + q <= a then
              out[i] = {0, a - spent - q, (2 * b - elapsed) * 1000, 0, index}
              charges[i] = function()
                keep(key, b, index, math.min(current + q, 4294967295), previous, elapsed)
              end
            else
              if current > 0 then reset = 2 * b - elapsed elseif previous > 0 then reset = b - elapsed end
              local retry, room = -1, a - q - current
              if q <= a and room >= 0 then
                retry = (b - up(room + 1, b, math.max(1, previous)) + 1 - elapsed) * 1000
              elseif q <= a then
                retry = (b - elapsed + math.max(0, b - up(a - q + 1, b, math.max(1, current)) + 1)) * 1000
              end
              refuse(i, math.max(0, a - spent), reset * 1000, retry)
            end
          elseif rule == 'd' then
            local count = tonumber(redis.call('GET', key) or 0)
            if count + q <= a then
              out[i] = {0, a - count - q, b, 0, 0}
              charges[i] = function()
                redis.call('SET', key, text(count + q), 'PX', text(math.ceil(b / 1000) + 3600000 + kept))
              end
            else
              refuse(i, math.max(0, a - count), count > 0 and b or 0, q > a and -1 or b)
            end
          else
            redis.call('ZREMRANGEBYSCORE', key, '-inf', text(ms))
            local held = redis.call('ZCARD', key)
            if held < a then
              out[i] = {0, a - held - 1, 0, 0, 0}
              charges[i] = function()
                redis.call('ZADD', key, text(ms + b), ARGV[2])
                redis.call('PEXPIRE', key, text(b + kept))
              end
            else
              refuse(i, 0, 0, a > 0 and 1000000 or -1)
            end
          end
        end
        if not denied then
          for i = 1, #KEYS do charges[i]() end
        end
        return out
        """

    /// ARGV: time, lease, number of windows, then for each window its width, the difference, and the window that was
    /// charged. The keys behind the windows are those of leases.
    private static let settleText = """
        local windows = tonumber(ARGV[3])
        for i = 1, windows do
          local key, at = KEYS[i], 3 * i + 1
          local width, by, charged = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
          local known = redis.call('EXISTS', key) == 1
          local index, current, previous, elapsed = roll(key, width)
          if by > 0 or index <= charged then
            current = math.min(math.max(0, current + by), 4294967295)
          elseif index - 1 == charged then
            previous = math.max(0, previous + by)
          end
          if known or current > 0 then keep(key, width, index, current, previous, elapsed) end
        end
        for i = windows + 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[2]) end
        return 1
        """

    /// ARGV: time, lease, life in milliseconds. A lease that has ended meanwhile stays ended.
    private static let renewText = """
        local life = tonumber(ARGV[3])
        for i = 1, #KEYS do
          redis.call('ZADD', KEYS[i], 'XX', text(ms + life), ARGV[2])
          redis.call('PEXPIRE', KEYS[i], text(life + kept))
        end
        return #KEYS
        """
}
