import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What a process holds: open files and connections by kind, and memory. */
export interface Held {
  readonly toBroker: number;
  readonly toOrg: number;
  /** What the others are, as the kernel names them. */
  readonly others: readonly string[];
  readonly residentKib: number;
}

/** An idle connection to the org is kept for the next request, and one request may be on its way besides. */
const MOST_TO_ORG = 2;

/** What is resident besides may grow by this much: the heap fills until it is collected. */
const MOST_GROWTH_KIB = 40 * 1024;

/** Remote port of each TCP socket of a process, by inode. */
const remotePorts = (pid: number): ReadonlyMap<string, number> =>
  new Map(
    readFileSync(`/proc/${pid}/net/tcp`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const columns = line.trim().split(/\s+/);
        const port = columns[2]?.split(":")[1] ?? "0";
        return [columns[9] ?? "", Number.parseInt(port, 16)];
      }),
  );

const whatIs = (pid: number, target: string): string => {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  if (inode === undefined) return "";
  return ["tcp", "tcp6", "unix", "udp", "netlink"]
    .flatMap((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, "utf8")
        .split("\n")
        .filter((line) => line.split(/\s+/).includes(inode))
        .map((line) => `${table} ${line}`),
    )
    .join(";");
};

/** Looks at a process from outside, in /proc. */
export const heldBy = (pid: number, ports: { readonly broker: number; readonly org: number }): Held => {
  const remote = remotePorts(pid);
  const counts = { toBroker: 0, toOrg: 0 };
  const others: string[] = [];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target: string;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      continue; // closed since
    }
    const port = remote.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
    if (port === ports.broker) counts.toBroker += 1;
    else if (port === ports.org) counts.toOrg += 1;
    else others.push(`${target} ${whatIs(pid, target)}`);
  }
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { ...counts, others, residentKib: Number(resident) };
};

/** What of it has grown, in words; nothing is as it should be. */
export const growth = (before: Held, now: Held): readonly string[] => [
  ...(now.toBroker > 1 ? [`${now.toBroker} connections to the broker`] : []),
  ...(now.toOrg > MOST_TO_ORG ? [`${now.toOrg} connections to the org`] : []),
  ...(now.others.length > before.others.length
    ? [`open besides: ${now.others.filter((each) => !before.others.includes(each)).join(", ")}`]
    : []),
  ...(now.residentKib > before.residentKib + MOST_GROWTH_KIB
    ? [`${now.residentKib} KiB resident, ${before.residentKib} before`]
    : []),
];
