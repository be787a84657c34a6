-- Sends signed events from a file, one a line: the signature, a tab, the body. Each thread begins where it is told.
local lines, place = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local mark, body = line:match("^(.-)\t(.*)$")
    lines[#lines + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Stripe-Signature"] = mark}, body)
  end
end

function request()
  place = place % #lines + 1
  return lines[place]
end
