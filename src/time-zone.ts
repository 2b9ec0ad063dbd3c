/** As the settings and the phone write one, and no other text that Temporal takes a zone from. */
const FORM = /^[A-Za-z][\w+/-]{0,63}$/;

/**
 * True for a name that moments are reckoned with. Temporal is asked, as it does the reckoning: Intl also takes names that
 * only ICU has, such as PST and IST.
 */
export const isTimeZone = (name: string): boolean => {
  if (!FORM.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
};
