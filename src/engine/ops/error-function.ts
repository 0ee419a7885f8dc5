/**
 * Complementary error function, close to double precision everywhere, tails included: the series of Abramowitz and
 * Stegun 7.1.6 up to 3, the continued fraction 7.1.14 beyond.
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 3 ? 1 - series(x) : continuedFraction(x);
}

/** erf(x) = 2/sqrt(pi) exp(-x^2) * sum over n of 2^n x^(2n+1) / (1 * 3 * … * (2n+1)); all terms are positive. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** sqrt(pi) exp(x^2) erfc(x) = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))), evaluated from the inside; 60 levels are enough from 3 on. */
function continuedFraction(x: number): number {
  let fraction = x;
  for (let level = 60; level >= 1; level -= 1) fraction = x + level / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
