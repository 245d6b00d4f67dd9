-- The load of wrk: the same request every time, `depth` of them per packet.
-- Arguments: method, path, body, depth. Prints wrk's figures as one line of JSON.

local packet

function init(args)
  local method, path, body, depth = args[1], args[2], args[3], tonumber(args[4])
  local headers = {}
  if body == "" then
    body = nil
  else
    headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  packet = string.rep(wrk.format(method, path, headers, body), depth)
end

function request()
  return packet
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'wrk.lua {"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
