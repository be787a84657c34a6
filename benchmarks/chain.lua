-- Each request sends the newest token of a chain; the answer's token is the chain's next.
local chains, first, last = {}, 1, 0

local function push(token)
  last = last + 1
  chains[last] = token
end

function init(args)
  for line in io.lines(args[1]) do push(line) end
end

function request()
  local token = chains[first]
  chains[first] = nil
  first = first + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, '{"refresh": "' .. token .. '"}')
end

function response(status, headers, body)
  push(string.match(body, '"refresh": ?"([^"]+)"'))
end
