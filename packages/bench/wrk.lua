-- The load of wrk: `depth` requests per packet, to one path or to `paths` paths in turn.
-- Arguments: method, path, body, depth, paths. Prints wrk's figures as one line of JSON.

local packets = {}
local sent = 0

function init(args)
  local method, path, body = args[1], args[2], args[3]
  local depth, paths = tonumber(args[4]), tonumber(args[5])
  local headers = {}
  if body == "" then
    body = nil
  else
    headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  for i = 1, paths do
    local full = paths == 1 and path or string.format("%s/%d", path, i)
    packets[i] = string.rep(wrk.format(method, full, headers, body), depth)
  end
end

function request()
  sent = sent % #packets + 1
  return packets[sent]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'wrk.lua {"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
