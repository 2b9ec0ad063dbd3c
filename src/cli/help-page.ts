import manifest from "../../package.json" with { type: "json" };

/**
 * Shown as a QR code beside mistakes of a first boot: the maker's site (package.json `homepage`), where the section "First
 * boot without a keyboard" of docs/install.md is to stand. Short, so that small displays can show it.
 */
export const helpPage = `${manifest.homepage}/boot`;
