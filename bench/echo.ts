// A bare MQTT.js client that sends back what it gets, in a process of its own: the least that a command and its
// report can cost. node bench/echo.ts URL USERNAME PASSWORD

import { Socket } from "node:net";
import { connectAsync } from "mqtt";

const [url = "", username = "", password = ""] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const client = await connectAsync({
  protocol: "mqtt",
  host: hostname,
  port: Number(port),
  protocolVersion: 5,
  username,
  password,
  reconnectPeriod: 0,
});
if (client.stream instanceof Socket) client.stream.setNoDelay(true);
client.on("message", (_topic, payload) => {
  client.publish("porchlight/echo/light/state", payload, { qos: 1 });
});
await client.subscribeAsync("porchlight/echo/light/set", { qos: 1 });
process.stdout.write("ready\n");
