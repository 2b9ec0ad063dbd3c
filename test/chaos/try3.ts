import { liveDay } from "./day.ts";

const r = await liveDay({ seed: Number(process.argv[2]), hours: 24, tell: true });
console.log(r.story.join("\n"));
