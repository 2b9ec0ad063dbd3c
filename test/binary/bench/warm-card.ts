// `node test/binary/bench/warm-card.ts`: builds the card's parts ahead of the tests, such as for a cache of CI.
import { prepareCard } from "./arm64-card.ts";

process.stdout.write(`${JSON.stringify(await prepareCard(), null, 2)}\n`);
