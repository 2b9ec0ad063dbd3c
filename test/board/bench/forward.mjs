// On the board: its own 127.0.0.1 leads to the host's, where the simulated world listens.
import { connect, createServer } from "node:net";

for (const port of process.argv.slice(2).map(Number))
  createServer((near) => {
    const far = connect(port, "10.0.2.2");
    near.pipe(far).pipe(near);
    for (const end of [near, far])
      end.on("error", () => {
        near.destroy();
        far.destroy();
      });
  }).listen(port, "127.0.0.1");
