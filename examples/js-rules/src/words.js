/** Minor units with two decimals: 24950n is "249.50". */
export function decimal(units) {
  const digits = String(units < 0n ? -units : units).padStart(3, '0');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Parts per million as a percentage without idle zeros: 75000n is "7.5 %". */
export function percent(rate) {
  const digits = String(rate).padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, '') + ' %';
}
