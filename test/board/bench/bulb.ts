// On the board: a Bluetooth bulb, as a peripheral of the real bluetoothd on one of its adapters. `bulb.mjs hci1 [secure]`.
// Prints a line of JSON for each thing that happens to it. A secure bulb takes writes from a paired board only.
// doc/org.bluez.GattManager.rst, org.bluez.LEAdvertisingManager.rst, org.bluez.AgentManager.rst of BlueZ.

import { Message, systemBus, Variant } from "@jellybrick/dbus-next";
import { triones } from "../../../firmware-sim/hardware/bluez.ts";

const [adapter = "hci1", kind] = process.argv.slice(2);
const adapterPath = `/org/bluez/${adapter}`;
const bulb = triones();
const bus = systemBus();

const tell = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const call = async (path: string, face: string, member: string, signature = "", body: unknown[] = []) => {
  const message = new Message({ destination: "org.bluez", path, interface: face, member, signature, body });
  return (await bus.call(message))?.body ?? [];
};

const long = (short: string): string => `0000${short}-0000-1000-8000-00805f9b34fb`;

type Properties = Readonly<Record<string, Variant>>;

/** The bulb's tree: services and their characteristics, by path. */
const objects = new Map<string, Readonly<Record<string, Properties>>>();
const uuidAt = new Map<string, string>();
Object.entries(bulb.offers).forEach(([service, characteristics], at) => {
  const path = `/bulb/service${at}`;
  const properties = { UUID: new Variant("s", long(service)), Primary: new Variant("b", true) };
  objects.set(path, { "org.bluez.GattService1": properties });
  Object.entries(characteristics).forEach(([characteristic, flags], index) => {
    const guarded = flags.map((flag) => (kind === "secure" && flag === "write" ? "encrypt-write" : flag));
    const wanted = kind === "secure" ? guarded.filter((flag) => flag !== "write-without-response") : guarded;
    uuidAt.set(`${path}/char${index}`, characteristic);
    objects.set(`${path}/char${index}`, {
      "org.bluez.GattCharacteristic1": {
        UUID: new Variant("s", long(characteristic)),
        Service: new Variant("o", path),
        Flags: new Variant("as", wanted),
      },
    });
  });
});
const advertisement: Properties = {
  Type: new Variant("s", "peripheral"),
  ServiceUUIDs: new Variant("as", bulb.advertises.map(long)),
  LocalName: new Variant("s", bulb.name ?? ""),
};

const notifying = new Set<string>();
const notify = (characteristic: string, bytes: Buffer): void => {
  const path = [...uuidAt].find(([, uuid]) => uuid === characteristic)?.[0] ?? "";
  if (!notifying.has(path)) return;
  const body = ["org.bluez.GattCharacteristic1", { Value: new Variant("ay", bytes) }, []];
  bus.send(Message.newSignal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", body));
};

/** What bluetoothd asks of a peripheral; the answer's signature and body. */
const answer = (path: string, member: string, body: readonly unknown[]): [string, unknown[]] => {
  switch (member) {
    case "GetManagedObjects":
      return ["a{oa{sa{sv}}}", [Object.fromEntries(objects)]];
    case "GetAll":
      return [
        "a{sv}",
        [path === "/advertisement" ? advertisement : (objects.get(path)?.[String(body[0])] ?? {})],
      ];
    case "WriteValue": {
      const bytes = Buffer.from(body[0] as Uint8Array);
      bulb.take(uuidAt.get(path) ?? "", bytes, notify);
      tell({ written: bytes.toString("hex"), showing: bulb.showing });
      return ["", []];
    }
    case "StartNotify":
      notifying.add(path);
      return ["", []];
    case "StopNotify":
      notifying.delete(path);
      return ["", []];
    case "RequestAuthorization":
      tell({ pairing: true });
      return ["", []];
    default:
      return ["", []];
  }
};

bus.addMethodHandler((message) => {
  if (message.interface === "org.freedesktop.DBus.Peer" || message.path === undefined) return false;
  const [signature, body] = answer(message.path, message.member ?? "", message.body);
  bus.send(Message.newMethodReturn(message, signature, body));
  return true;
});

const on = ["org.bluez.Adapter1", "Powered", new Variant("b", true)];
await call(adapterPath, "org.freedesktop.DBus.Properties", "Set", "ssv", on);
// A lamp has neither keys nor a screen, so pairing with it needs no number: it is asked whether it allows it.
await call("/org/bluez", "org.bluez.AgentManager1", "RegisterAgent", "os", ["/agent", "NoInputNoOutput"]);
await call("/org/bluez", "org.bluez.AgentManager1", "RequestDefaultAgent", "o", ["/agent"]);
await call(adapterPath, "org.bluez.GattManager1", "RegisterApplication", "oa{sv}", ["/", {}]);
const MANAGER = "org.bluez.LEAdvertisingManager1";
const advertise = () => call(adapterPath, MANAGER, "RegisterAdvertisement", "oa{sv}", ["/advertisement", {}]);
await advertise();
const [address] = await call(adapterPath, "org.freedesktop.DBus.Properties", "Get", "ss", [
  "org.bluez.Adapter1",
  "Address",
]);
// Its own remote: a key that switches it off or on.
process.on("SIGUSR1", () => {
  bulb.showing.on = !bulb.showing.on;
  tell({ remote: true, showing: bulb.showing });
});
// Says again that it is there. On a slow machine the next wish comes while this one is on its way.
let saying = false;
process.on("SIGUSR2", async () => {
  if (saying) return;
  saying = true;
  await call(adapterPath, MANAGER, "UnregisterAdvertisement", "o", ["/advertisement"]);
  await advertise();
  saying = false;
});
tell({ ready: (address as Variant<string>).value });
