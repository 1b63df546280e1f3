// What each line of an order is worth.

import { invalid, outOfRange } from './limits.js';

const MOST_LINES = 1000;
/** Quantities are in thousandths. */
const PIECE = 1000n;

/**
 * The lines with their amounts, what was taken off them before (an order that is claimed was paid so), what is left of
 * them; and the sums.
 */
export function priceLines(order) {
  if (order.lines.length === 0) invalid('/lines', 'empty', 'an order has at least one line');
  if (order.lines.length > MOST_LINES) invalid('/lines', 'too_many', `an order has at most ${MOST_LINES} lines`);
  notNegative(order.delivery, '/delivery');
  const ids = new Set();
  const lines = order.lines.map((line, index) => {
    if (line.id === '') invalid(`/lines/${index}/id`, 'empty', 'each line has an id, so that it can be returned');
    if (ids.has(line.id)) invalid(`/lines/${index}/id`, 'duplicate_id', 'line ids are unique in an order');
    ids.add(line.id);
    const amount = amountOf(line, `/lines/${index}`);
    const discount = settledOf(order, index, amount);
    return { id: line.id, amount, discount, net: amount - discount };
  });
  const items = outOfRange(lines.reduce((sum, line) => sum + line.amount, 0n));
  const discount = lines.reduce((sum, line) => sum + line.discount, 0n);
  outOfRange(items + order.delivery);
  return { lines, items, discount, net: items - discount };
}

/** What is left to earn on: what was paid in money. */
export function basisOf(lines) {
  return lines.reduce((sum, line) => sum + line.qualifying, 0n);
}

/** These rules give no discounts of their own: whatever is taken off was settled before. */
function settledOf(order, index, amount) {
  if (order.discounts.tag !== 'settled') return 0n;
  const discount = order.discounts.val[index];
  if (discount === undefined || discount < 0n || discount > amount) {
    invalid(`/discounts/${index}`, 'out_of_range', "an amount for each line, from 0 to the line's");
  }
  return discount;
}

function amountOf(line, pointer) {
  notNegative(line.price, `${pointer}/price`);
  notNegative(line.discount, `${pointer}/discount`);
  if (line.quantity <= 0n) invalid(`${pointer}/quantity`, 'out_of_range', 'a quantity is above 0');
  // half up to a hundredth
  const gross = outOfRange((line.price * line.quantity + PIECE / 2n) / PIECE);
  if (line.discount > gross) invalid(`${pointer}/discount`, 'out_of_range', 'a discount is at most what the line is worth');
  return gross - line.discount;
}

function notNegative(amount, pointer) {
  if (amount < 0n) invalid(pointer, 'out_of_range', 'this amount is at least 0');
}
