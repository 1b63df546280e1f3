/**
 * Divides `total` in proportion to the weights by largest remainder: the parts sum to it exactly. Of equal remainders the
 * earlier line's comes first. Some weight is above 0, unless `total` is 0.
 */
export function share(total, weights) {
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total === 0n || whole === 0n) return weights.map(() => 0n);
  const parts = weights.map((weight) => (total * weight) / whole);
  const remainders = weights.map((weight, index) => ({ index, left: (total * weight) % whole }));
  let left = total - parts.reduce((sum, part) => sum + part, 0n);
  remainders.sort((one, other) => (one.left === other.left ? one.index - other.index : one.left < other.left ? 1 : -1));
  for (const { index } of remainders) {
    if (left === 0n) break;
    parts[index] += 1n;
    left -= 1n;
  }
  return parts;
}
