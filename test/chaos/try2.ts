import { liveDay } from "./day.ts";

await liveDay({ seed: 1, hours: 1 });
const from = Number(process.argv[2]),
  n = Number(process.argv[3]);
const c0 = process.cpuUsage();
for (let seed = from; seed < from + n; seed++) {
  const r = await liveDay({ seed, hours: 24 });
  const f = r.findings;
  console.log(
    seed,
    JSON.stringify({
      lost: f.lostSignIns,
      cmd: f.lostCommands.slice(0, 2),
      twice: f.obeyedTwice.slice(0, 2),
      stuck: [...new Set(f.stuck.map((x) => x.slice(26)))],
      codes: f.codes,
      w: f.worstHour,
      max: Math.round(Math.max(...f.recoveriesMs) / 1000),
    }),
  );
}
const c = process.cpuUsage(c0);
console.log("cpu s per day", (c.user + c.system) / 1e6 / n);
