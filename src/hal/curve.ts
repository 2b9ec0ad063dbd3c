// CIE 1931 lightness (CIE 15:2018, section 8.2.1): what share of full light looks how bright.

/** Slope of the straight part near black: 24389/27 (about 903.3), the exact form of the CIE constant. */
const KAPPA = 24_389 / 27;
/** Lightness (0..100) up to which the curve is straight. */
const STRAIGHT_UP_TO = 8;

const clamp01 = (x: number): number => (x > 0 ? Math.min(x, 1) : 0);

/**
 * Brightness as the eye sees it to duty, both 0..1; exact at both ends, strictly rising between them.
 * Half as bright to the eye is about 18 % duty. Values outside 0..1 are clamped; NaN is dark.
 */
export const duty = (seen: number): number => {
  const lightness = clamp01(seen) * 100;
  return lightness <= STRAIGHT_UP_TO ? lightness / KAPPA : ((lightness + 16) / 116) ** 3;
};

/** Duty to brightness as the eye sees it, both 0..1: the inverse of `duty`. */
export const seen = (dutyCycle: number): number => {
  const light = clamp01(dutyCycle);
  if (light === 1) return 1;
  const lightness = light * KAPPA <= STRAIGHT_UP_TO ? light * KAPPA : 116 * Math.cbrt(light) - 16;
  return lightness / 100;
};
