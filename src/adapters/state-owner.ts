import { statSync } from "node:fs";

/**
 * Goes on as the account that the state folder belongs to, when root runs the program: what root wrote there the service
 * could not read. Gives root's rights up for good.
 */
export const becomeOwnerOf = (stateDir: string): void => {
  if (process.getuid?.() !== 0) return;
  const folder = statSync(stateDir, { throwIfNoEntry: false });
  if (folder === undefined || folder.uid === 0) return;
  // Not in the types, but in Node (and in initgroups(3)).
  (process as { initgroups?(user: number, group: number): void }).initgroups?.(folder.uid, folder.gid);
  process.setgid?.(folder.gid);
  process.setuid?.(folder.uid);
};
