// `node test/board/bench/warm.ts`: builds the boards' parts ahead of the tests, such as for a cache of CI.
import { prepareBoards } from "./prepare.ts";

process.stdout.write(`${JSON.stringify(await prepareBoards(), null, 2)}\n`);
