/** The largest amount of the contract, in minor units. */
export const LIMIT = 1_000_000_000_000n;

/** Ends the judgement when an amount is beyond the contract's. Returns it otherwise. */
export function outOfRange(amount) {
  if (amount > LIMIT || amount < -LIMIT) throw { tag: 'overflow' };
  return amount;
}

/** Ends the judgement: the order is wrong at this place. */
export function invalid(pointer, code, detail) {
  throw { tag: 'invalid', val: { pointer, code, detail } };
}
