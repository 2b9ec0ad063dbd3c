import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What a process holds: connections and open files, as the kernel names them, and memory. */
export interface Held {
  readonly toBroker: readonly string[];
  readonly toOrg: readonly string[];
  readonly others: readonly string[];
  readonly residentKib: number;
}

/** An idle connection to the org is kept for the next request, and one request may be on its way besides. */
const MOST_TO_ORG = 2;

/** What is resident besides may grow by this much: the heap fills until it is collected. */
const MOST_GROWTH_KIB = 40 * 1024;

/** What the kernel's tables say of a process's sockets: by inode, the table, the remote port where there is one, and the line. */
const socketsOf = (pid: number): ReadonlyMap<string, { readonly port: number; readonly line: string }> =>
  new Map(
    (
      [
        ["tcp", 9],
        ["unix", 6],
      ] as const
    ).flatMap(([table, inodeAt]) =>
      readFileSync(`/proc/${pid}/net/${table}`, "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => {
          const columns = line.trim().split(/\s+/);
          const port = table === "tcp" ? Number.parseInt(columns[2]?.split(":")[1] ?? "0", 16) : 0;
          return [columns[inodeAt] ?? "", { port, line: `${table} ${columns.join(" ")}` }] as const;
        }),
    ),
  );

/** Looks at a process from outside, in /proc. */
export const heldBy = (pid: number, ports: { readonly broker: number; readonly org: number }): Held => {
  const sockets = socketsOf(pid);
  const held = { toBroker: [] as string[], toOrg: [] as string[], others: [] as string[] };
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target: string;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      continue; // closed since
    }
    const socket = sockets.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
    if (socket?.port === ports.broker) held.toBroker.push(target);
    else if (socket?.port === ports.org) held.toOrg.push(target);
    else held.others.push(socket === undefined ? target : `${target} ${socket.line}`);
  }
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { ...held, residentKib: Number(resident) };
};

/**
 * What is held now and was a while ago, too, and is more than `before`, in words; nothing is as it should be. A
 * connection that takes the place of another stands beside it for a moment.
 */
export const growth = (before: Held, aWhileAgo: Held, now: Held): readonly string[] => {
  const still = (what: "toBroker" | "toOrg" | "others"): string[] =>
    now[what].filter((each) => aWhileAgo[what].includes(each));
  const others = still("others");
  return [
    ...(still("toBroker").length > 1 ? [`more than one connection to the broker: ${still("toBroker")}`] : []),
    ...(still("toOrg").length > MOST_TO_ORG ? [`connections to the org: ${still("toOrg")}`] : []),
    ...(others.length > before.others.length
      ? [`open besides: ${others.filter((each) => !before.others.includes(each)).join(", ")}`]
      : []),
    ...(now.residentKib > before.residentKib + MOST_GROWTH_KIB
      ? [`${now.residentKib} KiB resident, ${before.residentKib} before`]
      : []),
  ];
};
