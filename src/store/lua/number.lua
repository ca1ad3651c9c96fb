-- 64-bit integers, as decimal text: Lua's own numbers are exact only up to 2^53.

local function less(a, b)
  local x, y = tonumber(a), tonumber(b)

  if x ~= y then
    return x < y
  elseif #a ~= #b then
    return (#a < #b) == (x > 0)
  elseif x < 0 then
    return a > b
  end
  return a < b
end

local function min(a, b)
  return less(b, a) and b or a
end
