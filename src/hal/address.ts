import { AgentError } from "../errors.ts";

/** A driver's address, taken apart: `GPIO17?active=low` is place `GPIO17` and the option active. */
export interface Address {
  readonly place: string;
  readonly options: Readonly<Record<string, string>>;
}

/** SETTINGS_INVALID for an address that cannot be meant: what is wrong with it, and one that would be right. */
export const wrongAddress = (driver: string, address: string, why: string, example: string): AgentError =>
  new AgentError(
    "SETTINGS_INVALID",
    `${JSON.stringify(`${driver}:${address}`.slice(0, 120))} ${why}; a right one is ${JSON.stringify(`${driver}:${example}`)}`,
  );

/**
 * Takes `place?name=value&name=value` apart. `names` are the options that the driver knows; an option without a value
 * has the value "". Throws SETTINGS_INVALID for an option that is unknown or given twice.
 */
export const parseAddress = (
  driver: string,
  address: string,
  names: readonly string[],
  example: string,
): Address => {
  const [, place = "", query] = /^([^?]*)(?:\?(.*))?$/s.exec(address) ?? [];
  const options: Record<string, string> = {};
  for (const part of query?.split("&") ?? []) {
    const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
    if (!names.includes(name))
      throw wrongAddress(
        driver,
        address,
        `has the option ${JSON.stringify(name)}; there are ${names.join(", ")}`,
        example,
      );
    if (Object.hasOwn(options, name)) throw wrongAddress(driver, address, `gives ${name} twice`, example);
    options[name] = value;
  }
  return { place, options };
};

/** The value of an option out of a few, or the first of them when it is not given. Throws SETTINGS_INVALID. */
export const choiceOf = <T extends string>(
  driver: string,
  address: string,
  { options }: Address,
  name: string,
  choices: readonly [T, ...T[]],
  example: string,
): T => {
  const value = Object.hasOwn(options, name) ? options[name] : choices[0];
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw wrongAddress(driver, address, `has ${name}=${value}; it can be ${choices.join(" or ")}`, example);
};
