// What the agent imports when it needs it, loaded before time moves: importing a package takes real time, and virtual time would
// run away meanwhile.
await Promise.all([
  import("mqtt-packet"),
  import("mqtt/lib/client"),
  import("jose"),
  import("../../src/broker/mqtt.ts"),
  import("../../src/asset-token/key.ts"),
  import("../../src/asset-token/source.ts"),
  import("../../src/agent/zone-places.ts"),
  import("../../src/owner/checker.ts"),
  import("../../src/owner/guests.ts"),
  import("../../src/owner/passes.ts"),
  import("../../src/owner/trust.ts"),
]);
