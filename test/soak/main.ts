import { idleDay, soak } from "./soak.ts";
const t = Date.now();
const r = await soak(Number(process.argv[2] ?? 2), { said: (day, s) => console.error(day, Date.now() - t, JSON.stringify(s)) });
console.log(JSON.stringify({ ...r, days: 0 }, null, 1));
console.log(await idleDay(3600_000));
